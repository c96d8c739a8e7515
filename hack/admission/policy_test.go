package admission

import (
	"context"
	"os"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"
)

// read reads the first object of a file.
func read[T any](t *testing.T, file string) T {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n---\n")
	var out T
	if err := yaml.UnmarshalStrict([]byte(first), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// attributes are those of a request for an object; old is nil where it is created.
func attributes(t *testing.T, o, old runtime.Object, resource string) *admission.VersionedAttributes {
	t.Helper()
	gvk := o.GetObjectKind().GroupVersionKind()
	op := admission.Create
	if old != nil {
		op = admission.Update
	}
	a := admission.NewAttributesRecord(o, old, gvk, "shop", "api", schema.GroupVersionResource{Group: gvk.Group, Version: gvk.Version, Resource: resource}, "", op, nil, false, &user.DefaultInfo{})
	v, err := admission.NewVersionedAttributes(a, gvk, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// compiled is the policy as the API server compiles it (policy/validating/plugin.go, compilePolicy).
func compiled(t *testing.T, p admissionregistrationv1.ValidatingAdmissionPolicy) validating.Validator {
	t.Helper()
	c, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		t.Fatal(err)
	}
	with := cel.OptionalVariableDeclarations{HasParams: p.Spec.ParamKind != nil, HasAuthorizer: true}
	var variables []cel.NamedExpressionAccessor
	for _, v := range p.Spec.Variables {
		variables = append(variables, &validating.Variable{Name: v.Name, Expression: v.Expression})
	}
	c.CompileAndStoreVariables(variables, with, environment.StoredExpressions)
	var validations, messages []cel.ExpressionAccessor
	for _, v := range p.Spec.Validations {
		validations = append(validations, &validating.ValidationCondition{Expression: v.Expression, Message: v.Message, Reason: v.Reason})
		messages = append(messages, &validating.MessageExpressionCondition{MessageExpression: v.MessageExpression})
	}
	without := cel.OptionalVariableDeclarations{HasParams: with.HasParams}
	return validating.NewValidator(c.CompileCondition(validations, with, environment.StoredExpressions), nil, c.CompileCondition(nil, with, environment.StoredExpressions),
		c.CompileCondition(messages, without, environment.StoredExpressions), p.Spec.FailurePolicy, nil)
}

const proven = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

var other = strings.ReplaceAll(proven, "a", "b")

func pod(images ...string) *corev1.Pod {
	p := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "api", Namespace: "shop"}}
	for i, image := range images {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "c" + string(rune('0'+i)), Image: image})
	}
	return p
}

// The list lets in exactly the digests that are on it.
func TestTheListLetsInWhatIsOnIt(t *testing.T) {
	v := compiled(t, read[admissionregistrationv1.ValidatingAdmissionPolicy](t, "../../manifests/gate/vap/policy.yaml"))
	key := strings.Replace(proven, ":", "-", 1)
	list := &corev1.ConfigMap{Data: map[string]string{key: "r.example/api@" + proven + " until 2026-12-01T00:00:00Z"}}
	good, bad := "r.example/api@"+proven, "r.example/api@"+other
	withInit := func(image string) *corev1.Pod {
		p := pod(good)
		p.Spec.InitContainers = []corev1.Container{{Name: "prepare", Image: image}}
		return p
	}
	debugged := func(image string) *corev1.Pod {
		p := pod(good)
		p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: image}}}
		return p
	}
	mounting := func(image string) *corev1.Pod {
		p := pod(good)
		p.Spec.Volumes = []corev1.Volume{{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			{Name: "c0", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: image}}}}
		return p
	}
	labelled := pod(bad)
	labelled.Labels = map[string]string{"a": "b"}
	for _, c := range []struct {
		name   string
		o, old *corev1.Pod
		list   *corev1.ConfigMap
		says   string // empty lets it in
	}{
		{"on the list", pod(good), nil, list, ""},
		{"with a tag beside the digest", pod("localhost:5000/shop/api:1.4.2@" + proven), nil, list, ""},
		{"by its digest alone", pod("api@" + proven), nil, list, ""},
		{"not on it", pod(bad), nil, list, "podproof: " + bad + ": not named by a digest that is proven"},
		{"by a tag", pod("r.example/api:1"), nil, list, "r.example/api:1: not named"},
		{"two, of which one is", pod(good, bad), nil, list, "podproof: " + bad + ":"},
		{"a digest within a digest", pod(good + "@" + other), nil, list, "not named"},
		{"a digest that goes on", pod(good + "b"), nil, list, "not named"},
		{"a digest in capitals", pod(strings.ToUpper(good)), nil, list, "not named"},
		{"an init container", withInit(bad), nil, list, bad},
		{"an init container on the list", withInit(good), nil, list, ""},
		{"an ephemeral container", debugged(bad), pod(good), list, bad},
		{"an ephemeral container on the list", debugged(good), pod(good), list, ""},
		{"an image volume", mounting(bad), nil, list, bad},
		{"an image volume on the list", mounting(good), nil, list, ""},
		{"an image volume of a pod from before", mounting(bad), mounting(bad), list, ""},
		{"an image volume by no name", mounting(""), nil, list, "not named"},
		{"a label of a pod from before", labelled, pod(bad), list, ""},
		{"another image of a pod from before", pod(bad), pod(good), list, bad},
		{"the same image in a container more", pod(bad, bad), pod(bad), list, bad},
		{"an empty list", pod(good), nil, &corev1.ConfigMap{Data: map[string]string{}}, good},
		{"a list without data", pod(good), nil, &corev1.ConfigMap{}, good},
	} {
		t.Run(c.name, func(t *testing.T) {
			var old runtime.Object
			if c.old != nil {
				old = c.old
			}
			a := attributes(t, c.o, old, "pods")
			r := v.Validate(context.Background(), a.GetResource(), a, c.list, nil, celconfig.RuntimeCELCostBudget, nil)
			if len(r.Decisions) != 1 || r.Decisions[0].Evaluation == validating.EvalError {
				t.Fatalf("%+v", r.Decisions)
			}
			d := r.Decisions[0]
			if (d.Action == validating.ActionAdmit) != (c.says == "") || !strings.Contains(d.Message, c.says) {
				t.Errorf("%s: %q, want %q", d.Action, d.Message, c.says)
			}
			if c.says != "" && (!strings.Contains(d.Message, "podproof gate IMAGE") || d.Reason != metav1.StatusReasonForbidden) {
				t.Errorf("%s: %q", d.Reason, d.Message)
			}
		})
	}
}
