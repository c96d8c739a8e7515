package corpus

import (
	"bytes"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/collect/image"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
)

// raw is an image whose configuration is any bytes.
type raw struct {
	v1.Image
	config []byte
}

func (r raw) RawConfigFile() ([]byte, error) { return r.config, nil }
func (r raw) ConfigName() (v1.Hash, error) {
	h, _, err := v1.SHA256(bytes.NewReader(r.config))
	return h, err
}
func (r raw) ConfigFile() (*v1.ConfigFile, error) {
	return v1.ParseConfigFile(bytes.NewReader(r.config))
}

// FuzzConfig reads and judges an image with any configuration and history: it may be refused,
// but no check may break on it, and kept evidence must hold the masks that make it the same
// when it is masked again.
func FuzzConfig(f *testing.F) {
	for i, s := range corpus() {
		if i%9 != 0 {
			continue
		}
		r := healthy(f)
		s.plant(r)
		b, err := r.image().RawConfigFile()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"config":{"User":":","Cmd":["",""],"Entrypoint":["sh","-c"],"Env":["=","PATH"],"StopSignal":"-","ExposedPorts":{"/":{}},"Healthcheck":{}},"history":[{"created_by":"|9 "}]}`))
	img := healthy(f).image()
	own, err := img.ConfigFile()
	if err != nil {
		f.Fatal(err)
	}
	selected, err := check.Select([]string{"image/*"}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, err := image.Describe(raw{img, b}, image.Options{Ref: "x"}); err != nil {
			return
		}
		c, err := v1.ParseConfigFile(bytes.NewReader(b))
		if err != nil {
			return
		}
		c.RootFS = own.RootFS
		changed, err := mutate.ConfigFile(img, c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := image.Collect(t.Context(), changed, image.Options{Ref: "x"})
		if err != nil {
			t.Fatal(err)
		}
		promised, _, err := contract.Derive(contract.Contract{}, contract.Facts{Image: contract.ImageFacts{User: got.Config.User,
			ExposedPorts: got.Config.ExposedPorts, Healthcheck: got.Config.Healthcheck}})
		if err != nil {
			return // it has several ports, and the contract must say which
		}
		masked := redact.Image(got)
		first := check.Judge(selected, promised, evidence.Evidence{Image: &got})
		again := check.Judge(selected, promised, evidence.Evidence{Image: &masked})
		for i, v := range first {
			if strings.Contains(v.Seen, "this check itself broke") {
				t.Errorf("%s: %s", v.Check.ID, v.Seen)
			}
			if v.Status != again[i].Status {
				t.Errorf("%s: %s, and %s when it is judged from kept evidence\n%s\n%s", v.Check.ID, v.Status, again[i].Status, said(v), said(again[i]))
			}
		}
	})
}
