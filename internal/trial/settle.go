package trial

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// bound is how long a disturbance may take at most. A rolling update goes in rounds: as many
// pods as the strategy replaces at once become Ready, stay so for minReadySeconds, and as many
// old ones end. It writes the strategy and the bound into the evidence.
func (r *roller) bound(ctx context.Context, x disturbance, o *evidence.Rollout) (time.Duration, error) {
	d, err := r.deployment(ctx)
	if err != nil {
		return 0, err
	}
	round := r.within + time.Duration(d.Spec.MinReadySeconds)*time.Second +
		time.Duration(grace(&corev1.Pod{Spec: r.Subject.Template.Spec}))*time.Second
	limit := killMargin + time.Duration(rounds(d.Spec.Strategy, x))*round
	o.Strategy, o.Within = string(d.Spec.Strategy.Type), limit.Seconds()
	return limit, nil
}

// rounds are those in which a Deployment replaces as many pods as have to leave. What neither
// surges nor takes a pod away takes one away (pkg/controller/deployment/util, ResolveFenceposts).
func rounds(s appsv1.DeploymentStrategy, x disturbance) int {
	if x.kind != evidence.RolloutRestart || s.Type == appsv1.RecreateDeploymentStrategyType {
		return 1
	}
	quarter := intstr.FromString("25%") // Kubernetes' default of both
	surge, away := &quarter, &quarter
	if u := s.RollingUpdate; u != nil {
		surge, away = u.MaxSurge, u.MaxUnavailable
	}
	more, _ := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(surge, quarter), x.stay, true)
	fewer, _ := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(away, quarter), x.stay, false)
	atOnce := max(1, more+fewer)
	return max(1, (x.leave+atOnce-1)/atOnce)
}

// surplusWithin is how long there may be more pods than are wanted, all of them Ready.
const surplusWithin = 10 * time.Second

// settle waits until the rollout is over, cannot be any more, or has taken its time. That it
// is not over is no error: the evidence says what was in the way.
func (r *roller) settle(ctx context.Context, before []string, d disturbance, limit time.Duration, o *evidence.Rollout) error {
	old := map[string]bool{}
	for _, uid := range before {
		old[uid] = true
	}
	var surplus time.Time
	stuck := func(why string) (bool, string, error) {
		o.Seen += "; " + why
		return true, "", nil
	}
	err := r.Observer.Within(ctx, limit, podsOf(r.Subject), func(ps []*workload.Observed) (bool, string, error) {
		c := tally(ps, old)
		o.Seen = fmt.Sprintf("%d of %d pods are gone, %d of %d Ready", c.gone, d.leave, c.ready, d.stay)
		if c.gone >= d.leave && c.there == d.stay && c.ready == d.stay {
			o.Finished, o.Seen = true, ""
			return true, "", nil
		}
		if c.hopeless != "" {
			return stuck(c.hopeless)
		}
		if c.gone < d.leave || c.ready <= d.stay || c.ready < c.there {
			surplus = time.Time{}
		} else if surplus.IsZero() {
			surplus = time.Now()
		} else if time.Since(surplus) > surplusWithin {
			return stuck(fmt.Sprintf("there are %d pods where %d were asked for", c.ready, d.stay))
		}
		if why := r.Observer.Refusal(r.Subject, ps); why != "" {
			return stuck(why)
		}
		return false, d.kind + ": " + o.Seen, nil
	})
	switch {
	case o.Finished:
		return nil
	case err != nil || ctx.Err() != nil:
		return context.Cause(ctx)
	}
	if told := r.told(ctx, int32(d.stay)); told != "" {
		o.Seen += "; " + told
	}
	o.Unready = r.unready(ctx, old)
	return nil
}

// census counts pods: those of the old ones that are gone, all that are there, and of these the Ready ones.
type census struct {
	gone, there, ready int
	hopeless           string // a new pod that will not become Ready
}

func tally(ps []*workload.Observed, old map[string]bool) (c census) {
	for _, p := range ps {
		was := old[string(p.Pod.UID)]
		switch {
		case !p.Gone.IsZero() && was:
			c.gone++
		case p.Gone.IsZero():
			c.there++
			if workload.IsReady(p.Pod) {
				c.ready++
			} else if why := workload.Hopeless(p); why != "" && !was {
				c.hopeless = why
			}
		}
	}
	return c
}

// told is what the Deployment itself says of a rollout that is not over, and who changed the
// number of its replicas; empty where it says nothing.
func (r *roller) told(ctx context.Context, asked int32) string {
	d, err := r.deployment(ctx)
	if err != nil {
		return ""
	}
	if n := d.Spec.Replicas; n != nil && *n != asked {
		return fmt.Sprintf("%s scaled %s to %d replicas, and podproof had asked for %d", r.scaler(ctx, d), r.Subject, *n, asked)
	}
	for _, c := range d.Status.Conditions {
		failed := c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue ||
			c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse
		if failed {
			return fmt.Sprintf("%s says %s: %s", r.Subject, c.Reason, r.Redact(c.Message))
		}
	}
	return ""
}

// scaler names what scales a Deployment beside podproof: an autoscaler, or whoever last wrote to
// its scale subresource.
func (r *roller) scaler(ctx context.Context, d *appsv1.Deployment) string {
	if all, err := r.client().AutoscalingV2().HorizontalPodAutoscalers(r.Namespace).List(ctx, metav1.ListOptions{}); err == nil {
		for _, h := range all.Items {
			if t := h.Spec.ScaleTargetRef; t.Kind == "Deployment" && t.Name == d.Name {
				return "horizontalpodautoscaler/" + h.Name
			}
		}
	}
	for _, f := range d.ManagedFields {
		if f.Subresource == "scale" {
			return f.Manager
		}
	}
	return "something else"
}

// unreadyLines are kept of the log of a pod that did not become Ready.
const unreadyLines = 20

// unready are the new pods that are there and not Ready.
func (r *roller) unready(ctx context.Context, old map[string]bool) []evidence.Pod {
	var out []evidence.Pod
	for _, p := range r.Observer.Pods(podsOf(r.Subject)) {
		if old[string(p.UID)] || p.DeletionTimestamp != nil || workload.IsReady(p) {
			continue
		}
		e := r.podEvidence(ctx, string(p.UID))
		e.Log = e.Log[max(0, len(e.Log)-unreadyLines):]
		out = append(out, e)
	}
	return out
}
