package trial

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// labelsOf gives variables that take a label of the pod the value of the template's: a trial's
// pod has none of those labels, by which a Service would take it. Annotations it has.
func (b *TestBed) labelsOf(env []corev1.EnvVar) {
	for i, e := range env {
		if e.ValueFrom == nil || e.ValueFrom.FieldRef == nil {
			continue
		}
		path, is := strings.CutPrefix(e.ValueFrom.FieldRef.FieldPath, "metadata.labels['")
		if key, closed := strings.CutSuffix(path, "']"); is && closed {
			env[i] = corev1.EnvVar{Name: e.Name, Value: b.Subject.Template.Labels[key]}
		}
	}
}
