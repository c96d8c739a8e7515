package source

import (
	"os"
	"path/filepath"
	"testing"

	"podproof.dev/podproof/internal/collect/image"
)

// FuzzArchive opens and reads whatever may stand for an image archive: it may be refused, but
// not with a panic, nor without an end.
func FuzzArchive(f *testing.F) {
	img := on(f, imageOf(f, []file{text("a", "1")}, []file{text(".wh.a", "")}), "amd64")
	f.Add(classic(f, img))
	o := &oci{t: f}
	f.Add(o.archive(o.index(o.image(img, gzipped)), o.image(img, zstandard)))
	f.Add(gzipped(classic(f, img)))
	f.Add(tarOf(f, text("manifest.json", `[{"Config":"c","Layers":["l","../l"]}]`), text("c", `{"rootfs":{"diff_ids":["sha256:0"]}}`), file{Name: "l", Link: "l"}))
	f.Add(tarOf(f, text("index.json", `{"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:`+"00"+`"}]}`)))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(dir, "image.tar")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		img, err := Open(t.Context(), "tar:"+name, Options{})
		if err != nil {
			return
		}
		defer func() { _ = img.Close() }()
		// What is accepted is read to its end, or refused for a reason.
		_, _ = image.Collect(t.Context(), img, image.Options{Ref: "x"})
	})
}
