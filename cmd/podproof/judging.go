package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// judgeFlags are those of every command that observes and judges.
type judgeFlags struct {
	file       string
	only, skip []string
	outputs    []string
	evidence   string
	verbose    bool
	noColor    bool
}

// add adds the flags but -f, whose default is not the same everywhere.
func (f *judgeFlags) add(c *cobra.Command, checks []check.Check) {
	fl := c.Flags()
	fl.StringSliceVar(&f.only, "only", nil, "check `IDs` to run, with globs: 'image/*'")
	fl.StringSliceVar(&f.skip, "skip", nil, "check `IDs` to leave out, with globs")
	fl.StringArrayVarP(&f.outputs, "output", "o", nil, "report as `FORMAT[=FILE]`: terminal, json or junit; may be repeated")
	fl.StringVar(&f.evidence, "evidence", "", "keep what was observed in this `FILE`, for `podproof judge`")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "tell more: what was derived, each check's evidence, the steps")
	fl.BoolVar(&f.noColor, "no-color", false, "no colours (NO_COLOR does the same)")
	complete(c, "only", checkIDs(checks))
	complete(c, "skip", checkIDs(checks))
	complete(c, "output", []string{"terminal", "json", "junit", "json=report.json", "junit=junit.xml"})
}

func checkIDs(checks []check.Check) []string {
	var ids []string
	for _, c := range checks {
		ids = append(ids, c.ID+"\t"+c.Title)
	}
	return ids
}

func complete(c *cobra.Command, flag string, values []string) {
	err := c.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values, cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag does not exist: a mistake in this file
	}
}

// loadContract reads a contract whose waivers name checks that there are.
func loadContract(file string) (contract.Contract, error) {
	c, err := contract.Load(file)
	if err != nil {
		return c, err
	}
	var ids []string
	for _, ch := range check.Catalogue() {
		ids = append(ids, ch.ID)
	}
	for i, w := range c.Waivers {
		if slices.Contains(ids, w.ID) {
			continue
		}
		hint := "`podproof checks` lists them"
		if near := contract.Nearest(w.ID, ids); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return c, fmt.Errorf("%s: waivers[%d].id: there is no check %q; %s", cmp.Or(file, contract.DefaultFile), i, w.ID, hint)
	}
	return c, nil
}

// report judges the evidence, renders it, and turns it into the exit code.
func (f *judgeFlags) report(selected []check.Check, result pipeline.Result, outs report.Outputs, console report.Console) error {
	r := report.New(result.Contract, result.Evidence, check.Judge(selected, result.Contract, result.Evidence))
	var ids []string
	for _, s := range selected {
		ids = append(ids, s.ID)
	}
	kept, err := f.keepEvidence(report.NewRecord(result.Contract, ids, result.Evidence), r.ExitCode() != exitPass)
	r.Evidence = kept
	if err := errors.Join(err, outs.Write(r, os.Stdout, console)); err != nil {
		return couldNot(explainDisk(err))
	}
	if result.Kept != "" {
		fmt.Fprintln(os.Stderr, result.Kept)
	}
	if code := r.ExitCode(); code != exitPass {
		return exitError{code: code}
	}
	return nil
}

// keepEvidence writes the evidence where it was asked for, and that of a run that did not
// pass to the cache directory in any case: it is what one wants to look at then.
func (f *judgeFlags) keepEvidence(r report.Record, failed bool) (string, error) {
	file := f.evidence
	if file == "" {
		dir, err := cacheDir()
		if err != nil || !failed {
			return "", err
		}
		// With --no-cache nobody else may have made the folder.
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		file = filepath.Join(dir, "evidence-"+r.Evidence.Run.ID+".json")
		forgetOld(dir)
	}
	return file, r.WriteFile(file)
}

// keptRuns is how many runs' evidence stays in the cache directory beside the latest.
const keptRuns = 9

// forgetOld removes the evidence of all but the last runs. What it cannot remove does no harm.
func forgetOld(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "evidence-*.json"))
	written := map[string]time.Time{}
	for _, f := range files {
		if i, err := os.Stat(f); err == nil {
			written[f] = i.ModTime()
		}
	}
	slices.SortFunc(files, func(a, b string) int { return written[b].Compare(written[a]) })
	for _, f := range files[min(keptRuns, len(files)):] {
		_ = os.Remove(f)
	}
}

func (f *judgeFlags) checkFiles(outs report.Outputs) error {
	if err := outs.Check(); err != nil {
		return err
	}
	if f.evidence == "" {
		return nil
	}
	if err := report.CheckWritable(f.evidence); err != nil {
		return fmt.Errorf("--evidence: %w", err)
	}
	return nil
}

// explainDisk says what to do when the disk is full or the cache directory is not writable.
func explainDisk(err error) error {
	dir, _ := cacheDir()
	switch {
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w\nThe disk of podproof's cache directory %s is full: make room there, or set XDG_CACHE_HOME to a folder on another disk", err, dir)
	case errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w\nCheck that you may write to %s, or set XDG_CACHE_HOME to a folder where you may", err, dir)
	}
	return err
}
