package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"podproof.dev/podproof/internal/docker"
)

var errUnreachable = errors.New("no Docker engine")

// docker opens an image of the Docker engine. It is saved once, to a file, since layers are
// read side by side; where configuration and layers are known, it is not saved at all.
func (o Options) docker(ctx context.Context, ref string) (*Image, error) {
	if o.Connect == nil {
		o.Connect = docker.Connect
	}
	engine, err := o.Connect(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	entry, err := engine.Image(ctx, ref)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	if entry.Architecture != "" && o.Host.OS == "" { // the engine may run elsewhere
		o.Host = v1.Platform{OS: entry.OS, Architecture: entry.Architecture}
	}
	s := &saving{ctx: ctx, engine: engine, ref: ref, o: o, said: entry}
	if img := s.known(); img != nil {
		return img, nil
	}
	img, err := s.save()
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.keep(entry.ID, img)
	out := *img
	out.Kind, out.Ref, out.close = Docker, ref, s.close
	return &out, nil
}

// saving is an image of an engine that is saved when it must be.
type saving struct {
	ctx    context.Context
	engine *docker.Engine
	ref    string
	o      Options
	said   docker.Image

	once sync.Once
	img  *Image
	err  error
}

// save saves the image, the first time.
func (s *saving) save() (*Image, error) {
	s.once.Do(func() {
		if said := s.image(); said != nil && s.o.Saving != nil {
			s.o.Saving(said)
		}
		file, err := Save(s.ctx, s.engine, s.said.ID, os.TempDir()) // the name may be another image's by now
		if err != nil {
			s.err = err
			return
		}
		f, err := os.Open(file)
		// The file stays readable while it is open, and is gone with the process.
		if err = errors.Join(err, os.Remove(file)); err == nil {
			s.img, err = s.o.archive(f)
		}
		if err != nil {
			s.err = fmt.Errorf("image %s, as the Docker engine saved it: %w", s.ref, err)
		}
	})
	return s.img, s.err
}

// image is what the engine says of the image; nil where it says too little.
func (s *saving) image() v1.Image {
	c := v1.ConfigFile{OS: s.said.OS, Architecture: s.said.Architecture, RootFS: v1.RootFS{Type: "layers"}}
	if json.Unmarshal(s.said.Config, &c.Config) != nil {
		return nil
	}
	for _, id := range s.said.Layers {
		h, err := v1.NewHash(id)
		if err != nil {
			return nil
		}
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, h)
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return nil
	}
	img, err := partial.UncompressedToImage(&core{config: raw})
	if err != nil {
		return nil
	}
	return img
}

func (s *saving) close() error {
	err := s.engine.Close()
	if s.img != nil {
		err = errors.Join(err, s.img.Close())
	}
	return err
}

// file keeps the configuration of an engine's image. Its name is the engine's ID of the
// image, which is a digest.
func (s *saving) file(id string) string {
	if s.o.Configs == "" {
		return ""
	}
	return filepath.Join(s.o.Configs, strings.NewReplacer(":", "-", "/", "-").Replace(id))
}

// keep keeps the configuration. Where it cannot be kept, the next run saves the image again.
func (s *saving) keep(id string, img *Image) {
	file := s.file(id)
	raw, err := img.RawConfigFile()
	if file == "" || err != nil || os.MkdirAll(s.o.Configs, 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(s.o.Configs, "new-*")
	if err != nil {
		return
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
}

// known is the image without its content: its configuration is kept, and of each layer the
// content is known. It is nil where that is not so.
func (s *saving) known() *Image {
	entry := s.said
	file := s.file(entry.ID)
	if file == "" || s.o.Known == nil || len(entry.Layers) == 0 || s.o.Platform != nil {
		return nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(raw))
	if err != nil || !slices.EqualFunc(config.RootFS.DiffIDs, entry.Layers, func(h v1.Hash, id string) bool { return h.String() == id }) {
		return nil // damaged, or of an engine whose ID is another's
	}
	out := &Image{Kind: Docker, Ref: s.ref, close: s.close, layers: []v1.Layer{}}
	for i, id := range config.RootFS.DiffIDs {
		if !s.o.Known(id.String()) {
			return nil
		}
		l, err := partial.UncompressedToLayer(&later{s, i, id})
		if err != nil {
			return nil
		}
		out.layers = append(out.layers, l)
	}
	out.Image, err = partial.UncompressedToImage(&core{config: raw})
	if err != nil {
		return nil
	}
	return out
}

// later is a layer for which the image is saved when somebody reads it after all.
type later struct {
	s      *saving
	index  int
	diffID v1.Hash
}

// DiffID is the one that the configuration has.
func (l *later) DiffID() (v1.Hash, error) { return l.diffID, nil }

// MediaType is that of what Uncompressed returns.
func (l *later) MediaType() (types.MediaType, error) { return types.DockerUncompressedLayer, nil }

// Uncompressed saves the image and opens the layer.
func (l *later) Uncompressed() (io.ReadCloser, error) {
	img, err := l.s.save()
	if err != nil {
		return nil, err
	}
	return img.layers[l.index].Uncompressed()
}
