package main

import (
	"os"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/report"
)

func newJudge() *cobra.Command {
	var file string
	var outputs []string
	var verbose, noColor bool
	c := &cobra.Command{
		Use:   "judge EVIDENCE.json",
		Short: "Judge kept evidence again, offline",
		Long: `judge reaches the verdicts of a run again from the evidence that
` + "`podproof verify --evidence FILE`" + ` kept. It touches neither Docker nor a cluster.
With -f it judges the same evidence by another contract.`,
		Example: `  podproof judge evidence.json
  podproof judge -f stricter.yaml -o json evidence.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			outs, err := report.ParseOutputs(outputs)
			if err != nil {
				return usage(err)
			}
			rec, err := report.ReadFile(args[0])
			if err != nil {
				return usage(err)
			}
			if file != "" {
				if rec.Contract, err = loadContract(file); err != nil {
					return usage(err)
				}
			}
			selected, err := check.Select(rec.Selected, nil)
			if err != nil {
				return usage(err)
			}
			if err := outs.Check(); err != nil {
				return usage(err)
			}
			r := report.New(rec.Contract, rec.Evidence, check.Judge(selected, rec.Contract, rec.Evidence))
			r.Evidence = args[0]
			if err := outs.Write(r, os.Stdout, report.ConsoleOf(os.Stdout, noColor, verbose)); err != nil {
				return couldNot(explainDisk(err))
			}
			if code := r.ExitCode(); code != exitPass {
				return exitError{code: code}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "judge by this contract instead of the recorded one")
	c.Flags().StringArrayVarP(&outputs, "output", "o", nil, "report as `FORMAT[=FILE]`: terminal, json or junit; may be repeated")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "tell more about each check")
	c.Flags().BoolVar(&noColor, "no-color", false, "no colours (NO_COLOR does the same)")
	return c
}

func newChecks() *cobra.Command {
	return &cobra.Command{
		Use:   "checks",
		Short: "List the promises that are checked, and why each matters",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return report.WriteCatalogue(c.OutOrStdout(), check.Catalogue())
		},
	}
}
