package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var probesDeclared = Check{
	ID:    "probes/declared",
	Title: "Readiness and liveness probes exist, and succeed on the pod's own port",
	Why: "Without a readiness probe a pod gets requests before it can serve them, at every rollout; without a liveness probe a hung " +
		"process stays. A probe that asks the wrong place restarts healthy pods.",
	Fix: "Declare readinessProbe and livenessProbe (and startupProbe where the start is slow) on the container, " +
		"on the port that it listens on.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionWorkload, evidence.SectionStartup},
	At:    []Spot{inContainer("readinessProbe")},
	Judge: judgeProbesDeclared,
}

func judgeProbesDeclared(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "readiness and liveness probes (a startup probe where the start is slow) on the container's own port, which succeed once it is Ready"}
	if e.Workload == nil {
		return inconclusive(e, evidence.SectionWorkload, j.Promised)
	}
	w := *e.Workload
	container := containerOf(w)
	if container == nil {
		return j.undecided(fmt.Sprintf("%s %s has no container %q", w.Kind, w.Name, w.Container), "Let the manifest's container use the contract's image.")
	}
	where := fmt.Sprintf("%s %s, container %s", w.Kind, w.Name, container.Name)
	probes := []declaredProbe{
		{"startup", container.StartupProbe},
		{"readiness", container.ReadinessProbe},
		{"liveness", container.LivenessProbe},
	}
	if !c.Serves() && container.ReadinessProbe == nil && container.LivenessProbe == nil {
		return j.skip(fmt.Sprintf("%s serves nobody, so it needs no readiness probe, and it declares no liveness probe: a process that hangs stays until an exec probe finds it", c.Workload))
	}
	answered, excuse := j.results(e, *container)
	var names []string
	for _, p := range probes {
		switch {
		case p.Probe != nil:
			names = append(names, p.name)
			if wrong, certain := p.wrongPlace(*container, knownPorts(c, e, *container)); wrong != "" && (certain || !answered) {
				j.brokenAt(p.place(w, where, *container), "%s", wrong)
			} else if wrong != "" {
				j.note(where, "%s; it was answered all the same", wrong)
			}
		case p.name == "liveness", p.name == "readiness" && c.Serves():
			j.brokenAt(p.place(w, where, *container), "it has no %sProbe", p.name)
		}
	}
	if container.StartupProbe == nil && container.LivenessProbe != nil {
		j.slowStart(where, e, *container)
	}
	fix := j.measured(e, *container)
	switch f := j.firstBroken(); {
	case f != nil:
		return j.fail(f.Where+": "+f.Message, fix)
	case excuse != "":
		return j.undecided(excuse, whenQuiet)
	case e.Startup == nil:
		return j.undecided("declared: "+list(names)+"; whether they succeed is not known: "+e.Why(evidence.SectionStartup), fixOf(e, evidence.SectionStartup))
	case !answered:
		return j.undecided("declared: "+list(names)+"; no pod became Ready, so whether they succeed is not known", fixFirst("startup/ready"))
	}
	return j.pass("Probes OK ("+strings.Join(names, ", ")+")", list(names)+" declared, none failed once the pods were Ready")
}

// knownPorts are those that manifest, contract and image name for the container.
func knownPorts(c contract.Contract, e evidence.Evidence, container corev1.Container) []int32 {
	var ports []int32
	add := func(p int32) {
		if p > 0 && !slices.Contains(ports, p) {
			ports = append(ports, p)
		}
	}
	for _, p := range container.Ports {
		add(p.ContainerPort)
	}
	add(int32(c.HTTP.Port))
	add(int32(c.HTTP.HealthPort))
	if c.GRPC != nil {
		add(int32(c.GRPC.Port))
	}
	if e.Image != nil {
		for _, p := range e.Image.Config.ExposedPorts {
			number, _, _ := strings.Cut(p, "/")
			if n, err := strconv.ParseInt(number, 10, 32); err == nil {
				add(int32(n))
			}
		}
	}
	return ports
}

// slowStart judges a container without a startup probe: its start must be over before
// liveness would give up.
func (j *Judgement) slowStart(where string, e evidence.Evidence, c corev1.Container) {
	budget := livenessBudget(*c.LivenessProbe)
	took, known := slowestStart(e, c.Name)
	switch {
	case known && took > budget:
		j.brokenAt(fieldPlace(e, where, "startupProbe"), "it has no startupProbe, and took %.0f s to start; its livenessProbe restarts it after %.0f s", took, budget)
	default:
		j.note(where, "it has no startupProbe; its livenessProbe leaves a start %.0f s", budget)
	}
}

// livenessBudget is how many seconds may pass before the kubelet restarts a container
// whose liveness probe never succeeds. Zero fields have Kubernetes' defaults.
func livenessBudget(p corev1.Probe) float64 {
	period, failures := p.PeriodSeconds, p.FailureThreshold
	if period == 0 {
		period = 10
	}
	if failures == 0 {
		failures = 3
	}
	return float64(p.InitialDelaySeconds + period*failures)
}
