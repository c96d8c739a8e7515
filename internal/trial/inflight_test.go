package trial

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
)

var upload = &Route{Method: "POST", Path: "/items", Body: "{}"}

// slowOf are the slow requests among some.
func slowOf(rs []evidence.Request) (out []evidence.Request) {
	for _, r := range rs {
		if r.Stream == evidence.StreamSlow {
			out = append(out, r)
		}
	}
	return out
}

func TestAPodIsStoppedWithRequestsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{ready: time.Second, stops: 6 * time.Second})
		b := k.bench(template())
		b.agent, b.Asked.Upload = answers(fine).attach, upload
		got, err := terminateInFlight(t.Context(), b.as(t, InFlight))
		if err != nil {
			t.Fatal(err)
		}
		slow := slowOf(got.Requests)
		if got.Held != slowRequests || len(slow) != slowRequests || got.HeldFor != 5 || !got.Exited || got.Undisturbed != nil {
			t.Fatalf("%d were held for %g s, %d ended: %+v", got.Held, got.HeldFor, len(slow), got)
		}
		if got.Signalled.Before(got.Deleted) || got.Signalled.After(got.Deleted.Add(time.Second)) {
			t.Errorf("signalled %s after the deletion", got.Signalled.Sub(got.Deleted))
		}
		if held := got.Released.Sub(got.Signalled); held != firstHeld {
			t.Errorf("the first was held for %s after the signal", held)
		}
		for i, r := range slow {
			if at := r.Start.Add(time.Duration(r.Released * 1e9)); at.Before(got.Released.Add(-time.Microsecond)) || i > 0 && slow[i-1].Released > r.Released {
				t.Errorf("request %d was released %s after the first", i, at.Sub(got.Released))
			}
		}
		for _, s := range []string{evidence.StreamNew, evidence.StreamKept, evidence.StreamReady} {
			if !streamsOf(got.Requests)[s] {
				t.Errorf("no request of the stream %s", s)
			}
		}
		if left := k.there(); len(left) != 0 {
			t.Errorf("its finalizer holds %q", left)
		}
	})
}

// Where nothing reads a body, only quick requests are sent.
func TestInFlightWithoutASlowRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{stops: 4 * time.Second})
		b := k.bench(template())
		b.agent = answers(fine).attach
		got, err := terminateInFlight(t.Context(), b.as(t, InFlight))
		if err != nil || got.Held != 0 || got.HeldFor != 0 || !got.Exited || len(slowOf(got.Requests)) != 0 || len(got.Requests) < 3 {
			t.Errorf("got %+v (%v)", got, err)
		}
	})
}

// A request that the server ends by itself is sent once more, to a pod that is not stopped.
func TestAHeldRequestThatIsGivenUpIsTriedUndisturbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{stops: 10 * time.Second})
		b := k.bench(template())
		b.Asked.Upload = upload
		b.agent = answers(func(s agent.Stream, at time.Time) evidence.Request {
			if s.Hold {
				return evidence.Request{End: 4, Failure: evidence.FailureClosed, Error: "EOF"}
			}
			return fine(s, at)
		}).attach
		got, err := terminateInFlight(t.Context(), b.as(t, InFlight))
		if err != nil || got.Undisturbed == nil || got.Undisturbed.Failure != evidence.FailureClosed {
			t.Fatalf("got %+v (%v)", got, err)
		}
		if len(k.made) != 2 || k.made[1] != "podproof-undisturbed-request" || len(k.there()) != 0 {
			t.Errorf("made were %q, left are %q", k.made, k.there())
		}
	})
}

func TestNothingIsSentToAPodThatIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{never: true})
		b := k.bench(template())
		b.agent = func(context.Context, io.Reader, io.Writer) error {
			t.Error("a load was started")
			return nil
		}
		_, err := terminateInFlight(t.Context(), b.as(t, InFlight))
		if err == nil || !strings.Contains(err.Error(), "podproof-requests-in-flight did not become Ready, so no request was sent to it") {
			t.Errorf("got %v", err)
		}
	})
}

// The kubelet's word that it begins is what there is where the node does not tell of the signal.
func TestTheKubeletTellsOfTheSignalWhereTheNodeDoesNot(t *testing.T) {
	for _, c := range []struct {
		name  string
		hook  *corev1.LifecycleHandler
		after time.Duration // the deletion
	}{
		{"no hook", nil, told + firstHeld},
		{"a sleep", &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 2}}, 2*time.Second + told + firstHeld},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKubelet(t, life{stops: 20 * time.Second})
				b := k.bench(template(func(t *corev1.PodTemplateSpec) {
					t.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: c.hook}
				}))
				b.Node, b.AgentImage, b.agent, b.Asked.Upload = nil, "", answers(fine).attach, upload
				got, err := terminateInFlight(t.Context(), b.as(t, InFlight))
				if err != nil {
					t.Fatal(err)
				}
				if after := got.Released.Sub(got.Deleted); !got.Signalled.IsZero() || after < c.after || after > c.after+time.Second {
					t.Errorf("released %s after the deletion, want %s; signalled at %v", after, c.after, got.Signalled)
				}
			})
		})
	}
}
