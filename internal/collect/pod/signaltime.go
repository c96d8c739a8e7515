package pod

import (
	"context"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/workload"
)

// sentScript waits, for at most $2 seconds, until containerd has written in its log since
// the time $3 that it sends container $1 its stop signal (internal/cri/server/container_stop.go),
// and prints that line, which says when.
const sentScript = `command -v journalctl >/dev/null || exit 0
end=$(($(date +%s) + $2))
until journalctl -q -u containerd -o cat --no-pager --since "@$3" | grep -m1 -- "Stop container .*$1.* with signal"; do
  [ "$(date +%s)" -lt "$end" ] || exit 0
  sleep 0.2
done`

// watchSignal sends the time at which the pod's container gets its stop signal, or closes the
// channel where that cannot be known. Between a pod's deletion and that lies the kubelet's
// own time, and a preStop hook, which may be a command that takes any time.
func (b *Bench) watchSignal(ctx context.Context, p *corev1.Pod, since time.Time, limit time.Duration) <-chan time.Time {
	sent := make(chan time.Time, 1)
	id := workload.ContainerID(p, b.Container)
	if b.Node == nil || id == "" {
		close(sent)
		return sent
	}
	go func() {
		defer close(sent)
		out, err := b.Node.Run(ctx, p.Spec.NodeName, "sh", "-c", sentScript, "sh", id,
			strconv.Itoa(int(limit.Seconds())), strconv.FormatInt(since.Unix(), 10))
		if err != nil {
			return // the kubelet's event remains
		}
		if at, ok := logTime(string(out)); ok && !at.Before(since) {
			sent <- at
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
