package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image/layer"
)

// choice is one image of a store: its configuration and the names of its layers.
type choice struct {
	id       string // of its manifest, to tell images apart
	platform v1.Platform
	config   []byte
	parsed   *v1.ConfigFile
	layers   []part
	// way are the digests of the indexes and of the manifest that lead to it, where there are any.
	way []v1.Hash
	// names are those under which an engine saved it.
	names []string
	// about are the manifests of BuildKit's statements about it.
	about []v1.Hash
}

// ids are the digests by which an engine may know the image.
func (c choice) ids() []string {
	out := []string{fmt.Sprintf("sha256:%x", sha256.Sum256(c.config))}
	for _, h := range c.way {
		out = append(out, h.String())
	}
	return out
}

// part is one layer as a manifest has it.
type part struct {
	name   string
	digest v1.Hash // of the part as it is stored; none in classic archives
	size   int64   // 0 where nothing says it
	urls   []string
}

// explain says of a layer that is not there whether it was meant to be.
func (p part) explain(err error) error {
	var absent *absentError
	switch {
	case errors.As(err, &absent) && len(p.urls) > 0:
		return layer.Faultf("%s is foreign: whoever runs the image takes it from %s, so that nothing can be said of its files", p.name, p.urls[0])
	case errors.As(err, &absent):
		return &layer.Fault{Err: err}
	}
	return err
}

// from opens the image of a store for the platform.
func (o Options) from(s store) (*Image, error) {
	all, err := images(s)
	if err != nil {
		var absent *absentError
		if errors.As(err, &absent) {
			return nil, &layer.Fault{Err: err}
		}
		return nil, err
	}
	c, err := o.choose(all)
	if err != nil {
		return nil, err
	}
	return assemble(s, c)
}

// choose finds the image for the platform. Where there is one image, and nobody asked for a
// platform, it is that one.
func (o Options) choose(all []choice) (choice, error) {
	if len(all) == 0 {
		return choice{}, layer.Faultf("it holds no image whose manifest is complete; save the image again")
	}
	if len(all) == 1 && o.Platform == nil {
		return all[0], nil
	}
	var names []string
	platform := o.platform()
	fit := slices.DeleteFunc(slices.Clone(all), func(c choice) bool {
		names = append(names, c.platform.String())
		return !c.platform.Satisfies(platform)
	})
	switch len(fit) {
	case 1:
		return fit[0], nil
	case 0:
		return choice{}, layer.Faultf("it has no image for %s, but for %s; say which with --platform", platform.String(), strings.Join(names, ", "))
	}
	return choice{}, layer.Faultf("it holds %d images (%s), %d of them for %s: save one image, by its digest if need be",
		len(all), strings.Join(names, ", "), len(fit), platform.String())
}

// images lists the images. index.json knows platforms, so it is asked before the
// manifest.json that newer engines write beside it for older readers.
func images(s store) ([]choice, error) {
	if s.has("index.json") {
		all, about := map[string]choice{}, map[string][]v1.Hash{}
		if err := fromIndex(s, "index.json", nil, nil, all, about); err != nil {
			return nil, err
		}
		var out []choice
		for digest, c := range all {
			c.about = about[digest]
			out = append(out, c)
		}
		slices.SortFunc(out, func(a, b choice) int { return strings.Compare(a.id, b.id) })
		return out, nil
	}
	if !s.has("manifest.json") {
		if isRootFS(s) {
			return nil, layer.Faultf("it holds the files of a container, as `docker export` writes them: an image's layers, history and configuration are not in it; save the image instead: `docker save -o FILE IMAGE`")
		}
		return nil, layer.Faultf("it holds no image: it has neither index.json nor manifest.json; write one with `docker save -o FILE IMAGE`")
	}
	b, err := document(s, "manifest.json", v1.Hash{})
	if err != nil {
		return nil, err
	}
	var manifests []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(b, &manifests); err != nil {
		return nil, layer.Faultf("entry manifest.json%s: %w", offset(err), err)
	}
	var out []choice
	for _, m := range manifests {
		var layers []part
		for _, name := range m.Layers {
			layers = append(layers, part{name: name})
		}
		c, err := newChoice(s, m.Config, m.Config, v1.Hash{}, layers)
		if err != nil {
			return nil, err
		}
		c.names = m.RepoTags
		out = append(out, c)
	}
	return out, nil
}

// offset is where in a document a JSON error lies.
func offset(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf(" (byte %d)", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Sprintf(" (byte %d)", kind.Offset)
	}
	return ""
}

// maxNesting is how deep indexes may contain indexes: Docker nests one.
const maxNesting = 4

// fromIndex gathers the images of an index by the digest of their manifest: two tags of
// one image are one. Of other platforms an engine may have the manifest's name alone, so
// a blob that is absent is no fault here. The way are the digests that lead to the index; about
// are the statements, by the digest of their image's manifest.
func fromIndex(s store, name string, way []v1.Hash, names []string, all map[string]choice, about map[string][]v1.Hash) error {
	var digest v1.Hash // index.json has none
	if len(way) > 0 {
		digest = way[len(way)-1]
	}
	b, err := document(s, name, digest)
	if err != nil {
		return err
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(b, &index); err != nil {
		return layer.Faultf("%s%s: %w", name, offset(err), err)
	}
	for _, d := range index.Manifests {
		name := blobName(d.Digest)
		called := slices.Concat(names, namesOf(d))
		switch {
		case !s.has(name):
		case isAttestation(d):
			of := d.Annotations[aboutKey]
			about[of] = append(about[of], d.Digest)
		case d.MediaType.IsIndex() && len(way) < maxNesting:
			if err := fromIndex(s, name, append(slices.Clone(way), d.Digest), called, all, about); err != nil {
				return err
			}
		case d.MediaType.IsImage():
			c, ok, err := fromManifest(s, d.Digest)
			if err != nil {
				return err
			} else if !ok {
				continue
			}
			if d.Platform != nil {
				c.platform = *d.Platform
			}
			c.way = append(slices.Clone(way), d.Digest)
			c.names = append(called, all[d.Digest.String()].names...) // two tags of one image
			all[d.Digest.String()] = c
		}
	}
	return nil
}

// namesOf are an image's names in an index: containerd's annotation, and that of the OCI image
// specification, which may be a tag alone.
func namesOf(d v1.Descriptor) []string {
	if name := d.Annotations["io.containerd.image.name"]; name != "" {
		return []string{name}
	}
	if name := d.Annotations["org.opencontainers.image.ref.name"]; strings.ContainsAny(name, "/:") {
		return []string{name}
	}
	return nil
}

// isRootFS tells whether a store holds the files of a container.
func isRootFS(s store) bool {
	return slices.ContainsFunc([]string{".dockerenv", "etc/passwd", "etc/os-release", "etc/hostname", "bin/sh", "usr/bin/env", "usr/bin/sh", "bin/busybox"}, s.has)
}

// isAttestation tells whether it is no image but BuildKit's statement about one.
func isAttestation(d v1.Descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] != "" || d.Platform != nil && d.Platform.OS == "unknown"
}

// fromManifest is not ok when the engine has the manifest without the image.
func fromManifest(s store, digest v1.Hash) (c choice, ok bool, err error) {
	name := blobName(digest)
	b, err := document(s, name, digest)
	if err != nil {
		return choice{}, false, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(b))
	if err != nil {
		return choice{}, false, layer.Faultf("%s%s is not an image manifest: %w", name, offset(err), err)
	}
	config := blobName(m.Config.Digest)
	if !s.has(config) {
		return choice{}, false, nil
	}
	c, err = newChoice(s, name, config, m.Config.Digest, partsOf(m))
	return c, err == nil, err
}

func partsOf(m *v1.Manifest) []part {
	var out []part
	for _, l := range m.Layers {
		out = append(out, part{name: blobName(l.Digest), digest: l.Digest, size: l.Size, urls: l.URLs})
	}
	return out
}

func newChoice(s store, id, config string, digest v1.Hash, layers []part) (choice, error) {
	b, err := document(s, config, digest)
	if err != nil {
		return choice{}, err
	}
	parsed, err := v1.ParseConfigFile(bytes.NewReader(b))
	if err != nil {
		return choice{}, layer.Faultf("%s%s is not an image configuration: %w", config, offset(err), err)
	}
	return choice{id: id, config: b, parsed: parsed, layers: layers,
		platform: v1.Platform{OS: parsed.OS, Architecture: parsed.Architecture, Variant: parsed.Variant}}, nil
}

func blobName(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }
