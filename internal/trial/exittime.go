package trial

import (
	"context"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/runtime"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// span is the time in which something happened.
type span struct{ from, to time.Time }

// watchGone sends the time in which the processes of the pod's container went, as its
// node sees it, or closes the channel where that cannot be known. A watch of the API server
// shows an exit when the kubelet gets round to it, which takes seconds on a busy node.
func (b *TestBed) watchGone(ctx context.Context, p *corev1.Pod, limit time.Duration) <-chan span {
	gone := make(chan span, 1)
	id := workload.ContainerID(p, b.Container)
	if b.Node == nil || id == "" {
		close(gone)
		return gone
	}
	go func() {
		defer runtime.HandleCrash()
		defer close(gone)
		out, err := b.Node.Run(ctx, p.Spec.NodeName, "gone", id, strconv.Itoa(int(limit.Seconds())))
		if err != nil {
			return // the kubelet's time remains
		}
		alive, now, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
		from, ok := unixTime(alive)
		if to, still := unixTime(now); ok && still {
			offset := nodeOffset(ctx, b.Node, p.Spec.NodeName)
			gone <- span{from.Add(-offset), to.Add(-offset)}
		}
	}()
	return gone
}

// unixTime reads a time as the agent on a node writes it: seconds with nine decimals.
func unixTime(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	nanos, err := strconv.ParseInt(fraction, 10, 64)
	return time.Unix(seconds, nanos), err == nil && len(fraction) == 9
}

// near is how far from the kubelet's time, which has whole seconds and is the later bound, one may be
// that was seen from beside: a stream may end for another reason than that of the processes.
const near = 3 * time.Second

// slack is how much later than the watch the node may tell of an exit.
const slack = 2 * time.Second

// exitTime is the best that is known of when a container ended which the watch has just
// shown as ended: the node's own time, with how much earlier it may have been, or else the
// kubelet's, or else now. A time that is not between the deletion and now comes from a clock
// that is not ours. Source is who tells, "node" or SourceEphemeral.
func exitTime(source string, gone <-chan span, p *corev1.Pod, last *corev1.ContainerStateTerminated, deleted time.Time) (evidence.Mark, time.Duration) {
	now := time.Now()
	fits := func(at time.Time) bool { return at.After(deleted) && at.Before(now) }
	var kubelet time.Time
	// Both of these are the cluster's, in whole seconds: the difference is off by less than one.
	if d := p.DeletionTimestamp; d != nil && p.DeletionGracePeriodSeconds != nil {
		asked := d.Add(-time.Duration(*p.DeletionGracePeriodSeconds) * time.Second)
		kubelet = deleted.Add(last.FinishedAt.Sub(asked) + time.Second)
	}
	select {
	case s, ok := <-gone:
		if source != "node" && !s.to.Before(now) {
			s.to = now.Add(-1) // a stream may end a moment after the watch has told
		}
		if ok && fits(s.to) && (source == "node" || kubelet.Sub(s.to).Abs() < near) {
			return evidence.Mark{At: s.to, Source: source}, s.to.Sub(s.from)
		}
	case <-time.After(slack):
	}
	if fits(kubelet) {
		return evidence.Mark{At: kubelet, Source: "kubelet"}, 0
	}
	return evidence.Mark{At: now, Source: "watch"}, 0
}
