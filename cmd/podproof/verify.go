package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/internal/workload"
)

type verifyFlags struct {
	file       string
	only, skip []string
	keep       bool
	cluster    string
	nodeImage  string
	setImages  []string
	buildArgs  []string
	timeout    time.Duration
	outputs    []string
	evidence   string
	verbose    bool
	noColor    bool
}

func newVerify() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify [flags] [IMAGE]",
		Short: "Build an image, run it in a kind cluster next to its database, and say which promises hold",
		Long: `verify builds the image that the contract names (or takes IMAGE from the Docker engine),
makes a kind cluster, loads the image into it, applies the manifests, and tries every
promise of ` + "`podproof checks`" + `. Nothing stays behind: not the cluster, not in your
kubeconfig, not in your working tree.`,
		Example: `  # what podproof.yaml in this folder promises
  podproof verify

  # an image that was built elsewhere, against another contract
  podproof verify -f deploy/podproof.yaml registry.example/shop/api:1.4.2

  # in a kind cluster that runs already, without the checks of the build
  podproof verify --cluster kind:dev --skip 'build/*'

  # for a CI: a report at the terminal and two files
  podproof verify -o terminal -o json=report.json -o junit=junit.xml --evidence evidence.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(c.Context(), strings.Join(args, ""))
		},
	}
	fl := c.Flags()
	fl.StringVarP(&f.file, "file", "f", contract.DefaultFile, "the contract")
	fl.StringSliceVar(&f.only, "only", nil, "check `IDs` to run, with globs: 'image/*'")
	fl.StringSliceVar(&f.skip, "skip", nil, "check `IDs` to leave out, with globs")
	fl.BoolVar(&f.keep, "keep", false, "keep the cluster, and say how to look at it")
	fl.StringVar(&f.cluster, "cluster", "kind", "`kind` makes a cluster, kind:NAME uses a running one")
	fl.StringVar(&f.nodeImage, "node-image", os.Getenv("PODPROOF_NODE_IMAGE"), "kind's node `image` (default: kind's own; from PODPROOF_NODE_IMAGE)")
	fl.StringSliceVar(&f.setImages, "set-image", list(os.Getenv("PODPROOF_SET_IMAGE")), "run another image for one of the manifests', `OLD=NEW` (from PODPROOF_SET_IMAGE)")
	fl.StringArrayVar(&f.buildArgs, "build-arg", nil, "build argument `NAME=VALUE`, or NAME with the environment's value")
	fl.DurationVar(&f.timeout, "timeout", 10*time.Minute, "give up after this time")
	fl.StringArrayVarP(&f.outputs, "output", "o", nil, "report as `FORMAT[=FILE]`: terminal, json or junit; may be repeated")
	fl.StringVar(&f.evidence, "evidence", "", "keep what was observed in this `FILE`, for `podproof judge`")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "tell more: what was derived, each check's evidence, the steps")
	fl.BoolVar(&f.noColor, "no-color", false, "no colours (NO_COLOR does the same)")
	complete(c, "only", checkIDs())
	complete(c, "skip", checkIDs())
	complete(c, "output", []string{"terminal", "json", "junit", "json=report.json", "junit=junit.xml"})
	return c
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func checkIDs() []string {
	var ids []string
	for _, c := range check.Catalogue() {
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

func (f *verifyFlags) run(ctx context.Context, image string) error {
	outs, err := report.ParseOutputs(f.outputs)
	if err != nil {
		return usage(err)
	}
	o, err := f.options(image)
	if err != nil {
		return usage(err)
	}
	if err := f.checkFiles(outs); err != nil {
		return usage(err)
	}
	if o.Runs, err = runsDir(); err != nil {
		return couldNot(err)
	}
	if f.timeout <= 0 {
		return usage(fmt.Errorf("--timeout %s: give a time above zero, such as 10m", f.timeout))
	}
	errTimeout := fmt.Errorf("the run took longer than --timeout %s", f.timeout)
	limited, cancel := context.WithTimeoutCause(ctx, f.timeout, errTimeout)
	defer cancel()

	stream := outs.ProgressTo(os.Stdout, os.Stderr)
	console := report.ConsoleOf(stream, f.noColor, f.verbose)
	progress := report.NewProgress(stream, console)
	defer progress.Close()
	o.Tell, o.Debug = progress, func(string) {}
	if f.verbose {
		o.Debug = progress.Note
	}
	result, err := pipeline.Verify(limited, o)
	progress.Close()
	if err != nil && limited.Err() != nil {
		err = context.Cause(limited)
	}
	var input *pipeline.InputError
	switch {
	case errors.As(err, &input):
		return usage(err)
	case errors.Is(err, errInterrupted):
		return err
	case errors.Is(err, errTimeout):
		err = fmt.Errorf("%w, and what it had created is removed. It was at: %s", err, at(result))
		if result.Evidence.Run.ID == "" {
			return couldNot(err)
		}
		return cutOff(err, f.report(result, outs, console))
	case err != nil:
		return couldNot(explainDisk(err))
	}
	return f.report(result, outs, console)
}

// cutOff is how a run ends that the timeout cut off after something was observed: a promise
// that is broken by then is broken, and whatever else was reported, the run is not complete.
func cutOff(timeout, reported error) error {
	var code exitError
	if errors.As(reported, &code) {
		return exitError{code.code, errors.Join(timeout, code.err)}
	}
	return couldNot(errors.Join(timeout, reported))
}

// report judges the evidence, renders it, and turns it into the exit code.
func (f *verifyFlags) report(result pipeline.Result, outs report.Outputs, console report.Console) error {
	selected, err := check.Select(f.only, f.skip)
	if err != nil {
		return usage(err)
	}
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
func (f *verifyFlags) keepEvidence(r report.Record, failed bool) (string, error) {
	file := f.evidence
	if file == "" {
		dir, err := cacheDir()
		if err != nil || !failed {
			return "", err
		}
		file = filepath.Join(dir, "evidence.json")
	}
	return file, r.WriteFile(file)
}

func (f *verifyFlags) options(image string) (pipeline.Options, error) {
	o := pipeline.Options{Image: image, NodeImage: f.nodeImage, BuildArgs: f.buildArgs, Keep: f.keep, Version: version()}
	var err error
	if o.Selected, err = check.Select(f.only, f.skip); err != nil {
		return o, err
	}
	if o.SetImages, err = workload.ParseSetImage(f.setImages); err != nil {
		return o, err
	}
	switch name, isKind := strings.CutPrefix(f.cluster, "kind:"); {
	case f.cluster == "kind":
	case isKind && name != "":
		o.Borrow = name
	default:
		return o, fmt.Errorf("--cluster %q: write kind to make a cluster, or kind:NAME to use a running one", f.cluster)
	}
	o.Contract, err = contract.Load(f.file)
	return o, err
}

func (f *verifyFlags) checkFiles(outs report.Outputs) error {
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

// at names the steps that had not ended well when a run was cut off.
func at(r pipeline.Result) string {
	var steps []string
	for _, s := range r.Evidence.Steps {
		if s.Error != "" {
			steps = append(steps, s.Name)
		}
	}
	if len(steps) == 0 {
		return "nothing yet"
	}
	return strings.Join(steps, ", ")
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
