package trial

import (
	"bufio"
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/runtime"
)

// watchGone sends the time in which the processes of the container under test went. With the first
// of them goes its PID namespace, and whatever looks on from within: then the end of the stream is
// the time by which they were gone. That a stream can end for other reasons is for exitTime, which
// knows what the kubelet says.
func (s *beside) watchGone(ctx context.Context, limit time.Duration) <-chan span {
	gone := make(chan span, 1)
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(s.Stream(ctx, "", w, "living", s.id, strconv.Itoa(int(limit.Seconds()))))
	}()
	go func() {
		defer runtime.HandleCrash()
		defer close(gone)
		defer r.Close()
		var last time.Time
		for lines := bufio.NewScanner(r); lines.Scan(); {
			word, at, _ := strings.Cut(lines.Text(), " ")
			said, ok := unixTime(at)
			switch {
			case !ok:
			case word == "alive":
				last = said.Add(-s.offset)
			case word == "gone" && !last.IsZero():
				gone <- span{last, said.Add(-s.offset)}
				return
			}
		}
		if now := time.Now(); !last.IsZero() && ctx.Err() == nil {
			gone <- span{last, now}
		}
	}()
	return gone
}

// watchSignal sends the time at which the container under test gets its stop signal: with podproof's
// own, for the kubelet stops the containers of a pod side by side (pkg/kubelet/kuberuntime,
// killContainersWithSyncResult), and later by the sleep of a preStop hook. Of another hook nobody
// knows how long it takes.
func (s *beside) watchSignal(ctx context.Context, since time.Time) <-chan time.Time {
	sent := make(chan time.Time, 1)
	b := s.bench
	if b.hooked() {
		close(sent)
		return sent
	}
	go func() {
		defer runtime.HandleCrash()
		defer close(sent)
		log, err := b.client().CoreV1().Pods(s.pod.Namespace).GetLogs(s.pod.Name, &corev1.PodLogOptions{Container: s.name, Follow: true}).Stream(ctx)
		if err != nil {
			return // the kubelet's event remains
		}
		defer log.Close()
		for lines := bufio.NewScanner(log); lines.Scan(); {
			said, ok := strings.CutPrefix(lines.Text(), "told ")
			at, fits := unixTime(said)
			if !ok || !fits {
				continue
			}
			if at = at.Add(-s.offset); !credible(at, since, time.Now()) {
				return
			}
			at = at.Add(b.preStopSleep())
			if pause(ctx, time.Until(at)) == nil {
				sent <- at
			}
			return
		}
	}()
	return sent
}
