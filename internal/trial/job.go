package trial

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// JobWithin bounds a Job of the manifests, such as a migration: it waits for nothing, since
// all that it needs is there.
const JobWithin = 3 * time.Minute

// Jobs applies the Jobs of the manifests, placed in the observer's namespace, and waits until
// each has run to its end. Ready then means completed. What the pods said comes back in any
// case; the error of a Job that fails brings their last words.
func Jobs(ctx context.Context, a *workload.Applier, o *workload.Observer, jobs []workload.Controller) ([]evidence.Dependency, error) {
	var objects []workload.Object
	for _, j := range jobs {
		objects = append(objects, j.Object)
	}
	if err := a.Apply(ctx, objects); err != nil {
		return nil, err
	}
	var out []evidence.Dependency
	for _, j := range jobs {
		d, err := awaitJob(ctx, a.Client, o, j)
		out = append(out, d)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func awaitJob(ctx context.Context, client kubernetes.Interface, o *workload.Observer, j workload.Controller) (evidence.Dependency, error) {
	began := time.Now()
	late := fmt.Errorf("it has not ended within %s", JobWithin)
	bounded, cancel := context.WithTimeoutCause(ctx, JobWithin, late)
	defer cancel()
	first := make(chan error, 2)
	go func() { first <- jobEnd(bounded, client, j) }()
	go func() { first <- jobStuck(bounded, o, j) }()
	err := <-first
	if context.Cause(bounded) == late {
		err = late
	}
	cancel()
	<-first
	d := evidence.Dependency{Object: j.String(), Ready: err == nil, Seconds: time.Since(began).Seconds()}
	for _, uid := range o.UIDs(podsOf(j)) {
		p := o.Evidence(uid, "")
		d.Pods = append(d.Pods, o.Evidence(uid, lastContainer(p.Spec, p.Status)))
	}
	switch {
	case ctx.Err() != nil:
		return d, context.Cause(ctx)
	case err != nil:
		err = fmt.Errorf("%s did not complete: %w%s", j, err, lastWords(d.Pods))
	}
	return d, err
}

// jobEnd waits for the end of a Job: nil when it has completed.
func jobEnd(ctx context.Context, client kubernetes.Interface, j workload.Controller) error {
	lw := workload.OneObject(client, client.BatchV1().Jobs(j.GetNamespace()), j.GetName())
	there := func(s cache.Store) (bool, error) {
		if len(s.ListKeys()) == 0 {
			return false, errors.New("it was removed before its end was seen; leave out its ttlSecondsAfterFinished")
		}
		return false, nil
	}
	_, err := watchtools.UntilWithSync(ctx, lw, &batchv1.Job{}, there, func(e watch.Event) (bool, error) {
		job, ok := e.Object.(*batchv1.Job)
		if !ok {
			return false, nil
		}
		done, err := jobEnded(job)
		if !done && e.Type == watch.Deleted {
			err = errors.New("somebody removed it before its end")
		}
		return done, err
	})
	return err
}

// jobEnded tells whether a Job is over, and how it failed.
func jobEnded(job *batchv1.Job) (bool, error) {
	for _, c := range job.Status.Conditions {
		switch {
		case c.Status != corev1.ConditionTrue:
		case c.Type == batchv1.JobComplete:
			return true, nil
		case c.Type == batchv1.JobFailed:
			return true, fmt.Errorf("%s (%s)", strings.TrimSuffix(c.Message, "."), c.Reason)
		}
	}
	return false, nil
}

// jobStuck waits until a Job's pod cannot run any more. One that fails is the Job's to repeat.
func jobStuck(ctx context.Context, o *workload.Observer, j workload.Controller) error {
	return o.Wait(ctx, podsOf(j), func(ps []*workload.Observed) (bool, string, error) {
		seen := j.String() + " has no pod yet"
		for _, p := range ps {
			seen = workload.Summary(p.Pod)
			if repeats(p.Pod) || !p.Gone.IsZero() {
				continue
			}
			if why := workload.Hopeless(p); why != "" {
				return false, "", errors.New(why)
			}
		}
		return false, seen, nil
	})
}

// repeats tells whether the pod has failed, or is about to be tried again.
func repeats(p *corev1.Pod) bool {
	if p.Status.Phase == corev1.PodFailed {
		return true
	}
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, s := range list {
			if s.LastTerminationState.Terminated != nil || s.State.Terminated != nil {
				return true
			}
		}
	}
	return false
}

// lastContainer is the one whose log tells of the pod's end: an init container that failed, or
// else the first.
func lastContainer(spec corev1.PodSpec, status corev1.PodStatus) string {
	for _, s := range status.InitContainerStatuses {
		if t := s.State.Terminated; t != nil && t.ExitCode != 0 || s.LastTerminationState.Terminated != nil {
			return s.Name
		}
	}
	return spec.Containers[0].Name
}
