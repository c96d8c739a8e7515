package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/evidence"
)

// closed is a layer that must not be read.
type closed struct{ v1.Layer }

func (closed) Uncompressed() (io.ReadCloser, error) { return nil, errors.New("the layer was read") }

func cached(t *testing.T, img v1.Image, c *Cache) (evidence.Image, error) {
	t.Helper()
	out, err := Collect(t.Context(), img, Options{Ref: "app:1", Cache: c})
	out.Seconds = 0
	return out, err
}

func TestCache(t *testing.T) {
	img := imageOf(t,
		[]file{exe("bin/server", program(t)), text("app/.env", "DB_PASSWORD=hunter2x\n"), text("etc/passwd", passwd), pip,
			{Name: "bin/ping", Body: "x", Mode: 0o4755, PAX: map[string]string{"SCHILY.xattr.security.capability": netRaw}},
			exe("entry.sh", "#!/bin/sh\nexec app --password hunter2x\n"), {Name: "l", Link: "bin/ping", Hard: true}},
		[]file{text("app/.wh..env", ""), text("app/.git/HEAD", "x")},
	)
	c := NewCache(filepath.Join(t.TempDir(), "layers"))
	first, err := cached(t, img, c)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for i := range layers {
		layers[i] = closed{layers[i]}
	}
	second, err := cached(t, lying{img, layers}, c)
	if err != nil {
		t.Fatal(err)
	}
	if first.Read.Layers != 2 || second.Read.LayersReused != 2 || second.Read.Layers != 0 || second.Read.Bytes != 0 {
		t.Errorf("read %+v, then %+v", *first.Read, *second.Read)
	}
	second.Read = first.Read
	if d := cmp.Diff(first, second); d != "" {
		t.Error(d)
	}

	files, err := filepath.Glob(c.dir + "/*")
	if err != nil || len(files) != 2 {
		t.Fatalf("kept %v, %v", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, damage := range []func() []byte{
			func() []byte { return nil },
			func() []byte { return b[:len(b)/2] },
			func() []byte { d := append([]byte{}, b...); d[len(d)/2] ^= 1; return d },
		} {
			if err := os.WriteFile(f, damage(), 0o600); err != nil {
				t.Fatal(err)
			}
			again, err := cached(t, img, c)
			if err != nil {
				t.Fatal(err)
			}
			if again.Read.Layers != 1 || again.Read.LayersReused != 1 {
				t.Errorf("a damaged file: %+v", *again.Read)
			}
			if again, err = cached(t, img, c); err != nil || again.Read.LayersReused != 2 {
				t.Errorf("the damaged file was not written anew: %+v, %v", *again.Read, err)
			}
		}
	}
}

// A layer that is not what its diff ID says is not kept.
func TestCacheKeepsNoDamagedLayer(t *testing.T) {
	img := imageOf(t, []file{text("a", "1")})
	other, err := imageOf(t, []file{text("b", "2")}).Layers()
	if err != nil {
		t.Fatal(err)
	}
	c := NewCache(t.TempDir())
	for range 2 {
		if _, err := cached(t, lying{img, other}, c); err == nil {
			t.Error("a wrong layer was taken for the right one")
		}
	}
}

func TestCachePrunes(t *testing.T) {
	c := &Cache{dir: t.TempDir(), limit: 2500}
	for i := range 5 {
		f := filepath.Join(c.dir, fmt.Sprint(i))
		if err := os.WriteFile(f, make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(f, time.Time{}, time.Now().Add(-time.Duration(i)*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	left := filepath.Join(c.dir, "new-1")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(left, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := c.prune(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 || files[0].Name() != "0" || files[1].Name() != "1" {
		t.Errorf("kept %v, want the two that were used last", files)
	}
}

// A folder that cannot be written costs time and nothing else.
func TestCacheThatCannotBeWritten(t *testing.T) {
	f := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(f, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cached(t, imageOf(t, []file{text("a", "1")}), NewCache(f)); err != nil {
		t.Error(err)
	}
}
