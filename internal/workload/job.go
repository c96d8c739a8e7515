package workload

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// RunsToEnd tells whether an object is a Job that runs; one that is suspended does not.
func RunsToEnd(o Object) bool {
	suspended, _, _ := unstructured.NestedBool(o.Object, "spec", "suspend")
	return o.GetKind() == "Job" && !suspended
}

// Jobs are the objects that run pods to their end, in the order of the manifests.
func Jobs(objects []Object) ([]Controller, error) {
	var out []Controller
	for _, o := range objects {
		if !RunsToEnd(o) {
			continue
		}
		var j batchv1.Job
		if err := convert(o, &j); err != nil {
			return nil, &ManifestError{[]string{fmt.Sprintf("%s: %s: %v", o.Source, o, err)}}
		}
		out = append(out, Controller{Object: o, Replicas: 1, Template: j.Spec.Template,
			Selector: labels.SelectorFromSet(labels.Set{batchv1.JobNameLabel: o.GetName()})})
	}
	return out, nil
}
