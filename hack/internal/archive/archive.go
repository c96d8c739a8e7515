// Package archive writes container images in the form that `docker load` reads, with nothing but their layers and
// their configuration: no Dockerfile, no builder, no container is needed, and the same input gives the same image.
package archive

import (
	"archive/tar"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

// Config is the part of an OCI image configuration that says how the image runs.
type Config struct {
	User       string              `json:",omitempty"`
	Env        []string            `json:",omitempty"`
	Entrypoint []string            `json:",omitempty"`
	Cmd        []string            `json:",omitempty"`
	WorkingDir string              `json:",omitempty"`
	StopSignal string              `json:",omitempty"`
	Labels     map[string]string   `json:",omitempty"`
	Volumes    map[string]struct{} `json:",omitempty"`

	ExposedPorts map[string]struct{} `json:",omitempty"`
}

// Layer opens an uncompressed tar and tells its size in bytes.
type Layer func() (io.ReadCloser, int64, error)

// File is a layer that lies in a file.
func File(path string) Layer {
	return func() (io.ReadCloser, int64, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, 0, err
		}
		info, err := file.Stat()
		if err != nil {
			file.Close()
			return nil, 0, err
		}
		return file, info.Size(), nil
	}
}

// Save writes a layer to a file.
func Save(layer Layer, target string) error {
	content, _, err := layer()
	if err != nil {
		return err
	}
	defer content.Close()
	file, err := os.Create(target)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(file, content); err != nil {
		return err
	}
	return file.Close()
}

// Image is what Write writes.
type Image struct {
	Names  []string // each with its tag
	Config Config
	Layers []Layer // the lowest first
	// Architecture is empty for this machine's.
	Architecture string
}

// Write writes the image as a docker archive. The names of its files are free; manifest.json tells them.
func Write(w io.Writer, image Image) error {
	out := tar.NewWriter(w)
	var diffIDs, files []string
	for i, layer := range image.Layers {
		name := fmt.Sprintf("layer-%d.tar", i)
		diffID, err := writeLayer(out, name, layer)
		if err != nil {
			return err
		}
		diffIDs, files = append(diffIDs, diffID), append(files, name)
	}
	config, err := configuration(image.Config, cmp.Or(image.Architecture, runtime.GOARCH), diffIDs)
	if err != nil {
		return err
	}
	configName := fmt.Sprintf("%x.json", sha256.Sum256(config))
	manifest, err := json.Marshal([]map[string]any{{"Config": configName, "RepoTags": image.Names, "Layers": files}})
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{configName: config, "manifest.json": manifest} {
		if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		if _, err := out.Write(content); err != nil {
			return err
		}
	}
	return out.Close()
}

func writeLayer(out *tar.Writer, name string, layer Layer) (diffID string, err error) {
	content, size, err := layer()
	if err != nil {
		return "", err
	}
	defer content.Close()
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}); err != nil {
		return "", err
	}
	digest := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, digest), content); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", digest.Sum(nil)), nil
}

// Configuration returns the configuration that Write gives an image, byte for byte, and the sizes of its layers.
func Configuration(config Config, layers []Layer) ([]byte, []int64, error) {
	var diffIDs []string
	var sizes []int64
	for _, layer := range layers {
		content, _, err := layer()
		if err != nil {
			return nil, nil, err
		}
		digest := sha256.New()
		n, err := io.Copy(digest, content)
		content.Close()
		if err != nil {
			return nil, nil, err
		}
		diffIDs, sizes = append(diffIDs, fmt.Sprintf("sha256:%x", digest.Sum(nil))), append(sizes, n)
	}
	text, err := configuration(config, runtime.GOARCH, diffIDs)
	return text, sizes, err
}

// configuration has a fixed date, so that an image built twice is one image.
func configuration(config Config, architecture string, diffIDs []string) ([]byte, error) {
	history := make([]map[string]any, len(diffIDs))
	for i := range history {
		history[i] = map[string]any{"created": time.Unix(0, 0).UTC(), "created_by": "podproof hack/images"}
	}
	return json.Marshal(map[string]any{
		"architecture": architecture,
		"os":           "linux",
		"created":      time.Unix(0, 0).UTC(),
		"config":       config,
		"rootfs":       map[string]any{"type": "layers", "diff_ids": diffIDs},
		"history":      history,
	})
}

// memory is a layer that was made in memory.
func memory(content []byte) Layer {
	return func() (io.ReadCloser, int64, error) {
		return io.NopCloser(bytes.NewReader(content)), int64(len(content)), nil
	}
}
