package cluster

import (
	"archive/tar"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// machines are the ELF machines of the architectures that Kubernetes runs on.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "arm": elf.EM_ARM,
	"ppc64le": elf.EM_PPC64, "s390x": elf.EM_S390, "riscv64": elf.EM_RISCV}

// Program is an image that holds one program and nothing else, made without a build. Its
// digest is that of its content, so a node that has it is sent nothing.
type Program struct {
	v1.Image
	layer programLayer
}

// NewProgram makes an image of a statically linked Linux program, which lies at /name in it
// and runs as the given user ID.
func NewProgram(file, name, architecture string, uid int) (*Program, error) {
	if err := checkProgram(file, architecture); err != nil {
		return nil, err
	}
	l := programLayer{file: file, name: name}
	sum := sha256.New()
	n, err := l.write(sum)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	l.size = n
	l.diffID = v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}
	config, err := json.Marshal(v1.ConfigFile{
		OS: "linux", Architecture: architecture,
		Config: v1.Config{User: fmt.Sprint(uid), Entrypoint: []string{"/" + name}},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{l.diffID}},
	})
	if err != nil {
		return nil, err
	}
	p := &Program{layer: l}
	p.Image, err = partial.UncompressedToImage(programCore{config, l})
	return p, err
}

// Layers returns the one layer, which knows its size.
func (p *Program) Layers() ([]v1.Layer, error) {
	l, err := partial.UncompressedToLayer(p.layer)
	return []v1.Layer{sizedLayer{l, p.layer.size}}, err
}

// Packed is the same image as registries take it, with its layer compressed, and labels. It is the same
// one each time for the same program and the same labels.
func (p *Program) Packed(labels map[string]string) (v1.Image, error) {
	l, err := tarball.LayerFromOpener(p.layer.Uncompressed, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	config, err := p.ConfigFile()
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	about := config.DeepCopy()
	about.RootFS = v1.RootFS{Type: "layers"} // the layer is appended
	about.Config.Labels = labels
	if base, err = mutate.ConfigFile(base, about); err != nil {
		return nil, err
	}
	return mutate.Append(base, mutate.Addendum{Layer: l, History: v1.History{CreatedBy: "COPY " + p.layer.name + " /" + p.layer.name}})
}

// checkProgram says why a program would not run in a container of its own.
func checkProgram(file, architecture string) error {
	f, err := elf.Open(file)
	var cannotRead *os.PathError
	if err != nil && !errors.As(err, &cannotRead) {
		return fmt.Errorf("%s is not a Linux program (%w); on another system put a podproof for linux/%s beside it, named podproof-linux-%s", file, err, architecture, architecture)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	defer f.Close()
	if want, known := machines[architecture]; known && f.Machine != want {
		return fmt.Errorf("%s is for %s, and the cluster's nodes are %s: put a podproof for them beside it, named podproof-linux-%s (GOOS=linux GOARCH=%s CGO_ENABLED=0 go build)",
			file, f.Machine, architecture, architecture, architecture)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is linked dynamically, and an image of it alone has no libc: build podproof with CGO_ENABLED=0, as `make build` does", file)
		}
	}
	return nil
}

// programLayer is the uncompressed layer, written from the file each time it is read.
type programLayer struct {
	file, name string
	diffID     v1.Hash
	size       int64
}

func (l programLayer) write(w io.Writer) (int64, error) {
	f, err := os.Open(l.file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	counted := &counter{w: w}
	t := tar.NewWriter(counted)
	// No time and no owner: the same program makes the same layer.
	if err := t.WriteHeader(&tar.Header{Name: l.name, Mode: 0o755, Size: info.Size(), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}); err != nil {
		return 0, err
	}
	if _, err := io.Copy(t, f); err != nil {
		return 0, err
	}
	err = t.Close() // writes the end, which counts
	return counted.n, err
}

// DiffID is the digest of the uncompressed layer.
func (l programLayer) DiffID() (v1.Hash, error) { return l.diffID, nil }

// MediaType is that of what Uncompressed returns.
func (l programLayer) MediaType() (types.MediaType, error) { return types.OCIUncompressedLayer, nil }

// Uncompressed opens the layer.
func (l programLayer) Uncompressed() (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() {
		_, err := l.write(w)
		w.CloseWithError(err)
	}()
	return r, nil
}

type sizedLayer struct {
	v1.Layer
	size int64
}

// UncompressedSize returns the bytes of the uncompressed layer.
func (l sizedLayer) UncompressedSize() (int64, error) { return l.size, nil }

type programCore struct {
	config []byte
	layer  programLayer
}

func (c programCore) RawConfigFile() ([]byte, error) { return c.config, nil }

func (c programCore) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func (c programCore) LayerByDiffID(h v1.Hash) (partial.UncompressedLayer, error) {
	if h != c.layer.diffID {
		return nil, fmt.Errorf("the image has no layer %s", h)
	}
	return c.layer, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
