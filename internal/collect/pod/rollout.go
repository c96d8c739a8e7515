package pod

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

const (
	// rolloutEvery is the time between two requests of a stream, in milliseconds: often
	// enough to hit a gap of a tenth of a second, and no load to speak of.
	rolloutEvery = 20
	// keptConnections are held open side by side for each pod: kube-proxy spreads them by
	// chance, and of so many there is mostly one to each.
	keptConnections = 4
	// afterwards is how long the load goes on after a rollout: an endpoint that is gone may
	// still be in use somewhere.
	afterwards = 500 * time.Millisecond
	// triedSleep is the preStop sleep that is tried where a restart loses requests, in
	// seconds: what is commonly recommended, and ample for kube-proxy.
	triedSleep = 5
)

// disturbance is one way in which pods go.
type disturbance struct {
	kind string
	// do is given the UIDs of the pods that live.
	do func(ctx context.Context, uids []string) error
	// leave is how many of them have to go, and stay how many must be Ready in the end.
	leave, stay int
	sleep       int64
}

// Rollouts restarts the workload's Deployment, evicts one of its pods, and scales it down
// to one, each under load through its Service; the last two where it has several. What first
// lost requests is repeated on pods with a preStop sleep, to learn whether that would have
// been enough.
func Rollouts(ctx context.Context, b *Bench, services []corev1.Service, port int, path string, within time.Duration) ([]evidence.Rollout, error) {
	if kind := b.Subject.GetKind(); kind != "Deployment" {
		return nil, fmt.Errorf("%s is no Deployment, whose rolling update is what is tried", b.Subject)
	}
	address, err := b.serviceAddress(ctx, services, port)
	if err != nil {
		return nil, err
	}
	from, err := b.agentAddress(ctx)
	if err != nil {
		return nil, err
	}
	n := int(b.Subject.Replicas)
	r := &roller{Bench: b, plan: rolloutPlan(address, path, n), within: within, from: from, sticky: slices.ContainsFunc(services, isSticky)}
	tries := []disturbance{{"restart", r.restart, n, n, 0}}
	if n > 1 {
		tries = append(tries, disturbance{"eviction", r.evict, 1, n, 0}, disturbance{"scale-down", r.scaleDown, n - 1, 1, 0})
	}
	var out []evidence.Rollout
	for _, d := range tries {
		o, err := r.try(ctx, d)
		if !o.Began.IsZero() {
			out = append(out, o)
		}
		if err != nil {
			return out, err
		}
	}
	i := slices.IndexFunc(out, lost)
	if i < 0 || r.hasPreStop() {
		return out, nil
	}
	if err := r.letSleep(ctx, n); err != nil {
		return out, err
	}
	tries[i].sleep = triedSleep
	o, err := r.try(ctx, tries[i])
	return append(out, o), err
}

// rolloutPlan sends as many requests over kept connections as over new ones.
func rolloutPlan(address, path string, replicas int) agent.Plan {
	both := steady(address, "GET", path, rolloutEvery)
	kept, n := both[1], keptConnections*max(replicas, 2)
	kept.Every *= n
	return agent.Plan{Streams: append(both[:1], slices.Repeat([]agent.Stream{kept}, n)...)}
}

func lost(o evidence.Rollout) bool {
	for _, r := range o.Requests {
		if r.Failure != "" || r.Status >= 500 {
			return true
		}
	}
	return false
}

// connections counts those that have carried an answer: of the kept ones, and one new one.
func connections(rs []evidence.Request) int {
	n, fresh := 0, 0
	for _, r := range rs {
		switch {
		case r.Failure != "":
		case r.Stream == StreamNew:
			fresh = 1
		case !r.Reused:
			n++
		}
	}
	return n + fresh
}

type roller struct {
	*Bench
	plan   agent.Plan
	within time.Duration // that a pod may take to become Ready
	from   string        // the agent's address, as /proc/net/tcp has it
	sticky bool          // the Service sends all that the agent asks to one pod
}

// try disturbs the workload under load, and waits until the pods that had to go are gone
// and as many as should stay are Ready.
func (r *roller) try(ctx context.Context, d disturbance) (evidence.Rollout, error) {
	before := r.living()
	o := evidence.Rollout{Kind: d.kind, Replicas: int32(len(before)), PreStopSleep: d.sleep}
	// What is lost from here on is the rollout's doing.
	load, unreached, err := r.reach(ctx, before)
	if err != nil {
		return o, err
	}
	defer load.cancel()
	o.Unreached = unreached
	o.Began = time.Now()
	if err := d.do(ctx, before); err != nil {
		o.Problem = err.Error()
	} else if o.Finished, err = r.settle(ctx, before, d); err != nil {
		return o, err
	}
	o.Seconds = time.Since(o.Began).Seconds()
	select {
	case <-time.After(afterwards):
	case <-ctx.Done():
		return o, context.Cause(ctx)
	}
	all, err := load.Stop(ctx)
	if err != nil {
		return o, err
	}
	o.Requests = since(o.Began, all)
	o.Endpoints = r.Observer.Endpoints(o.Began)
	for _, uid := range before {
		if p := r.Observer.Evidence(uid, r.Container); r.ended(p) {
			p.Log = nil
			o.Ended = append(o.Ended, p)
		}
	}
	return o, nil
}

// since leaves out the requests that are not a rollout's to lose: they were over before it
// began, or had found no pod by then.
func since(began time.Time, rs []evidence.Request) []evidence.Request {
	return slices.DeleteFunc(rs, func(r evidence.Request) bool {
		return r.Ended().Before(began) || r.Start.Before(began) && r.Connected == 0
	})
}

func (r *roller) ended(p evidence.Pod) bool {
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == r.Container && s.State.Terminated != nil {
			return true
		}
	}
	return false
}

// living are the UIDs of the workload's pods that are there.
func (r *roller) living() []string {
	var out []string
	_ = r.Observer.Wait(context.Background(), podsOf(r.Subject), func(ps []*workload.Observed) (bool, string, error) {
		for _, p := range ps {
			if p.Gone.IsZero() && p.Pod.DeletionTimestamp == nil {
				out = append(out, string(p.Pod.UID))
			}
		}
		return true, "", nil
	})
	return out
}

// settle waits until the rollout is over. That its time is over first is no error.
func (r *roller) settle(ctx context.Context, before []string, d disturbance) (bool, error) {
	limit := time.Duration(d.leave)*(r.within+time.Duration(grace(&corev1.Pod{Spec: r.Subject.Template.Spec}))*time.Second) + killMargin
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	old := map[string]bool{}
	for _, uid := range before {
		old[uid] = true
	}
	err := r.Observer.Wait(wait, podsOf(r.Subject), func(ps []*workload.Observed) (bool, string, error) {
		gone, there, ready := 0, 0, 0
		for _, p := range ps {
			switch {
			case !p.Gone.IsZero() && old[string(p.Pod.UID)]:
				gone++
			case p.Gone.IsZero():
				there++
				if workload.IsReady(p.Pod) {
					ready++
				}
			}
		}
		seen := fmt.Sprintf("%s: %d of %d pods are gone, %d of %d Ready", d.kind, gone, d.leave, ready, d.stay)
		return gone >= d.leave && there == d.stay && ready == d.stay, seen, nil
	})
	var over *workload.WaitError
	if errors.As(err, &over) && ctx.Err() == nil {
		return false, nil
	}
	return err == nil, err
}

// change updates the live Deployment, again when the controller was quicker.
func (r *roller) change(ctx context.Context, how func(*appsv1.Deployment)) error {
	api := r.client().AppsV1().Deployments(r.Namespace)
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		d, err := api.Get(ctx, r.Subject.GetName(), metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("reading %s: %w", r.Subject, err)
		}
		how(d)
		_, err = api.Update(ctx, d, metav1.UpdateOptions{FieldManager: workload.FieldManager})
		return err
	})
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
	before, n := r.living(), int32(replicas)
	err := r.change(ctx, func(d *appsv1.Deployment) {
		d.Spec.Replicas = &n
		for i := range d.Spec.Template.Spec.Containers {
			if c := &d.Spec.Template.Spec.Containers[i]; c.Name == r.Container {
				c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: triedSleep}}}
			}
		}
	})
	if err != nil {
		return err
	}
	_, err = r.settle(ctx, before, disturbance{kind: "restart", leave: len(before), stay: replicas})
	return err
}

func (r *roller) hasPreStop() bool {
	c := r.declared()
	return c.Lifecycle != nil && c.Lifecycle.PreStop != nil
}

// evict asks for a pod's removal as the drain of a node does, which respects a
// PodDisruptionBudget.
func (r *roller) evict(ctx context.Context, uids []string) error {
	if len(uids) == 0 {
		return errors.New("there is no pod to evict")
	}
	p, uid := r.Observer.Evidence(uids[0], r.Container), types.UID(uids[0])
	err := r.client().PolicyV1().Evictions(r.Namespace).Evict(ctx, &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Name: p.Name, Namespace: r.Namespace},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}},
	})
	if apierrors.IsTooManyRequests(err) {
		return fmt.Errorf("the API server refuses to evict pod %s, as it would for the drain of a node: %w", p.Name, err)
	}
	return err
}

func (r *roller) scaleDown(ctx context.Context, _ []string) error {
	one := int32(1)
	return r.change(ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = &one })
}
