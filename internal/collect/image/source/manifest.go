package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// choice is one image of an archive: its configuration and the entries of its layers.
type choice struct {
	id       string // of its manifest, to tell images apart
	platform v1.Platform
	config   []byte
	parsed   *v1.ConfigFile
	layers   []string
}

// choose finds the image for the platform.
func (t *tarIndex) choose(platform v1.Platform) (choice, error) {
	all, err := t.images()
	if err != nil {
		return choice{}, err
	}
	if len(all) == 1 {
		return all[0], nil
	}
	var names []string
	fit := slices.DeleteFunc(slices.Clone(all), func(c choice) bool {
		names = append(names, c.platform.String())
		return !c.platform.Satisfies(platform)
	})
	switch {
	case len(all) == 0:
		return choice{}, fmt.Errorf("it holds no image whose manifest is complete; save the image again")
	case len(fit) == 1:
		return fit[0], nil
	}
	return choice{}, fmt.Errorf("it holds %d images (%s), %d of them for %s: save one image, by its digest if need be",
		len(all), strings.Join(names, ", "), len(fit), platform.String())
}

// images lists the images. index.json knows platforms, so it is asked before the
// manifest.json that newer engines write beside it for older readers.
func (t *tarIndex) images() ([]choice, error) {
	if _, ok := t.bodies["index.json"]; ok {
		all := map[string]choice{}
		if err := t.fromIndex("index.json", 0, all); err != nil {
			return nil, err
		}
		var out []choice
		for _, c := range all {
			out = append(out, c)
		}
		slices.SortFunc(out, func(a, b choice) int { return strings.Compare(a.id, b.id) })
		return out, nil
	}
	b, err := t.document("manifest.json")
	if err != nil {
		return nil, fmt.Errorf("it is no `docker save` archive, there is neither index.json nor manifest.json: %w", err)
	}
	var manifests []struct {
		Config string
		Layers []string
	}
	if err := json.Unmarshal(b, &manifests); err != nil {
		return nil, fmt.Errorf("entry manifest.json: %w", err)
	}
	var out []choice
	for _, m := range manifests {
		c, err := t.choice(m.Config, m.Config, m.Layers)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// maxNesting is how deep indexes may contain indexes: Docker nests one.
const maxNesting = 4

// fromIndex gathers the images of an index by the digest of their manifest: two tags of
// one image are one. Of other platforms an engine may have the manifest's name alone, so
// a blob that is absent is no fault here.
func (t *tarIndex) fromIndex(entry string, depth int, all map[string]choice) error {
	b, err := t.document(entry)
	if err != nil {
		return err
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(b, &index); err != nil {
		return fmt.Errorf("entry %s: %w", entry, err)
	}
	for _, d := range index.Manifests {
		name := blobName(d.Digest)
		_, here := t.bodies[name]
		switch {
		case !here, isAttestation(d):
		case d.MediaType.IsIndex() && depth < maxNesting:
			if err := t.fromIndex(name, depth+1, all); err != nil {
				return err
			}
		case d.MediaType.IsImage():
			c, ok, err := t.fromManifest(name)
			if err != nil {
				return err
			} else if !ok {
				continue
			}
			if d.Platform != nil {
				c.platform = *d.Platform
			}
			all[d.Digest.String()] = c
		}
	}
	return nil
}

// isAttestation tells whether it is no image but BuildKit's statement about one.
func isAttestation(d v1.Descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] != "" || d.Platform != nil && d.Platform.OS == "unknown"
}

// fromManifest is not ok when the engine has the manifest without the image.
func (t *tarIndex) fromManifest(entry string) (c choice, ok bool, err error) {
	b, err := t.document(entry)
	if err != nil {
		return choice{}, false, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(b))
	if err != nil {
		return choice{}, false, fmt.Errorf("entry %s: %w", entry, err)
	}
	config := blobName(m.Config.Digest)
	if _, here := t.bodies[config]; !here {
		return choice{}, false, nil
	}
	var layers []string
	for _, l := range m.Layers {
		layers = append(layers, blobName(l.Digest))
	}
	c, err = t.choice(entry, config, layers)
	return c, err == nil, err
}

func (t *tarIndex) choice(id, config string, layers []string) (choice, error) {
	b, err := t.document(config)
	if err != nil {
		return choice{}, err
	}
	parsed, err := v1.ParseConfigFile(bytes.NewReader(b))
	if err != nil {
		return choice{}, fmt.Errorf("entry %s is no image configuration: %w", config, err)
	}
	return choice{id: id, config: b, parsed: parsed, layers: layers,
		platform: v1.Platform{OS: parsed.OS, Architecture: parsed.Architecture, Variant: parsed.Variant}}, nil
}

func blobName(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }
