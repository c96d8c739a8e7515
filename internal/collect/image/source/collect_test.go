package source

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image"
	"podproof.dev/podproof/internal/collect/image/imagetest"
)

// BenchmarkCollect reads an image of 32 MiB in four layers, with a Go program in each.
func BenchmarkCollect(b *testing.B) {
	p := imagetest.Program(b)
	var layers [][]file
	for _, n := range []string{"a", "b", "c", "d"} {
		layers = append(layers, []file{imagetest.Exe("bin/"+n, p), text("data/"+n, strings.Repeat(n, 8<<20-len(p)%(8<<20)))})
	}
	img := imageOf(b, layers...)
	// From a file, as in a run.
	a, err := OpenArchive(put(b, classic(b, img)), v1.Platform{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	b.ReportAllocs()
	for b.Loop() {
		out, err := image.Collect(b.Context(), a, image.Options{Ref: "app:1"})
		if err != nil {
			b.Fatal(err)
		}
		var n int64
		for _, l := range out.Layers {
			n += l.Size
		}
		b.SetBytes(n)
	}
}
