// Package standin builds the images that take the place of official ones where no registry can be reached: from the
// Go module proxy and Debian's packages alone.
package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"podproof.dev/hack/internal/archive"
	"podproof.dev/hack/internal/cache"
	"podproof.dev/hack/internal/docker"
	"podproof.dev/hack/internal/progress"
)

// Registry is the name that stand-ins have in place of a registry's.
const Registry = "podproof.local"

// Image is a stand-in: how it runs, and the parts that its layers come from.
type Image struct {
	Name   string
	Key    string // a hash of everything that it is made from
	config archive.Config
	parts  []part
	layers func(dirs []string) ([]archive.Layer, error) // dirs of the parts, in their order
}

// Ref is the image's full name.
func (i Image) Ref() string { return Registry + "/" + i.Name + ":" + i.Key }

// labelled is the image's configuration, as the engine gets it.
func (i Image) labelled() archive.Config {
	config := i.config
	config.Labels = map[string]string{"podproof.dev/key": i.Key}
	return config
}

// part is a piece that is expensive to make. It is a directory in the cache, kept under its own key, so that an
// interrupted build goes on with the part that it was at.
type part struct {
	name, key string
	what      string // what is being done, for the log
	note      string // how long it takes
	size      uint64 // bytes that it takes in the cache, roughly
	scratch   uint64 // bytes that it needs for a while in the temporary directory, roughly
	compile   uint64 // bytes that it adds to the Go build cache and module cache, roughly
	build     func(ctx context.Context, b *Builder, dir string) error
	after     []part // finished before it begins, and passed by their directories through b.path
}

// Builder makes stand-ins and loads them into an engine. Dir is where parts are kept.
type Builder struct {
	Engine docker.Engine
	Log    *progress.Log
	Dir    string
	Host   Host

	mu        sync.Mutex
	made      map[string]*making
	compiling sync.Mutex // the Go compiler fills every core by itself
	packaging sync.Mutex // so does dpkg with the disk
}

type making struct {
	once sync.Once
	err  error
}

func (b *Builder) path(p part) string { return filepath.Join(b.Dir, p.name+"-"+p.key) }

func (b *Builder) has(p part) bool {
	_, err := os.Stat(b.path(p))
	return err == nil
}

// Build makes the image, unless all is there but the loading, and loads it into the engine.
func (b *Builder) Build(ctx context.Context, image Image) error {
	var jobs []func(context.Context) error
	for _, p := range image.parts {
		jobs = append(jobs, func(ctx context.Context) error { return b.make(ctx, p) })
	}
	if err := parallel(ctx, jobs...); err != nil {
		return fmt.Errorf("%s image: %w", image.Name, cache.Explain(err, b.Dir))
	}
	if err := b.load(ctx, image); err != nil {
		return fmt.Errorf("%s image: load it into the engine: %w", image.Name, cache.Explain(err, b.Dir))
	}
	return nil
}

// make builds a part once, however many images ask for it.
func (b *Builder) make(ctx context.Context, p part) error {
	b.mu.Lock()
	if b.made == nil {
		b.made = map[string]*making{}
	}
	m := b.made[b.path(p)]
	if m == nil {
		m = &making{}
		b.made[b.path(p)] = m
	}
	b.mu.Unlock()
	m.once.Do(func() { m.err = b.makeOnce(ctx, p) })
	return m.err
}

func (b *Builder) makeOnce(ctx context.Context, p part) (err error) {
	if b.has(p) {
		return nil
	}
	var before []func(context.Context) error
	for _, a := range p.after {
		before = append(before, func(ctx context.Context) error { return b.make(ctx, a) })
	}
	if err := parallel(ctx, before...); err != nil {
		return err
	}
	turn := &b.packaging
	if p.compile > 0 {
		turn = &b.compiling
	}
	turn.Lock()
	defer turn.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(b.Dir, unfinished)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	task := b.Log.Start(p.what, p.note)
	if err := p.build(ctx, b, dir); err != nil {
		task.Dropped()
		return b.fullDisk(err) // before dir is removed, which makes room
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := os.Rename(dir, b.path(p)); err != nil {
		return err
	}
	task.Done()
	return nil
}

// unfinished begins the names of directories that a part is built in.
const unfinished = ".unfinished-"

// Sweep removes what a killed build left. The caller holds the lock of the cache.
func (b *Builder) Sweep() error {
	left, err := filepath.Glob(filepath.Join(b.Dir, unfinished+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// load streams the image into the engine.
func (b *Builder) load(ctx context.Context, image Image) error {
	var dirs []string
	for _, p := range image.parts {
		dirs = append(dirs, b.path(p))
	}
	layers, err := image.layers(dirs)
	if err != nil {
		return err
	}
	task := b.Log.Start(image.Name+" image: loading it into the engine", "")
	reader, writer := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := archive.Write(writer, archive.Image{Names: []string{image.Ref()}, Config: image.labelled(), Layers: layers})
		writer.CloseWithError(err)
		written <- err
	}()
	load := b.Engine.Command(ctx, "load", "--quiet")
	load.Stdin = reader
	said, err := load.CombinedOutput()
	reader.CloseWithError(io.ErrClosedPipe)
	if failed := <-written; failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		err = failed
	}
	if err != nil {
		task.Dropped()
		return fmt.Errorf("docker load: %w: %s", err, strings.TrimSpace(string(said)))
	}
	task.Done()
	return nil
}

// parallel runs the jobs side by side. The first error stops the others and is returned.
func parallel(ctx context.Context, jobs ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for _, job := range jobs {
		group.Go(func() {
			if err := job(ctx); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// BuildAll builds the images side by side.
func (b *Builder) BuildAll(ctx context.Context, images []Image) error {
	var jobs []func(context.Context) error
	for _, image := range images {
		jobs = append(jobs, func(ctx context.Context) error { return b.Build(ctx, image) })
	}
	return parallel(ctx, jobs...)
}
