package check

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// pressed adds the pressure figures of a whole run.
func pressed(e evidence.Evidence, waiting, others float64) evidence.Evidence {
	for s := range 300 {
		e.Pressure = append(e.Pressure, evidence.Pressure{At: at(float64(s)), Waiting: waiting, Others: others})
	}
	return e
}

// TestLate takes evidence of something that was too late, and on a starved node decides
// nothing; what is no matter of time fails there as well.
func TestLate(t *testing.T) {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(at(1))}}
	slowPod := func(says ...evidence.Event) evidence.Pod {
		p := goodPod("api-1")
		notReady(&p)
		p.Status.ContainerStatuses[0].State = running
		p.Status.StartTime = ptr(metav1.NewTime(at(0)))
		p.Events = says
		return p
	}
	no := evidence.Event{At: at(5), Type: "Warning", Reason: "Unhealthy", Message: "Readiness probe failed: HTTP probe failed with statuscode: 503"}
	for _, x := range []struct {
		name, id string
		e        evidence.Evidence
		anyway   bool // it fails on a starved node, too
	}{
		{"ready late", "startup/ready", with(func(e *evidence.Evidence) { e.Startup.Seconds = 40 }), false},
		{"not ready in time", "startup/ready", with(func(e *evidence.Evidence) {
			e.Startup.Ready, e.Startup.Seconds, e.Startup.Pods = false, 30, []evidence.Pod{slowPod()}
		}), false},
		{"not ready, and says so", "startup/ready", with(func(e *evidence.Evidence) {
			e.Startup.Ready, e.Startup.Seconds, e.Startup.Pods = false, 30, []evidence.Pod{slowPod(no)}
		}), true},
		{"a long start", "startup/time", with(func(e *evidence.Evidence) {
			e.Startup.Pods[0].Timeline[2].At = at(40)
		}), false},
		{"a long drain", "termination/exit-zero", with(func(e *evidence.Evidence) { e.Termination.Seconds = 33 }), false},
		{"killed", "termination/exit-zero", ended(137, 45, "/shop"), true},
		{"a long drain without its database", "termination/exit-under-outage", with(func(e *evidence.Evidence) { e.OutageTermination.Seconds = 33 }), false},
		{"requests to pods that are gone", "rollout/no-lost-requests", rollouts(func(os []evidence.Rollout) {
			os[0].Requests[20] = failed("new", 201, 0.001, "refused")
		}), false},
		{"requests that were dropped", "rollout/no-lost-requests", rollouts(func(os []evidence.Rollout) { losing(&os[0]) }), true},
		{"never unready, never asked", "probes/readiness-tells-the-truth", with(func(e *evidence.Evidence) {
			o := &e.Outages.Trials[2]
			o.Unready, o.Ready, o.Requests = time.Time{}, time.Time{}, append(o.Requests, answer("ready", 121, 200)) // the fault had not worked yet
		}), false},
		{"never unready, and says it is ready", "probes/readiness-tells-the-truth", with(func(e *evidence.Evidence) {
			o := &e.Outages.Trials[2]
			o.Unready, o.Ready, o.Requests = time.Time{}, time.Time{}, append(o.Requests, answer("ready", 124, 200))
		}), true},
		{"a query late", "database/recovers", with(func(e *evidence.Evidence) {
			o := &e.Outages.Trials[3]
			o.Requests = []evidence.Request{answer("query", 140.1, 503), answer("query", 163+35, 200), answer("ready", 163+35, 200)}
		}), false},
		{"one query late, one never", "database/recovers", with(func(e *evidence.Evidence) {
			e.Outages.Trials[1].Requests = []evidence.Request{answer("ready", 110.1, 503), answer("ready", 114, 503), answer("ready", 125, 503), answer("ready", 140, 503)}
			o := &e.Outages.Trials[3]
			o.Requests = []evidence.Request{answer("query", 140.1, 503), answer("query", 163+35, 200), answer("ready", 163+35, 200)}
		}), true},
		{"a liveness probe without an answer", "probes/liveness-survives-outage", restarted("Liveness probe failed: Get \"http://10.0.0.1:8000/health\": context deadline exceeded"), false},
		{"a liveness probe that is told no", "probes/liveness-survives-outage", restarted("Liveness probe failed: HTTP probe failed with statuscode: 503"), true},
		{"a long way out before it was up", "termination/during-startup", with(func(e *evidence.Evidence) { e.EarlyTermination.Seconds = 33 }), false},
		{"still there without a variable", "config/missing-env-fails", trial(func(t *evidence.EnvTrial) {
			t.Exited, t.Last, t.Seconds, t.Pod = false, nil, 30, slowPod()
		}), false},
		{"still there with a wrong one", "config/malformed-env-fails", with(func(e *evidence.Evidence) {
			x := &e.MalformedEnv.Trials[0]
			x.Exited, x.Last, x.Seconds, x.Pod = false, nil, 30, slowPod()
		}), false},
		{"not ready with a read-only root", "security/read-only-root", with(func(e *evidence.Evidence) {
			e.ReadOnlyRoot = &evidence.Variant{Seconds: 30, Pod: slowPod()}
		}), false},
	} {
		t.Run(x.name, func(t *testing.T) {
			judged := func(e evidence.Evidence) Judgement {
				for _, ch := range Catalogue() {
					if ch.ID == x.id {
						return judge(ch, goodContract(), e)
					}
				}
				t.Fatalf("no check %s", x.id)
				return Judgement{}
			}
			for _, e := range []evidence.Evidence{x.e, pressed(x.e, 0.95, 0.1), pressed(x.e, 0.3, 0.6)} {
				if j := judged(e); j.Status != Fail {
					t.Errorf("on a node that has CPU: %s (%s)", j.Status, j.Seen)
				}
			}
			j := judged(pressed(x.e, 0.95, 0.6))
			if x.anyway && j.Status != Fail {
				t.Errorf("on a starved node: %s (%s), though it is no matter of time", j.Status, j.Seen)
			}
			if !x.anyway && (j.Status != Inconclusive || !strings.Contains(j.Seen, "other programs had 60 % of it") || j.Fix == "") {
				t.Errorf("on a starved node: %s: %s", j.Status, j.Seen)
			}
		})
	}
}

func TestStarvedOnlyMeanwhile(t *testing.T) {
	e := pressed(evidence.Evidence{}, 0.1, 0.1)
	for i := range 10 {
		e.Pressure[100+i] = evidence.Pressure{At: at(float64(100 + i)), Waiting: 1, Others: 0.5}
	}
	if why := starved(e, at(100), at(110)); !strings.Contains(why, "in 10 of these 12 s") {
		t.Errorf("got %q", why)
	}
	for _, w := range [][2]float64{{0, 300}, {50, 60}, {400, 500}} {
		if why := starved(e, at(w[0]), at(w[1])); why != "" {
			t.Errorf("from %g s to %g s: %q", w[0], w[1], why)
		}
	}
}

// restarted is the frozen outage in which the liveness probe said so before the kubelet restarted the container.
func restarted(said string) evidence.Evidence {
	return outages(func(o *evidence.Outages) {
		o.Trials[3].Restarts = 1
		o.Trials[3].Pod.Events = []evidence.Event{event(150, "Warning", "Unhealthy", said),
			event(150, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
	})
}

// A route says no that said so often enough, and last of all.
func TestARouteThatSaysNo(t *testing.T) {
	for name, x := range map[string]struct {
		a    replies
		want bool
	}{
		"often and last":         {replies{yes: 1, lastYes: at(1), no: enough, lastNo: at(2)}, true},
		"often, and yes at last": {replies{yes: 1, lastYes: at(3), no: enough, lastNo: at(2)}, false},
		"once":                   {replies{no: enough - 1, lastNo: at(2)}, false},
	} {
		if got := x.a.refuses(); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Whichever end was late: where the kubelet began with it seconds after the deletion, it is not the process' fault.
func TestAnEndThatTheKubeletBeganLate(t *testing.T) {
	for name, c := range map[string]struct {
		judge func(contract.Contract, evidence.Evidence) Judgement
		of    func(*evidence.Evidence) *evidence.Termination
	}{
		"idle":                 {terminationExitZero.Judge, func(e *evidence.Evidence) *evidence.Termination { return e.Termination }},
		"before it is Ready":   {terminationDuringStartup.Judge, func(e *evidence.Evidence) *evidence.Termination { return e.EarlyTermination }},
		"without its database": {exitUnderOutage.Judge, func(e *evidence.Evidence) *evidence.Termination { return e.OutageTermination }},
	} {
		for after, want := range map[time.Duration]Status{10 * time.Second: Inconclusive, 0: Fail} {
			got := c.judge(goodContract(), with(func(e *evidence.Evidence) {
				x := c.of(e)
				x.Seconds = 33
				x.Pod.Events = append(x.Pod.Events, evidence.Event{At: x.Deleted.Add(after), Reason: "Killing", Message: "Stopping container api"})
			}))
			if got.Status != want {
				t.Errorf("%s, begun after %s: %s (%s), want %s", name, after, got.Status, got.Seen, want)
			}
		}
	}
}
