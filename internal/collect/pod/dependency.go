package pod

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// Dependency waits until a dependency of the workload, such as "statefulset/postgres", is
// ready. What its pods said comes back in any case; the error of one that does not get
// ready brings their last words, for the cause is usually there.
func Dependency(ctx context.Context, o *workload.Observer, name string, r workload.Runner) (evidence.Dependency, error) {
	began := time.Now()
	err := AwaitReady(ctx, o, r)
	d := evidence.Dependency{Object: name, Ready: err == nil, Seconds: time.Since(began).Seconds()}
	for _, uid := range uids(o, podsOf(r)) {
		d.Pods = append(d.Pods, o.Evidence(uid, r.Template.Spec.Containers[0].Name))
	}
	if err != nil {
		err = fmt.Errorf("%s did not become ready: %w%s", name, err, lastWords(d.Pods))
	}
	return d, err
}

// podsOf matches the pods of a runner itself, not those that trials make from its template.
func podsOf(r workload.Runner) func(*corev1.Pod) bool {
	return func(p *corev1.Pod) bool {
		for k, v := range r.Selector {
			if p.Labels[k] != v {
				return false
			}
		}
		return len(r.Selector) > 0 && p.Labels[workload.TrialLabel] == ""
	}
}

// AwaitReady waits until a runner has as many Ready pods as it wants. It ends early, with
// an error, when that has become impossible.
func AwaitReady(ctx context.Context, o *workload.Observer, r workload.Runner) error {
	return o.Wait(ctx, podsOf(r), func(ps []*workload.Observed) (bool, string, error) {
		ready, seen := 0, []string{}
		for _, p := range ps {
			if !p.Gone.IsZero() {
				continue
			}
			if why := workload.Hopeless(p); why != "" {
				return false, "", errors.New(why)
			}
			if workload.IsReady(p.Pod) {
				ready++
			}
			seen = append(seen, workload.Summary(p.Pod))
		}
		if len(seen) == 0 {
			seen = []string{"no pod was made"}
		}
		return ready >= int(r.Replicas), strings.Join(seen, "; "), nil
	})
}

// uids are those of the pods that match, oldest first.
func uids(o *workload.Observer, match func(*corev1.Pod) bool) []string {
	var out []string
	// A look that is done at once is a snapshot.
	_ = o.Wait(context.Background(), match, func(ps []*workload.Observed) (bool, string, error) {
		for _, p := range ps {
			out = append(out, string(p.Pod.UID))
		}
		return true, "", nil
	})
	return out
}

// lastWords are the last warning and the end of the log of the pods that are not Ready,
// each on a line of its own.
func lastWords(ps []evidence.Pod) string {
	const lines = 5
	var out strings.Builder
	for _, p := range ps {
		if workload.IsReady(&corev1.Pod{Status: p.Status}) {
			continue
		}
		for i := len(p.Events) - 1; i >= 0; i-- {
			if ev := p.Events[i]; ev.Type == corev1.EventTypeWarning {
				fmt.Fprintf(&out, "\n  pod %s, event %s: %s", p.Name, ev.Reason, ev.Message)
				break
			}
		}
		for _, l := range p.Log[max(0, len(p.Log)-lines):] {
			fmt.Fprintf(&out, "\n  pod %s, log: %s", p.Name, l.Text)
		}
	}
	return out.String()
}
