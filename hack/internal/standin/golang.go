package standin

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"podproof.dev/hack/internal/archive"
)

// Golang is a builder image with the host's own Go, laid out as the golang image is.
func (h Host) Golang() (Image, error) {
	debian, err := h.debian()
	if err != nil {
		return Image{}, err
	}
	toolchain := part{
		name: "golang", key: key(h.Go["GOVERSION"], h.Go["GOARCH"], "without test api doc misc"),
		what: "go image: packing " + h.Go["GOVERSION"], size: 300 << 20,
		build: func(_ context.Context, _ *Builder, dir string) error {
			entries, err := toolchainFiles(h.Go["GOROOT"])
			if err != nil {
				return err
			}
			_, err = archive.Files(filepath.Join(dir, "golang.tar"), entries)
			return err
		},
	}
	config := archive.Config{
		Env:        []string{"PATH=/go/bin:/usr/local/go/bin:" + path[len("PATH="):], "GOPATH=/go", "GOTOOLCHAIN=local"},
		Cmd:        []string{"bash"},
		WorkingDir: "/go",
	}
	return Image{
		Name: "go", Key: key(debian.key, toolchain.key, h.CA, h.goEnv(), config.Env[0]),
		config: config, parts: []part{debian, toolchain},
		layers: func(dirs []string) ([]archive.Layer, error) {
			settings, err := h.settings()
			return []archive.Layer{archive.File(dirs[0] + "/debian.tar"), archive.File(dirs[1] + "/golang.tar"), settings}, err
		},
	}, nil
}

// settings is the layer that lets the builder reach what the host reaches: its CA bundle and its module settings.
func (h Host) settings() (archive.Layer, error) {
	entries := []archive.Entry{{Name: "go/src", Mode: 0o1777}, {Name: "go/bin", Mode: 0o1777}}
	if h.CA != "" {
		entries = append(entries, archive.Entry{Name: certificates[1:], Content: h.CA})
	}
	if changed := h.goEnv(); changed != "" {
		own, err := os.ReadFile(filepath.Join(h.Go["GOROOT"], "go.env"))
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		entries = append(entries, archive.Entry{Name: "usr/local/go/go.env", Content: string(own) + changed})
	}
	return archive.Small(entries)
}

// toolchainFiles lists what a build needs of a GOROOT. Distributions put links to directories into theirs.
func toolchainFiles(root string) ([]archive.Entry, error) {
	unneeded := map[string]bool{"test": true, "api": true, "doc": true, "misc": true}
	top, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var entries []archive.Entry
	for _, t := range top {
		if unneeded[t.Name()] {
			continue
		}
		from, err := filepath.EvalSymlinks(filepath.Join(root, t.Name()))
		if err != nil {
			return nil, err
		}
		err = filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := os.Stat(file)
			if err != nil || !info.Mode().IsRegular() {
				return err
			}
			below, err := filepath.Rel(from, file)
			entries = append(entries, archive.Entry{
				Name:   filepath.Join("usr/local/go", t.Name(), below),
				Mode:   int64(info.Mode().Perm()),
				Source: file,
			})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}
