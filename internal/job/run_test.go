package job

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// cluster plays an API server that gives a Job its UID, and has everything owned end with it.
func cluster(t *testing.T, there ...runtime.Object) *fake.Clientset {
	t.Helper()
	was, wasSettled, wasPatience, wasHopeless := every, settled, patience, hopelessFor
	every, settled, patience, hopelessFor = time.Millisecond, 50*time.Millisecond, 20*time.Millisecond, 50*time.Millisecond
	t.Cleanup(func() { every, settled, patience, hopelessFor = was, wasSettled, wasPatience, wasHopeless })
	client := fake.NewClientset(there...)
	client.PrependReactor("create", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		c := a.(clienttesting.CreateActionImpl)
		if len(c.CreateOptions.DryRun) == 0 {
			return false, nil, nil
		}
		name := c.Object.(metav1.Object).GetName()
		if _, err := client.Tracker().Get(c.Resource, c.Namespace, name); err == nil {
			return true, nil, apierrors.NewAlreadyExists(c.Resource.GroupResource(), name)
		}
		return true, c.Object, nil
	})
	client.PrependReactor("create", "jobs", func(a clienttesting.Action) (bool, runtime.Object, error) {
		a.(clienttesting.CreateAction).GetObject().(*batchv1.Job).UID = inJob.UID
		return false, nil, nil
	})
	client.PrependReactor("delete", "jobs", func(clienttesting.Action) (bool, runtime.Object, error) {
		for _, kind := range []string{"configmaps", "serviceaccounts", "secrets", "pods"} {
			_ = client.Tracker().Delete(schema.GroupVersionResource{Version: "v1", Resource: kind}, "proof", "podproof")
		}
		for _, kind := range []string{"roles", "rolebindings"} {
			_ = client.Tracker().Delete(schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: kind}, "proof", "podproof")
		}
		return false, nil, nil
	})
	return client
}

// did are the requests that changed something.
func did(client *fake.Clientset) (out []string) {
	for _, a := range client.Actions() {
		dry := false
		if c, ok := a.(clienttesting.CreateActionImpl); ok {
			dry = len(c.CreateOptions.DryRun) > 0
		}
		if v := a.GetVerb(); !dry && v != "get" && v != "list" && v != "watch" {
			out = append(out, v+" "+a.GetResource().Resource)
		}
	}
	return out
}

func TestAJobIsAppliedAndRemoved(t *testing.T) {
	client, o := cluster(t), spec(t).Objects()
	j, err := Apply(t.Context(), client, o)
	if err != nil || j != inJob {
		t.Fatalf("%+v (%v)", j, err)
	}
	if got, want := strings.Join(did(client), ", "), "create jobs, create serviceaccounts, create roles, create rolebindings, create secrets, create configmaps, patch jobs"; got != want {
		t.Errorf("it did %s, want %s", got, want)
	}
	made, err := client.BatchV1().Jobs("proof").Get(t.Context(), "podproof", metav1.GetOptions{})
	if err != nil || *made.Spec.Suspend {
		t.Errorf("the Job is %+v (%v)", made, err)
	}
	role, err := client.RbacV1().Roles("proof").Get(t.Context(), "podproof", metav1.GetOptions{})
	if err != nil || len(role.OwnerReferences) != 1 || role.OwnerReferences[0].UID != inJob.UID || *role.OwnerReferences[0].Controller {
		t.Errorf("the role belongs to %+v (%v)", role, err)
	}
	if left, err := belongings(t.Context(), client, o, j); len(left) != 3 || err != nil {
		t.Errorf("there are %v (%v)", left, err)
	}
	if err := Remove(t.Context(), client, o, j); err != nil {
		t.Fatal(err)
	}
	if left, err := belongings(t.Context(), client, o, j); len(left) != 0 || err != nil {
		t.Errorf("left are %v (%v)", left, err)
	}
	if got := did(client); !slices.Equal(got[7:], []string{"patch jobs", "delete jobs"}) {
		t.Errorf("it was removed with %v", got[7:])
	}
	if err := Remove(t.Context(), client, o, j); err != nil { // somebody else did
		t.Error(err)
	}
}

// A pod that runs is told to stop, and has its time for that, before its Job is deleted.
func TestARunningJobIsStoppedFirst(t *testing.T) {
	client := cluster(t, jobs(), podOf("a", 1, corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}))
	pod := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	var stopped atomic.Bool
	client.PrependReactor("patch", "jobs", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if string(a.(clienttesting.PatchAction).GetPatch()) != `{"spec":{"suspend":true}}` {
			t.Errorf("the Job was changed: %s", a.(clienttesting.PatchAction).GetPatch())
		}
		time.AfterFunc(20*time.Millisecond, func() {
			stopped.Store(true)
			_ = client.Tracker().Delete(pod, "proof", "a")
		})
		return false, nil, nil
	})
	client.PrependReactor("delete", "jobs", func(clienttesting.Action) (bool, runtime.Object, error) {
		if !stopped.Load() {
			t.Error("the Job was deleted while its pod ran")
		}
		return false, nil, nil
	})
	if err := Remove(t.Context(), client, spec(t).Objects(), inJob); err != nil || !stopped.Load() {
		t.Errorf("stopped: %v (%v)", stopped.Load(), err)
	}
}

// Who may not see what belongs to a Job is not kept waiting for its end.
func TestAJobThatIsRemovedByWhoMayNotLook(t *testing.T) {
	client := cluster(t, jobs())
	client.PrependReactor("list", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "", errors.New("no"))
	})
	if err := Remove(t.Context(), client, spec(t).Objects(), inJob); err != nil {
		t.Error(err)
	}
}

// What is there of the name, and what may not be made, is told before anything is.
func TestNothingIsAppliedWhereSomethingIsInTheWay(t *testing.T) {
	theirs := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "podproof", Namespace: "proof"}}
	refuse := func(resource string, err error) func(*fake.Clientset) {
		return func(c *fake.Clientset) {
			c.PrependReactor("create", resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
		}
	}
	for name, x := range map[string]struct {
		there []runtime.Object
		with  func(*fake.Clientset)
		want  string
	}{
		"a Secret of the name":        {[]runtime.Object{theirs}, func(*fake.Clientset) {}, "secret/podproof is in namespace proof already, and this run did not make it: give the Job another --name"},
		"a Job of the name":           {[]runtime.Object{jobs()}, func(*fake.Clientset) {}, "kubectl delete job/podproof -n proof"},
		"no namespace":                {nil, refuse("serviceaccounts", apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "proof")), "--namespace proof: there is no such namespace"},
		"a role that may not be made": {nil, refuse("roles", apierrors.NewForbidden(schema.GroupResource{Resource: "roles"}, "podproof", errors.New("escalation"))), "you may not give the Job the rights that it needs"},
	} {
		client := cluster(t, x.there...)
		x.with(client)
		j, err := Apply(t.Context(), client, spec(t).Objects())
		if !errors.As(err, new(*Refused)) || !strings.Contains(err.Error(), x.want) || !strings.Contains(err.Error(), "nothing was changed in the cluster") {
			t.Errorf("%s: the error is %v, want %q", name, err, x.want)
		}
		if got := did(client); len(got) > 0 || Remove(t.Context(), client, spec(t).Objects(), j) != nil {
			t.Errorf("%s: it did %v", name, got)
		}
	}
}
