package trial

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
