package pipeline

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
)

var errNoProgram = errors.New("there is no program for it")

// linked is a Linux program, as much of one as is looked at before it is packed.
func linked(t *testing.T, machine elf.Machine) string {
	t.Helper()
	var b bytes.Buffer
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Ehsize: 64}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	if err := binary.Write(&b, binary.LittleEndian, h); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "podproof")
	if err := os.WriteFile(file, b.Bytes(), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// onlyAMD64 finds a small program that stands in for podproof.
func onlyAMD64(t *testing.T) func(string) (string, error) {
	file := linked(t, elf.EM_X86_64)
	return func(arch string) (string, error) {
		if arch != "amd64" {
			return "", errNoProgram
		}
		return file, nil
	}
}

func TestPushImage(t *testing.T) {
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer s.Close()
	ref := strings.TrimPrefix(s.URL, "http://") + "/tools/podproof:1"
	amd64 := onlyAMD64(t)
	for _, wrong := range []string{"A B", "oci:"} {
		if _, err := PushImage(t.Context(), wrong, "v1"); !errors.As(err, new(*InputError)) {
			t.Errorf("of %q the error is %v", wrong, err)
		}
	}
	if _, err := pushPrograms(t.Context(), ref, "v1", func(string) (string, error) { return "", errNoProgram }); !errors.Is(err, errNoProgram) {
		t.Errorf("without a program the error is %v", err)
	}
	if _, err := pushPrograms(t.Context(), "127.0.0.1:1/podproof:1", "v1", amd64); err == nil || !strings.Contains(err.Error(), "pushing podproof's image to 127.0.0.1:1/podproof:1") {
		t.Errorf("the error is %v", err)
	}
	got, err := pushPrograms(t.Context(), ref, "v1", amd64)
	if err != nil || !strings.HasPrefix(got, strings.TrimSuffix(ref, ":1")+"@sha256:") {
		t.Fatalf("got %q (%v)", got, err)
	}
	at, err := name.ParseReference(got)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(at, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: "amd64"}))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := img.ConfigFile(); err != nil || c.Architecture != "amd64" || c.Config.User != "65532" || c.Config.Labels["org.opencontainers.image.version"] != "v1" {
		t.Errorf("its configuration is %+v (%v)", c, err)
	}
	if other, err := pushPrograms(t.Context(), ref, "v2", amd64); err != nil || other == got {
		t.Errorf("another version has the same digest: %q (%v)", other, err)
	}
}

// What podproof says of others holds for its own image: it inspects that, as it is written to a folder,
// without a finding, and the same programs have the same digest.
func TestItsOwnImageKeepsItsPromises(t *testing.T) {
	dir, programs := t.TempDir(), map[string]string{"amd64": linked(t, elf.EM_X86_64), "arm64": linked(t, elf.EM_AARCH64)}
	both := func(arch string) (string, error) { return programs[arch], nil }
	var digests []string
	for _, folder := range []string{"one", "other", "one"} { // the last one over what is there
		got, err := pushPrograms(t.Context(), "oci:"+filepath.Join(dir, folder), "v1", both)
		if err != nil {
			t.Fatal(err)
		}
		_, digest, _ := strings.Cut(got, "@")
		digests = append(digests, digest)
	}
	if digests[0] != digests[1] || digests[0] != digests[2] || !strings.HasPrefix(digests[0], "sha256:") {
		t.Errorf("the digests are %v", digests)
	}
	c := contract.Contract{Files: contract.Files{Immutable: true}, DevDependencies: contract.DevDependencies{Strict: true},
		ImageConfig: contract.ImageConfig{Labels: []string{"org.opencontainers.image.title", "org.opencontainers.image.version"}}}
	selected, err := check.Select([]string{"image/*"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for arch := range programs {
		r, err := Inspect(t.Context(), InspectOptions{Image: "oci:" + filepath.Join(dir, "one"), Platform: "linux/" + arch, Contract: c, Tell: &script{}})
		if err != nil || r.Evidence.Image.Architecture != arch {
			t.Fatalf("for %s: %+v (%v)", arch, r.Evidence.Image, err)
		}
		for _, v := range check.Judge(selected, r.Contract, r.Evidence) {
			wrong := slices.ContainsFunc(v.Findings, func(f check.Finding) bool { return !f.Note })
			if v.Status == check.Fail || v.Status == check.Inconclusive || wrong {
				t.Errorf("for %s: %s: %s: %s %+v", arch, v.Check.ID, v.Status, v.Seen, v.Findings)
			}
		}
	}
}

func TestAProgramBesideGoesBeforeTheRunningOne(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(filepath.Dir(self), "podproof-linux-z80")
	if _, err := programBeside("z80"); err == nil {
		t.Error("a program was found that is not there")
	}
	if err := os.WriteFile(beside, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(beside)
	if got, err := programBeside("z80"); err != nil || got != beside {
		t.Errorf("got %q (%v)", got, err)
	}
}
