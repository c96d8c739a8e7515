package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/cluster/existing"
	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/internal/workload"
)

// removeWithin bounds the removal of a Job: its pod cleans up first, which Kubernetes gives it 90 s for.
const removeWithin = 3 * time.Minute

// follow runs the Job in the cluster of the kubeconfig, and reports here.
func (f *jobFlags) follow(ctx context.Context, s job.Spec) error {
	outs, err := report.ParseOutputs(f.outputs)
	if err == nil && len(s.Parts) > 0 {
		err = f.checkMany(outs, names(s.Parts))
	} else if err == nil {
		err = f.checkFiles(outs)
	}
	if err != nil {
		return usage(err)
	}
	var o pipeline.Options
	where := clusterFlags{cluster: f.cluster, kubeconfig: f.kubeconfig}
	if err := where.ofKubeconfig(&o); err != nil {
		return usage(err)
	}
	c, err := existing.Provider{}.Prepare(ctx, cluster.Spec{Existing: o.Existing, Kubeconfig: o.Kubeconfig})
	if err != nil {
		return usage(err)
	}
	client, err := kubernetes.NewForConfig(c.REST())
	if err != nil {
		return couldNot(fmt.Errorf("connecting to the cluster: %w", err))
	}
	stream := outs.ProgressTo(os.Stdout, os.Stderr)
	console := f.console(stream, "job")
	progress := report.NewProgress(stream, console)
	defer progress.Close()
	r := jobRun{jobFlags: f, client: client, objects: s.Objects(), names: names(s.Parts), outs: outs, console: console, progress: progress, stdout: os.Stdout}
	return r.run(ctx)
}

// jobRun is a Job that is run from here.
type jobRun struct {
	*jobFlags
	client   kubernetes.Interface
	objects  job.Objects
	names    []string // of several contracts
	outs     report.Outputs
	console  report.Console
	progress *report.Progress
	stdout   io.Writer
}

// run applies the Job, shows it, and removes it whatever comes of it.
func (r jobRun) run(ctx context.Context) error {
	j, err := job.Apply(ctx, r.client, r.objects)
	var code int
	var codes map[int]int
	if err == nil {
		r.progress.Note(fmt.Sprintf("Made job/%s in namespace %s", j.Name, j.Namespace))
		follower := &job.Follower{Client: r.client, Job: j, Out: r.progress, Note: r.progress.Note}
		if r.names != nil {
			codes, err = follower.FollowAll(ctx, r.names)
		} else {
			code, err = follower.Follow(ctx)
		}
	}
	switch {
	case err != nil:
	case r.names != nil:
		err = r.reportedMany(ctx, j, codes)
	default:
		err = r.reported(ctx, j, code)
	}
	if left := r.remove(ctx, j); left != nil {
		err = errors.Join(err, couldNot(left))
	}
	var refused *job.Refused
	switch {
	case ctx.Err() != nil && err == nil:
		return context.Cause(ctx)
	case errors.As(err, &refused):
		return usage(err)
	case err == nil, errors.As(err, new(exitError)), errors.As(err, new(*pipeline.Stopped)):
		return err
	}
	return couldNot(err)
}

// remove removes the Job, also when the run was stopped.
func (r jobRun) remove(ctx context.Context, j workload.InJob) error {
	if j.UID == "" {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), removeWithin, fmt.Errorf("it took longer than %s", removeWithin))
	defer cancel()
	done := r.progress.StepTo("Removing the Job", "Job removed")
	err := job.Remove(ctx, r.client, r.objects, j)
	done(err)
	return err
}

// reported writes the reports that were asked for, beside the one that the log has shown, and returns the
// Job's exit code.
func (r jobRun) reported(ctx context.Context, j workload.InJob, code int) error {
	err := r.write(ctx, j, code != exitPass)
	switch code {
	case exitPass:
		if err != nil {
			return couldNot(err)
		}
		return nil
	case exitFail, exitUsage, exitInconclusive:
		return exitError{code, err}
	}
	return couldNot(errors.Join(fmt.Errorf("podproof ended with exit code %d in the Job, which it never does by itself: 137 is a process that was killed, as for its memory or at the Job's deadline, 130 one that was told to stop", code), err))
}

// write writes them from the evidence of the Job, by which this podproof comes to the same verdicts. As
// after any run, the evidence of one that has failed is kept, whether it was asked for or not.
func (r jobRun) write(ctx context.Context, j workload.InJob, failed bool) error {
	outs := r.outs.Beside()
	asked := len(outs) > 0 || r.evidence != "" || r.waiversTo != ""
	if !asked && !failed {
		return nil
	}
	res, err := job.Fetch(ctx, r.client, j)
	if err != nil {
		return err
	}
	if res == nil && !asked {
		return nil // as of wrong input, which the log has told
	}
	if res == nil {
		return errors.New("the Job left no result, so that no report is written here; its log says why")
	}
	if len(res.Evidence) == 0 {
		return fmt.Errorf("the Job's result has no evidence, so that no report is written here: %s", res.LeftOut)
	}
	rec, err := report.ReadRecord("the evidence of job/"+j.Name, res.Evidence)
	if err != nil {
		return err
	}
	selected, err := check.Select(rec.Selected, nil)
	if err != nil {
		return err
	}
	out := report.New(rec.Contract, rec.Evidence, check.Judge(selected, rec.Contract, rec.Evidence)).At(rec.Home)
	if err = r.keepEvidence(&out, rec, failed); out.Evidence != "" && err == nil {
		r.progress.Note("The evidence is in " + out.Kept())
	}
	r.progress.Close()
	return explainDisk(errors.Join(err, outs.Write(out, r.stdout, r.console), r.writeWaivers(out)))
}
