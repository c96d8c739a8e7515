package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/workload"
)

// placed are the manifests' objects as they go into the cluster, with the images known so far.
func (r *run) placed() []workload.Object { return r.placedIn(r.namespace()) }

// placedIn is as it is in one of the run's namespaces, where nothing gets in the way of others.
func (r *run) placedIn(namespace string) []workload.Object {
	objects, said := workload.Confine(r.shippedIn(namespace), r.room(namespace))
	r.say(said, namespace)
	return objects
}

// shippedIn are the objects with the run's images and names, and otherwise as they are shipped.
func (r *run) shippedIn(namespace string) []workload.Object {
	objects := workload.Rewritten(r.plan.Objects, workload.Rewrite{Run: r.ledger.ID, Namespace: namespace, Images: r.place.replaced(), Pulled: r.pulls(), Stays: r.Namespace != ""})
	// A name such as postgres.shop must not lead out of the run, to a team's real database.
	objects = workload.NamesOf(r.plan.Objects).Relocate(objects, namespace)
	home := namespace == r.namespace()
	if home && r.session == nil {
		return objects
	}
	return slices.DeleteFunc(objects, func(o workload.Object) bool {
		if r.place.wide[o.String()] && o.GetKind() == "ClusterRoleBinding" {
			// Of one name it would take its rights from the first namespace.
			o.SetName(o.GetName() + "-" + namespace)
			return false
		}
		return r.place.wide[o.String()] && !home // it is there, once for the whole cluster
	})
}

func (r *run) room(namespace string) workload.Room {
	return workload.Room{Lent: !r.place.About().Owned, Further: namespace != r.namespace(), Among: r.session != nil || r.place.About().Warm, Storage: r.place.storage, Priorities: r.place.priorities}
}

// say tells once what was changed on the objects' way into the cluster. What concerns the
// namespaces of trials alone is for -v.
func (r *run) say(said []string, namespace string) {
	r.place.mu.Lock()
	fresh := slices.DeleteFunc(said, func(s string) bool { return slices.Contains(r.place.said, s) })
	r.place.said = append(r.place.said, fresh...)
	r.place.mu.Unlock()
	for _, s := range fresh {
		if namespace == r.namespace() {
			r.Tell.Note(s)
		} else {
			r.Debug("in " + namespace + ": " + s)
		}
	}
}

// look connects to the cluster, and learns what it has of what the manifests ask for.
func (r *run) look(ctx context.Context) (scopes workload.Scopes, err error) {
	applier, err := workload.NewApplier(r.place.REST())
	if err != nil {
		return scopes, err
	}
	r.place.mu.Lock()
	r.place.applier = applier
	r.place.mu.Unlock()
	if !r.place.About().Owned {
		r.place.applier.OnlyOf = r.ledger.ID
		if r.inJob() {
			r.place.applier.Above = r.Job.Owner()
		}
		r.expire()
	}
	if r.place.storage, r.place.priorities, err = r.place.applier.Room(ctx, r.plan.Objects); err != nil {
		return scopes, err
	}
	scopes, err = r.place.applier.Scopes(r.plan.Objects)
	r.place.wide = map[string]bool{}
	for _, o := range scopes.Wide {
		r.place.wide[o.String()] = true
	}
	return scopes, err
}

// expire says until when what the run makes in a cluster that stays may be in use.
func (r *run) expire() {
	if a := r.place.applier; a != nil && !r.Keep && !r.place.About().Owned {
		a.Until = r.saw.began.Add(r.Timeout + overFor)
	}
}

// overFor is how long after its time-out a run may still be cleaning up.
const overFor = time.Hour

// fits refuses, before anything is made, manifests that reach out of the run's own namespaces in
// a cluster that is lent. The error is an *InputError then.
func (r *run) fits(ctx context.Context) error {
	if r.place.About().Owned || !r.needs(podSections...) {
		return nil
	}
	scopes, err := r.look(ctx)
	if errors.As(err, new(*workload.ManifestError)) {
		return &InputError{err}
	}
	if err != nil {
		return err
	}
	if err := r.removeEarlier(ctx); err != nil {
		return err
	}
	problems, err := r.unfit(ctx, scopes.Wide)
	if err != nil {
		return err
	}
	inside, err := r.inside(ctx)
	if err != nil {
		return err
	}
	problems = append(problems, inside...)
	live, err := r.live(ctx)
	if err != nil {
		return err
	}
	names := workload.NamesOf(r.plan.Objects)
	for _, o := range r.plan.Objects {
		for _, s := range names.Leads(o, live) {
			problems = append(problems, fmt.Sprintf("%s: %s names %s, a Service that lives in this cluster and is not among the manifests: the pods under test would talk to it. Add it to the manifests, or name another", o.Source, o, s))
		}
	}
	if len(problems) > 0 {
		return &InputError{fmt.Errorf("the manifests do not fit --cluster %s (nothing was made there):\n  %s\nLeave out --cluster, and podproof makes a cluster for them", r.place.About().Flag, strings.Join(problems, "\n  "))}
	}
	for _, u := range scopes.Unknown {
		r.Tell.Note(fmt.Sprintf("Left out %s (%s): the cluster has no kind %s in %s", u, u.Source, u.GetKind(), u.GetAPIVersion()))
	}
	r.plan = r.plan.Without(slices.Concat(scopes.Unknown, scopes.Wide))
	return nil
}

// unseenServices is what a run does without that right.
const unseenServices = "nobody has checked whether the manifests name live ones of other namespaces, to which the pods under test would talk"

// live are the cluster's Services, but for those of Kubernetes itself.
func (r *run) live(ctx context.Context) (map[workload.Service]bool, error) {
	list, err := r.place.applier.Client.CoreV1().Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		r.Tell.Note("You may not list the cluster's Services, so " + unseenServices)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the cluster's Services: %w", err)
	}
	out := map[workload.Service]bool{}
	for _, s := range list.Items {
		if s.Namespace != metav1.NamespaceSystem && s.Labels["provider"] != "kubernetes" {
			out[workload.Service{Namespace: s.Namespace, Name: s.Name}] = true
		}
	}
	return out, nil
}
