package source

import (
	"os"
	"path/filepath"
	"testing"

	"podproof.dev/podproof/internal/collect/image/imagetest"
)

type file = imagetest.File

var (
	text    = imagetest.Text
	imageOf = imagetest.Image
	tarOf   = imagetest.Tar
)

func put(t testing.TB, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
