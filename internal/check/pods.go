package check

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// containerOf is the container under test in the manifest, nil where it has none of that name.
func containerOf(w evidence.Workload) *corev1.Container {
	for i := range w.Template.Spec.Containers {
		if c := &w.Template.Spec.Containers[i]; c.Name == w.Container {
			return c
		}
	}
	return nil
}

// containerName is that of the container under test, empty when the workload was not read.
func containerName(e evidence.Evidence) string {
	if e.Workload == nil {
		return ""
	}
	return e.Workload.Container
}

// underTest is the status of a pod's container by name, or of its only one.
func underTest(p evidence.Pod, container string) *corev1.ContainerStatus {
	for i := range p.Status.ContainerStatuses {
		if s := &p.Status.ContainerStatuses[i]; s.Name == container || (container == "" && len(p.Status.ContainerStatuses) == 1) {
			return s
		}
	}
	return nil
}

// isReady tells whether a pod was Ready when it was last seen.
func isReady(p evidence.Pod) bool {
	c := condition(p, corev1.PodReady)
	return c != nil && c.Status == corev1.ConditionTrue
}

// condition is a pod's condition of a type, nil where the kubelet has not set it.
func condition(p evidence.Pod, t corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == t {
			return &p.Status.Conditions[i]
		}
	}
	return nil
}

// lastEvent is the latest of a pod's events with a reason, nil where there is none.
func lastEvent(p evidence.Pod, reason string) *evidence.Event {
	for i := len(p.Events) - 1; i >= 0; i-- {
		if p.Events[i].Reason == reason {
			return &p.Events[i]
		}
	}
	return nil
}

// readyPods counts those that were Ready.
func readyPods(ps []evidence.Pod) (n int) {
	for _, p := range ps {
		n += count01(isReady(p))
	}
	return n
}

// restartsOf counts the restarts of all of a pod's containers.
func restartsOf(p evidence.Pod) (n int32) {
	for _, st := range p.Status.ContainerStatuses {
		n += st.RestartCount
	}
	return n
}

// podsOfRun are all pods of the workload that a run observed.
func podsOfRun(e evidence.Evidence) []evidence.Pod {
	var out []evidence.Pod
	if e.Startup != nil {
		out = append(out, e.Startup.Pods...)
	}
	for _, t := range terminationsOf(e) {
		if t != nil {
			out = append(out, t.Pod)
		}
	}
	for _, r := range []*evidence.RequiredEnv{e.RequiredEnv, e.MalformedEnv} {
		if r != nil {
			for _, t := range r.Trials {
				out = append(out, t.Pod)
			}
		}
	}
	for _, v := range []*evidence.Variant{e.ReadOnlyRoot, e.ArbitraryUID} {
		if v != nil {
			out = append(out, v.Pod)
		}
	}
	for _, all := range outagesOf(e) {
		if all == nil {
			continue
		}
		if all.Pod.Name != "" {
			out = append(out, all.Pod)
		}
		for _, o := range all.Trials {
			if o.Pod != nil {
				out = append(out, *o.Pod)
			}
		}
	}
	return out
}

// outagesOf are those of all dependencies; terminationsOf all pods that were deleted, with each of them
// frozen among others. They may be nil.
func outagesOf(e evidence.Evidence) (out []*evidence.Outages) {
	for _, t := range e.Taken() {
		out = append(out, t.Outages, t.Slow)
	}
	return out
}

func terminationsOf(e evidence.Evidence) []*evidence.Termination {
	out := []*evidence.Termination{e.Termination, e.EarlyTermination, e.InFlight}
	for _, t := range e.Taken() {
		out = append(out, t.Termination)
	}
	return out
}

// tail adds the last lines of a pod's log as notes, with what looks like a secret masked.
func (j *Judgement) tail(p evidence.Pod, lines int) {
	for _, l := range p.Log[max(0, len(p.Log)-lines):] {
		if strings.TrimSpace(l.Text) != "" {
			j.note("pod "+p.Name+", log", "%s", said(l.Text, 300))
		}
	}
}

// initTails adds the last lines of the init containers that have not ended well: the others wait
// for them.
func (j *Judgement) initTails(p evidence.Pod, lines int) {
	for _, s := range p.Status.InitContainerStatuses {
		if s.State.Terminated != nil && s.State.Terminated.ExitCode == 0 {
			continue
		}
		for _, log := range p.OtherLogs {
			if log.Container != s.Name {
				continue
			}
			for _, l := range log.Lines[max(0, len(log.Lines)-lines):] {
				j.note("pod "+p.Name+", log of init container "+s.Name, "%s", said(l.Text, 300))
			}
		}
	}
}

// warnings adds the pod's last warnings as notes.
func (j *Judgement) warnings(p evidence.Pod) {
	const most = 3
	n := 0
	for i := len(p.Events) - 1; i >= 0 && n < most; i-- {
		if ev := p.Events[i]; ev.Type == corev1.EventTypeWarning {
			j.note("pod "+p.Name+", event", "%s: %s", ev.Reason, kubeletSays(ev.Message, 300))
			n++
		}
	}
}
