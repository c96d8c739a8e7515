package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/internal/workload"
)

type verifyFlags struct {
	judgeFlags
	keep      bool
	cluster   string
	nodeImage string
	setImages []string
	buildArgs []string
	timeout   time.Duration
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
	f.add(c, check.Catalogue())
	fl.StringVarP(&f.file, "file", "f", contract.DefaultFile, "the contract")
	fl.BoolVar(&f.keep, "keep", false, "keep the cluster, and say how to look at it")
	fl.StringVar(&f.cluster, "cluster", "kind", "`kind` makes a cluster, kind:NAME uses a running one")
	fl.StringVar(&f.nodeImage, "node-image", os.Getenv("PODPROOF_NODE_IMAGE"), "kind's node `image` (default: kind's own; from PODPROOF_NODE_IMAGE)")
	fl.StringSliceVar(&f.setImages, "set-image", list(os.Getenv("PODPROOF_SET_IMAGE")), "run another image for one of the manifests', `OLD=NEW` (from PODPROOF_SET_IMAGE)")
	fl.StringArrayVar(&f.buildArgs, "build-arg", nil, "build argument `NAME=VALUE`, or NAME with the environment's value")
	fl.DurationVar(&f.timeout, "timeout", 10*time.Minute, "give up after this time")
	return c
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
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
	if o.Cache, err = cacheDir(); err != nil {
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
		return cutOff(err, f.report(o.Selected, result, outs, console))
	case err != nil:
		return couldNot(explainDisk(err))
	}
	return f.report(o.Selected, result, outs, console)
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
	o.Contract, err = loadContract(f.file)
	return o, err
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
