package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/cluster/existing"
	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// sweepWithin is what is left of a pod's grace period after podproof itself.
const sweepWithin = 60 * time.Second

// newAgentSweep is a sidecar of the Job's pod: it waits until it is told to stop, which the kubelet does
// once podproof has ended, and removes what that has left, where it was killed.
func newAgentSweep() *cobra.Command {
	return &cobra.Command{Use: "sweep", Short: "Wait for SIGTERM, and remove what the run of this Job has left", Args: asUsed, Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			<-c.Context().Done()
			ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(c.Context()), sweepWithin, fmt.Errorf("it took longer than %s", sweepWithin))
			defer cancel()
			o := pipeline.Options{Providers: providers("")}
			where := clusterFlags{cluster: "current"}
			err := where.into(&o)
			if err == nil {
				o.Job, err = job.Inside(os.Getenv, existing.Namespace)
			}
			if err == nil && o.Job == nil {
				err = errors.New("this is no pod of a Job that `podproof job` made")
			}
			if err == nil {
				err = pipeline.SweepJob(ctx, o, func(text string) { fmt.Fprintln(c.OutOrStdout(), report.Clean(text)) })
			}
			if err != nil {
				return couldNot(fmt.Errorf("agent sweep: %w", err))
			}
			return nil
		}}
}
