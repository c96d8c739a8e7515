package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"podproof.dev/podproof/internal/pipeline"
)

// told is what a command says while it runs.
type told struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *told) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *told) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// gate serve answers over TLS until SIGTERM, and ends with exit code 0.
func TestGateServe(t *testing.T) {
	ref := pushed(t)
	writeCertificate(t)
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	says(t, "attest", "run.json", ref, "--key", "podproof.key")
	ctx, cancel := context.WithCancelCause(t.Context())
	var out told
	root := newRoot()
	root.SetOut(&out)
	ended := make(chan error, 1)
	go func() {
		ended <- execute(ctx, root, strings.Fields("gate serve --key podproof.pub --listen 127.0.0.1:0 --tls-cert tls.crt --tls-key tls.key --drain 0s"))
	}()
	address := ""
	for address == "" {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v", err)
		case <-time.After(10 * time.Millisecond):
			_, rest, _ := strings.Cut(out.String(), "address=")
			address, _, _ = strings.Cut(rest, " ")
		}
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	review := `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"version":"v1","kind":"Pod"},"namespace":"shop","operation":"CREATE","object":{"spec":{"containers":[{"name":"api","image":"` + ref + `"}]}}}}`
	ask := func() string {
		t.Helper()
		resp, err := client.Post("https://"+address+"/validate?timeout=10s", "application/json", strings.NewReader(review))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		b, _ := io.ReadAll(resp.Body)
		return string(b)
	}
	denied := ask()
	_, rest, _ := strings.Cut(denied, "write "+ref+"@")
	digest, _, ok := strings.Cut(rest, `"`)
	if !ok || !strings.Contains(denied, `"allowed":false`) {
		t.Fatalf("it says %s", denied)
	}
	review = strings.Replace(review, ref, ref+"@"+digest, 1)
	if said := ask(); !strings.Contains(said, `"allowed":true`) {
		t.Errorf("it says %s", said)
	}
	cancel(&pipeline.Stopped{By: "SIGTERM"})
	if err := <-ended; err != nil || !strings.Contains(out.String(), `msg=ended by="stopped by SIGTERM"`) {
		t.Errorf("%v, said %s", err, out.String())
	}
}

// writeCertificate writes Go's own for tests to tls.crt and tls.key.
func writeCertificate(t *testing.T) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	c := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, "tls.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})))
	write(t, "tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

func TestWhatGateServeNeeds(t *testing.T) {
	alone(t)
	writeKeys(t, "podproof")
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	t.Setenv("KUBECONFIG", "nowhere")
	for args, want := range map[string]string{
		"gate serve": "no key is named",
		"gate serve --key podproof.pub --tls-cert a":                           "--tls-cert and --tls-key belong together",
		"gate serve --key podproof.pub --drain -1s":                            "are times of zero or more",
		"gate serve --key podproof.pub --except a":                             `--except: "a" does not begin with a registry`,
		"gate serve --key podproof.pub --max-age 0s":                           "--max-age 0s is not above zero",
		"gate serve --key podproof.pub":                                        "nowhere",
		"gate serve --key podproof.pub image":                                  "no arguments",
		"gate serve --key none.pub":                                            "none.pub",
		"gate serve --key podproof.pub --tls-cert none.crt --tls-key none.key": "none.crt",
	} {
		var said bytes.Buffer
		if code := exitCode(execute(t.Context(), newRoot(), strings.Fields(args)), &said); code != exitUsage || !strings.Contains(said.String(), want) {
			t.Errorf("podproof %s: exit code %d, said %q, want %q", args, code, said.String(), want)
		}
	}
}
