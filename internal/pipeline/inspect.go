package pipeline

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image"
	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/subject"
)

// InspectOptions say which image to look into.
type InspectOptions struct {
	Contract contract.Contract
	// Near tells that nobody named the contract: it lies in the current folder, and holds for
	// the image that it names alone.
	Near bool
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
	if o.Debug == nil {
		o.Debug = func(string) {}
	}
	i := &inspection{InspectOptions: o, id: strings.ToLower(rand.Text()[:8]), cache: layersIn(o.Cache), began: time.Now()}
	var result Result
	err := protect("inspect", func() error {
		img, err := i.read(ctx)
		result = i.result(img)
		return err
	})
	if err != nil {
		return Result{}, inputError(ctx, err)
	}
	return result, nil
}

// inspection is an Inspect under way.
type inspection struct {
	InspectOptions
	id    string
	cache *image.Cache
	began time.Time
	// plan is as in run, and subject with what the image says once that is open.
	plan, subject subject.Subject
	told          bool // what the configuration alone says
}

func (i *inspection) read(ctx context.Context) (evidence.Image, error) {
	where, err := i.where()
	if err != nil {
		return evidence.Image{}, &InputError{err}
	}
	name, named := source.Name(i.Image)
	early := named || !i.Near // before the image is opened, so that a wrong contract is told at once
	if early {
		if err := i.resolve([]string{name}); err != nil {
			return evidence.Image{}, err
		}
	}
	// A step that fails ends the command, which tells the error.
	done := i.Tell.StepTo("Opening image "+i.Image, "Image opened")
	img, err := source.Open(ctx, i.Image, where)
	if err != nil {
		return evidence.Image{}, err
	}
	done(nil)
	defer func() { _ = img.Close() }()
	if !early { // only the archive or the folder says what it holds
		if err := i.resolve(img.Names); err != nil {
			return evidence.Image{}, err
		}
	}
	if err := i.early(img); err != nil {
		return evidence.Image{}, err
	}
	done = i.Tell.StepTo("Reading the image's layers", "Image read")
	e, err := image.Collect(ctx, img, image.Options{Ref: img.Ref, Source: img.Kind, Compressed: img.Compressed, Readers: img.Readers, Statements: img.Statements,
		Cache: i.cache, Forbidden: i.subject.Contract.Files.Forbid})
	if err == nil {
		done(nil)
	}
	return e, err
}

// resolve makes the subject, of the contract where that is for the image of these names.
func (i *inspection) resolve(names []string) error {
	about := i.Contract.Image
	if i.Near && about != "" {
		if slices.ContainsFunc(names, func(n string) bool { return contract.Alike(n, about) }) {
			i.Tell.Note("Judged by this folder's " + contract.DefaultFile + ", which is for " + about)
		} else {
			i.Contract = contract.Contract{APIVersion: contract.APIVersion, Kind: contract.Kind}
			i.Tell.Note(fmt.Sprintf("Not judged by this folder's %s, which is for %s: name it with -f to use it", contract.DefaultFile, about))
		}
	}
	var err error
	if i.plan, err = subject.Read(i.Contract, subject.Options{Owned: true, Debug: i.Debug}); err != nil {
		return &InputError{err}
	}
	for _, line := range i.plan.Assumed() {
		i.Tell.Note(line)
	}
	return nil
}

// where says how to open the image.
func (i *inspection) where() (source.Options, error) {
	// What is wrong with what an engine says will be seen again in what it saves.
	o := source.Options{Saving: func(said v1.Image) { _ = i.early(said) }}
	if i.cache != nil {
		o.Configs, o.Known = filepath.Join(i.Cache, "configs"), i.cache.Known
	}
	if i.Platform == "" {
		return o, nil
	}
	p, err := v1.ParsePlatform(i.Platform)
	if err != nil || p.OS == "" || p.Architecture == "" {
		return o, fmt.Errorf("--platform %q is not a platform; write it as linux/amd64 or linux/arm/v7", i.Platform)
	}
	o.Platform = p
	return o, nil
}

// early completes the contract, and tells what the configuration alone says, once, before
// what takes its time.
func (i *inspection) early(img v1.Image) error {
	described, _, err := image.Describe(img, image.Options{Ref: i.Image})
	if err != nil {
		return err
	}
	if i.subject, err = i.plan.With(factsOf(described)); err != nil {
		return &InputError{err}
	}
	if i.Early != nil && !i.told && !known(i.cache, described) {
		i.told = true
		i.Early(i.result(described))
	}
	return nil
}

func (i *inspection) result(img evidence.Image) Result {
	return Result{Contract: i.subject.Contract, Evidence: mask(evidence.Evidence{SchemaVersion: evidence.SchemaVersion, Image: &img, Inputs: i.plan.Inputs(),
		Run: evidence.Run{ID: i.id, Version: i.Version, Platform: i.wanted(), Started: i.began.UTC(), Finished: time.Now().UTC()}})}
}

// wanted is the platform that the image is to run on, without a variant: the one that was asked for, or this machine's.
func (i *inspection) wanted() string {
	if p, err := v1.ParsePlatform(i.Platform); err == nil && i.Platform != "" {
		return p.OS + "/" + p.Architecture
	}
	return "linux/" + runtime.GOARCH
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
	case errors.As(err, new(*InputError)):
		return err
	case layer.IsFault(err), errors.Is(err, docker.ErrNotFound):
		return &InputError{err}
	}
	return err
}

// factsOf is what the contract is completed with.
func factsOf(img evidence.Image) contract.ImageFacts {
	return contract.ImageFacts{User: img.Config.User, ExposedPorts: img.Config.ExposedPorts, Healthcheck: img.Config.Healthcheck}
}
