package pipeline

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image"
	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
)

// InspectOptions say which image to look into.
type InspectOptions struct {
	Contract contract.Contract
	// Image is a name, a file or a folder; see source.Open.
	Image string
	// Platform chooses among the images of an index: "linux/arm64". Empty is this host's.
	Platform string
	// Cache is the folder that keeps what was found for the next time; empty keeps nothing.
	Cache   string
	Version string
	Tell    Teller
	// Debug gets what only -v shows; nil drops it.
	Debug func(string)
	// Early gets what the configuration alone says, when layers are still to be read.
	Early func(Result)
}

// Inspect reads an image where it is: it needs neither a cluster nor, but for an image of its,
// a Docker engine. Its errors are as Verify's.
func Inspect(ctx context.Context, o InspectOptions) (Result, error) {
	began := time.Now()
	if o.Debug == nil {
		o.Debug = func(string) {}
	}
	where := source.Options{}
	if o.Platform != "" {
		p, err := v1.ParsePlatform(o.Platform)
		if err != nil || p.OS == "" || p.Architecture == "" {
			return Result{}, &InputError{fmt.Errorf("--platform %q is no platform; write it as linux/amd64 or linux/arm/v7", o.Platform)}
		}
		where.Platform = p
	}
	cache := layersIn(o.Cache)
	if cache != nil {
		where.Configs, where.Known = filepath.Join(o.Cache, "configs"), cache.Known
	}
	r := run{Options: Options{Contract: o.Contract, Tell: o.Tell, Debug: o.Debug}, began: began, contract: o.Contract}
	if err := r.readManifests(); err != nil {
		return Result{}, &InputError{err}
	}
	id := strings.ToLower(rand.Text()[:8])
	result := func(e evidence.Image) Result {
		return Result{Contract: r.contract, Evidence: mask(evidence.Evidence{SchemaVersion: evidence.SchemaVersion, Image: &e,
			Run: evidence.Run{ID: id, Version: o.Version, Started: began.UTC(), Finished: time.Now().UTC()}})}
	}
	opts := image.Options{Ref: o.Image, Cache: cache, Forbidden: r.contract.Files.Forbid}
	// early tells what the configuration alone says, once, before what takes its time.
	told := false
	early := func(img v1.Image) error {
		described, _, err := image.Describe(img, opts)
		if err != nil {
			return inputError(ctx, err)
		}
		if err := r.derive(factsOf(described)); err != nil {
			return &InputError{err}
		}
		if o.Early != nil && !told && !known(cache, described) {
			told = true
			o.Early(result(described))
		}
		return nil
	}
	where.Saving = func(said v1.Image) { _ = early(said) } // what is wrong with it will be seen again
	done := o.Tell.StepTo("Opening image "+o.Image, "Image opened")
	img, err := source.Open(ctx, o.Image, where)
	done(err)
	if err != nil {
		return Result{}, inputError(ctx, err)
	}
	defer func() { _ = img.Close() }()
	opts.Ref, opts.Source, opts.Compressed, opts.Readers = img.Ref, img.Kind, img.Compressed, img.Readers
	if err := early(img); err != nil {
		return Result{}, err
	}
	done = o.Tell.StepTo("Reading the image's layers", "Image read")
	e, err := image.Collect(ctx, img, opts)
	done(err)
	if err != nil {
		return Result{}, inputError(ctx, err)
	}
	return result(e), nil
}

// layersIn is the cache of layers in podproof's cache folder; nil without a folder.
func layersIn(folder string) *image.Cache {
	if folder == "" {
		return nil
	}
	return image.NewCache(filepath.Join(folder, "layers"))
}

func known(c *image.Cache, img evidence.Image) bool {
	for _, l := range img.Layers {
		if !c.Known(l.DiffID) {
			return false
		}
	}
	return true
}

// inputError marks what the image, or what was named as one, is to blame for.
func inputError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case layer.IsFault(err), errors.Is(err, docker.ErrNotFound):
		return &InputError{err}
	}
	return err
}

// factsOf is what the contract is completed with.
func factsOf(img evidence.Image) contract.ImageFacts {
	return contract.ImageFacts{User: img.Config.User, ExposedPorts: img.Config.ExposedPorts, Healthcheck: img.Config.Healthcheck}
}
