package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/redact"
	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/subject"
	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

// run is one run under way. Each field is written by one step, and read only by steps that
// come after it; what several steps write is under a lock.
type run struct {
	Options

	// session is nil for a run by itself.
	session *session
	// on is what it stands on; nil where that is not known, or not asked. answer is of an earlier run on
	// the same, where several are verified.
	on     Grounds
	answer *Result
	// plan is what is under test as contract and manifests have it, subject with what the image
	// says, from the step "save" on.
	plan, subject subject.Subject

	engine  *docker.Engine
	info    docker.Info
	builder builder
	ledger  *ledger.Ledger
	clean   cleanup
	image   savedImage
	place   place
	bench   *trial.TestBed
	work    ownWork
	saw     observed
	// lacks are the errors of steps for which this run has not the rights, by their IDs.
	lacks map[string]error
	// lacking are those rights.
	lacking []rights.Rule
}

// savedImage is the image under test.
type savedImage struct {
	*source.Image        // as it was saved, once
	id            string // where none is built
}

// place is where the run's pods are.
type place struct {
	cluster.Cluster
	applier *workload.Applier
	// What the cluster has, and which of the manifests' objects belong to all of it.
	storage    workload.Storage
	priorities map[string]bool
	wide       map[string]bool
	observer   *workload.Observer // of the workload's own namespace
	demands    workload.Demands   // of that namespace

	mu        sync.Mutex
	images    map[string]string // of the manifests → that run here
	said      []string          // of what was changed on the objects' way into the cluster
	observers []*workload.Observer
}

// observed is the evidence, which steps that run side by side write.
type observed struct {
	began time.Time

	mu sync.Mutex
	e  evidence.Evidence
	// sealed tells that the evidence is being judged: a step that did not end adds nothing.
	sealed bool
	// clusterSteps are the provider's own steps within "cluster".
	clusterSteps []evidence.Step
	// waited tells that the run waited for a quieter machine.
	waited bool
}

// podSections are those for which pods are started.
var podSections = append([]evidence.Section{evidence.SectionAdmission, evidence.SectionStartup}, trial.Sections(0)...)

// agentSections are those that the agent's requests are part of.
var agentSections = trial.Sections(trial.NeedAgent)

// buildSections are observed once the image is built.
var buildSections = []evidence.Section{evidence.SectionContext, evidence.SectionRebuild, evidence.SectionLockRebuild, evidence.SectionReproduction}

// needs tells whether a selected check looks at one of the sections.
func (r *run) needs(sections ...evidence.Section) bool {
	return slices.ContainsFunc(r.Selected, func(c check.Check) bool {
		return slices.ContainsFunc(c.Needs, func(s evidence.Section) bool { return slices.Contains(sections, s) })
	})
}

func (r *run) builds() bool { return r.plan.Contract.Build != nil }

// steps is the whole run: what is done, and what it waits for. The image and the cluster
// are made side by side; each trial has pods of its own, so they run side by side, too.
func (r *run) steps() []step {
	if p := r.missingInput(); p != "" {
		return []step{r.buildStep()}
	}
	pods := r.needs(podSections...)
	imageSections := []evidence.Section{evidence.SectionImage}
	agent, asks, tells := r.needs(agentSections...), r.asking, []string(nil)
	if pods && r.nodeless() { // the agent's pod stands in for the node
		agent, asks, tells = true, func(do func(context.Context) error) func(context.Context) error { return do }, []string{"agent"}
	}
	all := []possible{
		{r.builds() && r.saw.e.Build == nil, r.buildStep()},
		{r.builds() && r.needs(evidence.SectionContext, evidence.SectionRebuild, evidence.SectionLockRebuild),
			step{id: "context", after: []string{"build"}, sections: []evidence.Section{evidence.SectionContext}, run: r.readContext}},
		// One after the other: BuildKit keeps one copy of a context for the builds that follow each other.
		{r.builds() && r.needs(evidence.SectionRebuild), step{id: "rebuild", after: []string{"context"},
			sections: []evidence.Section{evidence.SectionRebuild}, run: r.rebuild}},
		{r.builds() && r.needs(evidence.SectionLockRebuild), step{id: "lock-rebuild", after: []string{"context", "rebuild"},
			sections: []evidence.Section{evidence.SectionLockRebuild}, run: r.lockRebuild}},
		{r.builds() && r.plan.Contract.Build.Reproducible && r.needs(evidence.SectionReproduction),
			step{id: "reproduction", after: []string{"build", "rebuild", "lock-rebuild"}, name: "Building twice without the cache", ended: "Built twice without the cache",
				sections: []evidence.Section{evidence.SectionReproduction}, run: r.reproduce}},
		{pods || r.needs(imageSections...), step{id: "save", after: []string{"build"}, sections: imageSections, run: r.save}},
		{r.needs(imageSections...), step{id: "inspect", after: []string{"save"}, name: "Reading the image's layers", ended: "Image read",
			sections: imageSections, run: r.inspect}},
		{pods && r.place.About().Owned, step{id: "cluster", name: r.clusterTitle(), ended: r.clusterEnded(),
			sections: []evidence.Section{evidence.SectionCluster}, run: r.together("cluster", r.place.Open)}},
		{pods, step{id: "node", after: []string{"cluster"}, run: r.settle}},
		{pods, step{id: "dns", after: []string{"node"}, run: r.awaitDNS}},
		{pods && r.place.About().Owned, step{id: "boot", run: r.together("boot", r.place.Booted)}},
		{pods, step{id: "node-agent", after: []string{"boot"}, run: r.together("node-agent", r.installAgent)}},
		{pods && r.pulls(), step{id: "load", after: []string{"save"}, run: r.pin}},
		{pods && !r.pulls(), step{id: "load", after: []string{"save", "boot"}, name: "Loading the image", ended: "Image loaded", run: r.load}},
		{pods, step{id: "other-images", after: []string{"boot"}, run: r.loadOthers}},
		{agent, step{id: "agent-image", after: []string{"boot", "save"}, run: r.loadAgent}},
		{agent, step{id: "agent", after: []string{"node", "agent-image"}, run: asks(r.startAgent)}},
		{pods, step{id: "dependencies", after: []string{"node", "node-agent", "other-images", "load"}, behind: tells, name: r.dependenciesTitle(), ended: "Dependencies ready", run: r.dependencies}},
		{pods, step{id: "startup", after: []string{"dependencies", "load", "dns"}, behind: []string{"agent-image"}, name: "Starting " + r.plan.Contract.Workload, ended: "Started " + r.plan.Contract.Workload,
			sections: []evidence.Section{evidence.SectionStartup, evidence.SectionWorkload}, run: r.startup}},
		{r.needs(evidence.SectionAdmission), step{id: "admission", after: []string{"dependencies"},
			sections: []evidence.Section{evidence.SectionAdmission}, run: r.admission}},
	}
	var out []step
	bounds := r.bounds()
	for _, s := range append(all, r.trialSteps()...) {
		if s.wanted {
			if s.last {
				for _, before := range out {
					s.behind = append(s.behind, before.id)
				}
			}
			if slices.Contains(working, s.id) {
				s.run = r.work.counted(s.run)
			}
			s.within, s.usual = max(s.within, bounds[s.id]), r.usual(s.step)
			out = append(out, s.step)
		}
	}
	return r.withoutRights(out)
}

func (r *run) buildStep() step {
	return step{id: "build", name: "Building " + r.title(), ended: "Built " + r.title(), sections: []evidence.Section{evidence.SectionBuild}, run: r.build}
}

// title is the image's name without its tag, as one says it.
func (r *run) title() string {
	name := path.Base(r.imageRef())
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	return name
}

func (r *run) dependenciesTitle() string {
	waited := r.plan.Contract.InCluster()
	for _, j := range r.plan.Jobs {
		waited = append(waited, j.String())
	}
	if len(waited) == 0 {
		return "Applying the manifests"
	}
	return "Starting " + strings.Join(waited, ", ")
}

// result puts together what was observed.
func (r *run) result(out outcome) Result {
	r.saw.mu.Lock()
	defer r.saw.mu.Unlock()
	r.saw.sealed = true
	e := r.saw.e
	e.SchemaVersion = evidence.SchemaVersion
	e.Run.ID, e.Run.Version, e.Run.Started, e.Run.Finished = r.ledger.ID, r.Version, r.saw.began.UTC(), time.Now().UTC()
	e.Inputs = r.plan.Inputs()
	e.Steps = slices.Concat(out.steps, r.saw.clusterSteps)
	if !r.saw.waited {
		e.Steps = slices.DeleteFunc(e.Steps, func(s evidence.Step) bool { return s.Name == quietStep })
	}
	slices.SortStableFunc(e.Steps, func(a, b evidence.Step) int { return cmp.Compare(a.Started, b.Started) })
	if errors.Is(out.fatal, errNoBuild) {
		delete(out.missing, evidence.SectionBuild)
	}
	e.Missing = out.missing
	if e.Build != nil && e.Build.Error != "" || e.Build != nil && e.Build.MissingPath != "" {
		for _, s := range slices.Concat(buildSections, []evidence.Section{evidence.SectionImage, evidence.SectionWorkload}, podSections) {
			e.Missing[s] = errNoBuild.Error()
		}
	}
	res := Result{Contract: redacted(r, r.subject.Contract), Evidence: redacted(r, mask(e))}
	if r.Keep && r.stays() {
		res.Kept = r.keptText()
	}
	return res
}

// clusterTitle is told once of a cluster that several runs share.
func (r *run) clusterTitle() string {
	if !r.tells() {
		return ""
	}
	if r.place.About().Warm {
		return "Opening a warm kind cluster"
	}
	return "Creating a kind cluster"
}

func (r *run) clusterEnded() string {
	if r.place.About().Warm {
		return "Warm cluster ready"
	}
	return "Cluster created"
}

func (r *run) keptText() string {
	about, namespace := r.place.About(), r.namespace()
	what := "the cluster"
	if !about.Owned {
		what = fmt.Sprintf("namespace %s in the %s cluster %s", namespace, about.Provider, about.Name)
	}
	if r.Namespace != "" {
		what = "podproof's objects in " + what
	}
	return fmt.Sprintf("Kept %s. Look at it with:\n  kubectl %s -n %s get all\nRemove it with:\n  podproof clean", what, about.Kubectl, namespace)
}

// mask takes secrets out of what comes from the image and its build; the judgement of
// masked evidence is the same.
func mask(e evidence.Evidence) evidence.Evidence {
	if e.Image != nil {
		m := redact.Image(*e.Image)
		m.Entry = maskedEntry(m.Entry)
		e.Image = &m
	}
	if e.Build != nil {
		m := redact.Build(*e.Build)
		e.Build = &m
	}
	for _, b := range []**evidence.Rebuild{&e.Rebuild, &e.LockRebuild} {
		if *b != nil {
			m := redact.Rebuild(**b)
			*b = &m
		}
	}
	if e.Reproduction != nil {
		m := redact.Reproduction(*e.Reproduction)
		e.Reproduction = &m
	}
	return e
}

// maskedEntry takes secrets out of what scripts end with, which readers of layers did by names alone.
func maskedEntry(files []evidence.EntryFile) []evidence.EntryFile {
	files = slices.Clone(files)
	for i, f := range files {
		files[i].Ends = slices.Clone(f.Ends)
		for k, end := range f.Ends {
			files[i].Ends[k].Words, files[i].Ends[k].Text = redact.Arguments(end.Words), redact.Text(end.Text)
		}
		files[i].Scripts = maps.Clone(f.Scripts)
		for name, command := range f.Scripts {
			files[i].Scripts[name] = redact.Text(command)
		}
	}
	return files
}
