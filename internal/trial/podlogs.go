package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// logTries is how often the files are read where the last of them did not arrive.
const logTries = 3

// podEvidence is all that is known of a pod. Where the node can be asked, the logs are the
// files that the container runtime wrote, which tell stdout from stderr, together with what
// was followed over the API before the kubelet removed the oldest of them.
func (b *TestBed) podEvidence(ctx context.Context, uid string) evidence.Pod {
	if b.Node == nil {
		return b.followed(ctx, uid)
	}
	e := b.Observer.Evidence(uid, b.Container)
	if e.Spec.NodeName == "" {
		return e
	}
	files, err := readLogs(ctx, b.Node, e.Spec.NodeName, fmt.Sprintf("/var/log/pods/%s_%s_%s", b.Namespace, e.Name, e.UID), b.Redact)
	if err != nil {
		// What was followed over the API is there, and may lack the last lines.
		e.Unread = cmp.Or(e.Unread, fmt.Sprintf("the log files on node %s could not be read: %v", e.Spec.NodeName, err))
		return e
	}
	tested := workload.MergeLogs(evidence.ContainerLog{Lines: e.Log, Omitted: e.Omitted, Unread: e.Unread}, files.Log(b.Container))
	e.Log, e.Omitted, e.Unread = tested.Lines, tested.Omitted, tested.Unread
	followed := map[string]evidence.ContainerLog{}
	for _, l := range e.OtherLogs {
		followed[l.Container] = l
	}
	e.OtherLogs = nil
	for _, c := range slices.Concat(e.Spec.InitContainers, e.Spec.Containers) {
		l := followed[c.Name]
		l.Container = c.Name
		if l = workload.MergeLogs(l, files.Log(c.Name)); c.Name != b.Container && (len(l.Lines) > 0 || l.Unread != "") {
			e.OtherLogs = append(e.OtherLogs, l)
		}
	}
	return e
}

// LogEnds is how long the log of a container that has ended may take to be read over the API: a kubelet
// that is starved of CPU takes its time.
const LogEnds = 20 * time.Second

// followed is a pod with what its containers said over the API. Of one that has ended nothing follows from
// what it did not say before its log was read to the end.
func (b *TestBed) followed(ctx context.Context, uid string) evidence.Pod {
	var open []string
	_ = b.Observer.Within(ctx, LogEnds, func(p *corev1.Pod) bool { return string(p.UID) == uid }, func(ps []*workload.Observed) (bool, string, error) {
		open = nil
		for _, p := range ps {
			open = append(open, p.EndedUnread()...)
		}
		return len(open) == 0, "the end of the log of " + strings.Join(open, ", "), nil
	})
	e := b.Observer.Evidence(uid, b.Container)
	const late = workload.StillRead
	if slices.Contains(open, b.Container) {
		e.Unread = cmp.Or(e.Unread, late)
	}
	for _, c := range open {
		i := slices.IndexFunc(e.OtherLogs, func(l evidence.ContainerLog) bool { return l.Container == c })
		switch {
		case c == b.Container:
		case i < 0:
			e.OtherLogs = append(e.OtherLogs, evidence.ContainerLog{Container: c, Unread: late})
		default:
			e.OtherLogs[i].Unread = cmp.Or(e.OtherLogs[i].Unread, late)
		}
	}
	return e
}

// readLogs reads a pod's log files as they come: they may be larger than the memory. A stream
// that ends before the files do, for whatever reason, is read again, and is an error in the end.
func readLogs(ctx context.Context, n NodeStream, node, dir string, redact func(string) string) (files *workload.CRIReader, err error) {
	for range logTries {
		files, err = readOnce(ctx, n, node, dir, redact)
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return files, err
}

func readOnce(ctx context.Context, n NodeStream, node, dir string, redact func(string) string) (*workload.CRIReader, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(n.Stream(ctx, node, w, "logs", dir)) }()
	defer r.Close()
	files := workload.NewCRIReader(redact)
	err := files.Read(r)
	if err == nil && !files.Ended() {
		err = errors.New("what came of them ends before their end")
	}
	return files, err
}
