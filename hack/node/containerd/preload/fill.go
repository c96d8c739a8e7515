package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/metadata"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	bolt "go.etcd.io/bbolt"
)

// Where containerd's plugins keep their state, below its root.
const (
	contentDir  = "io.containerd.content.v1.content"
	overlayDir  = "io.containerd.snapshotter.v1.overlayfs"
	metadataDB  = "io.containerd.metadata.v1.bolt/meta.db"
	snapshotter = "overlayfs"
)

// store is a containerd's state, without the daemon.
type store struct {
	root  string
	db    *metadata.DB
	links map[string]string // directories of snapshots, and where their files are in the node
}

// fill makes root the state directory of a containerd that has the images.
func fill(ctx context.Context, root string, list []image) (err error) {
	ctx = namespaces.WithNamespace(ctx, "k8s.io")
	blobs, err := local.NewStore(filepath.Join(root, contentDir))
	if err != nil {
		return err
	}
	trees, err := overlay.NewSnapshotter(filepath.Join(root, overlayDir))
	if err != nil {
		return err
	}
	defer trees.Close()
	file := filepath.Join(root, metadataDB)
	if err := os.MkdirAll(filepath.Dir(file), 0o711); err != nil {
		return err
	}
	meta, err := bolt.Open(file, 0o644, nil)
	if err != nil {
		return err
	}
	defer meta.Close()
	s := store{root, metadata.NewDB(meta, blobs, map[string]snapshots.Snapshotter{snapshotter: trees}), map[string]string{}}
	if err := s.db.Init(ctx); err != nil {
		return err
	}
	for _, i := range list {
		if err := s.add(ctx, i); err != nil {
			return fmt.Errorf("%v: %w", i.Names, err)
		}
	}
	// At the end, since the snapshotter looks at parents, and the links lead nowhere on this machine.
	for dir, tree := range s.links {
		if err := os.Remove(dir); err != nil {
			return err
		}
		if err := os.Symlink(tree, dir); err != nil {
			return err
		}
	}
	return nil
}

func (s store) add(ctx context.Context, i image) error {
	var config ocispec.Image
	if err := json.Unmarshal(i.Config, &config); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	diffIDs := config.RootFS.DiffIDs
	if len(diffIDs) != len(i.Layers) {
		return fmt.Errorf("the configuration names %d layers, %d were given", len(diffIDs), len(i.Layers))
	}
	manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
	for n, l := range i.Layers {
		manifest.Layers = append(manifest.Layers, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: diffIDs[n], Size: l.Size})
		if err := s.snapshot(ctx, diffIDs[:n+1], l.Tree); err != nil {
			return err
		}
	}
	// The references keep containerd's garbage collector away. Layers have none: their blobs are not here, as after
	// discard_unpacked_layers, which kind's nodes use.
	chain := identity.ChainID(diffIDs).String()
	var err error
	if manifest.Config, err = s.blob(ctx, ocispec.MediaTypeImageConfig, i.Config, "containerd.io/gc.ref.snapshot."+snapshotter, chain); err != nil {
		return err
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	target, err := s.blob(ctx, manifest.MediaType, text, "containerd.io/gc.ref.content.config", manifest.Config.Digest.String())
	if err != nil {
		return err
	}
	for _, name := range i.Names {
		labels := map[string]string{"io.cri-containerd.image": "managed", "io.cri-containerd.pinned": "pinned"}
		if _, err := metadata.NewImageStore(s.db).Create(ctx, images.Image{Name: name, Target: target, Labels: labels}); err != nil {
			return err
		}
	}
	return nil
}

// snapshot registers the top layer of a chain as unpacked, with its files in tree.
func (s store) snapshot(ctx context.Context, chain []digest.Digest, tree string) error {
	snapshotter := s.db.Snapshotter(snapshotter)
	name, parent := identity.ChainID(slices.Clone(chain)).String(), ""
	if len(chain) > 1 {
		parent = identity.ChainID(slices.Clone(chain[:len(chain)-1])).String()
	}
	if _, err := snapshotter.Stat(ctx, name); err == nil {
		return nil // another image has the same layers
	}
	made := filepath.Join(s.root, overlayDir, "snapshots")
	before, err := names(made)
	if err != nil {
		return err
	}
	active := "preload-" + name
	if _, err := snapshotter.Prepare(ctx, active, parent); err != nil {
		return err
	}
	after, err := names(made)
	if err != nil {
		return err
	}
	if err := snapshotter.Commit(ctx, name, active); err != nil {
		return err
	}
	added := slices.DeleteFunc(after, func(n string) bool { return slices.Contains(before, n) })
	if len(added) != 1 {
		return fmt.Errorf("the overlay snapshotter made the directories %q for one snapshot", added)
	}
	s.links[filepath.Join(made, added[0], "fs")] = tree
	return nil
}

func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list, nil
}

// blob stores content with one label.
func (s store) blob(ctx context.Context, mediaType string, text []byte, label, value string) (ocispec.Descriptor, error) {
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(text), Size: int64(len(text))}
	err := content.WriteBlob(ctx, s.db.ContentStore(), d.Digest.String(), bytes.NewReader(text), d,
		content.WithLabels(map[string]string{label: value}))
	return d, err
}
