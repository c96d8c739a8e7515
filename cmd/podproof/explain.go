package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/report"
)

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain ID",
		Short: "Explain a promise: how it is tried, what passes, how to fix or waive it",
		Long: `explain tells of one check what is promised and why, what is done to which pod to try it, what passes
and what fails, how to fix it with the common stacks, and how to turn it off or waive it. A glob
explains all that it fits.`,
		Example: `  podproof explain termination/exit-zero
  podproof explain 'probes/*'`,
		Args:              asUsed,
		ValidArgsFunction: cobra.FixedCompletions(checkIDs(check.Catalogue()), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(c *cobra.Command, args []string) error {
			chosen, err := check.Select(args, nil)
			if err != nil {
				return usage(err)
			}
			for i, ch := range chosen {
				if i > 0 {
					fmt.Fprintln(c.OutOrStdout())
				}
				if err := report.WriteExplanation(c.OutOrStdout(), ch); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
