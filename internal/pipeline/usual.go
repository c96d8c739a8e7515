package pipeline

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/trial"
)

// usualStart is how long a pod usually takes to become Ready whose probes do not wait.
const usualStart = 3 * time.Second

// usualSteps is how long the steps beside the trials take on two cores, where no image is built or
// pulled that is not there.
var usualSteps = map[string]time.Duration{
	"inspect": time.Second, "save": time.Second, "cluster": 12 * time.Second, "boot": 8 * time.Second, "node": time.Second, "dns": time.Second, "node-agent": time.Second,
	"load": time.Second, "other-images": time.Second, "agent-image": 2 * time.Second, "agent": 2 * time.Second, "admission": 0, "ready": 0,
}

// usually is how long a run takes with a good image: the sum over the steps that wait for each other
// the longest.
func (r *run) usually(steps []step) time.Duration {
	start := usualStart + waits(r.plan.Container)
	limits := r.limits()
	limits.Start = start
	out := slices.Clone(steps)
	for i, s := range out {
		out[i].within = usualSteps[s.id]
		switch s.id {
		case "startup":
			out[i].within = start
		case "dependencies": // side by side, but for what waits for another
			out[i].within = time.Second
			if n := len(r.plan.Contract.InCluster()) + len(r.plan.Jobs); n > 0 {
				out[i].within = usualStart + time.Duration(n)*2*time.Second
			}
		}
		if t := slices.IndexFunc(trial.List, func(t trial.Trial) bool { return t.ID == s.id }); t >= 0 && r.lacks[s.id] == nil {
			out[i].within = trial.List[t].Usual(limits)
		}
	}
	return longest(out)
}

// waits is how long a container's probes let it be before they ask.
func waits(c corev1.Container) time.Duration {
	var most int32
	for _, p := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe} {
		if p != nil {
			most = max(most, p.InitialDelaySeconds)
		}
	}
	return time.Duration(most) * time.Second
}
