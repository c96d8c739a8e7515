package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

// possible is a step that a run may have.
type possible struct {
	wanted bool
	step
}

// trialSteps are a step for each trial, after a look at the machine.
func (r *run) trialSteps() []possible {
	all := []possible{
		{r.needs(trial.Sections(trial.NeedReady)...), step{id: "ready", after: []string{"startup"}, run: r.isReady}},
		{r.looksForQuiet(), step{id: quietStep, after: []string{"startup", "ready"}, within: r.QuietWithin + letGo, run: r.awaitQuiet}},
	}
	limits := r.limits()
	for _, t := range trial.List {
		s := step{id: t.ID, after: []string{"startup"}, behind: slices.Concat([]string{quietStep}, t.Behind), sections: t.Sections, within: t.Within(limits), last: t.Last, run: r.try(t)}
		s.name, s.ended = r.told(t.Doing), r.told(t.Done)
		if t.Needs.Has(trial.NeedReady) {
			s.after = append(s.after, "ready")
		}
		if t.Needs.Has(trial.NeedAgent) {
			s.after = append(s.after, "agent")
		}
		if t.Needs.Has(trial.NeedLook) && r.nodeless() {
			s.after = append(s.after, "agent-image")
		}
		if t.Needs.Has(trial.NeedServing) {
			s.name, s.run = r.ifServes(s.name), r.asking(s.run)
		}
		all = append(all, possible{r.tries(t), s})
	}
	return all
}

// tries tells whether the run makes a trial: a check looks at what it sees, and there is something to try.
func (r *run) tries(t trial.Trial) bool {
	return r.needs(t.Sections...) && (t.Asked == nil || t.Asked(r.plan.Contract, r.plan.Container))
}

// try makes a trial.
func (r *run) try(t trial.Trial) func(context.Context) error {
	return func(ctx context.Context) error {
		b := *r.bench
		b.Trial = t.ID
		began := time.Now()
		seen, err := t.Run(ctx, &b)
		if t.Last { // what became of the pods in all that time
			began = r.saw.began
		}
		if why := r.disturbed(began, t); why != nil && ctx.Err() == nil {
			return why // what was seen, or not, is not the image's doing
		}
		switch {
		case t.Parts:
			r.set(seen)
		case err == nil:
			r.seen(ctx, seen)
		}
		return err
	}
}

// told is what a trial says that it does.
func (r *run) told(text string) string {
	return strings.ReplaceAll(text, "DEPENDENCY", takenText(r.plan.Contract.Dependencies))
}

// nodeless tells that no node may be touched: podproof's own image looks at processes then, and
// its pod tells of the machine.
func (r *run) nodeless() bool { return r.place.Cluster == nil || r.place.Nodes() == nil }

// asking leaves out a step that only requests can carry out, where nobody can be asked. That is
// known when the image is: its HEALTHCHECK may say that it serves.
func (r *run) asking(do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if !r.subject.Contract.Serves() {
			return nil
		}
		return do(ctx)
	}
}

// ifServes is the name of a step that is left out where nobody can be asked.
func (r *run) ifServes(name string) string {
	if !r.plan.Contract.Serves() {
		return ""
	}
	return name
}

// takenText names what is taken away.
func takenText(ds []contract.Dependency) string {
	var names []string
	for _, d := range ds {
		names = append(names, d.String())
	}
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return strings.Join(names, "")
}

// isReady ends, with one reason for all of them, the trials that begin with a Ready pod.
func (r *run) isReady(context.Context) error {
	if !r.saw.e.Startup.Ready {
		return fmt.Errorf("%s did not become Ready; see startup/ready", r.subject.Contract.Workload)
	}
	return nil
}

// loadAgent puts podproof itself into the cluster, as an image of one file: for its agent, where somebody
// can be asked, and for its proxy in front of a dependency.
func (r *run) loadAgent(ctx context.Context) error {
	if r.pulls() || !r.nodeless() && !r.subject.Contract.Serves() && len(r.subject.Contract.Dependencies) == 0 {
		return nil
	}
	file, err := agentProgram(r.info.Architecture)
	if err != nil {
		return err
	}
	p, err := cluster.NewProgram(file, "podproof", r.info.Architecture, trial.AgentUID)
	if err != nil {
		return fmt.Errorf("making the image of podproof's agent: %w", err)
	}
	r.AgentImage, err = shared(ctx, r, "agent-image", func(ctx context.Context) (string, error) {
		l, _ := r.holder()
		return r.putImage(ctx, p, "podproof.local/agent:run-"+l.ID)
	})
	return err
}

// agentProgram is the running podproof, or the one for the nodes' system beside it.
func agentProgram(architecture string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding podproof's own program, which is its agent, too: %w", err)
	}
	if runtime.GOOS == "linux" && runtime.GOARCH == architecture {
		return self, nil
	}
	other := filepath.Join(filepath.Dir(self), "podproof-linux-"+architecture)
	if _, err := os.Stat(other); errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("the cluster's nodes are linux/%s and this podproof is for %s/%s: put a podproof for them at %s (GOOS=linux GOARCH=%s CGO_ENABLED=0 go build)",
			architecture, runtime.GOOS, runtime.GOARCH, other, architecture)
	}
	return other, nil
}

func (r *run) startAgent(ctx context.Context) error {
	return r.agentBed().StartAgent(ctx, r.AgentImage, r.subject.Contract.Startup.Within.Std())
}

// agentBed is as much of a bench as the agent's pod takes.
func (r *run) agentBed() *trial.TestBed {
	return &trial.TestBed{Run: r.ledger.ID, Namespace: r.namespace(), AgentNamespace: r.namespace(), Applier: r.place.applier, Observer: r.place.observer,
		Demands: r.place.demands, REST: r.place.REST(), Subject: r.subject.Workload, Manifests: r.subject.Objects}
}

// asked says where and how the workload is asked. Readiness is asked where its probe asks it.
func (r *run) asked() trial.Asked {
	a := trial.Asked{Health: r.subject.Contract.HealthEndpoint(), Load: r.subject.Contract.LoadEndpoint(), Longest: r.subject.Contract.HTTP.Longest.Std(), EndsWithin: r.subject.Contract.Termination.Within.Std(),
		Query: route(r.subject.Contract.HTTP.Query), Upload: route(r.subject.Contract.HTTP.Upload)}
	a.Ready = a.Health
	if ready, ok := workload.ReadinessEndpoint(r.subject.Container); ok {
		a.Ready = ready
	}
	return a
}

func route(c *contract.Route) *trial.Route {
	if c == nil {
		return nil
	}
	return &trial.Route{Method: c.Verb(), Path: c.Path, Header: c.Header, Body: c.Body}
}
