package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// unpack lays the layers of an archive over each other in a folder, for programs that only know
// folders. Files alone are unpacked; what later layers delete stays, as a scanner of all layers
// reads it, too.
func unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	layers, err := layersOf(f)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for _, l := range layers {
		if err := unpackLayer(root, tar.NewReader(l)); err != nil {
			return err
		}
	}
	return nil
}

// layersOf finds the layers of a `docker save` archive whose layers are not compressed.
func layersOf(f *os.File) ([]io.Reader, error) {
	at := map[string]*io.SectionReader{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		at[h.Name] = io.NewSectionReader(f, offset, h.Size)
	}
	if at["manifest.json"] == nil {
		return nil, errors.New("it has no manifest.json")
	}
	var manifest []struct{ Layers []string }
	if err := json.NewDecoder(at["manifest.json"]).Decode(&manifest); err != nil || len(manifest) != 1 {
		return nil, fmt.Errorf("manifest.json lists %d images: %w", len(manifest), err)
	}
	var out []io.Reader
	for _, name := range manifest[0].Layers {
		if at[name] == nil {
			return nil, fmt.Errorf("%s is not there", name)
		}
		out = append(out, at[name])
	}
	return out, nil
}

func unpackLayer(root *os.Root, r *tar.Reader) error {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(filepath.Clean("/"+h.Name), "/")
		if h.Typeflag != tar.TypeReg || name == "" {
			continue
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		err = errors.Join(root.MkdirAll(filepath.Dir(name), 0o755), write(root, name, body))
		if err != nil {
			return err
		}
	}
}

func write(root *os.Root, name string, body []byte) error {
	f, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(body))
	return errors.Join(err, f.Close())
}
