package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestSyntheticImageIsTheSameInEveryRun(t *testing.T) {
	img, dir := image{name: "small", layers: 5, files: 100, bytes: 1 << 20, planted: 3}, t.TempDir()
	var made [2][]byte
	for i := range made {
		file := filepath.Join(dir, "image.tar")
		if err := img.write(file); err != nil {
			t.Fatal(err)
		}
		var err error
		if made[i], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(made[0], made[1]) {
		t.Error("made twice, the image is another one")
	}
	if n := int64(len(made[0])); n < img.bytes*9/10 || n > img.bytes*3/2 {
		t.Errorf("the archive has %d bytes, and about %d were asked for", n, img.bytes)
	}

	tree := t.TempDir()
	if err := unpack(filepath.Join(dir, "image.tar"), tree); err != nil {
		t.Fatal(err)
	}
	files, keys := 0, 0
	err := filepath.WalkDir(tree, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		files++
		keys += bytes.Count(b, []byte("aws_access_key_id = AKIA"))
		return err
	})
	if err != nil || files != img.files+img.planted || keys != img.planted {
		t.Errorf("unpacked %d files with %d keys (%v), want %d with %d", files, keys, err, img.files+img.planted, img.planted)
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	cores := float64(runtime.NumCPU())
	table(&b, []result{{image: image{name: "app"}, bytes: 2e6, made: "app:1", found: "none", rows: []row{
		{name: "cold", runs: []once{{seconds: 3, rss: 5e6, others: 0.07 * cores}, {seconds: 1, rss: 6e6, others: -0.01 * cores}, {seconds: 2, rss: 4e6}}},
		{name: "peer", runs: []once{{seconds: 8, rss: 1e6, others: 4 * cores}}}}}})
	for _, want := range []string{"### app: 2 MB (app:1)", "| cold | 2.00 s | 1.00 to 3.00 s | 3 | 6 MB | 1.00 | 1 % |", "| peer | 8.00 s | 8.00 to 8.00 s | 1 | 1 MB | 4.00 | 50 % |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table has no line %q\n%s", want, b.String())
		}
	}
}
