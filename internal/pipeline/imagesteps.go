package pipeline

import (
	"context"
	"errors"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/evidence"
)

// save writes the image to a file, once: the inspection and the loading both read that.
func (r *run) save(ctx context.Context) error {
	file, err := source.Save(ctx, r.engine, r.imageRef(), r.lease.Dir)
	if err != nil {
		return err
	}
	r.archive, err = source.OpenArchive(file, v1.Platform{OS: "linux", Architecture: r.info.Architecture})
	if err != nil {
		return err
	}
	r.clean.add("removing the image's copy", func(context.Context) error { return errors.Join(r.archive.Close(), os.Remove(file)) })
	described, _, err := image.Describe(r.archive, image.Options{Ref: r.imageRef()})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.e.Image = &described // all there is to say where no check looks into its layers
	return r.derive(factsOf(described))
}

func (r *run) inspect(ctx context.Context) error {
	img, err := image.Collect(ctx, r.archive, image.Options{Ref: r.imageRef(), Source: source.Docker,
		Cache: layersIn(r.Cache), Forbidden: r.contract.Files.Forbid})
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.Image = &img })
	return nil
}
