package workload

import (
	"bufio"
	"context"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// maxLines bounds what is kept of one container's log.
const maxLines = 2000

// follow reads the log of one container instance until the container ends.
// A log that cannot be read is not an error: what was said before is kept, and the
// checks say that nothing was.
func (o *Observer) follow(ctx context.Context, p *corev1.Pod, container, id string) {
	stream, err := o.client.CoreV1().Pods(o.namespace).GetLogs(p.Name, &corev1.PodLogOptions{
		Container: container, Follow: true, Timestamps: true,
	}).Stream(ctx)
	if err != nil {
		return
	}
	defer stream.Close()
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := parseTimestamped(lines.Text())
		line.Text = o.redact(line.Text)
		o.mu.Lock()
		w := o.watched(string(p.UID))
		if len(w.logs[container]) < maxLines {
			w.logs[container] = append(w.logs[container], line)
		}
		o.broadcast()
		o.mu.Unlock()
	}
}

// parseTimestamped splits "2026-11-24T04:26:47.97180831Z text", as the API gives it with timestamps.
func parseTimestamped(s string) evidence.LogLine {
	stamp, text, ok := strings.Cut(s, " ")
	if at, err := time.Parse(time.RFC3339Nano, stamp); ok && err == nil {
		return evidence.LogLine{At: at, Text: text}
	}
	return evidence.LogLine{Text: s}
}

// ParseCRI reads a log file as the kubelet's runtimes write it ("time stream F|P text",
// Kubernetes CRI logging design), joining partial lines.
func ParseCRI(file string) []evidence.LogLine {
	var out []evidence.LogLine
	partial := map[string]string{} // by stream
	for l := range strings.Lines(file) {
		parts := strings.SplitN(strings.TrimSuffix(l, "\n"), " ", 4)
		if len(parts) < 4 {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, parts[0])
		if err != nil {
			continue
		}
		stream, text := parts[1], partial[parts[1]]+parts[3]
		if parts[2] == "P" {
			partial[stream] = text
			continue
		}
		delete(partial, stream)
		out = append(out, evidence.LogLine{At: at, Stream: stream, Text: text})
	}
	return out
}
