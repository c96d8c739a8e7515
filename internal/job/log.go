package job

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// show passes the log of a pod on until its container has ended. A stream that breaks is taken up again.
func (f *Follower) show(ctx context.Context, p corev1.Pod) error {
	var until time.Time // of the last line that was shown
	for {
		err := f.stream(ctx, p.Name, &until)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var now *corev1.Pod
		gone := f.ask(ctx, func() (err error) {
			now, err = f.Client.CoreV1().Pods(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
			return err
		})
		if gone != nil || now.UID != p.UID || !running(*now) {
			return nil // its end says what became of it
		}
		if err != nil {
			f.tell("The log of the Job cannot be read at the moment: " + err.Error())
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func running(p corev1.Pod) bool {
	return state(p).Running != nil && p.Status.Phase == corev1.PodRunning
}

// stream shows the lines that are later than until, and moves that on.
func (f *Follower) stream(ctx context.Context, pod string, until *time.Time) error {
	o := &corev1.PodLogOptions{Container: Container, Follow: true, Timestamps: true}
	if !until.IsZero() {
		since := metav1.NewTime(*until)
		o.SinceTime = &since // in whole seconds: some lines come again
	}
	r, err := f.Client.CoreV1().Pods(f.Job.Namespace).GetLogs(pod, o).Stream(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	return f.lines(r, until)
}

// lines shows those of a log with times.
func (f *Follower) lines(r io.Reader, until *time.Time) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" && err != nil {
			line += "\n"
		}
		stamp, rest, _ := strings.Cut(line, " ")
		at, wrong := time.Parse(time.RFC3339Nano, stamp)
		switch {
		case line == "":
		case wrong != nil: // an API server that gives no times
			_, _ = io.WriteString(f.Out, line)
		case at.After(*until):
			*until = at
			_, _ = io.WriteString(f.Out, rest)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
