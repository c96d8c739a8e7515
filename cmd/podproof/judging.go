package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// reportFlags are those of every command that reports.
type reportFlags struct {
	outputs []string
	verbose bool
	quiet   bool
	noColor bool
}

func (f *reportFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringArrayVarP(&f.outputs, "output", "o", nil, report.FormatsUsage())
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "verbose: derived contract fields, evidence per check, step timings")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "quiet: what does not hold, each in a line, and nothing where all holds")
	c.MarkFlagsMutuallyExclusive("quiet", "verbose")
	fl.BoolVar(&f.noColor, "no-color", false, "no colours (NO_COLOR does the same)")
	complete(c, "output", report.FormatsCompletion())
}

// console is how a command of that name writes to a stream.
func (f *reportFlags) console(stream *os.File, name string) report.Console {
	c := report.ConsoleOf(stream, name, f.noColor, f.verbose)
	c.Quiet, c.Live = f.quiet, c.Live && !f.quiet
	return c
}

// judgeFlags are those of every command that observes and judges.
type judgeFlags struct {
	reportFlags
	waiverFlags
	command    string
	file       string
	manifests  []string         // in place of the contract's
	stdin      func() io.Reader // of which one may be "-"
	only, skip []string
	evidence   string
	keptIn     string // where the evidence is, beside a file; empty where it is nowhere else

	given *pflag.FlagSet
}

// add adds the flags but -f, whose default is not the same everywhere.
func (f *judgeFlags) add(c *cobra.Command, checks []check.Check) {
	f.command = c.Name()
	f.addSelection(c, checks)
	c.Flags().StringVar(&f.evidence, "evidence", "", "keep what was observed in this `FILE`, for `podproof judge`")
	f.reportFlags.add(c)
	f.waiverFlags.add(c)
}

// addSelection adds those that choose checks.
func (f *judgeFlags) addSelection(c *cobra.Command, checks []check.Check) {
	fl := c.Flags()
	f.given = fl
	fl.StringSliceVar(&f.only, "only", nil, "check `IDs` to run, with globs: 'image/*'; the exit code is theirs alone")
	fl.StringSliceVar(&f.skip, "skip", nil, "check `IDs` to leave out, with globs")
	complete(c, "only", checkIDs(checks))
	complete(c, "skip", checkIDs(checks))
}

// chosen are the checks of --only and --skip. An empty text, such as a variable that was not
// set, would choose all of them.
func (f *judgeFlags) chosen(only []string) ([]check.Check, error) {
	for name, globs := range map[string][]string{"only": f.only, "skip": f.skip} {
		if f.given != nil && f.given.Changed(name) && len(globs) == 0 {
			return nil, fmt.Errorf("--%s '': an empty text does not name a check; leave the flag out, or write IDs such as 'image/*'", name)
		}
	}
	return check.Select(only, f.skip)
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

// loadContract reads a contract whose waivers and skips name checks that there are.
func loadContract(file string) (contract.Contract, error) {
	c, err := contract.Load(file)
	if err != nil {
		return c, err
	}
	for i, w := range c.Waivers {
		if err := check.Matches(w.ID); err != nil {
			return c, c.Mistake(file, fmt.Sprintf("waivers[%d].id", i), "waivers[%d].id: %v", i, err)
		}
		if err := check.TakesPlaces(w.ID); w.Where != "" && err != nil {
			return c, c.Mistake(file, fmt.Sprintf("waivers[%d].id", i), "waivers[%d].where: %v", i, err)
		}
	}
	for i, s := range c.Skip {
		if err := check.Matches(s.ID); err != nil {
			return c, c.Mistake(file, fmt.Sprintf("skip[%d].id", i), "skip[%d].id: %v", i, err)
		}
	}
	return c, nil
}

// report judges the evidence, renders it, and turns it into the exit code.
func (f *judgeFlags) report(selected []check.Check, result pipeline.Result, outs report.Outputs, console report.Console) error {
	r := report.New(result.Contract, result.Evidence, check.Judge(selected, result.Contract, result.Evidence))
	err := f.keepEvidence(&r, recordOf(selected, result), r.ExitCode() != exitPass)
	r = answeredBy(r, result)
	if err := errors.Join(err, outs.Write(r, os.Stdout, console)); err != nil {
		return couldNot(explainDisk(err))
	}
	if err := f.writeWaivers(r); err != nil {
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

// recordOf is all that a run saw, and what it was asked for.
func recordOf(selected []check.Check, result pipeline.Result) report.Record {
	var ids []string
	for _, s := range selected {
		ids = append(ids, s.ID)
	}
	return report.NewRecord(result.Contract, ids, result.Evidence)
}

// keepEvidence writes the evidence where it was asked for, and that of a run that did not
// pass to the cache directory in any case: it is what one wants to look at then. The report tells of it.
func (f *judgeFlags) keepEvidence(r *report.Report, rec report.Record, failed bool) error {
	switch {
	case f.evidence != "":
		r.Evidence = f.evidence
		return rec.WriteFile(f.evidence)
	case f.keptIn != "":
		r.Evidence = f.keptIn
		return nil
	}
	dir, err := cacheDir()
	if err != nil || !failed {
		return err
	}
	if err := private(dir); err != nil {
		return err
	}
	prefix := "evidence-"
	if f.command == "inspect" {
		prefix = inspected
	}
	forgetOld(dir, prefix)
	r.Evidence = filepath.Join(dir, prefix+rec.Evidence.Run.ID+".json")
	r.Until = fmt.Sprintf("%d more are written", keptRuns+1) // one for each contract of a command
	return rec.WritePrivately(r.Evidence)
}

// inspected begins the names of what `podproof inspect` saw: a team that inspects images all
// day keeps what its last runs in a cluster saw.
const inspected = "evidence-inspect-"

// private makes a folder that nobody else may read: logs and answers lie in it. With
// --no-cache nobody else may have made it.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700) // one that was there before
}

// keptRuns is how many runs' evidence stays in the cache directory beside the latest.
const keptRuns = 9

// forgetOld removes the evidence of all but the last runs of a command. What it cannot remove does no harm.
func forgetOld(dir, prefix string) {
	files, _ := filepath.Glob(filepath.Join(dir, prefix+"*.json"))
	files = slices.DeleteFunc(files, func(f string) bool {
		return prefix != inspected && strings.HasPrefix(filepath.Base(f), inspected)
	})
	newestFirst(files)
	for _, f := range files[min(keptRuns, len(files)):] {
		_ = os.Remove(f)
	}
}

func newestFirst(files []string) {
	written := map[string]time.Time{}
	for _, f := range files {
		if i, err := os.Stat(f); err == nil {
			written[f] = i.ModTime()
		}
	}
	slices.SortFunc(files, func(a, b string) int { return written[b].Compare(written[a]) })
}

// lastKept is the evidence of the last run that did not pass, in the cache directory.
func lastKept() (string, error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	files, _ := filepath.Glob(filepath.Join(dir, "evidence-*.json"))
	if len(files) == 0 {
		return "", fmt.Errorf("%s holds no evidence, since no run has failed: name a file, such as `podproof verify --evidence FILE` keeps", dir)
	}
	newestFirst(files)
	return files[0], nil
}

func (f *judgeFlags) checkFiles(outs report.Outputs) error {
	if err := errors.Join(outs.Check(), f.checkWaivers()); err != nil {
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
