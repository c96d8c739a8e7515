package job

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// Object is one of Objects.
type Object interface {
	metav1.Object
	runtime.Object
}

// All are the objects in the order in which they are applied: the Job last.
func (o Objects) All() []Object {
	out := []Object{o.ServiceAccount, o.Role, o.RoleBinding}
	if o.Secret != nil {
		out = append(out, o.Secret)
	}
	return append(out, o.ConfigMap, o.Job)
}

// YAML are documents, as `kubectl apply -f -` takes them.
func YAML(objects ...runtime.Object) (string, error) {
	var out []string
	for _, o := range objects {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			return "", fmt.Errorf("writing a %s: %w", o.GetObjectKind().GroupVersionKind().Kind, err)
		}
		delete(fields, "status") // which only the cluster writes
		withoutTime(fields)
		b, err := yaml.Marshal(fields)
		if err != nil {
			return "", fmt.Errorf("writing a %s: %w", o.GetObjectKind().GroupVersionKind().Kind, err)
		}
		out = append(out, string(b))
	}
	return strings.Join(out, "---\n"), nil
}

// withoutTime takes out the empty times of creation that Go's types write.
func withoutTime(fields map[string]any) {
	for name, v := range fields {
		switch v := v.(type) {
		case map[string]any:
			withoutTime(v)
		case nil:
			if name == "creationTimestamp" {
				delete(fields, name)
			}
		}
	}
}
