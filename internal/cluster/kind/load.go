package kind

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
	"golang.org/x/sync/errgroup"

	"podproof.dev/podproof/internal/cluster"
)

// Has tells whether every node has the image under the name, as preloaded images are, and its
// kubelet gives it to pods.
func (k *Kind) Has(ctx context.Context, ref string) (bool, error) {
	ns, err := k.nodes()
	if err != nil {
		return false, err
	}
	full, err := fullName(ref)
	if err != nil {
		return false, err
	}
	for _, n := range ns {
		out, err := k.command(ctx, n.String(), nil, "ctr", "--namespace=k8s.io", "images", "ls", "-q", "name=="+full)
		if err != nil || strings.TrimSpace(string(out)) != full {
			return false, err
		}
		if k.owned && !k.used {
			continue
		}
		if takes, err := k.takes(ctx, n.String(), full); err != nil || !takes {
			return false, err
		}
	}
	return true, nil
}

// Load puts an image into the containerd of every node under the name ref, sending only
// the layers that the node lacks. containerd's importer does not ask for the blob of a
// layer whose chain ID it has a snapshot of (core/unpack/unpacker.go), so a "thin" OCI
// layout without it gives a complete image.
func (k *Kind) Load(ctx context.Context, img v1.Image, ref string) (cluster.Loaded, error) {
	ns, err := k.nodes()
	if err != nil {
		return cluster.Loaded{}, err
	}
	var first cluster.Loaded
	g, ctx := errgroup.WithContext(ctx)
	for i, n := range ns {
		g.Go(func() error {
			l, err := loadInto(ctx, k.on(n.String()), img, ref)
			if err != nil {
				return fmt.Errorf("loading image %s into node %s: %w", ref, n, err)
			}
			if i == 0 {
				first = l
			}
			return nil
		})
	}
	return first, g.Wait()
}

// shell runs a command on one node, with what it reads.
type shell func(ctx context.Context, stdin io.Reader, command string, args ...string) ([]byte, error)

func (k *Kind) on(node string) shell {
	return func(ctx context.Context, stdin io.Reader, command string, args ...string) ([]byte, error) {
		return k.command(ctx, node, stdin, command, args...)
	}
}

func loadInto(ctx context.Context, node shell, img v1.Image, ref string) (cluster.Loaded, error) {
	out, err := node(ctx, nil, "ctr", "--namespace=k8s.io", "snapshots", "ls")
	if err != nil {
		return cluster.Loaded{}, fmt.Errorf("asking which layers it has: %w", err)
	}
	l, err := importInto(ctx, node, img, ref, chains(string(out)))
	if err != nil && l.Reused > 0 && ctx.Err() == nil {
		// What the node had may be gone since, with another run's image that was just removed.
		return importInto(ctx, node, img, ref, nil)
	}
	return l, err
}

// importInto sends the layers whose chain IDs the node does not have.
func importInto(ctx context.Context, node shell, img v1.Image, ref string, have map[string]bool) (cluster.Loaded, error) {
	layout, err := newThinLayout(img, ref, have)
	if err != nil {
		return cluster.Loaded{}, err
	}
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(layout.write(pw)) }()
	_, err = node(ctx, pr, "ctr", "--namespace=k8s.io", "images", "import", "-")
	// Ends the writer when ctr ended before it had read all.
	pr.CloseWithError(fmt.Errorf("ctr stopped reading"))
	return layout.loaded, err
}

// Unload removes images by the names they were loaded under, and what containerd and the CRI named
// them, which would keep the content. An image that is there under another name, too, stays there
// under that.
func (k *Kind) Unload(ctx context.Context, refs ...string) error {
	ns, err := k.nodes()
	if err != nil {
		return err
	}
	for _, n := range ns {
		for _, ref := range refs {
			full, err := fullName(ref)
			if err != nil {
				return err
			}
			if err := k.unload(ctx, n.String(), full); err != nil {
				return fmt.Errorf("removing image %s from node %s: %w", ref, n, err)
			}
		}
	}
	return nil
}

// crictlPatience is for nodes that are busy with other things: crictl itself gives up on the
// runtime after 2 s.
const crictlPatience = "--timeout=1m"

// unload removes names alone. `crictl rmi` would remove the image, also under a name that another run
// has given it since the list was read.
func (k *Kind) unload(ctx context.Context, node, name string) error {
	out, err := k.command(ctx, node, nil, "crictl", crictlPatience, "images", "--output=json")
	if err != nil {
		return err
	}
	names, err := namesToRemove(out, name)
	if err != nil || len(names) == 0 {
		return err
	}
	_, err = k.command(ctx, node, nil, "ctr", append([]string{"--namespace=k8s.io", "images", "rm"}, names...)...)
	return err
}

// namesToRemove reads `crictl images`: the name, and, where the image has no other that is somebody's,
// its ID and what ctr calls all that it imports.
func namesToRemove(images []byte, name string) ([]string, error) {
	var list struct {
		Images []struct {
			ID          string   `json:"id"`
			RepoTags    []string `json:"repoTags"`
			RepoDigests []string `json:"repoDigests"`
		} `json:"images"`
	}
	if err := json.Unmarshal(images, &list); err != nil {
		return nil, fmt.Errorf("reading crictl's list of images: %w", err)
	}
	for _, i := range list.Images {
		if !slices.Contains(i.RepoTags, name) {
			continue
		}
		out := []string{name}
		for _, other := range slices.Concat(i.RepoTags, i.RepoDigests) {
			switch {
			case other == name:
			case strings.HasPrefix(other, "docker.io/library/import-"):
				out = append(out, other)
			default:
				return []string{name}, nil
			}
		}
		return append(out, i.ID), nil
	}
	return nil, nil
}

// chains reads the keys of `ctr snapshots ls`; committed layers are named by chain ID.
func chains(ls string) map[string]bool {
	have := map[string]bool{}
	for line := range strings.Lines(ls) {
		if key, _, _ := strings.Cut(line, " "); strings.HasPrefix(key, "sha256:") {
			have[key] = true
		}
	}
	return have
}

// thinLayout is an OCI image layout (image-layout.md) of one image, without the blobs
// of the layers that the receiver has. Layers are uncompressed, so their digest is the
// diff ID and nothing is hashed or compressed.
type thinLayout struct {
	index, manifest, config []byte
	layers                  []v1.Layer // those to send
	sizes                   []int64
	loaded                  cluster.Loaded
}

func newThinLayout(img v1.Image, ref string, have map[string]bool) (*thinLayout, error) {
	full, err := fullName(ref)
	if err != nil {
		return nil, err
	}
	t := &thinLayout{}
	if t.config, err = img.RawConfigFile(); err != nil {
		return nil, fmt.Errorf("reading the image's configuration: %w", err)
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("reading the image's layers: %w", err)
	}
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: descriptor(types.OCIConfigJSON, t.config)}
	var diffIDs []digest.Digest
	lacking := false
	sent := map[v1.Hash]bool{} // the same layer may occur twice in an image
	for _, l := range layers {
		id, err := l.DiffID()
		if err != nil {
			return nil, err
		}
		size, err := uncompressedSize(l)
		if err != nil {
			return nil, fmt.Errorf("reading layer %s: %w", id, err)
		}
		m.Layers = append(m.Layers, v1.Descriptor{MediaType: types.OCIUncompressedLayer, Digest: id, Size: size})
		diffIDs = append(diffIDs, digest.Digest(id.String()))
		// Only a prefix can be reused: a chain ID names all the layers below it.
		lacking = lacking || !have[identity.ChainID(diffIDs).String()]
		if !lacking {
			t.loaded.Reused++
			continue
		}
		if sent[id] {
			continue
		}
		sent[id] = true
		t.layers, t.sizes = append(t.layers, l), append(t.sizes, size)
		t.loaded.Sent++
		t.loaded.Bytes += size
	}
	if t.manifest, err = json.Marshal(m); err != nil {
		return nil, err
	}
	d := descriptor(types.OCIManifestSchema1, t.manifest)
	d.Annotations = map[string]string{"io.containerd.image.name": full}
	t.index, err = json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{d}})
	return t, err
}

func (t *thinLayout) write(w io.Writer) error {
	tw := tar.NewWriter(w)
	put := func(name string, size int64, r io.Reader) error {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size, Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		_, err := io.Copy(tw, r)
		return err
	}
	small := func(name string, b []byte) error { return put(name, int64(len(b)), bytes.NewReader(b)) }
	if err := small("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	if err := small("index.json", t.index); err != nil {
		return err
	}
	for _, b := range [][]byte{t.manifest, t.config} {
		if err := small(blob(sum(b)), b); err != nil {
			return err
		}
	}
	for i, l := range t.layers {
		id, err := l.DiffID()
		if err != nil {
			return err
		}
		r, err := l.Uncompressed()
		if err != nil {
			return fmt.Errorf("reading layer %s: %w", id, err)
		}
		err = put(blob(id), t.sizes[i], r)
		r.Close()
		if err != nil {
			return fmt.Errorf("sending layer %s: %w", id, err)
		}
	}
	return tw.Close()
}

// uncompressedSize takes the size from a layer that knows it, and reads the layer otherwise.
func uncompressedSize(l v1.Layer) (int64, error) {
	if s, ok := l.(interface{ UncompressedSize() (int64, error) }); ok {
		return s.UncompressedSize()
	}
	r, err := l.Uncompressed()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return io.Copy(io.Discard, r)
}

func descriptor(t types.MediaType, b []byte) v1.Descriptor {
	return v1.Descriptor{MediaType: t, Digest: sum(b), Size: int64(len(b))}
}

func sum(b []byte) v1.Hash {
	h, _, err := v1.SHA256(bytes.NewReader(b))
	if err != nil {
		panic(err) // reading from memory does not fail
	}
	return h
}

func blob(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

// fullName is how containerd and the CRI name an image: "docker.io/library/postgres:16".
func fullName(ref string) (string, error) {
	r, err := reference.ParseDockerRef(ref)
	if err != nil {
		return "", fmt.Errorf("image name %q: %w", ref, err)
	}
	return r.String(), nil
}
