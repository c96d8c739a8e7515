package workload

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
)

// apiServer answers every request as an API server that admits, warns or refuses.
func apiServer(t *testing.T, answer func(w http.ResponseWriter, p corev1.Pod)) *Applier {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("dryRun") != "All" {
			t.Errorf("%s %s is no dry run", r.Method, r.URL)
		}
		var p corev1.Pod
		if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		answer(w, p)
	}))
	t.Cleanup(server.Close)
	a, err := NewApplier(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func controller(t corev1.PodTemplateSpec) Controller {
	return Controller{Object: Object{&unstructured.Unstructured{Object: map[string]any{}}, Source{File: "api.yaml"}}, Template: t}
}

func TestAdmission(t *testing.T) {
	r := controller(corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "api"}},
		Spec: corev1.PodSpec{ServiceAccountName: "api"}})
	claims := []any{map[string]any{"metadata": map[string]any{"name": "data"}}}
	if err := unstructured.SetNestedSlice(r.Object.Object, claims, "spec", "volumeClaimTemplates"); err != nil {
		t.Fatal(err)
	}
	a := apiServer(t, func(w http.ResponseWriter, p corev1.Pod) {
		if p.Spec.ServiceAccountName != "api" || p.Labels["app"] != "api" || p.Name != "" || len(p.Spec.Volumes) != 1 || p.Spec.Volumes[0].Name != "data" {
			t.Errorf("asked for %+v", p)
		}
		w.Header().Add("Warning", `299 - "would violate PodSecurity"`)
		w.Header().Add("Warning", `299 - "spec.x: deprecated"`)
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(p)
	})
	got, err := a.Admission(t.Context(), "shop", r)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"would violate PodSecurity", "spec.x: deprecated"}; !slices.Equal(got.Warnings, want) || got.Refused != "" {
		t.Errorf("got %+v", got)
	}
}

func TestAdmissionRefused(t *testing.T) {
	status := func(code int, reason metav1.StatusReason) func(http.ResponseWriter, corev1.Pod) {
		return func(w http.ResponseWriter, _ corev1.Pod) {
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
				Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: "no room"})
		}
	}
	got, err := apiServer(t, status(http.StatusForbidden, metav1.StatusReasonForbidden)).Admission(t.Context(), "shop", controller(corev1.PodTemplateSpec{}))
	if err != nil || got.Refused != "no room" {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = apiServer(t, status(http.StatusInternalServerError, metav1.StatusReasonInternalError)).Admission(t.Context(), "shop", controller(corev1.PodTemplateSpec{}))
	if err == nil {
		t.Errorf("an API server that is broken admits: %+v", got)
	}
}
