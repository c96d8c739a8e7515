package admission

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A certificate in files is read again when it changed, and the old one serves while there is none.
func TestCertificateInFiles(t *testing.T) {
	dir := t.TempDir()
	f := &Files{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key"), Log: slog.New(slog.DiscardHandler)}
	if err := f.Start(); err == nil || !strings.Contains(err.Error(), "tls.crt") {
		t.Error(err)
	}
	put := func(name string, at time.Time) []byte {
		p, err := newPair("a", []string{name}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		key, err := x509.MarshalPKCS8PrivateKey(p.serving.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		write(t, f.Cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.serving.Certificate[0]})))
		write(t, f.Key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
		for _, file := range []string{f.Cert, f.Key} {
			if err := os.Chtimes(file, at, at); err != nil {
				t.Fatal(err)
			}
		}
		return p.serving.Certificate[0]
	}
	shown := func() []byte {
		f.looked = time.Time{}
		c, err := f.Certificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Certificate[0]
	}
	now := time.Now()
	first := put("a", now)
	if err := f.Start(); err != nil || !bytes.Equal(shown(), first) {
		t.Fatal(err)
	}
	write(t, f.Cert, "half")
	if !bytes.Equal(shown(), first) {
		t.Error("a broken file took the certificate away")
	}
	second := put("b", now.Add(time.Hour))
	if !bytes.Equal(shown(), second) {
		t.Error("the new one is not shown")
	}
	write(t, f.Key, "no key")
	g := &Files{Cert: f.Cert, Key: f.Key, Log: f.Log}
	if err := g.Start(); err == nil || !strings.Contains(err.Error(), "are no certificate and its key") {
		t.Error(err)
	}
}
