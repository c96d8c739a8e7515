package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

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
there it asks what a run asks before it makes anything: rights, names that are taken, pods of
others. It makes nothing, and for a kind cluster that podproof would make it needs no Docker.`,
		Example: `  podproof plan
  podproof plan --cluster context:staging -n proof registry.example/shop/api:1.4.2`,
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error { return f.plan(c.Context(), strings.Join(args, "")) },
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
	switch {
	case errors.As(err, new(*pipeline.InputError)):
		return usage(err)
	case err != nil:
		return couldNot(explainDisk(err))
	}
	fmt.Println(report.Clean(planText(p)))
	return nil
}

// planText is a plan for a person.
func planText(p pipeline.Plan) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	what := p.Image
	if p.Workload != "" {
		what = strings.TrimSpace(p.Workload + " with the image " + p.Image)
	}
	line("Verify %s, in %s", what, p.Where)
	list := func(title string, items []string) {
		if len(items) > 0 {
			line("\n%s", title)
		}
		for _, i := range items {
			line("  %s", strings.ReplaceAll(i, "\n", "\n    "))
		}
	}
	var broken, skipped, tried []string
	for _, v := range p.Broken {
		broken = append(broken, fmt.Sprintf("%s: %s\n%s", v.Check.ID, v.Seen, v.Fix))
	}
	for _, v := range p.Skipped {
		skipped = append(skipped, v.Check.ID+": "+v.Seen)
	}
	for _, v := range p.Tried {
		tried = append(tried, fmt.Sprintf("%-36s %s", v.Check.ID, v.Check.Title))
	}
	list(fmt.Sprintf("Broken already, by the manifests alone (%d):", len(broken)), broken)
	list("Cannot be tried for want of a right:", p.Lacking)
	list(fmt.Sprintf("Would be tried (%d promises):", len(tried)), tried)
	list("Would not be tried:", skipped)
	list("More would be tried with these lines in the contract:", p.Hints)
	list("Would be applied:", p.Applied)
	list("Would be left out of the manifests:", p.LeftOut)
	list("In these steps, side by side where they do not wait for each other:", p.Steps)
	line("\nThe steps end within %s at the latest, the building and the moving of images aside; good images take a small part of that.", p.AtMost.Round(time.Second))
	b.WriteString("Nothing was made.")
	return b.String()
}
