package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

func newPlan() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "plan [flags] [IMAGE]",
		Short: "Say what a run would do and what stands in its way, and make nothing",
		Long: `plan reads what ` + "`podproof verify`" + ` with the same flags reads, and says which promises would
be tried, which not and why, and what the manifests alone break already. Of a cluster that is
there it asks what a run asks before it makes anything, and what would meet it there: rights, names
that are taken, quotas, limits, network policies, Pod Security, pull secrets, images. It makes nothing,
and for a kind cluster that podproof would make it needs no Docker. Its exit code is 2 where a run
would end at once.`,
		Example: `  podproof plan
  podproof plan --cluster context:staging -n proof registry.example/shop/api:1.4.2`,
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			one, err := f.one()
			switch image := strings.Join(args, ""); {
			case err != nil:
				return usage(err)
			case !one:
				return f.planMany(c.Context(), image)
			default:
				return f.plan(c.Context(), image)
			}
		},
	}
	f.addRun(c)
	return c
}

// plan prints what a run would do.
func (f *verifyFlags) plan(ctx context.Context, image string) error {
	o, err := f.options(image)
	if err != nil {
		return usage(err)
	}
	if o.Runs, err = runsDir(); err != nil {
		return couldNot(err)
	}
	console := report.ConsoleOf(os.Stderr, "plan", f.noColor, f.verbose)
	progress := report.NewProgress(os.Stderr, console)
	defer progress.Close()
	o.Tell, o.Debug = progress, func(string) {}
	if f.verbose {
		o.Debug = progress.Note
	}
	limited, cancel := context.WithTimeoutCause(ctx, f.timeout, &pipeline.Stopped{By: fmt.Sprintf("--timeout of %s", f.timeout)})
	defer cancel()
	p, err := pipeline.MakePlan(limited, o)
	progress.Close()
	if p.Where != "" { // what is known before the cluster could not be asked
		fmt.Println(report.Clean(planText(p, f.verbose)))
	}
	switch {
	case errors.As(err, new(*pipeline.InputError)):
		return usage(err)
	case err != nil:
		return couldNot(explainDisk(err))
	case len(p.Stops) > 0:
		return usage(errors.New("a run would end before it makes anything, see above"))
	}
	return nil
}
