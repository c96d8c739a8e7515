package check

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/evidence"
)

// An error on the path that liveness asks too is one that liveness will get.
func TestUnwellOnLivenessPath(t *testing.T) {
	get := func(path string, port int32) *corev1.Probe {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(port)}}}
	}
	const readiness, startup = "Readiness probe failed: HTTP probe failed with statuscode: 503", "Startup probe failed: HTTP probe failed with statuscode: 503"
	same := corev1.Container{LivenessProbe: get("/health", 80), ReadinessProbe: get("/health", 80), StartupProbe: get("/start", 80)}
	for _, c := range []struct {
		name, message string
		c             corev1.Container
		want          bool
	}{
		{"readiness asks the same", readiness, same, true},
		{"startup asks another path", startup, same, false},
		{"startup asks the same", startup, corev1.Container{LivenessProbe: get("/health", 80), ReadinessProbe: get("/ready", 80), StartupProbe: get("/health", 80)}, true},
		{"another port", readiness, corev1.Container{LivenessProbe: get("/health", 80), ReadinessProbe: get("/health", 81)}, false},
		{"no answer", "Readiness probe failed: connection refused", same, false},
		{"nobody asks for liveness", readiness, corev1.Container{ReadinessProbe: get("/health", 80)}, false},
		{"liveness is a command", readiness, corev1.Container{LivenessProbe: &corev1.Probe{}, ReadinessProbe: get("/health", 80)}, false},
		{"readiness is a command", readiness, corev1.Container{LivenessProbe: get("/health", 80), ReadinessProbe: &corev1.Probe{}}, false},
		{"no startup probe any more", startup, corev1.Container{LivenessProbe: get("/health", 80)}, false},
	} {
		if got := unwellOnLivenessPath(evidence.Event{Message: c.message}, c.c); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestRepeated(t *testing.T) {
	for count, want := range map[int32]string{0: "", 1: "", 2: " (2 times)"} {
		if got := repeated(count); got != want {
			t.Errorf("%d: %q", count, got)
		}
	}
}

func TestLivenessKills(t *testing.T) {
	for _, c := range []struct {
		ev   evidence.Event
		want bool
	}{
		{evidence.Event{Reason: "Killing", Message: "Container api failed liveness probe, will be restarted"}, true},
		{evidence.Event{Reason: "Killing", Message: "Stopping container api"}, false},
		{evidence.Event{Reason: "Unhealthy", Message: "liveness"}, false},
	} {
		if got := livenessKills(evidence.Pod{Events: []evidence.Event{c.ev}}); got != c.want {
			t.Errorf("%s %q: %t", c.ev.Reason, c.ev.Message, got)
		}
	}
}

func TestTookWords(t *testing.T) {
	const name = "[builder] RUN go mod download"
	ran := func(seconds float64, completed, cached bool) evidence.BuildStep {
		return evidence.BuildStep{Name: name, Seconds: seconds, Completed: completed, Cached: cached}
	}
	for _, c := range []struct {
		name      string
		now, then evidence.BuildStep
		want      string
	}{
		{"it ran to its end", ran(7, true, false), ran(9, true, false), "for 7"},
		{"it was ended", ran(7, false, false), ran(9, true, false), "had taken 9"},
		{"it took no time", ran(0, true, false), ran(9, true, false), "had taken 9"},
		{"it was cached before", ran(0, false, false), ran(9, true, true), ""},
		{"it did not end before", ran(0, false, false), ran(9, false, false), ""},
		{"nor take any time", ran(0, false, false), ran(0, true, false), ""},
	} {
		if got := tookWords(c.now, []evidence.BuildStep{c.then}); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if lineWords(evidence.BuildStep{}) != "" || lineWords(evidence.BuildStep{Line: 3}) != " (line 3)" {
		t.Error("a line is told where it is known")
	}
}

// An event is of the container that it names, or of any where it names none.
func TestAProbeThatCouldNotBeAskedIsOfItsContainer(t *testing.T) {
	const noShell = `Liveness probe errored and resulted in unknown state: rpc error: code = Unknown desc = failed to exec in container: exec: "sh": executable file not found in $PATH`
	for path, want := range map[string]int{"": 1, "spec.containers{api}": 1, "spec.containers{sidecar}": 0} {
		var j Judgement
		j.notAsked(evidence.Pod{Name: "api-1", Events: []evidence.Event{{Reason: "Unhealthy", Message: noShell, FieldPath: path}, {Reason: "Unhealthy", Message: noShell, FieldPath: path}}}, corev1.Container{Name: "api"})
		if len(j.Findings) != want {
			t.Errorf("%q: %d findings, want %d: %+v", path, len(j.Findings), want, j.Findings)
		}
	}
}
