package workload

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Storage are the storage classes of a cluster.
type Storage struct {
	classes map[string]storagev1.StorageClass
	// unknown tells that one may not ask for them.
	unknown bool
	// standard is the name of the default one; empty where there is none.
	standard string
}

// defaultClass marks the default storage class (kubernetes.io, storage/v1).
const defaultClass = "storageclass.kubernetes.io/is-default-class"

// onOneNode is the provisioner of kind's own class: its volumes are folders of one node, and it
// refuses claims that want them on several.
const onOneNode = "rancher.io/local-path"

// Storage asks the cluster for its storage classes.
func (a *Applier) Storage(ctx context.Context) (Storage, error) {
	list, err := a.Client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		return Storage{unknown: true}, nil
	}
	if err != nil {
		return Storage{}, fmt.Errorf("asking for the storage classes: %w", err)
	}
	s := Storage{classes: map[string]storagev1.StorageClass{}}
	for _, c := range list.Items {
		s.classes[c.Name] = c
		if c.Annotations[defaultClass] == "true" {
			s.standard = c.Name
		}
	}
	return s, nil
}

// claimStorage tells whether some of the objects claim a volume.
func claimStorage(objects []Object) bool {
	return slices.ContainsFunc(objects, func(o Object) bool {
		claims, _, _ := unstructured.NestedSlice(o.Object, "spec", "volumeClaimTemplates")
		return o.GetKind() == "PersistentVolumeClaim" || len(claims) > 0
	})
}

// namePriority tells whether the pods of some name a priority class.
func namePriority(objects []Object) bool {
	return slices.ContainsFunc(objects, func(o Object) bool {
		path := podSpecPath(o.GetKind())
		if path == nil {
			return false
		}
		class, _, _ := unstructured.NestedString(o.Object, append(slices.Clone(path), "priorityClassName")...)
		return class != ""
	})
}

// Room asks a cluster for what it has of what the objects ask for.
func (a *Applier) Room(ctx context.Context, objects []Object) (s Storage, priorities map[string]bool, err error) {
	if claimStorage(objects) {
		if s, err = a.Storage(ctx); err != nil {
			return s, nil, err
		}
	}
	if namePriority(objects) {
		priorities, err = a.Priorities(ctx)
	}
	return s, priorities, err
}

// Priorities are the names of the cluster's priority classes; nil where one may not ask for them.
func (a *Applier) Priorities(ctx context.Context) (map[string]bool, error) {
	list, err := a.Client.SchedulingV1().PriorityClasses().List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the priority classes: %w", err)
	}
	out := map[string]bool{}
	for _, c := range list.Items {
		out[c.Name] = true
	}
	return out, nil
}

// claim makes a claim one that this cluster can fill, and that takes no volume of others. The
// volumes are those that the manifests make.
func (r Room) claim(spec map[string]any, volumes map[string]bool) (changes []string) {
	if spec == nil {
		return nil
	}
	volume, _ := spec["volumeName"].(string)
	_, selects := spec["selector"]
	own := !r.crowded() && (volumes[volume] || volume == "" && selects)
	if (volume != "" || selects) && !own {
		delete(spec, "volumeName")
		delete(spec, "selector")
		if spec["storageClassName"] == "" { // that of volumes which somebody makes by hand
			delete(spec, "storageClassName")
		}
		changes = append(changes, "a new volume instead of one that it names or selects")
	}
	class, named := spec["storageClassName"].(string)
	if named && class != "" && !own {
		if why := r.unfit(class); why != "" && r.Storage.standard != "" {
			delete(spec, "storageClassName")
			changes = append(changes, fmt.Sprintf("the cluster's default storage class, %s, instead of %s: %s", r.Storage.standard, class, why))
			class = ""
		}
	}
	if class == "" {
		class = r.Storage.standard
	}
	if modes, _ := spec["accessModes"].([]any); r.Storage.classes[class].Provisioner == onOneNode &&
		slices.ContainsFunc(modes, func(m any) bool { return m == string(corev1.ReadWriteMany) || m == string(corev1.ReadOnlyMany) }) {
		spec["accessModes"] = []any{string(corev1.ReadWriteOnce)}
		changes = append(changes, fmt.Sprintf("access mode ReadWriteOnce instead of %v: its volume is a folder of one node, where all of its pods run then", modes))
	}
	return changes
}

// unfit says why a storage class is not taken.
func (r Room) unfit(class string) string {
	switch c, there := r.Storage.classes[class]; {
	case !there && !r.Storage.unknown:
		return "this cluster has no such class"
	case r.Lent && c.ReclaimPolicy != nil && *c.ReclaimPolicy == corev1.PersistentVolumeReclaimRetain:
		return "its volumes would stay when the run is over"
	}
	return ""
}

// templates does so with the claims of a StatefulSet.
func (r Room) templates(o Object, volumes map[string]bool) (changes []string) {
	spec, _ := o.Object["spec"].(map[string]any)
	claims, _ := spec["volumeClaimTemplates"].([]any)
	for _, c := range claims {
		m, _ := c.(map[string]any)
		claim, _ := m["spec"].(map[string]any)
		for _, what := range r.claim(claim, volumes) {
			meta, _ := m["metadata"].(map[string]any)
			changes = append(changes, fmt.Sprintf("claim %v: %s", meta["name"], what))
		}
	}
	return changes
}
