package job

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/workload"
)

// Follower shows what a Job does.
type Follower struct {
	Client kubernetes.Interface
	Job    workload.InJob
	// Out gets the log of its pods as it comes, and Note what keeps them from starting.
	Out  io.Writer
	Note func(string)

	said string
}

// settled is how long after the end of its container a Job may take to say what becomes of it. One that
// a sidecar keeps from ending never does.
var settled = 30 * time.Second

// Follow shows each of the Job's pods until the Job has ended, and returns the exit code of the last one.
// The error says why there is none.
func (f *Follower) Follow(ctx context.Context) (code int, err error) {
	shown := map[string]bool{}
	for {
		p, err := f.next(ctx, shown)
		if err != nil {
			return 0, err
		}
		if err := f.show(ctx, p); err != nil {
			return 0, err
		}
		shown[string(p.UID)] = true
		end, lost, err := f.end(ctx, p)
		if err != nil {
			return 0, err
		}
		again, err := f.again(ctx, shown, end, lost != "")
		switch {
		case err != nil:
			return 0, err
		case !again && lost != "":
			return 0, errors.New(lost)
		case !again:
			return int(end), nil
		case lost == "":
			lost = fmt.Sprintf("pod/%s ended with exit code %d", p.Name, end)
		}
		f.tell(lost + "; the Job tries once more")
	}
}

// tell says something once, until something else is to be said.
func (f *Follower) tell(what string) {
	if what != "" && what != f.said {
		f.Note(what)
		f.said = what
	}
}

// next waits for a pod that was not shown yet, and whose container runs, or ran.
func (f *Follower) next(ctx context.Context, shown map[string]bool) (corev1.Pod, error) {
	for {
		all, err := f.pods(ctx)
		if err != nil {
			return corev1.Pod{}, err
		}
		i := slices.IndexFunc(all, func(p corev1.Pod) bool { return !shown[string(p.UID)] })
		if i >= 0 && started(all[i]) {
			return all[i], nil
		}
		why := ""
		if i >= 0 {
			why = f.pending(ctx, all[i])
		} else {
			ended, err := f.ended(ctx)
			if err != nil {
				return corev1.Pod{}, err
			}
			why = f.events(ctx, "Job", string(f.Job.UID))
			if ended != "" {
				return corev1.Pod{}, fmt.Errorf("job/%s ended before its pod ran: %s", f.Job.Name, ended)
			}
		}
		f.tell(why)
		if err := pause(ctx); err != nil {
			return corev1.Pod{}, err
		}
	}
}

// patience is how long the API server may be away.
var patience = time.Minute

// ask asks again while the API server is away. What it answers is an answer.
func (f *Follower) ask(ctx context.Context, do func() error) error {
	for began := time.Now(); ; {
		err := do()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil || apierrors.IsNotFound(err) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || time.Since(began) > patience:
			return err
		}
		f.tell("The cluster does not answer: " + err.Error())
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func (f *Follower) pods(ctx context.Context) (all []corev1.Pod, err error) {
	err = f.ask(ctx, func() (err error) {
		all, err = pods(ctx, f.Client, f.Job)
		return err
	})
	return all, err
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(every):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func state(p corev1.Pod) (s corev1.ContainerState) {
	for _, c := range p.Status.ContainerStatuses {
		if c.Name == Container {
			s = c.State
		}
	}
	return s
}

func started(p corev1.Pod) bool {
	s := state(p)
	return s.Running != nil || s.Terminated != nil || p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded
}

// pending says why a pod does not run yet; empty where it is only on its way.
func (f *Follower) pending(ctx context.Context, p corev1.Pod) string {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return fmt.Sprintf("Pending: no node takes pod/%s: %s", p.Name, c.Message)
		}
	}
	if w := state(p).Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
		return fmt.Sprintf("Pending: pod/%s: %s: %s", p.Name, w.Reason, w.Message)
	}
	return f.events(ctx, "Pod", string(p.UID))
}

// events are the last warning about an object, which may be hidden from whoever asks.
func (f *Follower) events(ctx context.Context, kind, uid string) string {
	list, err := f.Client.CoreV1().Events(f.Job.Namespace).List(ctx, metav1.ListOptions{FieldSelector: fields.Set{"involvedObject.uid": uid}.String()})
	if err != nil {
		return ""
	}
	var last *corev1.Event
	for i, e := range list.Items {
		if e.Type == corev1.EventTypeWarning && string(e.InvolvedObject.UID) == uid && (last == nil || !e.LastTimestamp.Before(&last.LastTimestamp)) {
			last = &list.Items[i]
		}
	}
	if last == nil {
		return ""
	}
	return fmt.Sprintf("Pending: %s/%s: %s: %s", strings.ToLower(kind), last.InvolvedObject.Name, last.Reason, last.Message)
}

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

// end waits for the exit code of a pod's container; lost says why it never told one.
func (f *Follower) end(ctx context.Context, p corev1.Pod) (code int32, lost string, err error) {
	for {
		var now *corev1.Pod
		err := f.ask(ctx, func() (err error) {
			now, err = f.Client.CoreV1().Pods(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
			return err
		})
		switch {
		case apierrors.IsNotFound(err) || err == nil && now.UID != p.UID:
			return 0, fmt.Sprintf("pod/%s was deleted before it told its exit code: somebody removed it, or its node was drained", p.Name), nil
		case err != nil:
			return 0, "", err
		}
		if t := state(*now).Terminated; t != nil {
			if t.Reason == "OOMKilled" {
				f.tell(fmt.Sprintf("pod/%s took more memory than its limit, and was killed", p.Name))
			}
			return t.ExitCode, "", nil
		}
		if now.Status.Phase == corev1.PodFailed {
			return 0, fmt.Sprintf("pod/%s ended before podproof did: %s: %s", p.Name, now.Status.Reason, now.Status.Message), nil
		}
		if err := pause(ctx); err != nil {
			return 0, "", err
		}
	}
}

// again waits until the Job has ended, or has made another pod, and tells whether it has.
func (f *Follower) again(ctx context.Context, shown map[string]bool, code int32, lost bool) (bool, error) {
	for began := time.Now(); ; {
		all, err := f.pods(ctx)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(all, func(p corev1.Pod) bool { return !shown[string(p.UID)] }) {
			return true, nil
		}
		// A broken promise and wrong input are final, whatever keeps the Job from saying so.
		ended, err := f.ended(ctx)
		if err != nil || ended != "" || code <= 2 && !lost || time.Since(began) > settled {
			return false, err
		}
		if err := pause(ctx); err != nil {
			return false, err
		}
	}
}

// ended says how the Job ended; empty where it has not.
func (f *Follower) ended(ctx context.Context) (string, error) {
	var j *batchv1.Job
	err := f.ask(ctx, func() (err error) {
		j, err = f.Client.BatchV1().Jobs(f.Job.Namespace).Get(ctx, f.Job.Name, metav1.GetOptions{})
		return err
	})
	if apierrors.IsNotFound(err) || err == nil && j.UID != f.Job.UID {
		return "somebody deleted it", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading job/%s in namespace %s: %w", f.Job.Name, f.Job.Namespace, err)
	}
	for _, c := range j.Status.Conditions {
		if c.Status == corev1.ConditionTrue && slices.Contains([]batchv1.JobConditionType{batchv1.JobComplete, batchv1.JobFailed, batchv1.JobFailureTarget, batchv1.JobSuccessCriteriaMet}, c.Type) {
			return cmp.Or(strings.Trim(c.Reason+": "+c.Message, ": "), string(c.Type)), nil
		}
	}
	return "", nil
}
