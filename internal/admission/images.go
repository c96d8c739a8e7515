package admission

import (
	"encoding/json"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// use is one container's, or volume's, use of an image.
type use struct{ kind, container, image string }

// asked is what a request is about.
type asked struct {
	// uses are those that come new: what was there before goes on to run whatever is said here.
	uses []use
	pod  corev1.PodSpec
}

// images finds the images of a request. An object that a controller makes on its way to pods, such as a Deployment's
// ReplicaSet, is not asked about: a Deployment gives up after 15 refusals, and never tries again by itself.
func images(r *admissionv1.AdmissionRequest) (asked, error) {
	if r.Operation == admissionv1.Delete { // the manifests do not ask; a rule for all operations would
		return asked{}, nil
	}
	meta, pod, err := podOf(r.Kind, r.Object.Raw)
	if err != nil {
		return asked{}, err
	}
	if pod == nil || r.Kind.Kind != "Pod" && metav1.GetControllerOfNoCopy(meta) != nil {
		return asked{}, nil
	}
	out := asked{pod: *pod, uses: usesOf(*pod)}
	if r.Operation != admissionv1.Update {
		return out, nil
	}
	_, old, err := podOf(r.Kind, r.OldObject.Raw)
	if err != nil || old == nil {
		return out, err
	}
	before := map[use]bool{}
	for _, u := range usesOf(*old) {
		before[u] = true
	}
	var fresh []use
	for _, u := range out.uses {
		if !before[u] {
			fresh = append(fresh, u)
		}
	}
	out.uses = fresh
	return out, nil
}

// podOf is the pod that an object is, or makes; nil where it makes none.
func podOf(kind metav1.GroupVersionKind, raw []byte) (*metav1.ObjectMeta, *corev1.PodSpec, error) {
	read := func(into any) error {
		if err := json.Unmarshal(raw, into); err != nil {
			return fmt.Errorf("the %s cannot be read: %w", kind.Kind, err)
		}
		return nil
	}
	switch kind.Group + "/" + kind.Version + "/" + kind.Kind {
	case "/v1/Pod":
		var o corev1.Pod
		return &o.ObjectMeta, &o.Spec, read(&o)
	case "/v1/ReplicationController":
		var o corev1.ReplicationController
		if err := read(&o); err != nil || o.Spec.Template == nil {
			return &o.ObjectMeta, nil, err
		}
		return &o.ObjectMeta, &o.Spec.Template.Spec, nil
	case "apps/v1/Deployment":
		var o appsv1.Deployment
		return &o.ObjectMeta, &o.Spec.Template.Spec, read(&o)
	case "apps/v1/ReplicaSet":
		var o appsv1.ReplicaSet
		return &o.ObjectMeta, &o.Spec.Template.Spec, read(&o)
	case "apps/v1/StatefulSet":
		var o appsv1.StatefulSet
		return &o.ObjectMeta, &o.Spec.Template.Spec, read(&o)
	case "apps/v1/DaemonSet":
		var o appsv1.DaemonSet
		return &o.ObjectMeta, &o.Spec.Template.Spec, read(&o)
	case "batch/v1/Job":
		var o batchv1.Job
		return &o.ObjectMeta, &o.Spec.Template.Spec, read(&o)
	case "batch/v1/CronJob":
		var o batchv1.CronJob
		return &o.ObjectMeta, &o.Spec.JobTemplate.Spec.Template.Spec, read(&o)
	}
	return nil, nil, fmt.Errorf("podproof does not know where a %s (%s/%s) names its images; take it out of the webhook's rules", kind.Kind, kind.Group, kind.Version)
}

// usesOf are all containers of a pod, and the images that it mounts: what runs may as well come from these.
func usesOf(p corev1.PodSpec) []use {
	var out []use
	for _, c := range p.InitContainers {
		out = append(out, use{"init container", c.Name, c.Image})
	}
	for _, c := range p.Containers {
		out = append(out, use{"container", c.Name, c.Image})
	}
	for _, c := range p.EphemeralContainers {
		out = append(out, use{"ephemeral container", c.Name, c.Image})
	}
	for _, v := range p.Volumes {
		if v.Image != nil {
			out = append(out, use{"image volume", v.Name, v.Image.Reference})
		}
	}
	return out
}
