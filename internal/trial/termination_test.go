package trial

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"podproof.dev/podproof/internal/evidence"
)

// stopped makes the trial of a pod that has a life.
func stopped(t *testing.T, l life, change ...func(*corev1.PodTemplateSpec)) (*evidence.Termination, *kubelet, error) {
	t.Helper()
	k := newKubelet(t, l)
	b := k.bench(template(change...))
	got, err := terminate(t.Context(), b.as(t, Termination))
	return got, k, err
}

func TestAPodIsStoppedOnceItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, k, err := stopped(t, life{after: time.Second, ready: 3 * time.Second, stops: 2500 * time.Millisecond, says: "bye"})
		if err != nil {
			t.Fatal(err)
		}
		if !got.WasReady || !got.WasRunning || !got.Exited || got.Last.ExitCode != 0 || got.StopSignal != "SIGTERM" || got.GraceSeconds != 30 {
			t.Errorf("got %+v", got)
		}
		if got.Seconds < 2.5 || got.Seconds > 2.6 || got.ExitSource != "node" || got.ExitBlur != 0.05 {
			t.Errorf("its end took %g s (±%g) by the %s", got.Seconds, got.ExitBlur, got.ExitSource)
		}
		if got.PID1 == nil || got.PID1.Command[0] != "/api" || len(got.Pod.Log) != 1 || got.Pod.Log[0].Text != "bye" {
			t.Errorf("its first process is %+v, its log %v", got.PID1, got.Pod.Log)
		}
		marks := got.Pod.Timeline
		if !slices.ContainsFunc(marks, func(m evidence.Mark) bool {
			return m.Source == "node" && strings.Contains(m.What, "container api: its processes are gone")
		}) {
			t.Errorf("the end is not in the timeline: %v", marks)
		}
		if !slices.IsSortedFunc(marks, func(a, b evidence.Mark) int { return a.At.Compare(b.At) }) {
			t.Errorf("the timeline is out of order: %v", marks)
		}
		if k.count("listen") != 0 {
			t.Error("a pod with a probe is listened for")
		}
		if left := k.there(); len(left) != 0 {
			t.Errorf("its finalizer holds %q", left)
		}
	})
}

// A pod without a probe is Ready as soon as it runs, when it may not hear a signal yet.
func TestAPodWithoutAProbeIsListenedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unprobed := func(t *corev1.PodTemplateSpec) { t.Spec.Containers[0].ReadinessProbe = nil }
		if got, k, err := stopped(t, life{stops: time.Second}, unprobed); err != nil || !got.WasReady || k.count("listen") != 1 {
			t.Errorf("%+v, listened for %d times (%v)", got, k.count("listen"), err)
		}
	})
}

func TestAPodThatHearsNoSignalIsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		five := func(t *corev1.PodTemplateSpec) { t.Spec.TerminationGracePeriodSeconds = new(int64(5)) }
		got, _, err := stopped(t, life{stops: time.Hour}, five)
		if err != nil || !got.Exited || got.Last.ExitCode != 137 || got.GraceSeconds != 5 || got.Seconds < 5 || got.Seconds > 6 {
			t.Errorf("got %+v (%v)", got, err)
		}
	})
}

// One that crashes or is never Ready is stopped as it is: that is not waited for for ever.
func TestAPodThatIsNotReadyIsStoppedAllTheSame(t *testing.T) {
	for name, c := range map[string]struct {
		life    life
		running bool
		exited  bool
	}{
		"it never is": {life{never: true}, true, true},
		"it ends":     {life{never: true, ends: time.Second, code: 1}, false, true},
		"its image":   {life{waits: "ErrImageNeverPull"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, _, err := stopped(t, c.life)
				if err != nil || got.WasReady || got.WasRunning != c.running || got.Exited != c.exited {
					t.Errorf("got %+v (%v)", got, err)
				}
			})
		})
	}
}

func TestAnInitContainerThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		migrates := func(t *corev1.PodTemplateSpec) { t.Spec.InitContainers = []corev1.Container{{Name: "migrate"}} }
		k := newKubelet(t, life{})
		b := k.bench(template(migrates))
		tries := 0
		k.life = func(*corev1.Pod) life {
			if tries++; tries < initTries {
				return life{init: 3}
			}
			return life{}
		}
		if got, err := terminate(t.Context(), b.as(t, Termination)); err != nil || !got.WasReady || len(k.made) != initTries {
			t.Errorf("%q were made: %+v (%v)", k.made, got, err)
		}
		k.life = func(*corev1.Pod) life { return life{init: 3} }
		_, err := terminate(t.Context(), b.as(t, Termination))
		if err == nil || !strings.Contains(err.Error(), "init container migrate of pod podproof-termination ended with exit code 3") {
			t.Errorf("got %v", err)
		}
		if left := k.held(); len(left) != 0 {
			t.Errorf("its finalizer holds %q", left)
		}
	})
}

// The containers beside the one under test, and the event of a hook that failed, may come later.
func TestTheOthersEndIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{stops: time.Second})
		b := k.bench(template(func(t *corev1.PodTemplateSpec) {
			t.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{}}}
		}))
		e, err := b.ending(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		defer e.release(t.Context())
		if err := e.awaitReady(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := e.delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := e.awaitExit(t.Context()); err != nil {
			t.Fatal(err)
		}
		sidecar := func(s corev1.ContainerState) {
			k.change(e.name, func(p *corev1.Pod) {
				p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "proxy", State: s}}
			})
		}
		sidecar(corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})
		synctest.Wait()
		time.AfterFunc(2*time.Second, func() { sidecar(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}) })
		time.AfterFunc(4*time.Second, func() { k.event(e.now, "FailedPreStopHook") })
		began := time.Now()
		err = e.awaitOthers(t.Context())
		if took := time.Since(began).Round(time.Second / 2); err != nil || took != 4*time.Second {
			t.Errorf("awaited for %s (%v)", took, err)
		}
	})
}

func TestAPodIsStoppedBeforeItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{ready: time.Minute, stops: time.Second, code: 143})
		b := k.bench(template())
		b.StopSignal = "SIGQUIT"
		got, err := terminateEarly(t.Context(), b.as(t, EarlyTermination))
		if err != nil || got.WasReady || !got.WasRunning || !got.Exited || got.Last.ExitCode != 143 || got.StopSignal != "SIGQUIT" {
			t.Errorf("got %+v (%v)", got, err)
		}
		if left := k.there(); len(left) != 0 {
			t.Errorf("its finalizer holds %q", left)
		}
	})
	synctest.Test(t, func(t *testing.T) { // "Ready" without a probe tells nothing
		k := newKubelet(t, life{})
		b := k.bench(template(func(t *corev1.PodTemplateSpec) { t.Spec.Containers[0].ReadinessProbe = nil }))
		if got, err := terminateEarly(t.Context(), b.as(t, EarlyTermination)); err != nil || got.WasReady {
			t.Errorf("got %+v (%v)", got, err)
		}
	})
}

func TestATrialsErrorsLeaveNoPodHeld(t *testing.T) {
	for name, verb := range map[string]string{"it is not made": "create", "it cannot be deleted": "delete"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKubelet(t, life{})
				b := k.bench(template())
				k.client.PrependReactor(verb, "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
					return true, nil, apierrors.NewInternalError(context.DeadlineExceeded)
				})
				for _, run := range []func(context.Context, *TestBed) (*evidence.Termination, error){terminate, terminateEarly, terminateInFlight} {
					b.agent = answers(fine).attach
					if got, err := run(t.Context(), b); err == nil || got != nil || !strings.Contains(err.Error(), "podproof-termination") {
						t.Errorf("got %+v, %v", got, err)
					}
					if left := k.held(); len(left) != 0 {
						t.Errorf("its finalizer holds %q", left)
					}
					for _, name := range k.there() {
						_ = k.client.Tracker().Delete(podsResource, "shop", name)
					}
				}
			})
		})
	}
}

// A trial that is cut off ends with the cause, and releases its pod.
func TestATrialThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{stops: 20 * time.Second})
		b := k.bench(template())
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if got, err := terminate(ctx, b.as(t, Termination)); err == nil || got != nil {
			t.Errorf("got %+v, %v", got, err)
		}
		time.Sleep(time.Minute)
		if left := k.there(); len(left) != 0 {
			t.Errorf("its finalizer holds %q", left)
		}
	})
}
