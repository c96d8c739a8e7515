package pipeline

import (
	"fmt"
	"slices"
	"strings"
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
	"load": time.Second, "other-images": time.Second, "agent-image": 2 * time.Second, "agent": 2 * time.Second, "admission": 0, "ready": 0, quietStep: 0,
}

// usual is how long a step takes with a good image; zero where nobody knows.
func (r *run) usual(s step) time.Duration {
	start := usualStart + waits(r.plan.Container)
	limits := r.limits()
	limits.Start = start
	switch s.id {
	case "startup":
		return start
	case "dependencies": // side by side, but for what waits for another
		if n := len(r.plan.Contract.InCluster()) + len(r.plan.Jobs); n > 0 {
			return usualStart + time.Duration(n)*2*time.Second
		}
		return time.Second
	}
	if t := slices.IndexFunc(trial.List, func(t trial.Trial) bool { return t.ID == s.id }); t >= 0 && r.lacks[s.id] == nil {
		return trial.List[t].Usual(limits)
	}
	return usualSteps[s.id]
}

// begins says what is verified, where, and about how long that takes.
func (r *run) begins(steps []step) string {
	return fmt.Sprintf("Verifying %s, in %s: about %s where all is well, the building and the pulling of images aside",
		r.imageRef(), r.where(), About(longest(steps, usually)))
}

// About is a time as nobody measures it: "75 s", in steps of five from ten on.
func About(d time.Duration) string {
	s := max(1, int(d.Round(time.Second).Seconds()))
	if s >= 10 {
		s = (s + 4) / 5 * 5
	}
	if s < 120 {
		return fmt.Sprintf("%d s", s)
	}
	return strings.TrimSuffix(fmt.Sprintf("%d min %d s", s/60, s%60), " 0 s")
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
