package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/report"
)

func newDiff() *cobra.Command {
	var verbose, noColor bool
	var format string
	c := &cobra.Command{
		Use:   "diff BEFORE.json AFTER.json",
		Short: "Say what got better and what worse between two runs",
		Long: `diff judges the evidence of two runs, which ` + "`podproof verify --evidence FILE`" + ` kept, and tells what
changed: promises that are broken, undecided, waived or kept now, and then numbers: the image's size and
layers, the time to Ready, memory, how pods end, the requests that rollouts lost, and the run's time.

A number counts where it changed by more than runs of one image do; the bounds are printed beside it.
Times of a run on a much busier machine are told and not judged. The number of layers and the time of the
run are told, and are neither better nor worse. What one run alone tried is not compared.

With -o json it is one document: schemaVersion; before and after, the two runs; worse; changes, each with id,
title, turn, worse, and the verdicts before and after; numbers, with trend (same, better, worse, other) and the
bounds share and least; busier, why times are not judged; and untried, what one run alone tried.

Exit codes: 0 nothing is worse, 1 something is, 2 a file cannot be read.`,
		Example: `  podproof diff yesterday.json today.json
  podproof diff -v main.json branch.json
  podproof diff -o json main.json branch.json | jq -r '.changes[] | select(.worse) | .id'`,
		Args: asUsed,
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "terminal" && format != "json" {
				return usage(fmt.Errorf("-o %s: a difference is written as terminal or json", format))
			}
			var rs [2]report.Report
			for i, file := range args {
				r, err := judged(file)
				if err != nil {
					return usage(err)
				}
				rs[i] = r
			}
			d := report.Compare(rs[0], rs[1])
			write := func() error {
				return report.WriteDiff(cmd.OutOrStdout(), d, report.ConsoleOf(os.Stdout, cmd.Name(), noColor, verbose))
			}
			if format == "json" {
				write = func() error { return report.WriteDiffJSON(cmd.OutOrStdout(), d) }
			}
			if err := write(); err != nil {
				return couldNot(explainDisk(err))
			}
			if d.Worse() {
				return exitError{code: exitFail}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&format, "output", "o", "terminal", "write it as this `FORMAT`: terminal or json")
	complete(c, "output", []string{"terminal", "json"})
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "verbose: the numbers that did not change, too")
	c.Flags().BoolVar(&noColor, "no-color", false, "no colours (NO_COLOR does the same)")
	return c
}

// judged is the report of kept evidence, as `podproof judge` has it.
func judged(file string) (report.Report, error) {
	rec, err := report.ReadFile(file)
	if err != nil {
		return report.Report{}, err
	}
	selected, err := check.Select(rec.Selected, nil)
	if err != nil {
		return report.Report{}, fmt.Errorf("%s: %w", file, err)
	}
	return report.New(rec.Contract, rec.Evidence, check.Judge(selected, rec.Contract, rec.Evidence)).At(rec.Home), nil
}
