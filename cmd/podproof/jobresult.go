package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// terminationLog is where a container leaves its last words for `kubectl describe pod` (its default
// terminationMessagePath).
const terminationLog = "/dev/termination-log"

// tellWithin bounds how long the result is written to the cluster.
const tellWithin = 20 * time.Second

// tellJob tells the result where readers in a cluster look for it: a Job's in the pod's termination message,
// and in a ConfigMap, others' in a file that they name. What cannot be told there is said, and changes no verdict.
func (f *verifyFlags) tellJob(ctx context.Context, o pipeline.Options, result pipeline.Result) {
	file := os.Getenv(job.ResultVariable)
	if o.Job == nil && file == "" {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, tellWithin, fmt.Errorf("it took longer than %s", tellWithin))
	defer cancel()
	res, message, err := jobResult(o.Selected, result)
	if err == nil && file != "" {
		err = os.WriteFile(file, []byte(res.Line), 0o644)
	}
	if err == nil && o.Job != nil {
		err = errors.Join(lastWords(terminationLog, message), publish(ctx, o, res))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "podproof: the result is not told everywhere:", report.Clean(err.Error()))
	}
}

// jobResult renders a result for a Job's readers; message is that of its pod.
func jobResult(selected []check.Check, result pipeline.Result) (res job.Result, message string, err error) {
	r := report.New(result.Contract, result.Evidence, check.Judge(selected, result.Contract, result.Evidence))
	r.Ending = "The evidence is in the same ConfigMap."
	var ids []string
	for _, s := range selected {
		ids = append(ids, s.ID)
	}
	kept := report.NewRecord(result.Contract, ids, result.Evidence)
	kept.Home = nil // it lies in the pod; who reads it has the files elsewhere
	var js, record, summary bytes.Buffer
	err = errors.Join(report.WriteJSON(&js, r, report.Console{}), kept.Encode(&record), report.WriteMarkdown(&summary, r, report.Console{}))
	return job.Result{Run: result.Evidence.Run.ID, Line: report.Line(r), Report: js.Bytes(), Summary: summary.Bytes(), Evidence: record.Bytes()}, report.LastWords(r), err
}

// lastWords writes the termination message, where there is a place for it.
func lastWords(file, message string) error {
	w, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = w.WriteString(message)
	return errors.Join(err, w.Close())
}

// publish writes the result to the cluster that the run was in.
func publish(ctx context.Context, o pipeline.Options, res job.Result) error {
	c, err := o.Providers[o.Provider].Prepare(ctx, cluster.Spec{Existing: o.Existing, Kubeconfig: o.Kubeconfig})
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(c.REST())
	if err != nil {
		return fmt.Errorf("connecting to the cluster: %w", err)
	}
	return job.Publish(ctx, client, *o.Job, res)
}
