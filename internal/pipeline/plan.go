package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
)

// Plan is what a run would do, as far as that is known without doing it.
type Plan struct {
	// Workload is the one under test, and Image what it would run; Where is the cluster.
	Workload, Image, Where string
	// Broken are promises that the manifests alone break, Tried the others that would be, and Skipped
	// those that would not, each with why.
	Broken, Tried, Skipped []check.Verdict
	// Hints are what the contract could say for more to be tried.
	Hints []string
	// Applied are the objects that would be made, LeftOut those of the manifests that would not.
	Applied, LeftOut []string
	// Steps are told one by one in a run; AtMost bounds them.
	Steps  []string
	AtMost time.Duration
	// Lacking says what cannot be tried for want of a right.
	Lacking []string
}

// MakePlan reads what a run would read and, of a cluster that is there, asks what a run would ask
// first. It makes nothing. Its error is that of the run that would end there.
func MakePlan(ctx context.Context, o Options) (Plan, error) {
	r := newRun(o)
	if err := r.read(); err != nil {
		return Plan{}, err
	}
	if o.Existing != "" {
		defer r.close()
		if err := r.open(ctx); err != nil {
			return Plan{}, err
		}
		defer func() { _ = r.clean.run() }()
	} else {
		r.ledger = &ledger.Ledger{}
		c, err := r.Providers[r.Provider].Prepare(ctx, cluster.Spec{Waiting: func(string) {}, Debug: func(string) {}, Ended: func(string, time.Duration) {}})
		if err != nil {
			return Plan{}, err
		}
		r.place.Cluster = c
	}
	return r.planned(), nil
}

func (r *run) planned() Plan {
	about, c := r.place.About(), r.plan.Contract
	p := Plan{Workload: c.Workload, Image: r.imageRef(), Where: "--cluster " + about.Flag, LeftOut: r.plan.LeftOut(), Hints: r.hints()}
	switch {
	case about.Owned:
		p.Where = "a " + about.Provider + " cluster that podproof makes and removes"
	case r.Namespace != "":
		p.Where += ", in namespace " + r.Namespace
	default:
		p.Where += ", in namespaces that podproof makes and removes"
	}
	steps := r.steps()
	for _, s := range steps {
		if s.name != "" {
			p.Steps = append(p.Steps, s.name)
		}
	}
	p.AtMost = longest(steps)
	for _, id := range slices.Sorted(maps.Keys(r.lacks)) {
		p.Lacking = append(p.Lacking, fmt.Sprintf("%s: %s", id, r.lacks[id]))
	}
	if r.needs(podSections...) {
		for _, o := range r.plan.Objects {
			p.Applied = append(p.Applied, fmt.Sprintf("%s (%s)", o, o.Source))
		}
	}
	var e evidence.Evidence
	if c.Workload != "" { // what the manifests say of it is seen already
		w := r.plan.Workload
		e.Workload = &evidence.Workload{Kind: w.GetKind(), Name: w.GetName(), Source: &evidence.Source{File: w.Source.File, Line: w.Source.Line}, Replicas: w.Replicas,
			DeclaredReplicas: r.plan.Declared, Container: r.plan.Container.Name, Template: w.Template}
	}
	for _, v := range check.Judge(r.Selected, c, e) {
		switch selected := slices.ContainsFunc(r.Options.Selected, func(x check.Check) bool { return x.ID == v.Check.ID }); {
		case !selected:
		case v.Status == check.Skipped:
			p.Skipped = append(p.Skipped, v)
		case v.Status == check.Fail:
			p.Broken = append(p.Broken, v)
		default:
			p.Tried = append(p.Tried, v)
		}
	}
	return p
}

// hints are the lines of a contract without which something is not tried, or shows less.
func (r *run) hints() []string {
	c := r.plan.Contract
	var out []string
	hint := func(missing bool, wanted evidence.Section, text string) {
		if missing && r.needs(wanted) {
			out = append(out, text)
		}
	}
	serves := c.Workload != "" && c.Serves()
	hint(serves && c.HTTP.Upload == nil, evidence.SectionInFlight, "termination/requests-in-flight needs a route that reads its body: http: {upload: {path: /…, body: …}}")
	hint(serves && c.HTTP.Query == nil && len(c.Dependencies) > 0, evidence.SectionOutages, "database/recovers asks the readiness route alone; with a route whose answer comes from there it shows more: http: {query: {path: /…}}")
	hint(c.Workload != "" && len(c.InCluster()) == 0, evidence.SectionOutages, "nothing is taken away: dependencies: [statefulset/…]")
	hint(c.Workload != "" && len(c.Env.Required) == 0, evidence.SectionRequiredEnv, "no variable is left out: env: {required: [NAME, …]}")
	return out
}

// newRun is a run of which nothing is known yet.
func newRun(o Options) *run {
	r := &run{Options: o, saw: observed{began: time.Now()}, place: place{images: map[string]string{}}}
	r.Selected = check.Without(o.Selected, o.Contract.Skip)
	return r
}
