package admission

import (
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
)

func TestAskedBy(t *testing.T) {
	for user, want := range map[string]string{
		"alice":                      `user "alice"`,
		"":                           `user ""`,
		"system:serviceaccount:ci:a": `the service accounts of namespace "ci"`,
		"system:serviceaccount:ci:b": `the service accounts of namespace "ci"`,
		"system:serviceaccount:kube-system:replicaset-controller": `the controllers in namespace "shop"`,
		"system:kube-controller-manager":                          `the controllers in namespace "shop"`,
	} {
		if got := askedBy(by(user, &admissionv1.AdmissionRequest{Namespace: "shop"})); got != want {
			t.Errorf("%q is %s, want %s", user, got, want)
		}
	}
}

func by(user string, r *admissionv1.AdmissionRequest) *admissionv1.AdmissionRequest {
	r.UserInfo = authenticationv1.UserInfo{Username: user}
	return r
}

// One user's images, of however many registries, leave places for those of others: also where both name the same.
func TestOneUserDoesNotTakeAllPlaces(t *testing.T) {
	w := newWorld(t)
	good := w.proven("1001")
	w.hook.Bounds.PerUser, w.hook.Bounds.InAll = 2, 4
	w.hook.Bounds.Fetch = time.Minute
	w.admits(by("alice", creating(t, pod(good)))) // makes the asker
	bad, _ := w.pushed("1002")
	for _, registry := range []string{"a.example", "b.example"} {
		leave, err := w.hook.asker.places.enter(t.Context(), registry, `user "mallory"`)
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
	}
	const full = `2 images are being asked about for user "mallory" already; try again`
	w.denies(by("mallory", creating(t, pod(bad))), full)
	w.denies(by("mallory", creating(t, pod(w.host+"/shop/api:1001"))), `2 images are being asked about for user "mallory" already`)
	w.admits(by("mallory", creating(t, pod(good)))) // it is remembered
	w.denies(by("alice", creating(t, pod(bad))), "no statement is stored")
}
