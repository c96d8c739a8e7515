package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"podproof.dev/podproof/internal/collect/image/layer"
)

// registryReaders is how many layers are pulled at once: more streams share one line, and
// have been measured to be slower together.
const registryReaders = 2

// registry opens an image in its registry, with the credentials that `docker login` keeps.
func (o Options) registry(ctx context.Context, ref string) (*Image, error) {
	where, err := name.ParseReference(ref)
	if err != nil {
		return nil, layer.Faultf("%q is not a valid image name: %w", ref, err)
	}
	at := pull{ctx: ctx, where: where, options: []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}}
	img, err := at.image(o)
	if err != nil {
		return nil, at.explain(err)
	}
	m, err := img.Manifest()
	if err != nil {
		return nil, at.explain(err)
	}
	config, err := img.ConfigName()
	if err != nil {
		return nil, at.explain(err)
	}
	manifest, err := img.Digest()
	if err != nil {
		return nil, at.explain(err)
	}
	out := &Image{Image: img, Kind: Registry, Ref: ref, Pinned: where.Context().Digest(at.digest.String()).Name(), Readers: registryReaders, layers: []v1.Layer{},
		ids: []string{config.String(), manifest.String(), at.digest.String()}}
	if out.Statements, err = at.statements(at.about); err != nil {
		return nil, at.explain(err)
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, at.explain(err)
	}
	for i, l := range layers {
		out.Compressed += m.Layers[i].Size
		out.layers = append(out.layers, pulled{l, &at, partsOf(m)[i]})
	}
	return out, nil
}

// pull is a visit to a registry.
type pull struct {
	ctx     context.Context
	where   name.Reference
	options []remote.Option
	digest  v1.Hash // of what the name leads to
	// about are the statements about the image that was chosen.
	about []v1.Image
}

func (p *pull) image(o Options) (v1.Image, error) {
	d, err := remote.Get(p.where, p.options...)
	if err != nil {
		return nil, err
	}
	p.digest = d.Digest
	if !d.MediaType.IsIndex() {
		img, err := d.Image()
		if err != nil || o.Platform == nil {
			return img, err
		}
		all, err := p.only(img)
		if err == nil {
			_, err = o.choose(all)
		}
		return img, err
	}
	index, err := d.ImageIndex()
	if err != nil {
		return nil, err
	}
	found := map[string]v1.Image{}
	about := map[string][]v1.Image{}
	all, err := p.fromIndex(index, 0, found, about)
	if err != nil {
		return nil, err
	}
	c, err := o.choose(all)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", p.where, err)
	}
	p.about = about[c.id]
	return found[c.id], nil
}

// only is the choice that an image without an index leaves.
func (p *pull) only(img v1.Image) ([]choice, error) {
	c, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	return []choice{{platform: v1.Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant}}}, nil
}

func (p *pull) fromIndex(index v1.ImageIndex, depth int, found map[string]v1.Image, about map[string][]v1.Image) ([]choice, error) {
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var out []choice
	for _, d := range m.Manifests {
		switch {
		case found[d.Digest.String()] != nil:
		case isAttestation(d):
			of := d.Annotations[aboutKey]
			if !d.MediaType.IsImage() || of == "" {
				continue
			}
			img, err := index.Image(d.Digest)
			if err != nil {
				return nil, err
			}
			about[of] = append(about[of], img)
		case d.MediaType.IsIndex() && depth < maxNesting:
			nested, err := index.ImageIndex(d.Digest)
			if err != nil {
				return nil, err
			}
			more, err := p.fromIndex(nested, depth+1, found, about)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		case d.MediaType.IsImage():
			img, err := index.Image(d.Digest)
			if err != nil {
				return nil, err
			}
			c := choice{id: d.Digest.String()}
			if d.Platform != nil {
				c.platform = *d.Platform
			} else if only, err := p.only(img); err != nil {
				return nil, err
			} else {
				c.platform = only[0].platform
			}
			found[c.id] = img
			out = append(out, c)
		}
	}
	return out, nil
}

// pulled is a layer in a registry, with the compression that its first bytes say.
type pulled struct {
	v1.Layer
	from *pull
	part part
}

// Uncompressed pulls the layer. Its digest is verified on the way.
func (l pulled) Uncompressed() (io.ReadCloser, error) {
	r, err := l.Compressed()
	if err != nil {
		if len(l.part.urls) > 0 {
			return nil, layer.Faultf("%s is foreign: whoever runs the image takes it from %s, so that nothing can be said of its files", l.part.name, l.part.urls[0])
		}
		return nil, l.from.explain(err)
	}
	d, err := layer.Decompress(arriving{r, l.part.digest, l.from})
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return &content{both{d, r}, &digesting{r: r}, l.part}, nil
}

// arriving tells a broken connection from a broken blob.
type arriving struct {
	io.Reader
	digest v1.Hash
	from   *pull
}

// Read reads on.
func (a arriving) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if strings.Contains(err.Error(), "error verifying") { // go-containerregistry keeps the type to itself
		return n, layer.Faultf("its content is not what its digest says: %w", err)
	}
	if err == io.ErrUnexpectedEOF {
		err = errors.New("the connection ended before the blob did")
	}
	return n, a.from.explain(err)
}

// both closes a reader and what it reads from.
type both struct {
	io.ReadCloser
	from io.Closer
}

// Close closes both.
func (b both) Close() error { return errors.Join(b.ReadCloser.Close(), b.from.Close()) }

// Explain says what a registry's answer means, and what to do.
func Explain(ctx context.Context, where name.Reference, err error) error {
	return (&pull{ctx: ctx, where: where}).explain(err)
}

// explain says what a registry's answer means, and what to do.
func (p *pull) explain(err error) error {
	if p.ctx.Err() != nil {
		return context.Cause(p.ctx)
	}
	if layer.IsFault(err) {
		return err
	}
	host := p.where.Context().RegistryStr()
	var answer *transport.Error
	if errors.As(err, &answer) {
		switch answer.StatusCode {
		case http.StatusNotFound:
			return layer.Faultf("registry %s has no image %s: %w", host, p.where.Name(), err)
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("registry %s does not let you read %s: %w; log in with `docker login %s`, or check the name", host, p.where.Name(), err, host)
		}
	}
	return fmt.Errorf("reading %s from registry %s: %w", p.where.Name(), host, err)
}
