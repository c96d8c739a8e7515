package pipeline

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/collect/build"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
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
	s := Spec(r.plan.Contract, r.BuildArgs)
	s.Name = r.imageRef()
	if !r.plan.Contract.Written() {
		s.Name = r.buildName()
	}
	return s
}

// buildName is that of an image whose build nobody asked for in a contract: the name in the manifests may
// be of an image that is in the engine, and somebody's.
func (r *run) buildName() string { return "podproof.local/unwritten:" + r.ledger.ID }

// nameForTheRun sees to it that the run's own name goes with the run.
func (r *run) nameForTheRun() error {
	if r.plan.Contract.Written() {
		return nil
	}
	r.clean.add("removing the built image's name", func(ctx context.Context) error { return r.engine.RemoveImage(ctx, r.buildName()) })
	return r.ledger.Record(func(m *ledger.Made) { m.Engine, m.Built = r.engine.Host(), append(m.Built, r.buildName()) })
}

// builder builds the image, as BuildKit does.
type builder interface {
	Build(ctx context.Context, s build.Spec, waiting func(string)) (evidence.Build, error)
	// Rebuild builds with changed files.
	Rebuild(ctx context.Context, s build.Spec, files []string) (evidence.Rebuild, error)
}

// buildKit is the engine's.
type buildKit struct{ *docker.Engine }

func (k buildKit) Build(ctx context.Context, s build.Spec, waiting func(string)) (evidence.Build, error) {
	return build.Build(ctx, k.Engine, s, waiting)
}

func (k buildKit) Rebuild(ctx context.Context, s build.Spec, files []string) (evidence.Rebuild, error) {
	return build.Rebuild(ctx, k.Engine, s, files)
}

func (r *run) build(ctx context.Context) error {
	if p := r.missingInput(); p != "" {
		b := evidence.Build{Context: r.plan.Contract.Build.Context, Dockerfile: r.plan.Contract.Build.Dockerfile, MissingPath: p}
		r.seen(ctx, func(e *evidence.Evidence) { e.Build = &b })
		return errNoBuild
	}
	if err := r.nameForTheRun(); err != nil {
		return err
	}
	b, err := r.builder.Build(ctx, r.spec(), r.Tell.Waiting)
	if err != nil {
		return err
	}
	b.Context, b.Dockerfile = r.plan.Contract.Build.Context, r.plan.Contract.Build.Dockerfile
	r.seen(ctx, func(e *evidence.Evidence) { e.Build = &b })
	if b.Error != "" || b.MissingPath != "" {
		return errNoBuild
	}
	return nil
}

// readContext lists what the build could take.
func (r *run) readContext(ctx context.Context) error {
	r.saw.mu.Lock()
	spec, asked := r.spec(), r.saw.e.Build.Request
	r.saw.mu.Unlock()
	c, err := build.Context(ctx, spec, asked, check.ListedAlone)
	if err != nil {
		return err
	}
	r.seen(ctx, func(e *evidence.Evidence) { e.Context = &c })
	return nil
}

// built is what the steps before found out: another one derives the contract's last fields
// meanwhile.
func (r *run) built() (build.Spec, contract.Build, evidence.Build, evidence.BuildContext) {
	r.saw.mu.Lock()
	defer r.saw.mu.Unlock()
	return r.spec(), *r.plan.Contract.Build, *r.saw.e.Build, *r.saw.e.Context
}

// rebuild changes source files, all at once. Only when that makes a dependency step run again
// it asks one by one which of them does.
func (r *run) rebuild(ctx context.Context) (err error) {
	spec, b, first, c := r.built()
	change := check.SourceChange(b, first, c)
	out := evidence.Rebuild{}
	if len(change.Files) > 0 {
		done := r.Tell.StepTo("Building again with changed source", "Built again with changed source")
		defer func() { done(err) }()
		spec.Matters = change.Matters
		if out, err = r.builder.Rebuild(ctx, spec, change.Files); err != nil {
			return err
		}
	}
	if len(out.Files) > 1 && check.Invalidates(b, first, out) {
		for _, f := range out.Files {
			one, err := r.builder.Rebuild(ctx, spec, []string{f})
			if err != nil {
				return err
			}
			if out.Alone = append(out.Alone, one); check.Invalidates(b, first, one) {
				break
			}
		}
	}
	r.seen(ctx, func(e *evidence.Evidence) { e.Rebuild = &out })
	return nil
}

// lockRebuild changes lock files.
func (r *run) lockRebuild(ctx context.Context) (err error) {
	spec, b, first, c := r.built()
	change := check.LockChange(b, first, c)
	out := evidence.Rebuild{}
	if len(change.Files) > 0 {
		done := r.Tell.StepTo("Building again with a changed lock file", "Built again with a changed lock file")
		defer func() { done(err) }()
		spec.Matters = change.Matters
		if out, err = r.builder.Rebuild(ctx, spec, change.Files); err != nil {
			return err
		}
	}
	r.seen(ctx, func(e *evidence.Evidence) { e.LockRebuild = &out })
	return nil
}

// reproduce builds twice without the cache.
func (r *run) reproduce(ctx context.Context) error {
	r.saw.mu.Lock()
	spec := r.spec()
	r.saw.mu.Unlock()
	name := "podproof.local/reproduction:" + r.ledger.ID
	names := [2]string{name + "-1", name + "-2"}
	if err := r.ledger.Record(func(m *ledger.Made) { m.Engine, m.Built = r.engine.Host(), append(m.Built, names[:]...) }); err != nil {
		return err
	}
	r.clean.add("removing the images of two more builds", func(ctx context.Context) error {
		return errors.Join(r.engine.RemoveImage(ctx, names[0]), r.engine.RemoveImage(ctx, names[1]))
	})
	epoch := cmp.Or(os.Getenv(build.EpochVariable), build.DefaultEpoch)
	out, err := build.Reproduce(ctx, r.engine, spec, names, epoch, r.ledger.Dir, r.Tell.Waiting)
	if err != nil {
		return err
	}
	r.seen(ctx, func(e *evidence.Evidence) { e.Reproduction = &out })
	return nil
}
