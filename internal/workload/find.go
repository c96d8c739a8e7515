package workload

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"podproof.dev/podproof/internal/contract"
)

// Controller is an object that runs pods.
type Controller struct {
	Object
	Replicas int32 // that its manifest asks for, 1 where it does not say
	// Declared is the manifest's own number, nil where it has none.
	Declared *int32
	Selector labels.Selector // of its pods
	Template corev1.PodTemplateSpec
}

// Controllers are the objects that run pods for as long as they exist, in the order of the manifests.
func Controllers(objects []Object) ([]Controller, error) {
	var out []Controller
	for _, o := range objects {
		r := Controller{Object: o, Replicas: 1}
		var selector *metav1.LabelSelector
		var err error
		switch o.GetKind() {
		case "Deployment":
			var d appsv1.Deployment
			err = convert(o, &d)
			r.Template, selector, r.Declared = d.Spec.Template, d.Spec.Selector, d.Spec.Replicas
		case "StatefulSet":
			var s appsv1.StatefulSet
			err = convert(o, &s)
			r.Template, selector, r.Declared = s.Spec.Template, s.Spec.Selector, s.Spec.Replicas
		case "DaemonSet":
			var d appsv1.DaemonSet
			err = convert(o, &d)
			r.Template, selector = d.Spec.Template, d.Spec.Selector
		case "Pod":
			var p corev1.Pod
			err = convert(o, &p)
			r.Template = corev1.PodTemplateSpec{ObjectMeta: p.ObjectMeta, Spec: p.Spec}
			selector = &metav1.LabelSelector{MatchLabels: p.Labels}
		default:
			continue
		}
		if err == nil {
			r.Selector, err = metav1.LabelSelectorAsSelector(selector)
		}
		if err != nil {
			return nil, &ManifestError{[]string{fmt.Sprintf("%s: %s: %v", o.Source, o, err)}}
		}
		if r.Declared != nil {
			r.Replicas = *r.Declared
		}
		out = append(out, r)
	}
	return out, nil
}

// Owns tells whether a pod is one of the controller's.
func (r Controller) Owns(p *corev1.Pod) bool {
	switch {
	case r.GetKind() == "Pod":
		return p.Name == r.GetName()
	case r.Selector == nil || r.Selector.Empty():
		return false
	}
	return r.Selector.Matches(labels.Set(p.Labels))
}

func convert(o Object, to any) error {
	return runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, to)
}

// PodSpec is that of a pod which podproof makes itself, from the template. For the claims of a
// StatefulSet, whose volumes its controller would add, it has an emptyDir each.
func (r Controller) PodSpec() corev1.PodSpec {
	spec := *r.Template.Spec.DeepCopy()
	claims, _, _ := unstructured.NestedSlice(r.Object.Object, "spec", "volumeClaimTemplates")
	for _, c := range claims {
		m, _ := c.(map[string]any)
		name, _, _ := unstructured.NestedString(m, "metadata", "name")
		// A claim takes precedence over a volume of the same name.
		spec.Volumes = slices.DeleteFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == name })
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	}
	return spec
}

// Find returns the controller that a contract names. That it is there was seen to when the
// contract was derived.
func Find(controllers []Controller, o contract.Object) (Controller, bool) {
	for _, r := range controllers {
		if r.object() == o {
			return r, true
		}
	}
	return Controller{}, false
}

func (r Controller) object() contract.Object {
	return contract.Object{Kind: strings.ToLower(r.GetKind()), Name: r.GetName()}
}

// ContainerOf returns the index of the container that runs the image: the only one, or
// the one whose image it is.
func ContainerOf(r Controller, image string) (int, error) {
	cs := r.Template.Spec.Containers
	if len(cs) == 1 {
		return 0, nil
	}
	var names []string
	for i, c := range cs {
		if contract.SameImage(c.Image, image) {
			return i, nil
		}
		names = append(names, fmt.Sprintf("%s (%s)", c.Name, c.Image))
	}
	return 0, &ManifestError{[]string{fmt.Sprintf("%s: none of the containers of %s runs the image %q, they are: %s; correct `image` in the contract", r.Source, r, image, strings.Join(names, ", "))}}
}

// Run tells whether one of the controllers runs the image.
func Run(controllers []Controller, image string) bool {
	return slices.ContainsFunc(controllers, func(r Controller) bool {
		return slices.ContainsFunc(r.Template.Spec.Containers, func(c corev1.Container) bool { return contract.SameImage(c.Image, image) })
	})
}

// Services are the Services of the manifests whose selector matches the controller's pods.
func Services(objects []Object, r Controller) ([]corev1.Service, error) {
	var out []corev1.Service
	for _, o := range objects {
		if o.GetKind() != "Service" {
			continue
		}
		var s corev1.Service
		if err := convert(o, &s); err != nil {
			return nil, &ManifestError{[]string{fmt.Sprintf("%s: %s: %v", o.Source, o, err)}}
		}
		if len(s.Spec.Selector) > 0 && labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(r.Template.Labels)) {
			out = append(out, s)
		}
	}
	return out, nil
}
