package workload

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// FieldManager is the name under which podproof applies objects.
const FieldManager = "podproof"

// Applier applies objects by server-side apply, as `kubectl apply --server-side` does.
type Applier struct {
	Client kubernetes.Interface
	// Line is what its requests have come to; nil where nobody listens.
	Line *Line
	// OnlyOf is a run's ID in a cluster that is somebody else's: objects and namespaces that are
	// there without its label are refused. Empty in a cluster of our own.
	OnlyOf string
	// Until is when the run is over for certain, in a cluster that is somebody else's.
	Until time.Time
	// Above owns all that the run makes in a namespace that stays: the Job that the run is part of.
	// Nil is a run that no object stands for.
	Above   *metav1.OwnerReference
	dynamic dynamic.Interface
	mapper  meta.RESTMapper
	defined map[schema.GroupKind]definition // by the manifests themselves
	owner   *metav1.OwnerReference          // of all that is made, where there is one
}

// NewApplier connects to a cluster.
func NewApplier(c *rest.Config) (*Applier, error) {
	c = rest.CopyConfig(c)
	c.WarningHandlerWithContext = hear{}
	line := &Line{open: map[string]gap{}}
	c.Wrap(line.hear)
	client, err := kubernetes.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	dyn, err := dynamic.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	return &Applier{Client: client, Line: line, dynamic: dyn,
		mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))}, nil
}

// order is what others refer to first: a pod needs its Secret, not the reverse.
var order = []string{"CustomResourceDefinition", "PriorityClass", "StorageClass", "ServiceAccount", "Role",
	"ClusterRole", "RoleBinding", "ClusterRoleBinding", "Secret", "ConfigMap", "PersistentVolumeClaim", "Service"}

func rank(o Object) int {
	if i := slices.Index(order, o.GetKind()); i >= 0 {
		return i
	}
	return len(order)
}

// Apply applies the objects, those that others refer to first. Definitions of kinds come before
// all, and the rest when the API server serves these. An object that it refuses is a ManifestError.
func (a *Applier) Apply(ctx context.Context, objects []Object) error {
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(x, y Object) int { return cmp.Compare(rank(x), rank(y)) })
	first := 0
	for first < len(sorted) && isDefinition(sorted[first]) {
		first++
	}
	if err := a.applyAll(ctx, sorted[:first]); err != nil {
		return err
	}
	if err := a.established(ctx, sorted[:first]); err != nil {
		return err
	}
	return a.applyAll(ctx, sorted[first:])
}

func (a *Applier) applyAll(ctx context.Context, objects []Object) error {
	for _, o := range objects {
		if err := a.apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func (a *Applier) apply(ctx context.Context, o Object) error {
	m, err := a.mapping(o)
	if meta.IsNoMatchError(err) {
		return &ManifestError{[]string{unknownKind(o)}}
	}
	if err != nil {
		return err
	}
	sent := o.DeepCopy()
	var c dynamic.ResourceInterface = a.dynamic.Resource(m.Resource)
	if m.Scope.Name() == meta.RESTScopeNameNamespace {
		c = a.dynamic.Resource(m.Resource).Namespace(o.GetNamespace())
		a.Own(sent)
	} else {
		sent.SetNamespace("")
	}
	if a.OnlyOf != "" && !ofEachNamespace(o) {
		err = a.create(ctx, c, sent)
	} else {
		_, err = c.Apply(ctx, o.GetName(), sent, metav1.ApplyOptions{FieldManager: FieldManager, Force: true})
	}
	if apierrors.IsAlreadyExists(err) {
		return &ManifestError{[]string{nameTaken(o)}}
	}
	if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err) {
		return &ManifestError{[]string{fmt.Sprintf("%s: %s: the API server refuses it: %v", o.Source, o, err)}}
	}
	if err != nil {
		return fmt.Errorf("applying %s: %w", o, err)
	}
	return nil
}

// create makes an object in a cluster that is somebody else's, where nothing is changed that is
// there and that the run has not made: the answer to an earlier try may have been lost.
func (a *Applier) create(ctx context.Context, c dynamic.ResourceInterface, o *unstructured.Unstructured) error {
	_, err := c.Create(ctx, o, metav1.CreateOptions{FieldManager: FieldManager, FieldValidation: metav1.FieldValidationStrict})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	if there, unseen := c.Get(ctx, o.GetName(), metav1.GetOptions{}); unseen != nil || there.GetLabels()[RunLabel] != a.OnlyOf {
		return err
	}
	_, err = c.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: FieldManager, Force: true})
	return err
}

// ofEachNamespace tells what Kubernetes makes in each namespace, so that it is the run's with that.
func ofEachNamespace(o Object) bool {
	return o.String() == "serviceaccount/default" || o.String() == "configmap/kube-root-ca.crt"
}

func nameTaken(o Object) string {
	return fmt.Sprintf("%s: %s exists in the cluster already, and this run did not create it: podproof does not change objects that it did not create", o.Source, o)
}

// Taken names the objects whose names are taken in a namespace that stays: the API server says it in
// a dry run, which makes nothing, and for which nobody needs the right to read a Secret.
func (a *Applier) Taken(ctx context.Context, objects []Object) ([]string, error) {
	var out []string
	for _, o := range objects {
		m, err := a.mapping(o)
		if meta.IsNoMatchError(err) {
			continue // that is told elsewhere
		}
		if err != nil {
			return nil, err
		}
		_, err = a.dynamic.Resource(m.Resource).Namespace(o.GetNamespace()).Create(ctx, o.DeepCopy(), metav1.CreateOptions{FieldManager: FieldManager, DryRun: []string{metav1.DryRunAll}})
		if apierrors.IsAlreadyExists(err) {
			out = append(out, nameTaken(o))
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return out, nil
}

// CreateNamespace makes the run's namespace, and waits for the service account without
// which no pod is admitted to it.
func (a *Applier) CreateNamespace(ctx context.Context, name, run string) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{RunLabel: run, warnLabel: "restricted"}, Annotations: a.expiry()}}
	_, err := a.Client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) && a.OnlyOf != "" {
		return a.owns(ctx, name, a.OnlyOf)
	}
	if apierrors.IsAlreadyExists(err) { // "default", in a cluster of ours
		patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q,%q:"restricted"}}}`, RunLabel, run, warnLabel)
		_, err = a.Client.CoreV1().Namespaces().Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: FieldManager})
	}
	if err != nil {
		return fmt.Errorf("creating namespace %s: %w", name, err)
	}
	// The controller manager makes "default" a moment later; waiting for it here would need
	// a watch, making it ourselves needs none, and the controller is content with it.
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: name}}
	if _, err := a.Client.CoreV1().ServiceAccounts(name).Create(ctx, sa, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating the service account of namespace %s: %w", name, err)
	}
	return nil
}

// owns refuses a namespace that does not carry the run's label.
func (a *Applier) owns(ctx context.Context, name, run string) error {
	ns, err := a.Client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if ns.Labels[RunLabel] != run {
		return fmt.Errorf("namespace %s is not of run %s: podproof neither uses nor removes it", name, run)
	}
	return nil
}

// DeleteNamespace removes a namespace of a run's and waits until it is gone. One that is not the
// run's is an error.
func (a *Applier) DeleteNamespace(ctx context.Context, name, run string) error {
	w, err := a.Client.CoreV1().Namespaces().Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		return fmt.Errorf("watching namespace %s: %w", name, err)
	}
	defer w.Stop()
	err = a.EndNamespace(ctx, name, run)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for {
		select {
		case ev, ok := <-w.ResultChan():
			if !ok {
				return fmt.Errorf("the watch on namespace %s ended before the namespace did; `kubectl get namespace %s` shows whether it goes", name, name)
			}
			if ev.Type == "DELETED" {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("namespace %s is still terminating: %w", name, context.Cause(ctx))
		}
	}
}

// EndNamespace begins to remove a namespace, which takes Kubernetes five seconds and more.
// Pods that a trial left under podproof's finalizer are let go first, or it would never end.
func (a *Applier) EndNamespace(ctx context.Context, name, run string) error {
	if err := a.owns(ctx, name, run); err != nil {
		return err
	}
	pods, err := a.Client.CoreV1().Pods(name).List(ctx, metav1.ListOptions{LabelSelector: TrialLabel})
	if err != nil {
		return fmt.Errorf("listing trial pods of namespace %s: %w", name, err)
	}
	for _, p := range pods.Items {
		if err := a.Unfinalize(ctx, name, p.Name); err != nil {
			return err
		}
	}
	err = a.Client.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsConflict(err) { // a conflict is one that ends already
		return fmt.Errorf("deleting namespace %s: %w", name, err)
	}
	// Nobody waits for these pods to drain, and no controller makes new ones any more.
	now := int64(0)
	err = a.Client.CoreV1().Pods(name).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: &now}, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("deleting the pods of namespace %s: %w", name, err)
	}
	return nil
}

// Unfinalize removes every finalizer from a pod, so that its deletion ends.
func (a *Applier) Unfinalize(ctx context.Context, namespace, pod string) error {
	patch := []byte(`{"metadata":{"finalizers":null}}`)
	_, err := a.Client.CoreV1().Pods(namespace).Patch(ctx, pod, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("letting pod %s go: %w", pod, err)
	}
	return nil
}
