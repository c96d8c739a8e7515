package trial

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// aheadNode is a node whose clock is ahead of ours. It says what time it is, and when
// containerd sent the stop signal, which is now.
type aheadNode struct {
	mute
	by time.Duration
}

func (n aheadNode) Run(_ context.Context, _, op string, _ ...string) ([]byte, error) {
	now := time.Now().Add(n.by)
	if op == "clock" {
		return fmt.Appendf(nil, "%d.%09d\n", now.Unix(), now.Nanosecond()), nil
	}
	return fmt.Appendf(nil, "time=%q level=info msg=\"Stop container \\\"abc\\\" with signal terminated\"\n", now.UTC().Format(time.RFC3339Nano)), nil
}

// A signal is told by podproof's own clock, also where its node has another.
func TestSignalByTheClockOfTheNode(t *testing.T) {
	p := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "api", ContainerID: "containerd://abc"}}}}
	for _, ahead := range []time.Duration{0, 5 * time.Second, -5 * time.Second} {
		b := &TestBed{Container: "api", Node: aheadNode{by: ahead}}
		since := time.Now()
		at, ok := <-b.watchSignal(t.Context(), p, since.Add(-time.Second), time.Second)
		if now := time.Now(); !ok || at.Before(since.Add(-time.Second)) || at.After(now.Add(clockBlur)) {
			t.Errorf("a node that is %s ahead: %s after the deletion (%t)", ahead, at.Sub(since), ok)
		}
	}
}

func TestCredible(t *testing.T) {
	since := time.Now()
	now := since.Add(10 * time.Second)
	for after, want := range map[time.Duration]bool{0: true, 3 * time.Second: true, 11 * time.Second: false, -time.Second: false} {
		if got := credible(since.Add(after), since, now); got != want {
			t.Errorf("%s after the deletion: %t", after, got)
		}
	}
}

// A clock that cannot be read is taken for ours.
func TestAClockThatCannotBeRead(t *testing.T) {
	var ran []string
	for _, n := range []shell{{out: "1000000000.000000000", err: errors.New("no agent"), ran: &ran}, {out: "noon", ran: &ran}} {
		if got := nodeOffset(t.Context(), n, "worker"); got != 0 {
			t.Errorf("%+v: it is %s off", n, got)
		}
	}
	n := shell{out: "1000000000.000000000", ran: &ran}
	if got := nodeOffset(t.Context(), n, "worker"); got > -365*24*time.Hour {
		t.Errorf("it is %s off", got)
	}
}
