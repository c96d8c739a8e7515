package workload

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/evidence"
)

// followTries is how often a log that breaks off is taken up again without a new line.
const followTries = 5

// follow reads the log of one container instance until the container ends. A stream that
// breaks, as when the API server restarts, is taken up where it broke. A log that cannot be
// read is not an error: what was said before is kept, and why there is no more.
func (o *Observer) follow(ctx context.Context, p *corev1.Pod, container string) {
	f := following{Observer: o, pod: p, container: container}
	var broke error
	for tries := 0; ; tries++ {
		before := f.last
		err := f.read(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		gone := apierrors.IsNotFound(err)
		if gone && broke != nil { // what came after the break went with it
			err = fmt.Errorf("%w, and then the pod was gone", broke)
		}
		broke = err
		if f.last.After(before) {
			tries = 0
		}
		if tries == followTries || gone {
			o.mu.Lock()
			o.watched(string(p.UID)).unread[container] = "its log could not be read to the end: " + o.redact(err.Error())
			o.mu.Unlock()
			return
		}
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return
		}
	}
}

// following is a log that is being read.
type following struct {
	*Observer
	pod       *corev1.Pod
	container string
	last      time.Time // the time of the last line
}

// read reads on after the last line. Its error is nil when the log is at its end.
func (f *following) read(ctx context.Context) error {
	options := &corev1.PodLogOptions{Container: f.container, Follow: true, Timestamps: true}
	after := f.last
	if !after.IsZero() {
		options.SinceTime = &metav1.Time{Time: after} // to the second: some lines come twice
	}
	stream, err := f.client.CoreV1().Pods(f.namespace).GetLogs(f.pod.Name, options).Stream(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	r := bufio.NewReaderSize(stream, 64<<10)
	var at time.Time
	text := lineText{redact: f.redact}
	return pieces(r, func(piece []byte, first, last bool) {
		if first {
			at, piece = cutStamp(piece)
		}
		text.write(piece)
		if !last {
			return
		}
		line := evidence.LogLine{At: at}
		line.Text, line.Cut = text.end()
		if !after.IsZero() && !at.After(after) {
			return
		}
		f.last = at
		f.mu.Lock()
		defer f.mu.Unlock()
		f.watched(string(f.pod.UID)).log(f.container).add(line)
		if r.Buffered() == 0 { // a flood of lines wakes nobody in its middle
			f.broadcast()
		}
	})
}

// pieces reads lines of any length: first and last tell where one begins and ends. The slice is only
// valid during the call.
func pieces(r *bufio.Reader, take func(piece []byte, first, last bool)) error {
	first := true
	for {
		piece, err := r.ReadSlice('\n')
		switch {
		case err == nil:
			take(bytes.TrimSuffix(piece[:len(piece)-1], []byte("\r")), first, true)
			first = true
			continue
		case errors.Is(err, bufio.ErrBufferFull):
			take(piece, first, false)
			first = false
			continue
		case len(piece) > 0 || !first:
			take(piece, first, true)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
}

// cutStamp splits "2026-11-24T04:26:47.97180831Z text", as the API gives it with timestamps.
func cutStamp(line []byte) (time.Time, []byte) {
	stamp, text, ok := bytes.Cut(line[:min(len(line), 64)], []byte(" "))
	if !ok {
		return time.Time{}, line
	}
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		return time.Time{}, line
	}
	return at, line[len(line[:min(len(line), 64)])-len(text):]
}

// CRIReader reads log files as the kubelet's runtimes write them ("time stream F|P text",
// Kubernetes CRI logging design), joining partial lines. A line that begins with ">" names the
// container whose files follow; without a name it is the end of them all.
type CRIReader struct {
	ended   bool
	redact  func(string) string
	logs    map[string]*log
	names   []string
	partial map[string]*criLine // by stream
}

type criLine struct {
	at   time.Time
	text lineText
}

// NewCRIReader makes a reader that applies redact to each line.
func NewCRIReader(redact func(string) string) *CRIReader {
	return &CRIReader{redact: redact, logs: map[string]*log{}, partial: map[string]*criLine{}}
}

// Read reads to the end.
func (c *CRIReader) Read(from io.Reader) error {
	container, open, full := "", (*criLine)(nil), false
	stream := ""
	err := pieces(bufio.NewReaderSize(from, 64<<10), func(piece []byte, first, last bool) {
		if first {
			open = nil
			if name, ok := bytes.CutPrefix(piece, []byte(">")); ok {
				c.flush(container)
				container = string(name)
				c.ended = len(name) == 0
				return
			}
			parts := strings.SplitN(string(piece[:min(len(piece), 64)]), " ", 4)
			if len(parts) < 4 {
				return
			}
			at, err := time.Parse(time.RFC3339Nano, parts[0])
			if err != nil {
				return
			}
			stream, full = parts[1], parts[2] != "P"
			if open = c.partial[stream]; open == nil {
				open = &criLine{at, lineText{redact: c.redact}}
				c.partial[stream] = open
			}
			piece = piece[len(parts[0])+len(parts[1])+len(parts[2])+3:]
		}
		if open == nil {
			return
		}
		open.text.write(piece)
		if last && full {
			c.end(container, stream)
		}
	})
	c.flush(container)
	return err
}

// end completes a line.
func (c *CRIReader) end(container, stream string) {
	open := c.partial[stream]
	delete(c.partial, stream)
	if c.logs[container] == nil {
		c.logs[container] = &log{}
		c.names = append(c.names, container)
	}
	line := evidence.LogLine{At: open.at, Stream: stream}
	line.Text, line.Cut = open.text.end()
	c.logs[container].add(line)
}

// flush ends what a container left without a line's end.
func (c *CRIReader) flush(container string) {
	for _, stream := range []string{"stdout", "stderr"} {
		if c.partial[stream] != nil {
			c.end(container, stream)
		}
	}
}

// Log is what was read of a container.
func (c *CRIReader) Log(container string) evidence.ContainerLog {
	out := evidence.ContainerLog{Container: container}
	out.Lines, out.Omitted = c.logs[container].lines()
	return out
}

// Ended tells whether all of the files were read, up to the line that ends them.
func (c *CRIReader) Ended() bool { return c.ended }

// Containers are those that said something, in the order of their files.
func (c *CRIReader) Containers() []string { return c.names }
