package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/collect/pod"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// agentSections are those that the agent's requests are part of.
var agentSections = []evidence.Section{evidence.SectionInFlight, evidence.SectionRollouts,
	evidence.SectionOutages, evidence.SectionOutageTermination, evidence.SectionResponses, evidence.SectionResources}

// readySections are those that tell nothing of a workload which does not become Ready.
var readySections = append([]evidence.Section{evidence.SectionReadOnlyRoot, evidence.SectionArbitraryUID}, agentSections...)

// possible is a step that a run may have.
type possible struct {
	wanted bool
	step
}

// quiet are the steps that a rollout waits for: those that look at the pods which it
// replaces, and those that start a crowd of pods. While a node is busy with these, kube-proxy
// is seconds late, and requests are lost that no other cluster would lose.
var quiet = []string{"health", "identity", "resources", "required-env", "malformed-env"}

// trialSteps are the trials that disturb what they are tried on. Each has pods of its own,
// or, like an outage, a namespace; a rollout replaces the workload's own pods, and so waits
// for those who look at them.
func (r *run) trialSteps() []possible {
	agent := r.needs(agentSections...)
	outage := []evidence.Section{evidence.SectionOutages}
	frozen := []evidence.Section{evidence.SectionOutages, evidence.SectionOutageTermination}
	away := len(r.contract.Dependencies) > 0
	return []possible{
		{agent, step{id: "agent-image", after: []string{"boot"}, run: r.loadAgent}},
		{r.needs(readySections...), step{id: "ready", after: []string{"startup"}, run: r.isReady}},
		{agent, step{id: "agent", after: []string{"ready", "agent-image"}, run: r.startAgent}},
		{r.needs(evidence.SectionEarlyTermination), step{id: "early-termination", after: []string{"startup"},
			sections: []evidence.Section{evidence.SectionEarlyTermination}, run: r.earlyTermination}},
		{r.needs(evidence.SectionMalformedEnv) && len(r.contract.Env.Required) > 0, step{id: "malformed-env", after: []string{"startup"},
			name: "Starting with malformed variables", ended: "Started with malformed variables",
			sections: []evidence.Section{evidence.SectionMalformedEnv}, run: r.malformedEnv}},
		{r.needs(evidence.SectionReadOnlyRoot) && !r.readOnlyRoot(), step{id: "read-only-root", after: []string{"ready"},
			sections: []evidence.Section{evidence.SectionReadOnlyRoot}, run: r.tryReadOnlyRoot}},
		{r.needs(evidence.SectionArbitraryUID) && r.contract.Identity.ArbitraryUID, step{id: "arbitrary-uid", after: []string{"ready"},
			sections: []evidence.Section{evidence.SectionArbitraryUID}, run: r.tryArbitraryUID}},
		{r.needs(evidence.SectionResponses), step{id: "responses", after: []string{"ready", "agent"},
			sections: []evidence.Section{evidence.SectionResponses}, run: r.responses}},
		{r.needs(evidence.SectionResources), step{id: "resources", after: []string{"ready", "agent"}, behind: []string{"responses"},
			sections: []evidence.Section{evidence.SectionResources}, run: r.resources}},
		{r.needs(evidence.SectionInFlight), step{id: "requests-in-flight", after: []string{"ready", "agent"},
			name: "Stopping a pod with requests in flight", ended: "Pod with requests in flight stopped",
			sections: []evidence.Section{evidence.SectionInFlight}, run: r.inFlight}},
		{r.needs(evidence.SectionRollouts), step{id: "rollouts", after: []string{"ready", "agent"}, behind: quiet,
			name: "Rolling out under load", ended: "Rolled out under load",
			sections: []evidence.Section{evidence.SectionRollouts}, run: r.rollouts}},
		{r.needs(outage...) && away, step{id: "outages", after: []string{"ready", "agent"},
			name: "Taking " + first(r.contract.Dependencies) + " away", ended: first(r.contract.Dependencies) + " taken away and given back",
			sections: outage, run: r.outages}},
		{r.needs(frozen...) && away, step{id: "frozen", after: []string{"ready", "agent"},
			name: "Freezing " + first(r.contract.Dependencies), ended: first(r.contract.Dependencies) + " frozen and thawed",
			sections: frozen, run: r.frozen}},
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// isReady ends, with one reason for all of them, the trials that begin with a Ready pod.
func (r *run) isReady(context.Context) error {
	if !r.e.Startup.Ready {
		return fmt.Errorf("%s did not become Ready; see startup/ready", r.contract.Workload)
	}
	return nil
}

// loadAgent puts podproof itself into the cluster, as an image of one file.
func (r *run) loadAgent(ctx context.Context) error {
	file, err := agentProgram(r.info.Architecture)
	if err != nil {
		return err
	}
	p, err := cluster.NewProgram(file, "podproof", r.info.Architecture, pod.AgentUID)
	if err != nil {
		return fmt.Errorf("making the image of podproof's agent: %w", err)
	}
	ref := "podproof.local/agent:run-" + r.lease.ID
	if err := r.recordImage(ref); err != nil {
		return err
	}
	l, err := r.kind.Load(ctx, p, ref)
	if err != nil {
		return err
	}
	r.Debug(fmt.Sprintf("loaded %s: sent %d layers (%d MiB), the node had %d", ref, l.Sent, l.Bytes>>20, l.Reused))
	r.agentImage = ref
	return nil
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
	return r.bench.StartAgent(ctx, r.agentImage, r.contract.Startup.Within.Std())
}

// stopSignal is the image's own, empty when it names none.
func (r *run) stopSignal() (string, error) {
	cfg, err := r.archive.ConfigFile()
	if err != nil {
		return "", err
	}
	return cfg.Config.StopSignal, nil
}

func (r *run) earlyTermination(ctx context.Context) error {
	signal, err := r.stopSignal()
	if err != nil {
		return err
	}
	t, err := pod.EarlyTermination(ctx, r.bench, signal)
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.EarlyTermination = t })
	return nil
}

func (r *run) inFlight(ctx context.Context) error {
	signal, err := r.stopSignal()
	if err != nil {
		return err
	}
	t, err := pod.InFlight(ctx, r.bench, r.contract.HTTP.Port, r.contract.HTTP.Health, r.readyPath(), route(r.contract.HTTP.Upload), signal, r.patience())
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.InFlight = t })
	return nil
}

func (r *run) rollouts(ctx context.Context) error {
	services, err := workload.Services(r.objects, r.subject)
	if err != nil {
		return err
	}
	rs, err := pod.Rollouts(ctx, r.bench, services, r.contract.HTTP.Port, r.contract.HTTP.Health, r.patience())
	r.set(func(e *evidence.Evidence) { e.Rollouts = rs })
	return err
}

// readyPath is the route of the readiness probe, or that of health where it asks none.
func (r *run) readyPath() string {
	readiness, _ := workload.Probes(r.subject.Template, r.container.Name)
	if readiness != nil && readiness.HTTPGet != nil {
		return readiness.HTTPGet.Path
	}
	return r.contract.HTTP.Health
}

func route(c *contract.Route) *pod.Route {
	if c == nil {
		return nil
	}
	return &pod.Route{Method: c.Verb(), Path: c.Path, Header: c.Header, Body: c.Body}
}

// readOnlyRoot tells whether the manifest asks for it already.
func (r *run) readOnlyRoot() bool {
	s := r.container.SecurityContext
	return s != nil && s.ReadOnlyRootFilesystem != nil && *s.ReadOnlyRootFilesystem
}

func (r *run) tryReadOnlyRoot(ctx context.Context) error {
	v, err := pod.ReadOnlyRoot(ctx, r.bench, r.patience())
	r.set(func(e *evidence.Evidence) { e.ReadOnlyRoot = v })
	return err
}

func (r *run) tryArbitraryUID(ctx context.Context) error {
	v, err := pod.ArbitraryUID(ctx, r.bench, r.patience())
	r.set(func(e *evidence.Evidence) { e.ArbitraryUID = v })
	return err
}

func (r *run) malformedEnv(ctx context.Context) error {
	env, err := pod.MalformedEnv(ctx, r.bench, r.contract.Env.Required, r.contract.Startup.Within.Std())
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.MalformedEnv = env })
	return nil
}

func (r *run) responses(ctx context.Context) error {
	h := r.contract.HTTP
	rs, err := pod.Responses(ctx, r.bench, h.Port, h.Health, r.readyPath(), route(h.Query), route(h.Upload))
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.Responses = rs })
	return nil
}

func (r *run) resources(ctx context.Context) error {
	x, err := pod.Resources(ctx, r.bench, r.contract.HTTP.Port, r.contract.HTTP.Health)
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.Resources = x })
	return nil
}
