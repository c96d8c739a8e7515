package workload

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// Expires says, in RFC 3339, from when on a run is over for certain, so that anybody may remove
// what is left of it. It is an annotation of what a run makes in a cluster that stays.
const Expires = "podproof.dev/expires"

// anchorPrefix begins the name of a run's anchor: the ConfigMap that owns all that a run makes in
// a namespace which is there before it, and stays. Who deletes the anchor deletes that, and
// nothing else, whatever has become of the run.
const anchorPrefix = "podproof-"

// Anchor makes a run's anchor. What is applied or made from now on is owned by it.
func (a *Applier) Anchor(ctx context.Context, namespace, run string) error {
	c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: anchorPrefix + run, Namespace: namespace,
		Labels: map[string]string{RunLabel: run}, Annotations: a.expiry()},
		Data: map[string]string{"about": "A run of podproof owns with this what it has made in this namespace. Delete this, and all of that goes."}}
	if a.Above != nil {
		c.OwnerReferences = []metav1.OwnerReference{*a.Above}
	}
	made, err := a.Client.CoreV1().ConfigMaps(namespace).Create(ctx, c, metav1.CreateOptions{FieldManager: FieldManager})
	if apierrors.IsNotFound(err) {
		return &ManifestError{[]string{fmt.Sprintf("--namespace %s: there is no such namespace; create it, or leave out --namespace, and podproof creates one", namespace)}}
	}
	if err != nil {
		return fmt.Errorf("creating configmap/%s in namespace %s, which owns what the run makes there: %w", c.Name, namespace, err)
	}
	// The end of an owner waits for these alone: garbage collection, "foreground".
	blocks := true
	a.owner = &metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: made.Name, UID: made.UID, BlockOwnerDeletion: &blocks}
	return nil
}

// expiry is the annotation Expires, where the run is one that ends.
func (a *Applier) expiry() map[string]string {
	if a.Until.IsZero() {
		return nil
	}
	return map[string]string{Expires: a.Until.UTC().Format("2006-01-02T15:04:05Z")}
}

// Own has the run's anchor own an object of its namespace, where there is an anchor.
func (a *Applier) Own(o metav1.Object) {
	if a.owner != nil {
		o.SetOwnerReferences(append(o.GetOwnerReferences(), *a.owner))
	}
}

// RemoveAnchor removes all that a run has made in a namespace that stays, and waits until it is
// gone. A run that has made nothing there is no error.
func (a *Applier) RemoveAnchor(ctx context.Context, namespace, run string) error {
	name, client := anchorPrefix+run, a.Client.CoreV1().ConfigMaps(namespace)
	anchor, err := client.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading configmap/%s in namespace %s: %w", name, namespace, err)
	case anchor.Labels[RunLabel] != run:
		return fmt.Errorf("configmap/%s in namespace %s is not of run %s: podproof does not remove it", name, namespace, run)
	}
	foreground := metav1.DeletePropagationForeground
	err = client.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &foreground, Preconditions: metav1.NewUIDPreconditions(string(anchor.UID))})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting configmap/%s in namespace %s, and what it owns: %w", name, namespace, err)
	}
	if _, err := a.endPods(ctx, namespace, run); err != nil {
		return err
	}
	gone := func(s cache.Store) (bool, error) {
		_, there, err := s.GetByKey(namespace + "/" + name)
		return !there, err
	}
	_, err = watchtools.UntilWithSync(ctx, OneObject(a.Client, client, name), &corev1.ConfigMap{}, gone, func(e watch.Event) (bool, error) {
		return e.Type == watch.Deleted, nil
	})
	if err != nil {
		return fmt.Errorf("what the run has made in namespace %s is still terminating; `kubectl get configmap %s -n %s` shows whether it goes: %w", namespace, name, namespace, context.Cause(ctx))
	}
	return a.endOrphans(ctx, namespace, run)
}

// endOrphans ends the pods that a controller made in the place of others just before it was gone itself:
// nobody owns them, and garbage collection takes its time over them.
func (a *Applier) endOrphans(ctx context.Context, namespace, run string) error {
	for {
		names, err := a.endPods(ctx, namespace, run)
		if err != nil || len(names) == 0 {
			return err
		}
		for _, name := range names {
			if err := a.podGone(ctx, namespace, name); err != nil {
				return err
			}
		}
	}
}

func (a *Applier) podGone(ctx context.Context, namespace, name string) error {
	client := a.Client.CoreV1().Pods(namespace)
	gone := func(s cache.Store) (bool, error) {
		_, there, err := s.GetByKey(namespace + "/" + name)
		return !there, err
	}
	_, err := watchtools.UntilWithSync(ctx, OneObject(a.Client, client, name), &corev1.Pod{}, gone, func(e watch.Event) (bool, error) {
		return e.Type == watch.Deleted, nil
	})
	if err != nil {
		return fmt.Errorf("pod %s of the run is still terminating; `kubectl get pod %s -n %s` shows whether it goes: %w", name, name, namespace, context.Cause(ctx))
	}
	return nil
}

// endPods ends a run's pods, for whose drain nobody waits any more, and names them.
func (a *Applier) endPods(ctx context.Context, namespace, run string) ([]string, error) {
	pods, err := a.Client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: RunLabel + "=" + run})
	if err != nil {
		return nil, fmt.Errorf("listing the run's pods in namespace %s: %w", namespace, err)
	}
	var names []string
	now := int64(0)
	for _, p := range pods.Items {
		if err := a.Unfinalize(ctx, namespace, p.Name); err != nil {
			return nil, err
		}
		err := a.Client.CoreV1().Pods(namespace).Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(p.UID))})
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("deleting pod %s of namespace %s: %w", p.Name, namespace, err)
		}
		names = append(names, p.Name)
	}
	return names, nil
}
