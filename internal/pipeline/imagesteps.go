package pipeline

import (
	"context"
	"errors"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/collect/build"
	"podproof.dev/podproof/internal/collect/image"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// Spec is a contract's build, as the collector takes it. More are build arguments that
// come on top of the contract's, "NAME=VALUE" or "NAME".
func Spec(c contract.Contract, more []string) build.Spec {
	b := c.Build
	s := build.Spec{Context: c.Path(b.Context), Dockerfile: c.Path(b.Dockerfile),
		Target: b.Target, Name: c.Image, Args: map[string]string{}}
	for _, a := range append(append([]string{}, b.Args...), more...) {
		name, value, given := strings.Cut(a, "=")
		if !given {
			// As with docker: the environment's value, and the Dockerfile's default without one.
			if value, given = os.LookupEnv(name); !given {
				continue
			}
		}
		s.Args[name] = value
	}
	return s
}

func (r *run) spec() build.Spec {
	s := Spec(r.contract, r.BuildArgs)
	s.Name = r.imageRef()
	return s
}

func (r *run) build(ctx context.Context) error {
	if p := r.missingInput(); p != "" {
		b := evidence.Build{Context: r.contract.Build.Context, Dockerfile: r.contract.Build.Dockerfile, MissingPath: p}
		r.set(func(e *evidence.Evidence) { e.Build = &b })
		return errNoBuild
	}
	b, err := build.Build(ctx, r.engine, r.spec(), r.Tell.Waiting)
	if err != nil {
		return err
	}
	b.Context, b.Dockerfile = r.contract.Build.Context, r.contract.Build.Dockerfile
	r.set(func(e *evidence.Evidence) { e.Build = &b })
	if b.Error != "" || b.MissingPath != "" {
		return errNoBuild
	}
	return nil
}

func (r *run) rebuild(ctx context.Context) error {
	r.mu.Lock() // save derives the contract's last fields meanwhile
	spec, c := r.spec(), r.contract
	r.mu.Unlock()
	spec.Matters = check.InstallsDependencies(c.Build.DependencySteps)
	b, err := build.Rebuild(ctx, r.engine, spec, c.Path(c.Build.SourceFile))
	if err != nil {
		return err
	}
	b.File = c.Build.SourceFile
	r.set(func(e *evidence.Evidence) { e.Rebuild = &b })
	return nil
}

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
