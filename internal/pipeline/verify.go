// Package pipeline says what waits for what in a run, and sees that nothing stays.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// Options say what to verify, and where.
type Options struct {
	Contract contract.Contract
	// Image is verified instead of building one, when it is not empty.
	Image    string
	Selected []check.Check
	// Borrow is the name of a running kind cluster; empty makes one.
	Borrow string
	// NodeImage is kind's node image; empty takes kind's default.
	NodeImage string
	// SetImages stand in for images of the manifests (old → new).
	SetImages map[string]string
	// BuildArgs come on top of the contract's.
	BuildArgs []string
	Keep      bool
	Version   string
	// Cache is the folder that keeps what layers hold for the next run; empty keeps nothing.
	Cache string
	// Runs is the folder below which each run has its own, while it lasts.
	Runs string
	Tell Teller
	// Debug gets what only -v shows.
	Debug func(string)
}

// Result is what a run found out.
type Result struct {
	Contract contract.Contract // with what was derived
	Evidence evidence.Evidence
	// Kept tells how to look at what --keep left, and how to remove it; empty when nothing stays.
	Kept string
}

// InputError is an error of the user's input: the contract, the manifests, the arguments.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }

// Verify observes all that the selected checks need. Its error is an *InputError when the
// input is wrong, the context's cause when that ended, and otherwise says why nothing could
// be observed at all. A part that could not be observed is no error: Evidence.Missing says why.
func Verify(ctx context.Context, o Options) (Result, error) {
	r := &run{Options: o, began: time.Now(), images: map[string]string{}}
	r.contract = o.Contract
	if o.Image != "" {
		r.contract.Build = nil // what is promised of a build is not asked of an image that is there
	}
	if err := r.readManifests(); err != nil {
		return Result{}, &InputError{err}
	}
	if named := r.container.Image; named != "" && r.contract.Image != "" && !contract.SameImage(named, r.contract.Image) {
		o.Tell.Note(fmt.Sprintf("%s names the image %s; %s runs in its place", r.contract.Workload, named, r.contract.Image))
	}
	if left := workload.NetworkPolicies(r.objects); len(left) > 0 && r.needs(podSections...) {
		o.Tell.Note(fmt.Sprintf("Left out %s: network policies would shut out podproof's own pods", strings.Join(left, ", ")))
	}
	engine, err := docker.Connect(ctx)
	if err != nil {
		return Result{}, err
	}
	defer engine.Close()
	r.engine = engine
	if r.info, err = engine.Info(ctx); err != nil {
		return Result{}, err
	}
	if err := Sweep(ctx, o.Runs, engine, false, o.Tell.Note); err != nil {
		o.Tell.Note("Could not remove all that an earlier run left: " + err.Error())
	}
	if err := r.checkImage(ctx); err != nil {
		return Result{}, err
	}
	if r.lease, err = cluster.NewLease(o.Runs); err != nil {
		return Result{}, err
	}
	r.clean.add("removing the run's folder", func(context.Context) error {
		// What could not be removed stays written down, for the next run's sweep.
		return r.lease.Release(r.clean.failed)
	})
	if o.Borrow == "" {
		r.kind = cluster.Prepare(r.clusterOptions())
	} else {
		if r.kind, err = cluster.Borrow(o.Borrow); err != nil {
			return Result{}, &InputError{errors.Join(err, r.clean.run())}
		}
	}

	out := conduct(ctx, r.began, r.steps(), o.Tell, r.stops)
	for _, o := range r.observers {
		o.Stop()
	}
	r.gauge.Stop()
	r.e.Pressure = r.gauge.Samples()
	if r.Keep && (ctx.Err() != nil || out.fatal != nil || r.applier == nil) {
		// There is nothing worth looking at, or the user wants it gone.
		r.Keep = false
		if err := r.lease.Record(func(l *cluster.Leftover) { l.Kept = false }); err != nil {
			o.Tell.Note(err.Error())
		}
	}
	if ctx.Err() != nil {
		r.e.Run.CutOff = context.Cause(ctx).Error()
	}
	result := r.result(out)
	done := o.Tell.StepTo("Cleaning up", "Cleaned up")
	err = r.clean.run()
	done(err)
	var wrong *workload.ManifestError
	if err != nil {
		o.Tell.Note("Cleaning up left something behind; the next run, or `podproof clean`, tries again: " + err.Error())
	}
	switch {
	case ctx.Err() != nil:
		return result, context.Cause(ctx)
	case errors.As(out.fatal, &wrong):
		return result, &InputError{out.fatal}
	}
	return result, nil
}

// errNoBuild ends a run whose image did not build: nothing else is tried.
var errNoBuild = errors.New("the image did not build, so nothing else was tried")

func (r *run) stops(err error) bool {
	var wrong *workload.ManifestError
	return errors.Is(err, errNoBuild) || errors.As(err, &wrong)
}

// readManifests reads what the contract names, and derives what it leaves out.
func (r *run) readManifests() error {
	var paths []workload.Path
	for _, m := range r.contract.Manifests {
		paths = append(paths, workload.Path{Written: m, Real: r.contract.Path(m)})
	}
	var err error
	if r.objects, err = workload.Read(paths); err != nil {
		return err
	}
	if r.runners, err = workload.Runners(r.objects); err != nil {
		return err
	}
	if r.redact, r.secrets, err = workload.Redactor(r.objects); err != nil {
		return err
	}
	if err := r.derive(contract.ImageFacts{}); err != nil {
		return err
	}
	if r.contract.Workload == "" {
		return r.withoutWorkload()
	}
	object, err := contract.ParseObject(r.contract.Workload)
	if err != nil {
		return err
	}
	r.subject, _ = workload.Find(r.runners, object)
	i, err := workload.ContainerOf(r.subject, r.contract.Image)
	if err != nil {
		return err
	}
	r.container = r.subject.Template.Spec.Containers[i]
	if others := workload.ClusterScoped(r.objects); r.Borrow != "" && len(others) > 0 {
		return fmt.Errorf("%s: %s belongs to the whole cluster, and podproof changes nothing outside its own namespace in a cluster that it did not make; leave out --cluster", others[0].Source, others[0])
	}
	return nil
}

// withoutWorkload is fine as long as no check needs a pod.
func (r *run) withoutWorkload() error {
	if !r.needs(podSections...) {
		return nil
	}
	if len(r.contract.Manifests) == 0 {
		return errors.New("the contract names no manifests, and the selected checks need pods; add `manifests`, or choose checks with --only 'image/*'")
	}
	return fmt.Errorf("the manifests (%s) hold no workload: no Deployment, StatefulSet, DaemonSet or Pod; add one, or correct `manifests` in the contract", strings.Join(r.contract.Manifests, ", "))
}

// derive fills in what the contract leaves out. It is called again when the image is known.
func (r *run) derive(image contract.ImageFacts) error {
	c, derived, err := contract.Derive(r.contract, contract.Facts{Image: image, Workloads: workload.Facts(r.runners)})
	if err != nil {
		return err
	}
	r.contract = c
	for _, d := range derived {
		r.Debug(fmt.Sprintf("derived %s: %s (from %s)", d.Field, d.Value, d.From))
	}
	return nil
}

// checkImage makes sure that there is an image to verify, where none is built.
func (r *run) checkImage(ctx context.Context) error {
	if r.Image == "" && r.contract.Build != nil {
		return nil
	}
	ref := r.imageRef()
	if ref == "" {
		return &InputError{errors.New("there is no image to verify: give IMAGE, or `image` or `build` in the contract")}
	}
	_, err := r.engine.Image(ctx, ref)
	if errors.Is(err, docker.ErrNotFound) {
		return &InputError{err}
	}
	return err
}

// imageRef is the image to verify: the one that was asked for, or the contract's.
func (r *run) imageRef() string {
	if r.Image != "" {
		return r.Image
	}
	return r.contract.Image
}

// missingInput is the file or folder that the build needs and that is not there, as the
// contract writes it.
func (r *run) missingInput() string {
	b := r.contract.Build
	if b == nil || r.Image != "" {
		return ""
	}
	for _, p := range []string{b.Context, b.Dockerfile} {
		if _, err := os.Stat(r.contract.Path(p)); errors.Is(err, os.ErrNotExist) {
			return p
		}
	}
	return ""
}

// namespace is the manifests' own when the cluster is ours and they name one, so that
// names such as "postgres.shop.svc" lead to where they would in production.
func (r *run) namespace() string {
	own := "podproof-" + r.lease.ID
	if r.Borrow != "" {
		return own
	}
	if ns := workload.NamespaceOf(r.objects); ns != "" {
		return ns
	}
	return own
}

func (r *run) file(name string) string { return filepath.Join(r.lease.Dir, name) }
