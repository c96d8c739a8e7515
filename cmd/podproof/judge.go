package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/report"
)

func newJudge() *cobra.Command {
	var file string
	var f reportFlags
	c := &cobra.Command{
		Use:   "judge [EVIDENCE.json]",
		Short: "Judge kept evidence again, offline",
		Long: `judge reaches the verdicts of a run again from the evidence that
` + "`podproof verify --evidence FILE`" + ` kept; without a file from that of the last run that did not pass. It touches neither Docker nor a cluster.
With -f it judges the same evidence by another contract. What that one leaves to be derived is
taken from the recorded one, and printed.`,
		Example: `  podproof judge
  podproof judge evidence.json
  podproof judge -f stricter.yaml -o json evidence.json`,
		Args: asUsed,
		RunE: func(cmd *cobra.Command, args []string) error {
			outs, err := report.ParseOutputs(f.outputs)
			if err != nil {
				return usage(err)
			}
			kept := strings.Join(args, "")
			if kept == "" {
				if kept, err = lastKept(); err != nil {
					return usage(err)
				}
			}
			rec, err := report.ReadFile(kept)
			if err != nil {
				return usage(err)
			}
			if !f.quiet {
				fmt.Fprintf(os.Stderr, "podproof: judging %s, observed %s by podproof %s\n", kept, rec.Evidence.Run.Started.Format(time.RFC3339), report.Clean(rec.Evidence.Run.Version))
			}
			if file != "" {
				given, err := loadContract(file)
				if err != nil {
					return usage(err)
				}
				var taken []string
				rec.Contract, taken = contract.Complete(given, rec.Contract)
				if len(taken) > 0 {
					fmt.Fprintf(os.Stderr, "podproof: taken from the contract of that run, since %s leaves it out: %s\n", file, strings.Join(taken, ", "))
				}
			}
			selected, err := check.Select(rec.Selected, nil)
			if err != nil {
				return usage(err)
			}
			if err := outs.Check(); err != nil {
				return usage(err)
			}
			r := report.New(rec.Contract, rec.Evidence, check.Judge(selected, rec.Contract, rec.Evidence)).At(rec.Home)
			r.Evidence = kept
			if err := outs.Write(r, os.Stdout, f.console(os.Stdout, cmd.Name())); err != nil {
				return couldNot(explainDisk(err))
			}
			if code := r.ExitCode(); code != exitPass {
				return exitError{code: code}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "judge by the contract in this `FILE` instead of the recorded one")
	f.add(c)
	return c
}

func newChecks() *cobra.Command {
	return &cobra.Command{
		Use:   "checks",
		Short: "List the promises that are checked, and why each matters",
		Args:  asUsed,
		RunE: func(c *cobra.Command, _ []string) error {
			return report.WriteCatalogue(c.OutOrStdout(), check.Catalogue())
		},
	}
}
