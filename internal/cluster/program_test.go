package cluster

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// program writes the headers of a Linux program, as much as a loader looks at first.
func program(t *testing.T, machine elf.Machine, kinds ...elf.ProgType) string {
	t.Helper()
	var b bytes.Buffer
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: uint16(len(kinds))}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	parts := []any{h}
	for _, k := range kinds {
		parts = append(parts, elf.Prog64{Type: uint32(k)})
	}
	for _, p := range parts {
		if err := binary.Write(&b, binary.LittleEndian, p); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "podproof")
	if err := os.WriteFile(file, b.Bytes(), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestProgram(t *testing.T) {
	file := program(t, elf.EM_X86_64, elf.PT_LOAD)
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProgram(file, "podproof", "amd64", 65532)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := p.Layers()
	if err != nil {
		t.Fatal(err)
	}
	r, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if sized, ok := layers[0].(sizedLayer); !ok || sized.size != int64(len(content)) || len(layers) != 1 {
		t.Errorf("%d layers, the first says %+v of %d bytes", len(layers), layers[0], len(content))
	}
	id, _ := layers[0].DiffID()
	if got, _, _ := v1.SHA256(bytes.NewReader(content)); got != id {
		t.Errorf("the layer's digest is %s, and it says %s", got, id)
	}
	files := tar.NewReader(bytes.NewReader(content))
	h, err := files.Next()
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(files); h.Name != "podproof" || h.Mode != 0o755 || !bytes.Equal(got, want) {
		t.Errorf("it holds %s with mode %o and %d bytes", h.Name, h.Mode, len(got))
	}
	config, err := p.RawConfigFile()
	if err != nil || !strings.Contains(string(config), `"User":"65532"`) || !strings.Contains(string(config), `"Entrypoint":["/podproof"]`) {
		t.Errorf("its configuration is %s (%v)", config, err)
	}
}

// A registry's image is the same one, but for the compression of its layer, which its type tells.
func TestProgramPacked(t *testing.T) {
	p, err := NewProgram(program(t, elf.EM_X86_64, elf.PT_LOAD), "podproof", "amd64", 65532)
	if err != nil {
		t.Fatal(err)
	}
	img, err := p.Packed(map[string]string{"version": "1"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Packed(map[string]string{"version": "1"})
	if err != nil {
		t.Fatal(err)
	}
	one, _ := img.Digest()
	if other, _ := again.Digest(); one != other {
		t.Errorf("the digests of one program are %s and %s", one, other)
	}
	c, err := img.ConfigFile()
	if err != nil || c.Config.User != "65532" || c.Config.Labels["version"] != "1" || c.Architecture != "amd64" || len(c.RootFS.DiffIDs) != 1 || c.RootFS.DiffIDs[0] != p.layer.diffID {
		t.Errorf("its configuration is %+v (%v)", c, err)
	}
	m, err := img.Manifest()
	if err != nil || m.MediaType != types.OCIManifestSchema1 || m.Config.MediaType != types.OCIConfigJSON || len(m.Layers) != 1 || m.Layers[0].MediaType != types.OCILayer {
		t.Errorf("its manifest is %+v (%v)", m, err)
	}
	r, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Layer(r[0]); err != nil { // its digests and its size
		t.Error(err)
	}
	packed, err := r[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	if _, err := gzip.NewReader(packed); err != nil {
		t.Errorf("its layer is not what its type says: %v", err)
	}
}

func TestProgramThatWouldNotRun(t *testing.T) {
	script := filepath.Join(t.TempDir(), "podproof")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, want string }{
		{"another architecture", program(t, elf.EM_AARCH64, elf.PT_LOAD), "podproof-linux-amd64"},
		{"linked dynamically", program(t, elf.EM_X86_64, elf.PT_INTERP, elf.PT_LOAD), "CGO_ENABLED=0"},
		{"no program", script, "not a Linux program"},
		{"not there", script + "x", "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewProgram(c.file, "podproof", "amd64", 65532)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, and should say %q", err, c.want)
			}
		})
	}
}
