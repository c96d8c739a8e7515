package trial

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"podproof.dev/podproof/internal/workload"
)

// An API server that has just been started forbids what it will allow in a second.
func TestAgentGone(t *testing.T) {
	pods := corev1.Resource("pods")
	for name, tt := range map[string]struct {
		err  error
		pod  corev1.PodStatus
		gone bool
	}{
		"running":            {pod: corev1.PodStatus{Phase: corev1.PodRunning}},
		"ended":              {pod: corev1.PodStatus{Phase: corev1.PodFailed}, gone: true},
		"completed":          {pod: corev1.PodStatus{Phase: corev1.PodSucceeded}, gone: true},
		"unknown and ended":  {pod: corev1.PodStatus{Phase: corev1.PodFailed}, err: apierrors.NewServiceUnavailable("starting")},
		"removed":            {err: apierrors.NewNotFound(pods, agentName), gone: true},
		"not known to roles": {err: apierrors.NewForbidden(pods, agentName, nil)},
		"server away":        {err: apierrors.NewServiceUnavailable("starting")},
	} {
		client := fake.NewClientset()
		client.PrependReactor("get", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: agentName}, Status: tt.pod}, tt.err
		})
		b := &TestBed{Applier: &workload.Applier{Client: client}, AgentNamespace: "shop"}
		if why := b.agentGone(t.Context()); (why != "") != tt.gone {
			t.Errorf("%s: %q", name, why)
		}
	}
}

// What runs and is deleted is gone in a moment.
func TestAgentThatIsDeleted(t *testing.T) {
	client := fake.NewClientset()
	now := metav1.Now()
	client.PrependReactor("get", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: agentName, DeletionTimestamp: &now}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}, nil
	})
	b := &TestBed{Applier: &workload.Applier{Client: client}, AgentNamespace: "shop"}
	if why := b.agentGone(t.Context()); why == "" {
		t.Error("it is taken to be there")
	}
}
