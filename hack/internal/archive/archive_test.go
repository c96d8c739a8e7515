package archive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	lower, err := Small([]Entry{{Name: "etc/motd", Content: "hello\n"}, {Name: "tmp", Mode: 0o1777}, {Name: "bin/sh", Link: "busybox"}})
	if err != nil {
		t.Fatal(err)
	}
	upper, err := Files(filepath.Join(t.TempDir(), "upper.tar"), []Entry{{Name: "app", Mode: 0o755, UID: 70, GID: 70, Content: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	image := Image{Names: []string{"a.local/b:c"}, Config: Config{User: "70"}, Layers: []Layer{lower, upper}}
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := Write(out, image); err != nil {
			t.Fatal(err)
		}
	}
	files := read(t, &first)
	again := read(t, &second)
	var manifest []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	m := manifest[0]
	if m.RepoTags[0] != "a.local/b:c" || len(m.Layers) != 2 {
		t.Errorf("manifest: %+v", m)
	}
	if !bytes.Equal(files[m.Config], again[m.Config]) {
		t.Error("the same input gave two configurations")
	}
	var config struct {
		Config Config
		Rootfs struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	if err := json.Unmarshal(files[m.Config], &config); err != nil {
		t.Fatal(err)
	}
	for i, layer := range m.Layers {
		if want := fmt.Sprintf("sha256:%x", sha256.Sum256(files[layer])); config.Rootfs.DiffIDs[i] != want {
			t.Errorf("layer %d: diffID %s, content %s", i, config.Rootfs.DiffIDs[i], want)
		}
	}
	content := read(t, bytes.NewReader(files[m.Layers[0]]))
	for _, name := range []string{"etc/", "etc/motd", "tmp/", "bin/", "bin/sh"} {
		if _, found := content[name]; !found {
			t.Errorf("the layer lacks %s", name)
		}
	}
}

func read(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	in := tar.NewReader(r)
	for {
		header, err := in.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}
