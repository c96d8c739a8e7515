package image

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image/imagetest"
	"podproof.dev/podproof/internal/evidence"
)

type file = imagetest.File

var (
	exe     = imagetest.Exe
	text    = imagetest.Text
	program = imagetest.Program
)

func imageOf(t testing.TB, layers ...[]file) v1.Image {
	t.Helper()
	return imagetest.Image(t, layers...)
}

func collect(t testing.TB, layers ...[]file) evidence.Image {
	t.Helper()
	return collectImage(t, imageOf(t, layers...))
}

func collectImage(t testing.TB, img v1.Image) evidence.Image {
	t.Helper()
	out, err := Collect(t.Context(), img, Options{Ref: "app:1"})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
