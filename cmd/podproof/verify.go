package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/cluster/existing"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/internal/workload"
)

type verifyFlags struct {
	judgeFlags
	manyFlags
	again     againFlags
	attest    verifyAttest
	where     clusterFlags
	keep      bool
	noNodes   bool
	nodeImage string
	setImages []string
	buildArgs []string
	timeout   time.Duration
	patience  time.Duration
}

func newVerify() *cobra.Command {
	var f verifyFlags
	var dryRun bool
	c := &cobra.Command{
		Use:   "verify [flags] [IMAGE]",
		Short: "Build an image, run it in a kind cluster next to its database, and say which promises hold",
		Long: `verify builds the image that the contract names (or takes IMAGE from the Docker engine),
makes a kind cluster, loads the image into it, applies the manifests, and tries every
promise of ` + "`podproof checks`" + `. Nothing stays behind: not the cluster, not in your
kubeconfig, not in your working tree.

Without a podproof.yaml here, and without -f, all that can be is derived from the manifests of -m, or from those
in deploy, k8s, manifests, kustomize or the like, and from a Dockerfile; what was derived is said.
IMAGE chooses the workload that runs it. With a contract -m stands in for its manifests.

With --cluster warm the cluster is paused when the run is over, and resumed for the next one: it takes memory meanwhile, and no
CPU, for 12 hours at most. ` + "`podproof clean`" + ` removes it.

With --max-age a run that would try just what an earlier one tried, which passed and is younger than that, is
answered by the record of that one at once, and says so: the same image, manifests with the values of their Secrets, contract,
selection, build context, images beside it, node image or cluster, and podproof. --fresh runs all the same.

Where the machine is short of CPU when the workload has started, the run says so, and waits up to --patience for quiet
before the trials, since what is judged by time may stay undecided otherwise. It does not with several -f.

With several -f all contracts are verified in one cluster, which is made once; each has its own
namespaces, --timeout and report, and a table of all comes last. What is wrong with one of them is
told before anything is made. The exit code is the worst of theirs: 2 before 1 before 3 before 0.`,
		Example: `  # what podproof.yaml in this folder promises
  podproof verify

  # without a contract: manifests that are there, and those that Helm makes
  podproof verify -m deploy/ shop/api:1.4.2
  helm template shop charts/shop | podproof verify -m - shop/api:1.4.2

  # an image that was built elsewhere, against another contract
  podproof verify -f deploy/podproof.yaml registry.example/shop/api:1.4.2

  # in a kind cluster that runs already, without the checks of the build
  podproof verify --cluster kind:dev --skip 'build/*'

  # in the cluster that the run before has left paused, or in a new one that is left for the next
  podproof verify --cluster warm

  # several services in one cluster, which is made once; {} is the contract's name
  podproof verify -f services/api/podproof.yaml -f services/web/podproof.yaml -o junit=junit.xml --evidence 'evidence-{}.json'

  # in a namespace of any cluster, with the image as its nodes pull it
  podproof verify --cluster context:staging -n podproof registry.example/shop/api@sha256:…

  # at once where the same has passed within the hour
  podproof verify --max-age 1h

  # for a CI: a report at the terminal and two files
  podproof verify -o terminal -o json=report.json -o junit=junit.xml --evidence evidence.json`,
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			image := strings.Join(args, "")
			one, err := f.one()
			switch {
			case err != nil:
				return usage(err)
			case !one && dryRun:
				return f.planMany(c.Context(), image)
			case !one:
				return f.runMany(c.Context(), image)
			case dryRun:
				return f.plan(c.Context(), image)
			}
			return f.run(c.Context(), image)
		},
	}
	f.addRun(c)
	f.again.add(c)
	f.attest.add(c)
	c.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done, as podproof plan does, and make nothing")
	return c
}

// addRun adds the flags of a run.
func (f *verifyFlags) addRun(c *cobra.Command) {
	fl := c.Flags()
	f.add(c, check.Catalogue())
	fl.StringArrayVarP(&f.files, "file", "f", []string{contract.DefaultFile}, "read the contract from this `FILE`; given several times, all are verified in one cluster")
	fl.IntVar(&f.parallel, "parallel", 0, "verify `N` of several contracts at once (default: two for each processor)")
	f.addManifests(c)
	fl.BoolVar(&f.keep, "keep", false, "keep the cluster, and say how to look at it")
	f.where.add(c)
	fl.BoolVar(&f.noNodes, "no-node-access", false, "touch no node of the cluster, and see what a cluster gives whose nodes cannot be touched")
	fl.StringVar(&f.nodeImage, "node-image", os.Getenv("PODPROOF_NODE_IMAGE"), "node `IMAGE` of the kind cluster (default: kind's own; from PODPROOF_NODE_IMAGE)")
	fl.StringSliceVar(&f.setImages, "set-image", nil, "`OLD=NEW` runs the image NEW where the manifests say OLD (in addition to PODPROOF_SET_IMAGE)")
	fl.StringArrayVar(&f.buildArgs, "build-arg", nil, "build argument `NAME=VALUE`, or NAME with the environment's value")
	fl.DurationVar(&f.timeout, "timeout", 10*time.Minute, "stop after this `DURATION`, such as 10m or 600s, and report what is known by then")
	addPatience(fl, &f.patience)
}

// usualPatience is how long a run waits for a quiet machine, unless it is told otherwise.
const usualPatience = 30 * time.Second

func addPatience(fl *pflag.FlagSet, d *time.Duration) {
	fl.DurationVar(d, "patience", usualPatience, "where the machine is short of CPU before the trials, wait up to this `DURATION` for quiet; 0 does not wait")
}

func checkPatience(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("--patience %s: give a time such as 30s, or 0 not to wait", d)
	}
	return nil
}

// setImages are those of the environment and of the flag, which goes before.
func setImages(environment string, flags []string) (map[string]string, error) {
	var listed []string
	if environment != "" {
		listed = strings.Split(environment, ",")
	}
	all, err := workload.ParseSetImage(listed)
	if err != nil {
		return nil, fmt.Errorf("PODPROOF_SET_IMAGE: %w", err)
	}
	own, err := workload.ParseSetImage(flags)
	if err != nil {
		return nil, err
	}
	maps.Copy(all, own)
	return all, nil
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
	if err := errors.Join(f.checkFiles(outs), f.attest.check(), f.again.read()); err != nil {
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
	limited, cancel := context.WithTimeoutCause(ctx, f.timeout, &pipeline.Stopped{By: fmt.Sprintf("--timeout of %s", f.timeout)})
	defer cancel()
	o.Timeout = f.timeout

	stream := outs.ProgressTo(os.Stdout, os.Stderr)
	console := f.console(stream, "verify")
	progress := report.NewProgress(stream, console)
	defer progress.Close()
	o.Tell, o.Debug = progress, func(string) {}
	if f.verbose {
		o.Debug = progress.Note
	}
	memory, err := f.again.memory(&o)
	if err != nil {
		return couldNot(err)
	}
	var reported error
	tell := func(r pipeline.Result) error {
		if o.Job != nil {
			f.keptIn = keptInJob(o, r)
		}
		err := f.report(o.Selected, r, outs, console)
		f.tellJob(context.WithoutCancel(ctx), o, r)
		if err == nil {
			remember(memory, o, r)
		}
		return err
	}
	o.Cut = func(r pipeline.Result) {
		progress.Close()
		reported = tell(r)
	}
	result, err := pipeline.Verify(limited, o)
	progress.Close()
	var input *pipeline.InputError
	switch {
	case errors.As(err, &input):
		return usage(err)
	case err != nil && limited.Err() != nil:
		return stopped(ctx, context.Cause(limited), result, reported)
	case err != nil:
		return couldNot(explainDisk(err))
	}
	if err := tell(result); err != nil {
		return err
	}
	if f.attest.image != "" && result.Record != "" {
		fmt.Fprintln(os.Stderr, "podproof:", ofAnEarlierRun(result))
	}
	return f.attest.after(ctx, recordOf(o.Selected, result), stream)
}

// keptInJob says where the result of a run is that is part of a Job.
func keptInJob(o pipeline.Options, r pipeline.Result) string {
	return fmt.Sprintf("configmap/%s in namespace %s", job.ResultName(r.Evidence.Run.ID), o.Job.Namespace)
}

// stopped is how a run ends that was stopped, once what it knows is reported. A promise that
// was broken by then is broken; whatever else was seen, the run is not complete. A signal has
// a code of its own.
func stopped(ctx context.Context, cause error, result pipeline.Result, reported error) error {
	what := "what it had created is removed"
	if result.Evidence.Run.ID == "" {
		what = "nothing was observed before"
	}
	end := exitError{exitInconclusive, fmt.Errorf("the run was %w; %s", cause, what)}
	var code exitError
	if errors.As(reported, &code) {
		end = exitError{code.code, errors.Join(code.err, end.err)}
	}
	if ctx.Err() != nil {
		end.code = exitInterrupted
	}
	return end
}

func (f *verifyFlags) options(image string) (pipeline.Options, error) {
	o := pipeline.Options{Image: image, Providers: providers(f.nodeImage), BuildArgs: f.buildArgs, Keep: f.keep, Version: version(), QuietWithin: f.patience}
	err := errors.Join(checkPatience(f.patience), f.where.into(&o))
	if err != nil {
		return o, err
	}
	if o.Warm && f.keep {
		return o, errors.New("--keep is for a cluster to look at, and a warm one goes on to the next run: use --cluster kind with --keep")
	}
	if f.noNodes {
		o.Providers[o.Provider] = cluster.Nodeless(o.Providers[o.Provider])
	}
	if o.Selected, err = f.chosen(f.only); err != nil {
		return o, err
	}
	if o.SetImages, err = setImages(os.Getenv("PODPROOF_SET_IMAGE"), f.setImages); err != nil {
		return o, err
	}
	for _, s := range f.setImages {
		old, _, _ := strings.Cut(s, "=")
		o.ImagesAsked = append(o.ImagesAsked, old)
	}
	if o.Job, err = job.Inside(os.Getenv, existing.Namespace); err != nil {
		return o, err
	}
	if err := job.LogIn(); err != nil {
		return o, err
	}
	o.RightsCommand = f.rbacCommand(image, o.Job)
	if o.Job != nil && f.where.agentImage == "" {
		o.AgentImage = "" // that of the Job's pod
	}
	o.Contract, err = f.promised(image)
	return o, err
}
