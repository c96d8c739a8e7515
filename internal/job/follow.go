package job

import (
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

// hopelessFor is how long a pod may be in a state that time alone does not mend.
var hopelessFor = 15 * time.Second

// next waits for a pod that was not shown yet, and whose container runs, or ran.
func (f *Follower) next(ctx context.Context, shown map[string]bool) (corev1.Pod, error) {
	p, ended, err := f.another(ctx, shown)
	if err == nil && ended != "" {
		err = fmt.Errorf("job/%s ended before its pod ran: %s", f.Job.Name, ended)
	}
	return p, err
}

// another does so, or says how the Job has ended.
func (f *Follower) another(ctx context.Context, shown map[string]bool) (p corev1.Pod, ended string, err error) {
	for hopeful := time.Now(); ; {
		all, err := f.pods(ctx)
		if err != nil {
			return p, "", err
		}
		i := slices.IndexFunc(all, func(p corev1.Pod) bool { return !shown[string(p.UID)] })
		if i >= 0 && started(all[i]) {
			return all[i], "", nil
		}
		why := ""
		if i >= 0 {
			why = f.pending(ctx, all[i])
			switch never := neverStarts(all[i]); {
			case never == "":
				hopeful = time.Now()
			case time.Since(hopeful) > hopelessFor:
				return p, "", errors.New(never)
			}
		} else {
			ended, err := f.ended(ctx)
			if err != nil || ended != "" {
				return p, ended, err
			}
			why = f.events(ctx, "Job", string(f.Job.UID))
		}
		f.tell(why)
		if err := pause(ctx); err != nil {
			return p, "", err
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
