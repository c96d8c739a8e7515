package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/collect/pod"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// run is one run under way. Each field is written by one step, and read only by steps that
// come after it; what several steps write is under mu.
type run struct {
	Options
	began time.Time

	contract  contract.Contract
	objects   []workload.Object
	runners   []workload.Runner
	subject   workload.Runner
	container corev1.Container // of the subject's template, as the manifests have it
	redact    func(string) string
	secrets   *evidence.Secrets // that redact looks for

	engine  *docker.Engine
	info    docker.Info
	lease   *cluster.Lease
	clean   cleanup
	archive *source.Image

	kind     *cluster.Kind
	applier  *workload.Applier
	observer *workload.Observer // of the workload's own namespace
	bench    *pod.Bench
	gauge    *pod.Gauge // nil before the workload is started, and where it would not tell
	// agentImage is the name under which the agent's image was loaded.
	agentImage string

	mu sync.Mutex
	e  evidence.Evidence
	// kindSteps are kind's own steps within "cluster".
	kindSteps []evidence.Step
	images    map[string]string // of the manifests → that run here
	observers []*workload.Observer
}

var podSections = []evidence.Section{evidence.SectionAdmission, evidence.SectionStartup, evidence.SectionHealth,
	evidence.SectionIdentity, evidence.SectionTermination, evidence.SectionRequiredEnv,
	evidence.SectionMalformedEnv, evidence.SectionResponses, evidence.SectionResources,
	evidence.SectionReadOnlyRoot, evidence.SectionArbitraryUID,
	evidence.SectionEarlyTermination, evidence.SectionInFlight, evidence.SectionRollouts,
	evidence.SectionOutages, evidence.SectionOutageTermination}

// buildSections are observed once the image is built.
var buildSections = []evidence.Section{evidence.SectionContext, evidence.SectionRebuild, evidence.SectionLockRebuild, evidence.SectionReproduction}

// needs tells whether a selected check looks at one of the sections.
func (r *run) needs(sections ...evidence.Section) bool {
	return slices.ContainsFunc(r.Selected, func(c check.Check) bool {
		return slices.ContainsFunc(c.Needs, func(s evidence.Section) bool { return slices.Contains(sections, s) })
	})
}

func (r *run) builds() bool { return r.Image == "" && r.contract.Build != nil }

// steps is the whole run: what is done, and what it waits for. The image and the cluster
// are made side by side; each trial has pods of its own, so they run side by side, too.
func (r *run) steps() []step {
	if p := r.missingInput(); p != "" {
		return []step{{id: "build", name: "Building " + r.title(), run: r.build,
			sections: []evidence.Section{evidence.SectionBuild}}}
	}
	pods := r.needs(podSections...)
	imageSections := []evidence.Section{evidence.SectionImage}
	all := []possible{
		{r.builds(), step{id: "build", name: "Building " + r.title(), ended: "Built " + r.title(),
			sections: []evidence.Section{evidence.SectionBuild}, run: r.build}},
		{r.builds() && r.needs(evidence.SectionContext, evidence.SectionRebuild, evidence.SectionLockRebuild),
			step{id: "context", after: []string{"build"}, sections: []evidence.Section{evidence.SectionContext}, run: r.readContext}},
		// One after the other: BuildKit keeps one copy of a context for the builds that follow each other.
		{r.builds() && r.needs(evidence.SectionRebuild), step{id: "rebuild", after: []string{"context"},
			sections: []evidence.Section{evidence.SectionRebuild}, run: r.rebuild}},
		{r.builds() && r.needs(evidence.SectionLockRebuild), step{id: "lock-rebuild", after: []string{"context", "rebuild"},
			sections: []evidence.Section{evidence.SectionLockRebuild}, run: r.lockRebuild}},
		{r.builds() && r.contract.Build.Reproducible && r.needs(evidence.SectionReproduction),
			step{id: "reproduction", after: []string{"build", "rebuild", "lock-rebuild"}, name: "Building twice without the cache", ended: "Built twice without the cache",
				sections: []evidence.Section{evidence.SectionReproduction}, run: r.reproduce}},
		{pods || r.needs(imageSections...), step{id: "save", after: []string{"build"}, sections: imageSections, run: r.save}},
		{r.needs(imageSections...), step{id: "inspect", after: []string{"save"}, name: "Reading the image's layers", ended: "Image read",
			sections: imageSections, run: r.inspect}},
		{pods && r.Borrow == "", step{id: "cluster", name: "Creating a kind cluster", ended: "Cluster created",
			sections: []evidence.Section{evidence.SectionCluster}, run: r.create}},
		{pods, step{id: "node", after: []string{"cluster"}, run: r.settle}},
		{pods, step{id: "dns", after: []string{"node"}, run: r.awaitDNS}},
		{pods && r.Borrow == "", step{id: "boot", run: r.kind.AwaitBoot}},
		{pods, step{id: "load", after: []string{"save", "boot"}, name: "Loading the image", ended: "Image loaded", run: r.load}},
		{pods, step{id: "other-images", after: []string{"boot"}, run: r.loadOthers}},
		{pods, step{id: "dependencies", after: []string{"node", "other-images", "load"}, name: r.dependenciesTitle(), ended: "Dependencies ready", run: r.dependencies}},
		{pods, step{id: "startup", after: []string{"dependencies", "load", "dns"}, name: "Starting " + r.contract.Workload, ended: "Started " + r.contract.Workload,
			sections: []evidence.Section{evidence.SectionStartup, evidence.SectionWorkload}, run: r.startup}},
		{r.needs(evidence.SectionAdmission), step{id: "admission", after: []string{"dependencies"},
			sections: []evidence.Section{evidence.SectionAdmission}, run: r.admission}},
		{r.needs(evidence.SectionHealth), step{id: "health", after: []string{"startup"}, name: "Asking for its health", ended: "Health asked",
			sections: []evidence.Section{evidence.SectionHealth}, run: r.health}},
		{r.needs(evidence.SectionIdentity), step{id: "identity", after: []string{"startup"},
			sections: []evidence.Section{evidence.SectionIdentity}, run: r.identity}},
		{r.needs(evidence.SectionTermination), step{id: "termination", after: []string{"startup"}, name: "Stopping a pod with SIGTERM", ended: "Pod stopped",
			sections: []evidence.Section{evidence.SectionTermination}, run: r.termination}},
		{r.needs(evidence.SectionRequiredEnv) && len(r.contract.Env.Required) > 0,
			step{id: "required-env", after: []string{"startup"}, name: "Starting without each required variable", ended: "Started without each required variable",
				sections: []evidence.Section{evidence.SectionRequiredEnv}, run: r.requiredEnv}},
	}
	var out []step
	for _, s := range append(all, r.trialSteps()...) {
		if s.wanted {
			out = append(out, s.step)
		}
	}
	return out
}

// title is the image's name without its tag, as one says it.
func (r *run) title() string {
	name := path.Base(r.imageRef())
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	return name
}

func (r *run) dependenciesTitle() string {
	if len(r.contract.Dependencies) == 0 {
		return "Applying the manifests"
	}
	return "Starting " + strings.Join(r.contract.Dependencies, ", ")
}

// set writes into the evidence, which steps that run side by side share.
func (r *run) set(write func(*evidence.Evidence)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	write(&r.e)
}

// result puts together what was observed.
func (r *run) result(out outcome) Result {
	e := r.e
	e.SchemaVersion = evidence.SchemaVersion
	e.Run.ID, e.Run.Version, e.Run.Started, e.Run.Finished = r.lease.ID, r.Version, r.began.UTC(), time.Now().UTC()
	e.Steps = slices.Concat(out.steps, r.kindSteps)
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
	res := Result{Contract: r.contract, Evidence: mask(e)}
	if r.Keep && r.lease.Left.Kept {
		res.Kept = r.keptText()
	}
	return res
}

func (r *run) keptText() string {
	k := r.lease.Left
	if k.Cluster != "" {
		return fmt.Sprintf("Kept the cluster. Look at it with:\n  kubectl --kubeconfig %s -n %s get all\nRemove it with:\n  podproof clean", r.file(kubeconfigFile), k.Namespaces[0])
	}
	return fmt.Sprintf("Kept namespace %s in the kind cluster %s. Look at it with:\n  kubectl --context kind-%s -n %s get all\nRemove it with:\n  podproof clean", k.Namespaces[0], k.Borrowed, k.Borrowed, k.Namespaces[0])
}

// mask takes secrets out of what comes from the image and its build; the judgement of
// masked evidence is the same.
func mask(e evidence.Evidence) evidence.Evidence {
	if e.Image != nil {
		m := check.MaskImage(*e.Image)
		e.Image = &m
	}
	if e.Build != nil {
		m := check.MaskBuild(*e.Build)
		e.Build = &m
	}
	for _, b := range []**evidence.Rebuild{&e.Rebuild, &e.LockRebuild} {
		if *b != nil {
			m := check.MaskRebuild(**b)
			*b = &m
		}
	}
	if e.Reproduction != nil {
		m := check.MaskReproduction(*e.Reproduction)
		e.Reproduction = &m
	}
	return e
}
