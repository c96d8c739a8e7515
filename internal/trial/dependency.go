package trial

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
func Dependency(ctx context.Context, o *workload.Observer, name string, r workload.Controller) (evidence.Dependency, error) {
	began := time.Now()
	err := AwaitReady(ctx, o, r)
	d := evidence.Dependency{Object: name, Ready: err == nil, Seconds: time.Since(began).Seconds()}
	for _, uid := range o.UIDs(podsOf(r)) {
		d.Pods = append(d.Pods, o.Evidence(uid, r.Template.Spec.Containers[0].Name))
	}
	if err != nil {
		err = fmt.Errorf("%s did not become ready: %w%s", name, err, lastWords(d.Pods))
	}
	return d, err
}

// podsOf matches the pods of a controller itself, not those that trials make from its template.
func podsOf(r workload.Controller) func(*corev1.Pod) bool {
	return func(p *corev1.Pod) bool { return r.Owns(p) && p.Labels[workload.TrialLabel] == "" }
}

// refused is a controller whose pods the cluster does not make, in words.
type refused string

func (r refused) Error() string { return string(r) }

// AwaitReady waits until a controller has as many Ready pods as it wants. It ends early, with
// an error, when that has become impossible.
func AwaitReady(ctx context.Context, o *workload.Observer, r workload.Controller) error {
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
		if why := o.Refusal(r, ps); why != "" && len(seen) < int(r.Replicas) {
			return false, "", refused(why)
		}
		if len(seen) == 0 {
			seen = []string{"no pod was made"}
		}
		return ready >= int(r.Replicas), strings.Join(seen, "; "), nil
	})
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
