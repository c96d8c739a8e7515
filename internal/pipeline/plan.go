package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/trial"
)

// Plan is what a run would do, as far as that is known without doing it.
type Plan struct {
	// Workload is the one under test, and Image what it would run; Where is the cluster.
	Workload, Image, Where string
	// Stops are why the run would end before it makes anything.
	Stops []string
	// InTheWay is what a run goes on with, and what keeps it from trying all, or from coming out well.
	InTheWay []string
	// Broken are promises that the manifests alone break, Tried the others that would be, Untried
	// those that would stay undecided in this cluster, and Skipped those that are not tried, each
	// with why.
	Broken, Tried, Untried, Skipped []check.Verdict
	// Advice are those that would be broken, and that the contract's profile does not ask for.
	Advice []check.Verdict
	// Hints are what the contract could say for more to be tried.
	Hints []string
	// Assumed is what was derived where there is no contract.
	Assumed []string
	// Images are those of the pods, Demands what the namespace asks of pods, and Notes what else is
	// worth knowing.
	Images         []PlannedImage
	Demands, Notes []string
	// Applied are the objects that would be made, LeftOut those of the manifests that would not.
	Applied, LeftOut []string
	// Steps are told one by one in a run, which usually takes Usual with a good image; AtMost bounds them.
	Steps         []string
	Usual, AtMost time.Duration
	// Lacking says what cannot be tried for want of a right.
	Lacking []string
}

// PlannedImage is an image that pods of the run have.
type PlannedImage struct {
	Name string
	// For says whose it is, and How by what way it gets there.
	For, How string
	// Digest is what its registry has under the name, where it was asked.
	Digest string
}

// MakePlan reads what a run would read and, of a cluster that is there, asks what a run would ask
// first and what would meet it there. It makes nothing. Its error is that of a run that could not
// begin; what is known by then is in the plan.
func MakePlan(ctx context.Context, o Options) (Plan, error) {
	r := newRun(o)
	told := &gathered{Teller: o.Tell}
	r.Tell = told
	if err := r.read(); err != nil {
		return Plan{}, err
	}
	r.ledger = &ledger.Ledger{ID: plannedRun}
	f := forecast{run: r}
	defer r.close()
	if missing := r.missingInput(); missing != "" {
		f.meets("%s does not exist, so that nothing can be built, and nothing else is tried: correct `build` in the contract, or give IMAGE", missing)
	}
	err := f.ask(ctx)
	p := r.planned()
	p.Stops, p.InTheWay, p.Demands, p.Images = f.stops, f.inTheWay, f.demands, f.images
	for _, n := range told.notes {
		if !slices.Contains(p.LeftOut, n) && !slices.Contains(p.Assumed, n) && !slices.Contains(p.Notes, n) {
			p.Notes = append(p.Notes, n)
		}
	}
	return p, err
}

// plannedRun stands for the ID of a run that is not made.
const plannedRun = "plan"

// gathered keeps the notes, for the plan.
type gathered struct {
	Teller
	notes []string
}

func (g *gathered) Note(text string) { g.notes = append(g.notes, text) }

func (r *run) planned() Plan {
	c := r.plan.Contract
	p := Plan{Workload: c.Workload, Image: r.imageRef(), Where: r.where(), LeftOut: r.plan.LeftOut(), Hints: r.hints(), Assumed: r.plan.Assumed()}
	steps := r.steps()
	for _, s := range steps {
		if s.name != "" {
			p.Steps = append(p.Steps, s.name)
		}
	}
	p.AtMost, p.Usual = longest(steps, atMost), longest(steps, usually)
	for _, id := range slices.Sorted(maps.Keys(r.lacks)) {
		p.Lacking = append(p.Lacking, fmt.Sprintf("%s: %s", id, r.lacks[id]))
	}
	if r.needs(podSections...) {
		for _, o := range r.plan.Objects {
			p.Applied = append(p.Applied, fmt.Sprintf("%s (%s)", o, o.Source))
		}
	}
	e := evidence.Evidence{Missing: r.unseen()}
	if c.Workload != "" { // what the manifests say of it is seen already
		w := r.plan.Workload
		e.Workload = &evidence.Workload{Kind: w.GetKind(), Name: w.GetName(), Source: r.plan.Source(), Replicas: w.Replicas,
			DeclaredReplicas: r.plan.Declared, Container: r.plan.Container.Name, Template: w.Template}
	}
	for _, v := range check.Judge(r.Selected, c, e) {
		undecided := func(s evidence.Section) bool { return e.Missing[s] != "" && strings.Contains(v.Seen, e.Missing[s]) }
		switch selected := slices.ContainsFunc(r.Options.Selected, func(x check.Check) bool { return x.ID == v.Check.ID }); {
		case !selected:
		case v.Advice:
			p.Advice = append(p.Advice, v)
		case v.Status == check.Skipped:
			p.Skipped = append(p.Skipped, v)
		case v.Status == check.Fail:
			p.Broken = append(p.Broken, v)
		case slices.ContainsFunc(v.Check.Needs, undecided):
			p.Untried = append(p.Untried, v)
		default:
			p.Tried = append(p.Tried, v)
		}
	}
	return p
}

// where says in which cluster, and in which namespaces of it.
func (r *run) where() string {
	if r.Warm {
		return "a warm " + r.Provider + " cluster, of an earlier run or made, which podproof keeps for the next"
	}
	if r.Existing == "" {
		return "a " + r.Provider + " cluster that podproof makes and removes"
	}
	where := "--cluster " + r.Existing
	if r.place.Cluster != nil {
		where = "--cluster " + r.place.About().Flag
	}
	if r.Namespace != "" {
		return where + ", in namespace " + r.Namespace
	}
	return where + ", in namespaces that podproof makes and removes"
}

// unseen are the sections that every trial which fills them would leave empty here, with why.
func (r *run) unseen() map[evidence.Section]string {
	out := map[evidence.Section]string{}
	seen := map[evidence.Section]bool{}
	for _, t := range trial.List {
		if !r.tries(t) {
			continue
		}
		why := r.lacks[t.ID]
		if why == nil && t.Needs.Has(trial.NeedAgent) {
			why = r.lacks["agent"]
		}
		for _, s := range t.Sections {
			if why != nil {
				out[s] = why.Error()
			}
			seen[s] = seen[s] || why == nil
		}
	}
	if why := r.lacks["admission"]; why != nil {
		out[evidence.SectionAdmission] = why.Error()
	}
	maps.DeleteFunc(out, func(s evidence.Section, _ string) bool { return seen[s] })
	return out
}

// hints are the lines of a contract without which something that is tried shows less.
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
	return out
}

// newRun is a run of which nothing is known yet.
func newRun(o Options) *run {
	r := &run{Options: o, saw: observed{began: time.Now()}, place: place{images: map[string]string{}}}
	r.Selected = check.Without(o.Selected, o.Contract.Skip)
	return r
}

// preparing is what a cluster is prepared with that is only looked at.
func (r *run) preparing() cluster.Spec {
	return cluster.Spec{Existing: r.Existing, Kubeconfig: r.Kubeconfig, Warm: r.Warm, Waiting: func(string) {}, Note: func(string) {}, Debug: func(string) {}, Ended: func(string, time.Duration) {}}
}
