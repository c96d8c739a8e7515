package trial

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// controller is a Deployment or a StatefulSet of one pod, whose container is called "api".
func controller(t *testing.T, kind, name string) workload.Controller {
	t.Helper()
	labels := map[string]any{"app": name}
	rs, err := workload.Controllers([]workload.Object{{Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": kind, "metadata": map[string]any{"name": name, "namespace": "shop"},
		"spec": map[string]any{"selector": map[string]any{"matchLabels": labels}, "template": map[string]any{
			"metadata": map[string]any{"labels": labels}, "spec": map[string]any{"containers": []any{
				map[string]any{"name": "api", "image": name + ":1", "readinessProbe": map[string]any{"periodSeconds": int64(1)}}}}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return rs[0]
}

func TestStartup(t *testing.T) {
	for _, c := range []struct {
		name       string
		life       life
		ready      bool
		impossible string
		seconds    float64
	}{
		{name: "it becomes Ready", life: life{after: time.Second, ready: 2 * time.Second}, ready: true, seconds: 3},
		{name: "it is late", life: life{ready: time.Hour}, seconds: 10},
		{name: "it cannot", life: life{waits: "ErrImageNeverPull"}, impossible: "the image is not on the node"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKubelet(t, c.life)
				b := k.bench(template())
				b.Subject = controller(t, "Deployment", "api")
				warn(t, k)
				s, err := Startup(t.Context(), b, []workload.Object{b.Subject.Object}, 10*time.Second)
				if err != nil || s.Ready != c.ready || (s.Impossible == "") != (c.impossible == "") || !strings.Contains(s.Impossible, c.impossible) || s.Refused != "" {
					t.Fatalf("got %+v (%v)", s, err)
				}
				if s.Seconds < c.seconds || s.Seconds > c.seconds+0.5 || len(s.Pods) != 1 || len(s.Warnings) == 0 != c.ready {
					t.Errorf("got %+v", s)
				}
			})
		})
	}
}

// A pod that is Ready at once has said nothing yet: what it says a moment later is waited for, for a while.
func TestStartupThatIsToldLate(t *testing.T) {
	for name, c := range map[string]struct {
		says  time.Duration
		lines int
		took  time.Duration
		text  string
	}{
		"a moment later":     {3 * time.Second, 1, 3 * time.Second, "listening"},
		"a blank line alone": {0, 1, wordWithin, " "},
		"never":              {time.Hour, 0, wordWithin, "listening"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKubelet(t, life{})
				ready := time.Now()
				k.client.PrependReactor("get", "pods/log", func(clienttesting.Action) (bool, runtime.Object, error) {
					if wait := c.says - time.Since(ready); wait > 0 {
						select {
						case <-time.After(wait):
						case <-t.Context().Done():
							return true, &runtime.Unknown{}, nil
						}
					}
					return true, &runtime.Unknown{Raw: []byte(time.Now().UTC().Format(time.RFC3339Nano) + " " + c.text + "\n")}, nil
				})
				b := k.bench(template())
				b.Node, b.Subject = nil, controller(t, "Deployment", "api")
				s, err := Startup(t.Context(), b, []workload.Object{b.Subject.Object}, time.Minute)
				if err != nil || !s.Ready || s.Seconds > 1 || len(s.Pods) != 1 || len(s.Pods[0].Log) != c.lines {
					t.Fatalf("got %+v (%v)", s, err)
				}
				if took := time.Since(ready); took < c.took || took > c.took+time.Second {
					t.Errorf("it took %s, want %s", took, c.took)
				}
			})
		})
	}
}

// warn has a warning told of an object that no pod is.
func warn(t *testing.T, k *kubelet) {
	t.Helper()
	e := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "w", Namespace: "shop", ResourceVersion: "1"}, Type: corev1.EventTypeWarning, Reason: "FailedCreate",
		Message: "Error creating: quota exceeded", InvolvedObject: corev1.ObjectReference{Kind: "StatefulSet", Name: "api"}, LastTimestamp: metav1.Time{Time: time.Now().Add(time.Hour)}}
	if err := k.client.Tracker().Add(e); err != nil {
		t.Fatal(err)
	}
}

// What the cluster does not make is told as refused, which is not the workload's fault alone.
func TestStartupThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := k.bench(template())
		b.Subject = controller(t, "StatefulSet", "api")
		warn(t, k)
		s, err := Startup(t.Context(), b, nil, time.Minute)
		if err != nil || s.Ready || !strings.Contains(s.Refused, "statefulset/api may not create pods: quota exceeded") || s.Seconds > 10 || len(s.Warnings) != 1 {
			t.Errorf("got %+v (%v)", s, err)
		}
	})
}

func TestStartupThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{ready: time.Hour})
		b := k.bench(template())
		b.Subject = controller(t, "Deployment", "api")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if s, err := Startup(ctx, b, []workload.Object{b.Subject.Object}, time.Minute); err == nil || s != nil {
			t.Errorf("got %+v, %v", s, err)
		}
		unknown := workload.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v9", "kind": "Nothing"}}}
		if s, err := Startup(t.Context(), b, []workload.Object{unknown}, time.Minute); err == nil || s != nil {
			t.Errorf("of what the API server refuses: %+v, %v", s, err)
		}
	})
}

func TestADependencyIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{ready: 3 * time.Second})
		b := k.bench(template())
		db := controller(t, "StatefulSet", "db")
		if err := b.Applier.Apply(t.Context(), []workload.Object{db.Object}); err != nil {
			t.Fatal(err)
		}
		d, err := Dependency(t.Context(), b.Observer, "statefulset/db", db)
		if err != nil || !d.Ready || d.Object != "statefulset/db" || d.Seconds < 3 || d.Seconds > 4 || len(d.Pods) != 1 {
			t.Errorf("got %+v (%v)", d, err)
		}
		db.Replicas = 2
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if d, err := Dependency(ctx, b.Observer, "statefulset/db", db); err == nil || d.Ready {
			t.Errorf("of two pods one is enough: %+v", d)
		}
		none := controller(t, "StatefulSet", "other")
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := Dependency(ctx, b.Observer, "statefulset/other", none); err == nil || !strings.Contains(err.Error(), "statefulset/other did not become ready: no pod was made") {
			t.Errorf("got %v", err)
		}
		k.life = func(*corev1.Pod) life { return life{waits: "ErrImageNeverPull"} }
		if err := b.Applier.Apply(t.Context(), []workload.Object{none.Object}); err != nil {
			t.Fatal(err)
		}
		if d, err := Dependency(t.Context(), b.Observer, "statefulset/other", none); err == nil || d.Ready || !strings.Contains(err.Error(), "the image is not on the node") {
			t.Errorf("got %+v, %v", d, err)
		}
	})
}

// A pod that is gone counts for nothing.
func TestAPodThatIsGoneIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := k.bench(template())
		k.start(b, "api-1")
		if err := AwaitReady(t.Context(), b.Observer, b.Subject); err != nil {
			t.Fatal(err)
		}
		b.Subject.Replicas = 1
		if err := b.remove(t.Context(), "api-1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := AwaitReady(ctx, b.Observer, b.Subject); err == nil {
			t.Error("it is Ready all the same")
		}
	})
}

func TestTheNewestReadyPodIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := k.bench(template())
		if _, err := b.readyPod(); err == nil || !strings.Contains(err.Error(), "no pod of deployment/api is Ready: it has no pods") {
			t.Errorf("got %v", err)
		}
		for _, name := range []string{"api-1", "api-2"} {
			k.start(b, name)
			time.Sleep(2 * time.Second) // a pod's age is in seconds
		}
		name := func(p *corev1.Pod, err error) string {
			if err != nil {
				return err.Error()
			}
			return p.Name
		}
		if got := name(b.readyPod()); got != "api-2" {
			t.Errorf("of two Ready ones: %s", got)
		}
		unready := func(pod string) {
			k.ready(pod, false)
			k.await(b, pod, func(p *corev1.Pod) bool { return p.Name == pod && !workload.IsReady(p) })
		}
		unready("api-2")
		if got := name(b.runningPod()); got != "api-1" {
			t.Errorf("the Ready one comes first, not %s", got)
		}
		unready("api-1")
		if got := name(b.runningPod()); got != "api-2" {
			t.Errorf("of two that run: %s", got)
		}
		if got := name(b.readyPod()); !strings.Contains(got, "no pod of deployment/api is Ready: pod api-1") {
			t.Errorf("got %s", got)
		}
	})
}

func TestIdentityOfARunningContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := k.bench(template(withSidecar))
		if id, err := readIdentity(t.Context(), b.as(t, Identity)); err == nil {
			t.Errorf("of no pod: %+v", id)
		}
		k.start(b, "api-1")
		user := func(n int64) *corev1.ContainerUser {
			return &corev1.ContainerUser{Linux: &corev1.LinuxContainerUser{UID: n}}
		}
		k.change("api-1", func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].User, p.Status.ContainerStatuses[1].User = user(1001), user(0)
		})
		k.await(b, "its user", func(p *corev1.Pod) bool { return p.Status.ContainerStatuses[0].User != nil })
		id, err := readIdentity(t.Context(), b.as(t, Identity))
		if err != nil || id.Pod != "api-1" || id.Container != "api" || len(id.Processes) != 1 || id.Reported.Linux.UID != 1001 {
			t.Errorf("got %+v (%v)", id, err)
		}
		k.ops["processes"] = func(...string) (string, error) { return "", nil }
		if id, err := readIdentity(t.Context(), b.as(t, Identity)); err == nil || !strings.Contains(err.Error(), "container api of pod api-1 had no process") {
			t.Errorf("got %+v, %v", id, err)
		}
		k.ops["processes"] = func(...string) (string, error) { return "", context.DeadlineExceeded }
		if id, err := readIdentity(t.Context(), b.as(t, Identity)); err == nil {
			t.Errorf("got %+v", id)
		}
		var e evidence.Evidence
		k.ops = nil
		seen, err := Identity.Run(t.Context(), b)
		if seen(&e); err != nil || e.Identity == nil {
			t.Errorf("it is not written down (%v)", err)
		}
	})
}
