package subject

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/workload"
)

// Options say what is asked of a subject.
type Options struct {
	// Image is verified in place of the contract's, where it is not empty.
	Image string
	// Pods tells that pods are started: what keeps them from it is an error.
	Pods bool
	// Owned tells that the cluster is made for the run, so that what belongs to all of it may be applied.
	Owned bool
	// Namespace is one that was made before, empty where the run makes its own. What the pods need and
	// no manifest holds may be there.
	Namespace string
	// Debug gets what was derived; nil drops it.
	Debug func(string)
}

// Read reads what the contract names, leaves out what would disturb a run, and derives what the
// contract does not say. What is known to be wrong is an error, with file and line.
func Read(c contract.Contract, o Options) (Subject, error) {
	if o.Debug == nil {
		o.Debug = func(string) {}
	}
	s := Subject{Contract: c, written: c, debug: o.Debug}
	if o.Image != "" {
		s.Contract.Build = nil // what is promised of a build is not asked of an image that is there
	}
	r := reading{Options: o, Subject: s}
	err := r.read()
	return r.Subject, err
}

// reading is a subject that is being put together.
type reading struct {
	Options
	Subject
}

func (r *reading) read() error {
	objects, err := workload.Read(workload.PathsOf(r.Contract))
	if err != nil {
		return err
	}
	if r.Digest, err = workload.Digest(objects); err != nil {
		return err
	}
	r.Objects, r.Left = workload.LeaveOut(workload.Autoscaled(workload.Merged(objects)), r.Owned)
	if err := r.findControllers(); err != nil {
		return err
	}
	if r.Redact, r.Secrets, err = workload.Redactor(r.Objects); err != nil {
		return err
	}
	if err := r.chooseWorkload(); err != nil {
		return err
	}
	if r.Contract.Workload == "" {
		return nil
	}
	if err := r.startIdle(objects); err != nil {
		return err
	}
	if err := r.preflight(slices.Concat(r.named(append(r.Contract.InCluster(), r.Contract.Workload)...), r.Jobs)); err != nil {
		return err
	}
	i, err := workload.ContainerOf(r.Workload, r.Contract.Image)
	if err != nil {
		return err
	}
	r.Container = r.Workload.Template.Spec.Containers[i]
	return nil
}

// findControllers looks again at the objects, which have been changed.
func (r *reading) findControllers() error {
	var err error
	if r.Controllers, err = workload.Controllers(r.Objects); err != nil {
		return err
	}
	r.Jobs, err = workload.Jobs(r.Objects)
	return err
}

// named are the controllers of those names, in the order of the manifests.
func (r *reading) named(names ...string) []workload.Controller {
	var out []workload.Controller
	for _, x := range r.Controllers {
		if slices.Contains(names, x.String()) {
			out = append(out, x)
		}
	}
	return out
}

// chooseWorkload finds the workload under test. What keeps it from being found is said first
// where the manifests themselves are wrong.
func (r *reading) chooseWorkload() error {
	facts, err := workload.Facts(r.Objects, r.Controllers)
	if err != nil {
		return err
	}
	c := &r.Contract
	if c.Workload == "" && c.Image == "" && r.Image != "" {
		c.Image = contract.ChooseImage(r.Image, facts)
	}
	var others []string
	if c.Workload == "" && !workload.Run(r.Controllers, c.Image) {
		others = workload.Foreign(r.Objects, r.Left, c.Image)
	}
	r.Subject, err = r.With(contract.ImageFacts{})
	switch {
	case !r.Pods:
		return err
	case err == nil && len(others) == 0 && c.Workload != "":
		return nil
	}
	if wrong := r.preflight(r.Controllers); wrong != nil {
		return wrong
	}
	switch {
	case len(others) > 0:
		return &workload.ManifestError{Problems: others}
	case err != nil:
		return err
	}
	return r.withoutWorkload()
}

// startIdle has one replica of what has none run: a manifest that leaves them to a scaler says
// replicas: 0, and nothing could be tried.
func (r *reading) startIdle(written []workload.Object) error {
	names := append(r.Contract.InCluster(), r.Contract.Workload)
	for _, x := range r.named(names...) {
		if x.Replicas == 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s (%s) has replicas: 0; one is run", x, x.Source))
		}
	}
	r.Objects = workload.Started(r.Objects, names...)
	if err := r.findControllers(); err != nil {
		return err
	}
	object, err := contract.ParseObject(r.Contract.Workload)
	if err != nil {
		if wrong := r.preflight(r.Controllers); wrong != nil { // it knows where the name stands
			return wrong
		}
		return err
	}
	r.Workload, _ = workload.Find(r.Controllers, object)
	before, err := workload.Controllers(written)
	if err != nil {
		return err
	}
	was, _ := workload.Find(before, object)
	r.Declared = was.Declared
	return nil
}

// preflight tells what is known to be wrong before a cluster is made. Only pods need one.
func (r *reading) preflight(needed []workload.Controller) error {
	if !r.Pods {
		return nil
	}
	found := workload.Preflight{Objects: r.Objects, Left: r.Left, Controllers: r.Controllers, Needed: needed, Namespace: r.Namespace}.Look()
	if len(found.Problems) > 0 {
		return &workload.ManifestError{Problems: found.Problems}
	}
	notes := found.Notes
	if r.Subject.Secrets != nil {
		r.Subject.Secrets.Unknown = found.Secrets
	}
	r.Notes = append(append(r.LeftOut(), r.Notes...), notes...)
	return nil
}

// withoutWorkload says what is missing.
func (r *reading) withoutWorkload() error {
	if len(r.Contract.Manifests) == 0 {
		return errors.New("the contract names no manifests, and the selected checks need pods; add `manifests`, name them with -m, or choose checks with --only 'image/*'")
	}
	text := fmt.Sprintf("the manifests (%s) hold no workload: no Deployment, StatefulSet, DaemonSet or Pod; add one, or correct `manifests` in the contract", strings.Join(r.Contract.Manifests, ", "))
	for _, l := range r.Left {
		text += "\n  " + l.String()
	}
	return errors.New(text)
}
