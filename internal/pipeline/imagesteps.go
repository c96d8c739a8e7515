package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// save writes the image to a file, once: the inspection and the loading both read that. One that
// nodes pull from a registry is read there.
func (r *run) save(ctx context.Context) error {
	if r.pulls() {
		return r.describe()
	}
	id := r.subjectID()
	archive, err := shared(ctx, r, "save "+id, func(ctx context.Context) (*source.Image, error) {
		l, clean := r.holder()
		file, archive, err := source.SaveByID(ctx, r.engine, id, l.Dir, v1.Platform{OS: "linux", Architecture: r.info.Architecture})
		if err == nil {
			clean.add("removing the image's copy", func(context.Context) error { return errors.Join(archive.Close(), os.Remove(file)) })
		}
		return archive, err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", r.imageRef(), err)
	}
	r.image.Image = archive
	return r.describe()
}

// describe takes in what the image's configuration says.
func (r *run) describe() error {
	described, _, err := image.Describe(r.image, image.Options{Ref: r.imageRef()})
	if err != nil {
		return err
	}
	r.saw.mu.Lock()
	defer r.saw.mu.Unlock()
	r.saw.e.Image = &described // all there is to say where no check looks into its layers
	r.subject, err = r.plan.With(factsOf(described))
	return err
}

// subjectID is the ID of the image under test: that of the build, or the one that its name had
// when the run began. Every later step goes by it, since a name may be given to another image
// at any time.
func (r *run) subjectID() string {
	r.saw.mu.Lock()
	defer r.saw.mu.Unlock()
	if r.saw.e.Build != nil {
		return r.saw.e.Build.ImageID
	}
	return r.image.id
}

func (r *run) inspect(ctx context.Context) error {
	img, err := image.Collect(ctx, r.image, image.Options{Ref: r.imageRef(), Source: cmp.Or(r.image.Kind, source.Docker), Compressed: r.image.Compressed, Readers: r.image.Readers, Statements: r.image.Statements,
		Cache: layersIn(r.Cache), Forbidden: r.plan.Contract.Files.Forbid})
	if err != nil {
		return err
	}
	r.seen(ctx, func(e *evidence.Evidence) { e.Image = &img })
	return nil
}

// declared is what an image that is there says; one that cannot be read now is told by what
// reads it whole.
func (r *run) declared(ctx context.Context) contract.ImageFacts {
	if r.builds() {
		return contract.ImageFacts{}
	}
	if r.pulls() {
		raw, err := r.image.RawConfigFile()
		var whole struct{ Config json.RawMessage }
		if err != nil || json.Unmarshal(raw, &whole) != nil {
			return contract.ImageFacts{}
		}
		return declaredBy(whole.Config)
	}
	img, err := r.engine.Image(ctx, r.imageRef())
	if err != nil {
		return contract.ImageFacts{}
	}
	return declaredBy(img.Config)
}

// declaredBy reads the "config" of an image's configuration (OCI image spec, config.md).
func declaredBy(config []byte) contract.ImageFacts {
	var c struct {
		Env          []string
		ExposedPorts map[string]struct{}
	}
	var out contract.ImageFacts
	if json.Unmarshal(config, &c) != nil {
		return out
	}
	for _, e := range c.Env {
		name, _, _ := strings.Cut(e, "=")
		out.Env = append(out.Env, name)
	}
	for port := range c.ExposedPorts {
		out.ExposedPorts = append(out.ExposedPorts, port)
	}
	return out
}
