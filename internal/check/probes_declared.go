package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

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
	var names []string
	for _, p := range probes {
		switch {
		case p.Probe != nil:
			names = append(names, p.name)
			if wrong := p.wrongPlace(*container, knownPorts(c, e, *container)); wrong != "" {
				j.broken(where, "%s", wrong)
			}
		case p.name != "startup":
			j.broken(where, "it has no %sProbe", p.name)
		}
	}
	if container.StartupProbe == nil && container.LivenessProbe != nil {
		j.slowStart(where, e, *container)
	}
	j.measured(e, *container)
	answered, excuse := j.results(e, *container)
	switch f := j.firstBroken(); {
	case f != nil:
		return j.fail(f.Where+": "+f.Message, "")
	case excuse != "":
		return j.undecided(excuse, whenQuiet)
	case e.Startup == nil:
		return j.undecided("declared: "+list(names)+"; whether they succeed is not known: "+e.Why(evidence.SectionStartup), runAgain)
	case !answered:
		j.note(where, "no pod became Ready, so the probes are judged as they are declared; see startup/ready")
		return j.pass("Probes declared OK ("+strings.Join(names, ", ")+")", "declared: "+list(names))
	}
	return j.pass("Probes OK ("+strings.Join(names, ", ")+")", list(names)+" declared, none failed once the pods were Ready")
}

func containerOf(w evidence.Workload) *corev1.Container {
	for i := range w.Template.Spec.Containers {
		if c := &w.Template.Spec.Containers[i]; c.Name == w.Container {
			return c
		}
	}
	return nil
}

type declaredProbe struct {
	name string
	*corev1.Probe
}

// target is the port that a probe asks, and the host if it names one; ok is false for exec.
func (p declaredProbe) target() (port intstr.IntOrString, host string, ok bool) {
	switch {
	case p.HTTPGet != nil:
		return p.HTTPGet.Port, p.HTTPGet.Host, true
	case p.TCPSocket != nil:
		return p.TCPSocket.Port, p.TCPSocket.Host, true
	case p.GRPC != nil:
		return intstr.FromInt32(p.GRPC.Port), "", true
	}
	return intstr.IntOrString{}, "", false
}

// wrongPlace says in what a probe does not ask the container itself.
func (p declaredProbe) wrongPlace(c corev1.Container, known []int32) string {
	port, host, ok := p.target()
	switch {
	case !ok:
		return ""
	case host != "":
		return fmt.Sprintf("its %sProbe asks host %s, not the pod: leave host out", p.name, host)
	case port.Type == intstr.String:
		if !slices.ContainsFunc(c.Ports, func(cp corev1.ContainerPort) bool { return cp.Name == port.StrVal }) {
			return fmt.Sprintf("its %sProbe asks port %q, and none of the container's ports has that name (%s)", p.name, port.StrVal, portWords(c.Ports))
		}
	case len(known) > 0 && !slices.Contains(known, port.IntVal):
		return fmt.Sprintf("its %sProbe asks port %d, and the container listens on %s", p.name, port.IntVal, numbers(known))
	}
	return ""
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

func portWords(ports []corev1.ContainerPort) string {
	var names []string
	for _, p := range ports {
		names = append(names, strings.TrimSpace(fmt.Sprintf("%d %s", p.ContainerPort, p.Name)))
	}
	if len(names) == 0 {
		return "it names none"
	}
	return list(names)
}

func numbers(ns []int32) string {
	var out []string
	for _, n := range ns {
		out = append(out, strconv.Itoa(int(n)))
	}
	return list(out)
}

// slowStart judges a container without a startup probe: its start must be over before
// liveness would give up.
func (j *Judgement) slowStart(where string, e evidence.Evidence, c corev1.Container) {
	budget := livenessBudget(*c.LivenessProbe)
	took, known := slowestStart(e, c.Name)
	switch {
	case known && took > budget:
		j.broken(where, "it has no startupProbe, and took %.0f s to start; its livenessProbe restarts it after %.0f s", took, budget)
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

// slowestStart is the longest time from a container's start to its pod being Ready,
// in seconds, by the kubelet's clock (1 s resolution).
func slowestStart(e evidence.Evidence, container string) (took float64, known bool) {
	if e.Startup == nil {
		return 0, false
	}
	for _, p := range e.Startup.Pods {
		s := underTest(p, container)
		if s == nil || s.State.Running == nil || !isReady(p) {
			continue
		}
		known = true
		took = max(took, condition(p, corev1.PodReady).LastTransitionTime.Sub(s.State.Running.StartedAt.Time).Seconds())
	}
	return took, known
}
