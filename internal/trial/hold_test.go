package trial

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

func TestHolds(t *testing.T) {
	sleep := func(seconds int64) *corev1.LifecycleHandler {
		return &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: seconds}}
	}
	command := &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"sleep", "5"}}}
	for _, c := range []struct {
		name            string
		longest, within time.Duration
		grace           int64
		hook            *corev1.LifecycleHandler
		want            []time.Duration
	}{
		{name: "as long as is promised", longest: 7500 * time.Millisecond, grace: 30, want: millis(2000, 3000, 4500, 6000, 7500)},
		{name: "nobody promises anything", grace: 30, want: millis(2000, 2000, 3000, 4000, 5000)},
		{name: "a service of quick requests", longest: time.Second, grace: 30, want: millis(1000, 1000, 1000, 1000, 1000)},
		{name: "a short grace period", longest: 5 * time.Second, grace: 5, want: millis(2000, 2000, 2000, 2400, 3000)},
		{name: "a preStop sleep", longest: 5 * time.Second, grace: 8, hook: sleep(3), want: millis(2000, 2000, 2000, 2400, 3000)},
		{name: "a sleep of all of the grace period", longest: 5 * time.Second, grace: 8, hook: sleep(8), want: millis(1000, 1000, 1000, 1000, 1000)},
		{name: "a command as a hook", longest: 7500 * time.Millisecond, grace: 15, hook: command, want: millis(2000, 2200, 3300, 4400, 5500)},
		{name: "the contract asks for a quick end", longest: 5 * time.Second, within: 5 * time.Second, grace: 30, want: millis(2000, 2000, 2000, 2400, 3000)},
	} {
		b := bench(corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "api"}}}})
		b.Asked.Longest, b.Asked.EndsWithin = c.longest, c.within
		if c.hook != nil {
			b.Subject.Template.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: c.hook}
		}
		if diff := cmp.Diff(c.want, b.holds(c.grace)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func millis(ms ...int64) []time.Duration {
	var out []time.Duration
	for _, m := range ms {
		out = append(out, time.Duration(m)*time.Millisecond)
	}
	return out
}

// Each slow request is released in its turn, counted from the word that releases the first.
func TestSlowRequestsOfThePlan(t *testing.T) {
	a := Asked{Upload: &Route{Method: "POST", Path: "/items", Body: "{}"}}
	var got []time.Duration
	for _, s := range inFlightPlan(a, "10.0.0.1", millis(2000, 2000, 3000), time.Minute).Streams {
		if s.Name == evidence.StreamSlow {
			got = append(got, time.Duration(s.HoldFor)*time.Millisecond)
			if !s.Hold || s.Count != 1 || s.Timeout < 60_000 {
				t.Errorf("got %+v", s)
			}
		}
	}
	if diff := cmp.Diff(millis(0, 0, 1000), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(inFlightPlan(Asked{}, "10.0.0.1", millis(2000), time.Minute).Streams); n != 3 {
		t.Errorf("without a route that reads a body there are %d streams", n)
	}
}

// A server that ends a held request while its process lives may have waited no longer anyway.
func TestGivenUpAfter(t *testing.T) {
	deleted := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	slow := func(start, end, released float64) evidence.Request {
		return evidence.Request{Stream: evidence.StreamSlow, Start: deleted.Add(time.Duration(start * 1e9)), End: end, Released: released}
	}
	for _, c := range []struct {
		name string
		rs   []evidence.Request
		want time.Duration
	}{
		{name: "all were sent", rs: []evidence.Request{slow(-1, 3, 2.9)}},
		{name: "the process was gone", rs: []evidence.Request{slow(-1, 6.1, 0)}},
		{name: "answered before the deletion", rs: []evidence.Request{slow(-1, 0.1, 0)}},
		{name: "cut while it lived", rs: []evidence.Request{slow(-1, 4, 0), slow(-1, 3, 0)}, want: 3 * time.Second},
	} {
		if got := givenUpAfter(&evidence.Termination{Deleted: deleted, Seconds: 5, Requests: c.rs}); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
