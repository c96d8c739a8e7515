package check

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/evidence"
)

// declaredProbe is a probe of the manifest, nil where it declares none of that name.
type declaredProbe struct {
	name string
	*corev1.Probe
}

// place is where a container declares the probe, or would.
func (p declaredProbe) place(w evidence.Workload, words string, c corev1.Container) place {
	return podPlace(w, words, containerField(c, p.name+"Probe"))
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

// wrongPlace says in what a probe does not ask the container itself. It is not certain of a port
// that nobody declares: a container may listen there all the same.
func (p declaredProbe) wrongPlace(c corev1.Container, known []int32) (wrong string, certain bool) {
	port, host, ok := p.target()
	switch {
	case !ok:
		return "", false
	case host != "":
		return fmt.Sprintf("its %sProbe asks host %s, not the pod: leave host out", p.name, host), true
	case port.Type == intstr.String:
		if !slices.ContainsFunc(c.Ports, func(cp corev1.ContainerPort) bool { return cp.Name == port.StrVal }) {
			return fmt.Sprintf("its %sProbe asks port %q, and none of the container's ports has that name (%s)", p.name, port.StrVal, portWords(c.Ports)), true
		}
	case len(known) > 0 && !slices.Contains(known, port.IntVal):
		return fmt.Sprintf("its %sProbe asks port %d, and the container listens on %s", p.name, port.IntVal, numbers(known)), false
	}
	return "", false
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
