package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"podproof.dev/podproof/internal/admission"
	"podproof.dev/podproof/internal/attest"
	"podproof.dev/podproof/internal/contract"
)

// rendered are the objects that kustomize makes of a folder; Kubernetes takes each of them as it is.
func rendered(t *testing.T, folder string) map[string]any {
	t.Helper()
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	objects := built(t, folder)
	for name, o := range objects {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := strict.Decode(b, nil, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	return objects
}

// as reads one of them.
func as[T any](t *testing.T, objects map[string]any, name string) T {
	t.Helper()
	var out T
	if objects[name] == nil {
		t.Fatalf("there is no %s, but %v", name, slices.Sorted(maps.Keys(objects)))
	}
	b, err := json.Marshal(objects[name])
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The gate's manifests fit together, keep what podproof itself asks of a pod, and give no more rights than it uses.
func TestTheGatesManifests(t *testing.T) {
	objects := rendered(t, filepath.Join(checkout, "manifests", "gate"))
	d := as[appsv1.Deployment](t, objects, "Deployment/podproof-gate")
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	if r := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &d.Spec.Template.ObjectMeta, &d.Spec.Template.Spec)); !r.Allowed {
		t.Errorf("its pod is not restricted: %s", r.ForbiddenDetail())
	}
	if *d.Spec.Replicas != 2 {
		t.Errorf("%d replicas", *d.Spec.Replicas)
	}
	// Its flags are those of the program, and its policy is one; the policy is part of the name, so that a new one rolls out.
	serve := newGateServe()
	args := d.Spec.Template.Spec.Containers[0].Args
	if err := serve.ParseFlags(args[2:]); err != nil || strings.Join(args[:2], " ") != "gate serve" {
		t.Errorf("%v: %v", args, err)
	}
	p, err := loadPolicy(filepath.Join(checkout, "manifests", "gate", "gate.yaml"))
	if err != nil || !slices.Equal(p.Keys, []string{"podproof.pub"}) {
		t.Errorf("%+v (%v)", p, err)
	}
	from := d.Spec.Template.Spec.Volumes[0].Projected.Sources
	policyName := from[0].ConfigMap.Name
	if as[corev1.ConfigMap](t, objects, "ConfigMap/"+policyName).Data["gate.yaml"] == "" || policyName == "podproof-gate-policy" || from[1].ConfigMap.Name != "podproof-keys" {
		t.Errorf("it mounts %s and %s", policyName, from[1].ConfigMap.Name)
	}

	svc := as[corev1.Service](t, objects, "Service/podproof-gate")
	config := as[admissionregistrationv1.ValidatingWebhookConfiguration](t, objects, "ValidatingWebhookConfiguration/podproof-gate")
	for _, w := range config.Webhooks {
		to := w.ClientConfig.Service
		if *w.FailurePolicy != admissionregistrationv1.Fail || to.Name != svc.Name || to.Namespace != svc.Namespace || *to.Path != admission.Path || *to.Port != svc.Spec.Ports[0].Port {
			t.Errorf("%s: %s, asks %+v", w.Name, *w.FailurePolicy, to)
		}
		b, _ := json.Marshal(w.NamespaceSelector)
		if s := string(b); !strings.Contains(s, `{"key":"podproof.dev/gate","operator":"Exists"},{"key":"podproof.dev/gate","operator":"NotIn","values":["listed"]}`) || !strings.Contains(s, `"values":["kube-system","podproof-gate"]`) {
			t.Errorf("%s is for %s", w.Name, s)
		}
	}
	flags := serve.Flags()
	for flag, want := range map[string]string{"webhook": config.Name, "service": svc.Name} {
		if got := flags.Lookup(flag).DefValue; got != want {
			t.Errorf("--%s is %s, and the manifests have %s", flag, got, want)
		}
	}

	own := as[rbacv1.ClusterRole](t, objects, "ClusterRole/podproof-gate")
	b, _ := json.Marshal(own.Rules)
	if want := `[{"verbs":["get","update"],"apiGroups":["admissionregistration.k8s.io"],"resources":["validatingwebhookconfigurations"],"resourceNames":["podproof-gate"]}]`; string(b) != want {
		t.Errorf("it may %s", b)
	}
	secrets := as[rbacv1.ClusterRole](t, objects, "ClusterRole/podproof-gate-pull-secrets")
	b, _ = json.Marshal(secrets.Rules)
	if want := `[{"verbs":["get"],"apiGroups":[""],"resources":["secrets","serviceaccounts"]}]`; string(b) != want {
		t.Errorf("with it, it may %s", b)
	}
	for name, o := range objects {
		if b, _ := json.Marshal(o); strings.HasSuffix(strings.Split(name, "/")[0], "Binding") && strings.Contains(string(b), "pull-secrets") {
			t.Errorf("%s lets it read the Secrets of the cluster", name)
		}
	}
}

// An overlay as the base describes it changes the image and the policy.
func TestAnOverlayOfTheGate(t *testing.T) {
	base := filepath.Join(checkout, "manifests", "gate")
	dir := t.TempDir()
	way, err := filepath.Rel(dir, base)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(base, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, said, _ := strings.Cut(string(text), "An overlay")
	overlay := ""
	for line := range strings.Lines(said) {
		if l, is := strings.CutPrefix(line, "#   "); is {
			overlay += strings.Replace(l, "../gate", way, 1)
		}
	}
	write(t, filepath.Join(dir, "kustomization.yaml"), overlay)
	const other = "apiVersion: podproof/v1alpha1\nkind: Gate\nkeys: [podproof.pub]\nmaxAge: 24h\n"
	write(t, filepath.Join(dir, "gate.yaml"), other)
	objects := rendered(t, dir)
	d := as[appsv1.Deployment](t, objects, "Deployment/podproof-gate")
	if got := d.Spec.Template.Spec.Containers[0].Image; got != "registry.example/tools/podproof:v1" {
		t.Errorf("it runs %s", got)
	}
	if got := as[corev1.ConfigMap](t, objects, "ConfigMap/"+d.Spec.Template.Spec.Volumes[0].Projected.Sources[0].ConfigMap.Name).Data["gate.yaml"]; got != other {
		t.Errorf("its policy is %q", got)
	}
}

// The policy of Kubernetes' own fits the list that podproof keeps.
func TestTheManifestsOfTheList(t *testing.T) {
	objects := rendered(t, filepath.Join(checkout, "manifests", "gate", "vap"))
	p := as[admissionregistrationv1.ValidatingAdmissionPolicy](t, objects, "ValidatingAdmissionPolicy/podproof-proven")
	b := as[admissionregistrationv1.ValidatingAdmissionPolicyBinding](t, objects, "ValidatingAdmissionPolicyBinding/podproof-proven")
	ref := b.Spec.ParamRef
	if b.Spec.PolicyName != p.Name || *ref.ParameterNotFoundAction != admissionregistrationv1.DenyAction || *p.Spec.FailurePolicy != admissionregistrationv1.Fail || !slices.Equal(b.Spec.ValidationActions, []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny}) {
		t.Errorf("the binding is %+v", b.Spec)
	}
	role := as[rbacv1.Role](t, objects, "Role/podproof-proven")
	if role.Namespace != ref.Namespace || !slices.Equal(role.Rules[0].ResourceNames, []string{ref.Name}) {
		t.Errorf("the list is %s in %s, and the role is for %v in %s", ref.Name, ref.Namespace, role.Rules[0].ResourceNames, role.Namespace)
	}
}

// Kyverno's policy names what podproof signs. (`make test-kyverno` asks Kyverno itself.)
func TestThePolicyForKyverno(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(checkout, "examples", "gates", "kyverno", "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p := objectsOf(t, string(text))["ImageValidatingPolicy/podproof"]
	if p == nil {
		t.Fatal("there is no policy")
	}
	b, _ := json.Marshal(p)
	for _, want := range []string{`"intoto":{"type":"` + attest.VerificationType + `"}`, `p.predicate.result == \"pass\"`, `timestamp(p.predicate.finished)`, `"resources":["pods","pods/ephemeralcontainers"]`, `images.containers + images.initContainers + images.ephemeralContainers + images.volumes`, `duration(\"` + strings.TrimSuffix(contract.UsualMaxAge.Std().String(), "0m0s") + `\")`} {
		if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(string(b), `\u003e`, ">"), `\u0026`, "&"), want) {
			t.Errorf("it does not say %s:\n%s", want, b)
		}
	}
}
