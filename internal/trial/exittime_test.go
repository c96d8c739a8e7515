package trial

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestExitTime(t *testing.T) {
	deleted := time.Now().Add(-20 * time.Second)
	grace := int64(30)
	// The API server says when the grace period ends, and the kubelet when the container did.
	asked := metav1.NewTime(deleted.Truncate(time.Second))
	until := metav1.NewTime(asked.Add(30 * time.Second))
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &until, DeletionGracePeriodSeconds: &grace}}
	after := func(d time.Duration) *corev1.ContainerStateTerminated {
		return &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(asked.Add(d))}
	}
	for _, tt := range []struct {
		name   string
		node   time.Duration // after the deletion; 0: it does not tell
		last   *corev1.ContainerStateTerminated
		source string
		want   time.Duration
	}{
		{"the node tells", 3500 * time.Millisecond, after(3 * time.Second), "node", 3500 * time.Millisecond},
		{"the node has another clock", time.Hour, after(3 * time.Second), "kubelet", 4 * time.Second},
		{"the node does not tell", 0, after(3 * time.Second), "kubelet", 4 * time.Second},
		{"the watch is as quick as the kubelet's clock is coarse", 0, after(20 * time.Second), "watch", 20 * time.Second},
		{"nobody tells", 0, &corev1.ContainerStateTerminated{}, "watch", 20 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gone := make(chan span, 1)
			if tt.node != 0 {
				gone <- span{deleted.Add(tt.node - 60*time.Millisecond), deleted.Add(tt.node)}
			}
			close(gone)
			m, blur := exitTime("node", gone, p, tt.last, deleted)
			if known := tt.source == "node"; known != (blur == 60*time.Millisecond) {
				t.Errorf("it may have been %s earlier", blur)
			}
			if off := m.At.Sub(deleted) - tt.want; m.Source != tt.source || off < 0 || off > time.Second {
				t.Errorf("%s after %s, want %s after %s", m.Source, m.At.Sub(deleted), tt.source, tt.want)
			}
		})
	}
}

// A time from beside counts where it is near the kubelet's, and is never later than the watch's.
func TestExitTimeFromBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deleted := time.Now()
		grace, until := int64(30), metav1.NewTime(deleted.Add(30*time.Second))
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &until, DeletionGracePeriodSeconds: &grace}}
		last := &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(deleted.Add(3 * time.Second))}
		time.Sleep(10 * time.Second)
		now := time.Now()
		for after, want := range map[time.Duration]string{3500 * time.Millisecond: "ephemeral", 2 * time.Second: "ephemeral", 500 * time.Millisecond: "kubelet", 9 * time.Second: "kubelet"} {
			gone := make(chan span, 1)
			gone <- span{deleted.Add(after - 60*time.Millisecond), deleted.Add(after)}
			if m, _ := exitTime("ephemeral", gone, p, last, deleted); m.Source != want {
				t.Errorf("%s after the deletion: %+v", after, m)
			}
		}
		last.FinishedAt = metav1.NewTime(deleted.Add(9 * time.Second))
		gone := make(chan span, 1)
		gone <- span{now.Add(-50 * time.Millisecond), now.Add(20 * time.Millisecond)}
		if m, blur := exitTime("ephemeral", gone, p, last, deleted); m.Source != "ephemeral" || m.At.After(now) || blur <= 0 {
			t.Errorf("a moment later than the watch: %+v, %s", m, blur)
		}
	})
}

func TestUnixTime(t *testing.T) {
	if at, ok := unixTime("1795515600.012345678"); !ok || at.UnixNano() != 1795515600012345678 {
		t.Errorf("got %v, %v", at, ok)
	}
	for _, bad := range []string{"", "1795515600", "1795515600.%N", "then.000000000"} {
		if at, ok := unixTime(bad); ok {
			t.Errorf("%q is %v", bad, at)
		}
	}
}

func TestLogTime(t *testing.T) {
	at, ok := logTime(`time="2026-11-24T16:19:17.844519225Z" level=info msg="Stop container \"09580e\" with signal terminated"` + "\n")
	if !ok || at.UnixNano() != 1795537157844519225 {
		t.Errorf("got %v, %v", at, ok)
	}
	for _, bad := range []string{"", `level=info msg="Stop container"`, `time="now" level=info`} {
		if at, ok := logTime(bad); ok {
			t.Errorf("%q is %v", bad, at)
		}
	}
}

func TestClockOffset(t *testing.T) {
	asked := time.Now()
	now := asked.Add(2 * time.Second)
	for said, want := range map[time.Duration]time.Duration{
		0: 0, time.Second: 0, 2 * time.Second: 0, 5 * time.Second: 4 * time.Second, -time.Second: -2 * time.Second,
	} {
		if got := clockOffset(asked, now, asked.Add(said)); got != want {
			t.Errorf("%s after the question: offset %s, want %s", said, got, want)
		}
	}
}

func TestAnExitOfWhichLittleIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deleted := time.Now()
		time.Sleep(5 * time.Second)
		last := &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(deleted.Add(2 * time.Second))}
		now := time.Now()
		m, _ := exitTime("node", make(chan span), &corev1.Pod{}, last, deleted) // a node that never says anything
		if m.Source != "watch" || !m.At.Equal(now) || time.Since(now) != slack {
			t.Errorf("got %+v after %s", m, time.Since(now))
		}
		until := metav1.NewTime(deleted.Add(30 * time.Second))
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &until}}
		if m, _ := exitTime("node", make(chan span), p, last, deleted); m.Source != "watch" {
			t.Errorf("without a grace period: %+v", m)
		}
	})
}

// The node's time counts by podproof's own clock, and what it does not know is no time.
func TestTheNodeTellsWhenTheProcessesWereGone(t *testing.T) {
	p := &corev1.Pod{Spec: corev1.PodSpec{NodeName: "worker"}, Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "api", ContainerID: "containerd://abc"}}}}
	for name, c := range map[string]struct {
		says string
		err  error
		pod  *corev1.Pod
		want bool
	}{
		"it tells":                {says: "1795515600.000000000 1795515600.500000000\n", pod: p, want: true},
		"it was still there":      {says: "\n", pod: p},
		"half of it":              {says: "1795515600.000000000\n", pod: p},
		"it fails":                {says: "1795515600.000000000 1795515600.500000000\n", err: errors.New("gone"), pod: p},
		"it has no container yet": {says: "1795515600.000000000 1795515600.500000000\n", pod: &corev1.Pod{}},
	} {
		var ran []string
		b := &TestBed{Container: "api", Node: shell{out: c.says, err: c.err, ran: &ran}}
		s, ok := <-b.watchGone(t.Context(), c.pod, 45*time.Second)
		if ok != c.want || ok && s.to.Sub(s.from) != 500*time.Millisecond || c.want && ran[0] != "worker: gone … 45" {
			t.Errorf("%s: %v, %t, ran %q", name, s, ok, ran)
		}
		if _, ok := <-b.watchSignal(t.Context(), c.pod, time.Now(), time.Second); ok {
			t.Errorf("%s: it told of a signal", name)
		}
	}
	if _, ok := <-(&TestBed{Container: "api"}).watchGone(t.Context(), p, time.Second); ok {
		t.Error("nobody tells")
	}
	if _, ok := <-(&TestBed{Container: "api"}).watchSignal(t.Context(), p, time.Now(), time.Second); ok {
		t.Error("nobody tells of a signal")
	}
}
