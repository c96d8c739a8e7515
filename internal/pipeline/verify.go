// Package pipeline says what waits for what in a run, and sees that nothing stays.
package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/subject"
	"podproof.dev/podproof/internal/workload"
)

// Options say what to verify, and where.
type Options struct {
	Contract contract.Contract
	// Image is verified instead of building one, when it is not empty.
	Image    string
	Selected []check.Check
	// Providers are those that there are. That of the name Provider makes the cluster, or finds the
	// one of the name Existing in a Kubeconfig.
	Providers            cluster.Providers
	Provider             string
	Existing, Kubeconfig string
	// Warm takes a cluster that an earlier run left for this one, and leaves it for the next.
	Warm bool
	// AgentImage is podproof's own, where the cluster's nodes pull their images. In a Job it is that of
	// the Job's pod, where it is empty.
	AgentImage string
	// Namespace is one that is there, and stays; empty makes one. Shared lets it have pods of others.
	Namespace string
	Shared    bool
	// Job is the one that this run is part of, where podproof runs in the cluster as one; else nil.
	Job *workload.InJob
	// OpenNetwork lets the run's pods talk to each other, whatever the namespace's policies deny.
	OpenNetwork bool
	// SetImages stand in for images of the manifests (old → new).
	SetImages map[string]string
	// ImagesAsked are those of SetImages that were asked for on purpose: it is told where no
	// object of the manifests uses one.
	ImagesAsked []string
	// RightsCommand prints the roles for this selection, for who lacks rights.
	RightsCommand string
	// BuildArgs come on top of the contract's.
	BuildArgs []string
	Keep      bool
	Version   string
	// Cache is the folder that keeps what layers hold for the next run; empty keeps nothing.
	Cache string
	// Runs is the folder below which each run has its own, while it lasts.
	Runs string
	Tell Teller
	// Timeout is the run's own, which its context has already; zero is none.
	Timeout time.Duration
	// QuietWithin is how long the trials wait where the machine is short of CPU; at zero they do not.
	QuietWithin time.Duration
	// Memory is asked, before anything is made, whether an earlier run answers this one; nil asks nobody.
	Memory Memory
	// Cut gets what a run has observed that was stopped, before its clean-up: whoever stopped
	// it may not wait for that.
	Cut func(Result)
	// Debug gets what only -v shows.
	Debug func(string)
}

// Result is what a run found out.
type Result struct {
	Contract contract.Contract // with what was derived
	Evidence evidence.Evidence
	// Kept tells how to look at what --keep left, and how to remove it; empty when nothing stays.
	Kept string
	// Record is the file of the earlier run by which this one is answered; empty where it was made.
	Record string
	// On is what the run stood on from its beginning to its end; nil where Options have no Memory, or
	// where it is not known or was not the same all the while.
	On Grounds
}

// InputError is an error of the user's input: the contract, the manifests, the arguments.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }

// Verify observes all that the selected checks need. Its error is an *InputError when the
// input is wrong, the context's cause when that ended, and otherwise says why nothing could
// be observed at all. A part that could not be observed is no error: Evidence.Missing says why.
func Verify(ctx context.Context, o Options) (Result, error) {
	r := newRun(o)
	defer r.cleanAfterPanic()
	if err := r.read(); err != nil {
		return Result{}, err
	}
	defer r.close()
	if err := r.approach(ctx); err != nil {
		return Result{}, err
	}
	if known := r.recall(ctx); known != nil {
		return r.answered(*known), nil
	}
	if err := r.enter(ctx); err != nil {
		return Result{}, err
	}
	return r.carryOut(ctx)
}

// carryOut does the steps of a run, puts together what they saw, and removes what they made.
func (r *run) carryOut(ctx context.Context) (Result, error) {
	o := r.Options
	steps := r.steps()
	if r.needs(podSections...) {
		o.Tell.Begin(r.begins(steps))
	}
	r.Debug(endsWithin(steps, o.Timeout))
	heard, end := r.whileHeard(ctx)
	out := conduct(heard, r.saw.began, steps, o.Tell, r.stops)
	cause := context.Cause(heard)
	end(nil)
	if r.bench != nil {
		r.bench.Sampler.Stop()
		r.saw.e.Pressure = r.bench.Sampler.Samples()
	}
	r.saw.e.Logs = r.searched(ctx)
	if r.Keep && (ctx.Err() != nil || out.fatal != nil || r.place.applier == nil) {
		// There is nothing worth looking at, or the user wants it gone.
		r.Keep = false
		if err := r.ledger.Record(func(m *ledger.Made) { m.Kept = false }); err != nil {
			o.Tell.Note(err.Error())
		}
	}
	if stopped := (*Stopped)(nil); out.cut && errors.As(cause, &stopped) {
		r.saw.e.Run.CutOff = stopped.By
	}
	r.keptOne()
	result := r.result(out)
	if out.fatal == nil && !out.cut {
		result.On = r.stood(ctx)
	}
	if ctx.Err() != nil && r.saw.e.Run.CutOff != "" && o.Cut != nil {
		o.Cut(result)
	}
	// A cluster that is still being made cannot be removed for good.
	if !out.ended(lateSteps) {
		r.clean.unsure()
	}
	r.stopObserving()
	done := o.Tell.StepTo("Cleaning up", "Cleaned up")
	err := r.clean.run()
	done(err)
	var wrong *workload.ManifestError
	if err != nil {
		o.Tell.Note(r.leftText(err))
	}
	switch {
	case ctx.Err() != nil && (out.cut || !errors.As(context.Cause(ctx), new(*Stopped))):
		return result, context.Cause(ctx)
	case errors.As(out.fatal, &wrong):
		return result, &InputError{out.fatal}
	}
	return result, nil
}

// read reads what is under test, and says what a person should know of it. Its error is an *InputError.
func (r *run) read() (err error) {
	r.plan, err = subject.Read(r.Contract, subject.Options{Image: r.Image, Pods: r.needs(podSections...), Owned: r.Existing == "", Namespace: r.Namespace, Debug: r.Debug})
	r.subject = r.plan
	if err != nil {
		return &InputError{err}
	}
	if c := r.plan.Contract; r.plan.Container.Image != "" && c.Image != "" && !contract.SameImage(r.plan.Container.Image, c.Image) {
		text := fmt.Sprintf("%s names the image %s; %s runs in its place", c.Workload, r.plan.Container.Image, c.Image)
		if r.Image == "" {
			text += ", as the contract says with `image`: correct that where it is a slip"
		}
		r.Tell.Note(text)
	}
	r.noteUnused()
	for _, n := range slices.Concat(r.plan.Assumed(), r.plan.Notes) {
		r.Tell.Note(n)
	}
	return nil
}

// approach reaches what the run needs beside a cluster: the engine or the registry, and the image.
func (r *run) approach(ctx context.Context) error {
	if err := r.reach(ctx); err != nil {
		return err
	}
	r.sweep(ctx)
	return r.found(ctx)
}

// answered removes what it took to know that an earlier run answers this one.
func (r *run) answered(known Result) Result {
	if err := r.clean.run(); err != nil {
		r.Tell.Note(r.leftText(err))
	}
	return known
}

// reach reaches the engine, or asks for the nodes where images come from a registry.
func (r *run) reach(ctx context.Context) (err error) {
	if r.pulls() {
		r.info, err = r.machine(ctx)
	} else {
		r.info, err = r.connect(ctx)
	}
	return err
}

// sweep removes what runs left that were killed.
func (r *run) sweep(ctx context.Context) {
	if err := Sweep(ctx, r.Runs, r.engine, r.Providers, false, r.Tell.Note); err != nil {
		r.Tell.Note("Could not remove all that an earlier run left: " + err.Error())
	}
}

// found makes sure that there is an image, and says what it leaves in doubt.
func (r *run) found(ctx context.Context) error {
	if err := r.checkImage(ctx); err != nil {
		return err
	}
	for _, doubt := range r.plan.Doubts(r.declared(ctx), r.saw.began) {
		r.Tell.Note(doubt)
	}
	return nil
}

// begin makes the run's ledger, once.
func (r *run) begin() (err error) {
	if r.ledger == nil {
		r.ledger, err = newLedger(r.Runs, &r.clean)
	}
	return err
}

// enter finds the cluster, of which nothing is made yet, and asks it before anything is made. What a run
// leaves where this fails is removed.
func (r *run) enter(ctx context.Context) error {
	if err := r.begin(); err != nil {
		return err
	}
	err := r.prepare(ctx)
	if errors.Is(err, cluster.ErrGone) {
		return &InputError{errors.Join(err, r.clean.run())}
	}
	if err == nil {
		err = r.permitted(ctx)
	}
	if err == nil {
		r.tellLacking()
		err = r.fits(ctx)
	}
	if err != nil {
		return errors.Join(err, r.clean.run())
	}
	return nil
}

// close lets go of the engine.
func (r *run) close() {
	if r.engine != nil {
		_ = r.engine.Close()
	}
}

// lateSteps is how long the clean-up waits for steps that did not end when they were told to.
const lateSteps = 40 * time.Second

// stopObserving ends the watches, of which an end that nobody waits for adds none.
func (r *run) stopObserving() {
	r.place.mu.Lock()
	defer r.place.mu.Unlock()
	for _, o := range r.place.observers {
		o.Stop()
	}
}

// cleanAfterPanic removes what was created when podproof itself breaks outside of a step.
func (r *run) cleanAfterPanic() {
	if p := recover(); p != nil {
		_ = r.clean.run()
		panic(p)
	}
}

// errNoBuild ends a run whose image did not build: nothing else is tried.
var errNoBuild = errors.New("the image did not build, so nothing else was tried")

func (r *run) stops(err error) bool {
	var wrong *workload.ManifestError
	return errors.Is(err, errNoBuild) || errors.As(err, &wrong)
}

// connect reaches the Docker engine, which builds and holds images, and runs kind's nodes.
func (r *run) connect(ctx context.Context) (docker.Info, error) {
	engine, err := docker.Connect(ctx)
	if err != nil {
		return docker.Info{}, err
	}
	r.engine, r.builder = engine, buildKit{engine}
	return engine.Info(ctx)
}

// checkImage makes sure that there is an image to verify, where none is built.
func (r *run) checkImage(ctx context.Context) error {
	switch {
	case r.builds() && r.pulls():
		return r.errBuildHere()
	case r.builds():
		return nil
	}
	if r.pulls() && r.needs(agentSections...) && r.AgentImage == "" {
		return &InputError{errNoAgent}
	}
	ref := r.imageRef()
	if ref == "" {
		return &InputError{errors.New("there is no image to verify: give IMAGE, or `image` or `build` in the contract")}
	}
	if r.pulls() {
		return r.openPulled(ctx)
	}
	img, err := r.engine.Image(ctx, ref)
	if errors.Is(err, docker.ErrNotFound) {
		if file := r.dockerfile(); file != "" {
			err = fmt.Errorf("%w\n%s lies beside the contract: to have podproof build it, add `build: {context: ., dockerfile: %s}` to the contract", err, file, file)
		}
		return &InputError{err}
	}
	r.image.id = img.ID
	if of := img.Architecture; err == nil && of != "" && r.info.Architecture != "" && of != r.info.Architecture {
		r.Tell.Note(fmt.Sprintf("%s is for linux/%s and the Docker engine's machine is linux/%s: it runs there only where that emulates the other (build for it with docker build --platform linux/%s)", ref, of, r.info.Architecture, r.info.Architecture))
	}
	return err
}

// dockerfile is one beside a contract that has no build; empty where there is none.
func (r *run) dockerfile() string {
	if r.Image != "" {
		return ""
	}
	for _, name := range []string{"Dockerfile", "Dockerfile.prod", "Containerfile"} {
		if _, err := os.Stat(r.plan.Contract.Path(name)); err == nil {
			return name
		}
	}
	return ""
}

// unusedImages are those that --set-image names and no object uses.
func (r *run) unusedImages() []string {
	return slices.DeleteFunc(slices.Clone(r.ImagesAsked), func(old string) bool {
		return slices.ContainsFunc(r.plan.Images(), func(used string) bool {
			_, ok := workload.Substitute(map[string]string{old: old}, used)
			return ok
		})
	})
}

// imageRef is the image to verify: the one that was asked for, or the contract's.
func (r *run) imageRef() string {
	if r.Image != "" {
		return r.Image
	}
	return r.plan.Contract.Image
}

// missingInput is the file or folder that the build needs and that is not there, as the
// contract writes it.
func (r *run) missingInput() string {
	b := r.plan.Contract.Build
	if b == nil {
		return ""
	}
	for _, p := range []string{b.Context, b.Dockerfile} {
		if _, err := os.Stat(r.plan.Contract.Path(p)); errors.Is(err, os.ErrNotExist) {
			return p
		}
	}
	return ""
}

// namespace is the manifests' own when the cluster is ours and they name one, so that
// names such as "postgres.shop.svc" lead to where they would in production. Beside other contracts,
// which may name the same, and in one that stays, where their rest may still be going, it is the run's.
func (r *run) namespace() string {
	own := cmp.Or(r.Namespace, namePrefix+r.ledger.ID)
	if r.place.About().Stays() || r.session != nil {
		return own
	}
	if ns := workload.NamespaceOf(r.plan.Objects); ns != "" {
		return ns
	}
	return own
}
