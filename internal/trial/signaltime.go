package trial

import (
	"context"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/runtime"

	"podproof.dev/podproof/internal/workload"
)

// watchSignal sends the time at which the pod's container gets its stop signal, or closes the
// channel where that cannot be known. Between a pod's deletion and that lies the kubelet's
// own time, and a preStop hook, which may be a command that takes any time.
func (b *TestBed) watchSignal(ctx context.Context, p *corev1.Pod, since time.Time, limit time.Duration) <-chan time.Time {
	sent := make(chan time.Time, 1)
	id := workload.ContainerID(p, b.Container)
	if b.Node == nil || id == "" {
		close(sent)
		return sent
	}
	go func() {
		defer runtime.HandleCrash()
		defer close(sent)
		offset := nodeOffset(ctx, b.Node, p.Spec.NodeName)
		out, err := b.Node.Run(ctx, p.Spec.NodeName, "sent", id,
			strconv.Itoa(int(limit.Seconds())), strconv.FormatInt(since.Add(offset).Unix(), 10))
		if err != nil {
			return // the kubelet's event remains
		}
		if at, ok := logTime(string(out)); ok && credible(at.Add(-offset), since, time.Now()) {
			sent <- at.Add(-offset)
		}
	}()
	return sent
}

// logTime is when containerd wrote a line: time="2026-01-02T15:04:05.123456789Z" level=info…
func logTime(line string) (time.Time, bool) {
	_, rest, _ := strings.Cut(line, `time="`)
	said, _, _ := strings.Cut(rest, `"`)
	at, err := time.Parse(time.RFC3339Nano, said)
	return at, err == nil
}

// clockBlur is how exactly another clock is known.
const clockBlur = 100 * time.Millisecond

// credible tells whether something was sent after it was asked for, and by now: a time that was
// not comes from a clock that is not ours.
func credible(at, since, now time.Time) bool {
	return !at.Before(since) && !at.After(now.Add(clockBlur))
}
