package trial

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func TestUnset(t *testing.T) {
	meta := metav1.ObjectMeta{Name: "api", Namespace: "shop"}
	secret := &corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{"TOKEN": []byte("t"), "KEY": []byte("k")}}
	configMap := &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"MODE": "m", "LEVEL": "l"}}
	name := corev1.LocalObjectReference{Name: "api"}

	value := func(name string) corev1.EnvVar { return corev1.EnvVar{Name: name, Value: "v"} }
	ofSecret := func(variable, key string) corev1.EnvVar {
		return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: name, Key: key}}}
	}
	ofConfigMap := func(variable, key string) corev1.EnvVar {
		return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: name, Key: key}}}
	}
	ofPod := corev1.EnvVar{Name: "POD", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}
	allOf := func(s corev1.EnvFromSource) []corev1.EnvFromSource { return []corev1.EnvFromSource{s} }
	theSecret := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: name}}
	theConfigMap := corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: name}}
	prefixed := corev1.EnvFromSource{Prefix: "APP_", SecretRef: theSecret.SecretRef}
	optional := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}, Optional: new(true)}}
	optionalMap := corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}, Optional: new(true)}}

	for _, c := range []struct {
		name     string
		env      []corev1.EnvVar
		envFrom  []corev1.EnvFromSource
		variable string
		from     string
		rest     []corev1.EnvVar
	}{
		{name: "a value", env: []corev1.EnvVar{value("A"), value("B")}, variable: "A", from: "env", rest: []corev1.EnvVar{value("B")}},
		{name: "a Secret's key", env: []corev1.EnvVar{value("A"), ofSecret("B", "KEY")}, variable: "B", from: "secret/api", rest: []corev1.EnvVar{value("A")}},
		{name: "a ConfigMap's key", env: []corev1.EnvVar{ofConfigMap("B", "MODE")}, variable: "B", from: "configmap/api"},
		{name: "a field of the pod", env: []corev1.EnvVar{ofPod}, variable: "POD", from: "env"},
		{name: "all of a Secret", envFrom: allOf(theSecret), env: []corev1.EnvVar{value("A")}, variable: "TOKEN", from: "secret/api",
			rest: []corev1.EnvVar{ofSecret("KEY", "KEY"), value("A")}},
		{name: "all of a ConfigMap", envFrom: allOf(theConfigMap), variable: "MODE", from: "configmap/api", rest: []corev1.EnvVar{ofConfigMap("LEVEL", "LEVEL")}},
		{name: "with a prefix", envFrom: allOf(prefixed), variable: "APP_KEY", from: "secret/api", rest: []corev1.EnvVar{ofSecret("APP_TOKEN", "TOKEN")}},
		{name: "the key without its prefix is another variable", envFrom: allOf(prefixed), variable: "KEY",
			rest: []corev1.EnvVar{ofSecret("APP_KEY", "KEY"), ofSecret("APP_TOKEN", "TOKEN")}},
		{name: "set twice: what overrides is named, and both go", envFrom: allOf(theSecret), env: []corev1.EnvVar{value("KEY")}, variable: "KEY", from: "env",
			rest: []corev1.EnvVar{ofSecret("TOKEN", "TOKEN")}},
		{name: "nowhere", envFrom: allOf(theConfigMap), env: []corev1.EnvVar{value("A")}, variable: "B",
			rest: []corev1.EnvVar{ofConfigMap("LEVEL", "LEVEL"), ofConfigMap("MODE", "MODE"), value("A")}},
		{name: "what may be missing is missing", envFrom: []corev1.EnvFromSource{optional, optionalMap}, env: []corev1.EnvVar{value("A")}, variable: "A", from: "env"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := bench(corev1.PodTemplateSpec{}, secret, configMap)
			other := corev1.Container{Name: "proxy", Env: []corev1.EnvVar{value(c.variable)}}
			p := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{other, {Name: "api", Env: c.env, EnvFrom: c.envFrom}}}}
			from, err := b.unset(t.Context(), p, c.variable)
			if err != nil {
				t.Fatal(err)
			}
			if from != c.from {
				t.Errorf("it came from %q, want %q", from, c.from)
			}
			want := []corev1.Container{other, {Name: "api", Env: c.rest}}
			if diff := cmp.Diff(want, p.Spec.Containers); diff != "" {
				t.Errorf("containers (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("a Secret that is not there", func(t *testing.T) {
		p := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "api", EnvFrom: allOf(theSecret)}}}}
		if _, err := bench(corev1.PodTemplateSpec{}).unset(t.Context(), p, "A"); err == nil {
			t.Error("no error")
		}
	})
}

// without makes the trial of a variable that the container has, in pods that have a life.
func without(t *testing.T, l life, change ...func(*corev1.PodTemplateSpec)) (evidence.EnvTrial, *kubelet) {
	t.Helper()
	k := newKubelet(t, l)
	b := k.bench(template(append(change, func(t *corev1.PodTemplateSpec) {
		t.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "TOKEN", Value: "t"}, {Name: "MODE", Value: "m"}}
	})...))
	b.Contract.Env.Required, b.ImageEnv = []string{"TOKEN"}, []string{"PATH=/bin", "TOKENS=1"}
	b.Contract.Startup.Within = contract.Duration(15 * time.Second)
	r, err := startWithoutEnv(t.Context(), b.as(t, RequiredEnv))
	if err != nil || len(r.Trials) != 1 {
		t.Fatalf("got %+v, %v", r, err)
	}
	return r.Trials[0], k
}

func TestAStartWithoutAVariable(t *testing.T) {
	unprobed := func(t *corev1.PodTemplateSpec) { t.Spec.Containers[0].ReadinessProbe = nil }
	migrates := func(t *corev1.PodTemplateSpec) { t.Spec.InitContainers = []corev1.Container{{Name: "migrate"}} }
	for _, c := range []struct {
		name    string
		life    life
		change  func(*corev1.PodTemplateSpec)
		exited  bool
		ready   bool
		problem string
		seconds float64
	}{
		{name: "it says what is missing", life: life{never: true, ends: 1500 * time.Millisecond, code: 1, says: "missing: TOKEN"}, exited: true, seconds: 1},
		{name: "it serves", life: life{ready: 2 * time.Second}, ready: true, seconds: 2},
		{name: "it hangs", life: life{never: true}, seconds: 15},
		{name: "it runs, and nobody probes it", life: life{}, change: unprobed, seconds: 15},
		{name: "it cannot be made", life: life{waits: "CreateContainerConfigError"}, problem: "the container cannot be made from its specification"},
		{name: "its init container fails", life: life{init: 2}, change: migrates, problem: "init container migrate of pod podproof-without-0 ended with exit code 2"},
		{name: "it is never started", life: life{waits: "ContainerCreating"}, problem: "the container of pod podproof-without-0 did not start within 2m0s", seconds: 15},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				change := c.change
				if change == nil {
					change = func(*corev1.PodTemplateSpec) {}
				}
				x, k := without(t, c.life, change)
				if x.Exited != c.exited || x.BecameReady != c.ready || (x.Problem == "") != (c.problem == "") || !strings.Contains(x.Problem, c.problem) {
					t.Errorf("got %+v", x)
				}
				if x.Seconds < c.seconds || x.Seconds > c.seconds+1 {
					t.Errorf("it took %g s, want %g", x.Seconds, c.seconds)
				}
				if x.From != "env" || x.ImageSets || slices.ContainsFunc(x.Pod.Spec.Containers[0].Env, func(e corev1.EnvVar) bool { return e.Name == "TOKEN" }) {
					t.Errorf("from %q, the image sets it: %t, and the pod has %v", x.From, x.ImageSets, x.Pod.Spec.Containers[0].Env)
				}
				if c.life.says != "" && len(x.Pod.Log) != 1 {
					t.Errorf("its log is %v", x.Pod.Log)
				}
				time.Sleep(time.Minute)
				if left := k.there(); len(left) != 0 {
					t.Errorf("it stays: %q", left)
				}
			})
		})
	}
}

func TestEachVariableIsTriedInEachWrongWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "db", Namespace: "shop"}, Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.7", Ports: []corev1.ServicePort{{Port: 5432}}}}
		k := newKubelet(t, life{never: true, ends: time.Second, code: 1}, db)
		b := k.bench(template(withSidecar))
		b.Contract.Env.Required, b.ImageEnv = []string{"DB_PORT", "TOKEN"}, []string{"TOKEN=x"}
		b.Contract.Startup.Within = contract.Duration(15 * time.Second)
		r, err := startWithMalformedEnv(t.Context(), b.as(t, MalformedEnv))
		if err != nil || len(r.Trials) != 3 || r.Seconds == 0 {
			t.Fatalf("got %+v, %v", r, err)
		}
		for i, want := range []evidence.EnvTrial{{Variable: "DB_PORT", Wrong: "empty"}, {Variable: "DB_PORT", Wrong: "no number"}, {Variable: "TOKEN", Wrong: "empty"}} {
			x := r.Trials[i]
			if x.Variable != want.Variable || x.Wrong != want.Wrong || (x.Value == "") != (want.Wrong == "empty") || strings.ContainsAny(x.Value, ":.") || x.ImageSets {
				t.Errorf("trial %d: %+v", i, x)
			}
			has := func(c corev1.Container) int {
				return slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == x.Variable && e.Value == x.Value })
			}
			if has(x.Pod.Spec.Containers[0]) < 0 || has(x.Pod.Spec.Containers[1]) >= 0 {
				t.Errorf("trial %d: the containers have %+v", i, x.Pod.Spec.Containers)
			}
			if link := "tcp://10.96.0.7:5432"; (x.ServiceLink == link) != (x.Variable == "DB_PORT") {
				t.Errorf("trial %d: Kubernetes sets %q", i, x.ServiceLink)
			}
		}
		if r, err := startWithoutEnv(t.Context(), b.as(t, RequiredEnv)); err != nil || !r.Trials[1].ImageSets || r.Trials[0].ImageSets {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

// One pod that cannot be made leaves the others' trials.
func TestATrialOfAVariableThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{never: true, ends: time.Second, code: 1})
		b := k.bench(template())
		b.Contract.Env.Required = []string{"TOKEN", "MODE"}
		b.Contract.Startup.Within = contract.Duration(15 * time.Second)
		taken := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "podproof-without-0", Namespace: "shop"}}
		if err := k.client.Tracker().Add(taken); err != nil {
			t.Fatal(err)
		}
		r, err := startWithoutEnv(t.Context(), b.as(t, RequiredEnv))
		if err != nil || !strings.Contains(r.Trials[0].Problem, "creating the trial's pod podproof-without-0") || !r.Trials[1].Exited || r.Trials[1].Problem != "" {
			t.Errorf("got %+v, %v", r, err)
		}
	})
	secret := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}}}
	synctest.Test(t, func(t *testing.T) {
		x, _ := without(t, life{}, func(t *corev1.PodTemplateSpec) { t.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{secret} })
		if !strings.Contains(x.Problem, "reading the keys of secret/none") {
			t.Errorf("got %+v", x)
		}
	})
}
