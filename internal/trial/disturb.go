package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// change updates the live Deployment, again when the controller was quicker.
func (r *roller) change(ctx context.Context, how func(*appsv1.Deployment)) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		d, err := r.deployment(ctx)
		if err != nil {
			return err
		}
		how(d)
		_, err = r.client().AppsV1().Deployments(r.Namespace).Update(ctx, d, metav1.UpdateOptions{FieldManager: workload.FieldManager})
		return err
	})
}

// deployment is the live one.
func (r *roller) deployment(ctx context.Context) (*appsv1.Deployment, error) {
	d, err := r.client().AppsV1().Deployments(r.Namespace).Get(ctx, r.Subject.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", r.Subject, err)
	}
	return d, nil
}

// restart does what `kubectl rollout restart` does.
func (r *roller) restart(ctx context.Context, _ []string) error {
	return r.change(ctx, func(d *appsv1.Deployment) {
		t := &d.Spec.Template
		if t.Annotations == nil {
			t.Annotations = map[string]string{}
		}
		t.Annotations["kubectl.kubernetes.io/restartedAt"] = time.Now().Format(time.RFC3339Nano)
	})
}

// letSleep replaces the pods by ones with a preStop sleep, without load: those that a
// rollout ends are the old ones, and these are to have it.
func (r *roller) letSleep(ctx context.Context, replicas int) error {
	_, err := r.quietly(ctx, len(r.living()), replicas, func(d *appsv1.Deployment) {
		for i := range d.Spec.Template.Spec.Containers {
			if c := &d.Spec.Template.Spec.Containers[i]; c.Name == r.Container {
				c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: triedSleep}}}
			}
		}
	})
	return err
}

// restore gives the Deployment its replicas back, before something is tried on them again.
func (r *roller) restore(ctx context.Context, replicas int) error {
	o, err := r.quietly(ctx, 0, replicas, func(*appsv1.Deployment) {})
	if err == nil && !o.Finished {
		return fmt.Errorf("%s did not get its %d replicas back: %s", r.Subject, replicas, o.Seen)
	}
	return err
}

// quietly changes the Deployment without load, and waits until so many of its pods are gone and
// so many Ready, or that has taken its time.
func (r *roller) quietly(ctx context.Context, leave, replicas int, how func(*appsv1.Deployment)) (o evidence.Rollout, err error) {
	before, n := r.living(), int32(replicas)
	d := disturbance{kind: evidence.RolloutRestart, leave: leave, stay: replicas}
	limit, err := r.bound(ctx, d, &o)
	if err != nil {
		return o, err
	}
	err = r.change(ctx, func(d *appsv1.Deployment) {
		d.Spec.Replicas = &n
		how(d)
	})
	if err != nil {
		return o, err
	}
	return o, r.settle(ctx, before, d, limit, &o)
}

func (r *roller) hasPreStop() bool {
	c := r.declared()
	return c.Lifecycle != nil && c.Lifecycle.PreStop != nil
}

// scalingDown is one from n replicas to a single one or, where an autoscaler keeps more, to as many
// as that keeps at least; where that is all of them, there is one more before.
func (r *roller) scalingDown(n int) disturbance {
	to := max(1, int(r.Least))
	from := max(n, to+1)
	return disturbance{kind: evidence.RolloutScaleDown, leave: from - to, stay: to, from: from, do: func(ctx context.Context, _ []string) error {
		replicas := int32(to)
		return r.change(ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = &replicas })
	}}
}

// evictWithin is how long an eviction is asked for again: a budget whose pods have just been
// replaced allows it once its controller has seen the new ones.
const evictWithin = 30 * time.Second

// evictionRefused is an eviction that the API server did not allow.
type evictionRefused struct {
	err    error
	pod    string
	budget *evidence.Budget // nil where none was found
}

func (e *evictionRefused) Error() string {
	return fmt.Sprintf("the API server refuses to evict pod %s, as it would for the drain of a node: %s", e.pod, e.err)
}

func (e *evictionRefused) Unwrap() error { return e.err }

// evict asks for a pod's removal as the drain of a node does, which respects a
// PodDisruptionBudget, and asks again while that may still allow it.
func (r *roller) evict(ctx context.Context, uids []string) error {
	if len(uids) == 0 {
		return errors.New("there is no pod to evict")
	}
	p, uid := r.Observer.Evidence(uids[0], r.Container), types.UID(uids[0])
	r.Observer.Ends(p.Name)
	var refused *evictionRefused
	err := wait.PollUntilContextTimeout(ctx, time.Second, evictWithin, true, func(ctx context.Context) (bool, error) {
		err := r.client().PolicyV1().Evictions(r.Namespace).Evict(ctx, &policyv1.Eviction{
			ObjectMeta:    metav1.ObjectMeta{Name: p.Name, Namespace: r.Namespace},
			DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}},
		})
		refused = nil
		if !apierrors.IsTooManyRequests(err) {
			return true, err
		}
		refused = &evictionRefused{err, p.Name, r.budget(ctx)}
		return refused.budget.Full(), nil
	})
	if refused != nil && ctx.Err() == nil {
		return refused
	}
	return err
}

// budget is the PodDisruptionBudget of the workload's pods that allows the fewest to go, nil
// where there is none.
func (r *roller) budget(ctx context.Context) *evidence.Budget {
	all, err := r.client().PolicyV1().PodDisruptionBudgets(r.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	var tightest *evidence.Budget
	for _, b := range all.Items {
		s, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil || !s.Matches(labels.Set(r.Subject.Template.Labels)) {
			continue
		}
		if tightest == nil || b.Status.DisruptionsAllowed < tightest.Allowed {
			tightest = &evidence.Budget{Name: b.Name, MinAvailable: text(b.Spec.MinAvailable), MaxUnavailable: text(b.Spec.MaxUnavailable),
				Allowed: b.Status.DisruptionsAllowed, Healthy: b.Status.CurrentHealthy, Expected: b.Status.ExpectedPods, Desired: b.Status.DesiredHealthy}
		}
	}
	return tightest
}

func text(v *intstr.IntOrString) string {
	if v == nil {
		return ""
	}
	return v.String()
}
