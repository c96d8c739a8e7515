package admission

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// pullSecret has passwords by what they are for.
func pullSecret(name string, passwords map[string]string) *corev1.Secret {
	var auths []string
	for where, password := range passwords {
		auths = append(auths, fmt.Sprintf("%q: {\"auth\": %q}", where, base64.StdEncoding.EncodeToString([]byte("shop:"+password))))
	}
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths": {` + strings.Join(auths, ",") + `}}`)}}
}

// A private registry is asked with the pull secrets of a pod, or of the account that a template names.
func TestPullSecrets(t *testing.T) {
	w := newWorld(t)
	w.password = "for-tests-only"
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	image, img := w.pushed("1001")
	writeLogin(t, w)
	w.attest(image, img)
	t.Setenv("DOCKER_CONFIG", t.TempDir())

	client := fake.NewClientset(pullSecret("registry", map[string]string{w.host: w.password}), pullSecret("wrong", map[string]string{w.host: "wrong"}),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "api", Namespace: "shop"}, ImagePullSecrets: []corev1.LocalObjectReference{{Name: "registry"}}})
	w.hook.Client = client
	with := func(names ...string) corev1.Pod {
		p := pod(image)
		for _, n := range names {
			p.Spec.ImagePullSecrets = append(p.Spec.ImagePullSecrets, corev1.LocalObjectReference{Name: n})
		}
		return p
	}
	w.denies(creating(t, with()), "the registry could not be asked whether "+image, "does not let you read")
	w.denies(creating(t, with("wrong")), "does not let you read")
	w.denies(creating(t, with("none")), "does not let you read", "secret/none in namespace shop could not be read")
	forbid := true
	client.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return forbid, nil, apierrors.NewForbidden(corev1.Resource("secrets"), "registry", errors.New("no"))
	})
	w.denies(creating(t, with("registry")), "the gate may not read secret/registry in namespace shop", "`kubectl create rolebinding podproof-gate-pull-secrets -n shop --clusterrole podproof-gate-pull-secrets --serviceaccount podproof-gate:podproof-gate`")
	forbid = false
	w.denies(creating(t, pod(w.host+"/shop/api:1001")), "the registry did not say")
	tagged := with("registry")
	tagged.Spec.Containers[0].Image = w.host + "/shop/api:1001"
	w.denies(creating(t, tagged), "write "+tagged.Spec.Containers[0].Image+"@sha256:")
	tmpl := template(image)
	tmpl.Spec.ServiceAccountName = "api"
	w.admits(creating(t, appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, Spec: appsv1.DeploymentSpec{Template: tmpl}}))
	// What is known needs no password.
	client.ClearActions()
	w.admits(creating(t, with("registry")))
	if n := len(client.Actions()); n != 0 {
		t.Errorf("the API server was asked %d times", n)
	}
}

// writeLogin has podproof's own configuration open the registry.
func writeLogin(t *testing.T, w *world) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir+"/config.json", string(pullSecret("", map[string]string{w.host: w.password}).Data[corev1.DockerConfigJsonKey]))
	t.Setenv("DOCKER_CONFIG", dir)
}

func TestWhichPasswordIsWhose(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	old := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "old", Namespace: "shop"}, Type: corev1.SecretTypeDockercfg,
		Data: map[string][]byte{corev1.DockerConfigKey: []byte(`{"old.example": {"auth": "` + base64.StdEncoding.EncodeToString([]byte("shop:old")) + `"}}`)}}
	client := fake.NewClientset(old, pullSecret("all", map[string]string{
		"registry.example": "host", "https://registry.example/shop": "path", "registry.example/shop/api": "repository", "*.wild.example": "wild", "https://index.docker.io/v1/": "hub", "port.example:5000": "port",
	}), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "opaque", Namespace: "shop"}, Type: corev1.SecretTypeOpaque},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "broken", Namespace: "shop"}, Type: corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths": "hunter2"}`)}})
	k, err := pullSecrets(t.Context(), client, "shop", corev1.PodSpec{ImagePullSecrets: []corev1.LocalObjectReference{{Name: "all"}, {Name: "old"}, {Name: "opaque"}, {Name: "broken"}, {}}})
	if err == nil || !strings.Contains(err.Error(), "secret/opaque in namespace shop: it is of the type Opaque") || !strings.Contains(err.Error(), "secret/broken in namespace shop: it holds no Docker configuration") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	for image, want := range map[string]string{
		"registry.example/a": "host", "registry.example/shop/b": "path", "registry.example/shop/api:1": "repository", "registry.example/shop/apis": "path", "registry.example/shops": "host",
		"a.wild.example/x": "wild", "a.b.wild.example/x": "", "postgres:16": "hub", "port.example:5000/a": "port", "port.example/a": "", "old.example/a": "old", "other.example/a": "",
	} {
		ref, err := name.ParseReference(image)
		if err != nil {
			t.Fatal(err)
		}
		a, err := k.Resolve(ref.Context())
		if err != nil {
			t.Fatal(err)
		}
		c, err := authn.Authorization(t.Context(), a)
		if err != nil || c.Password != want {
			t.Errorf("%s is asked for with %q, want %q (%v)", image, c.Password, want, err)
		}
	}
	if other, err := pullSecrets(t.Context(), client, "shop", corev1.PodSpec{ImagePullSecrets: []corev1.LocalObjectReference{{Name: "old"}}}); err != nil || other.id == k.id || other.id == "" {
		t.Errorf("other passwords have the same id %q (%v)", other.id, err)
	}
	token := func(of string) string {
		s := pullSecret("token", nil)
		s.Data[corev1.DockerConfigJsonKey] = []byte(`{"auths": {"registry.example": {"registrytoken": "` + of + `"}}}`)
		k, err := pullSecrets(t.Context(), fake.NewClientset(s), "shop", corev1.PodSpec{ImagePullSecrets: []corev1.LocalObjectReference{{Name: "token"}}})
		if err != nil {
			t.Fatal(err)
		}
		return k.id
	}
	if token("a") == token("b") {
		t.Error("two tokens have the same id")
	}
}
