package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/attest"
	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/report"
)

type gateFlags struct {
	reportFlags
	keys, require, platforms []string
	file, contract           string
	maxAge                   time.Duration
}

func newGate() *cobra.Command {
	var f gateFlags
	c := &cobra.Command{
		Use:   "gate [flags] IMAGE",
		Short: "Say whether an image in a registry is proven: signed, fresh, and holding when judged again",
		Long: `gate looks for the statement that ` + "`podproof attest`" + ` stored beside IMAGE, checks its signature and
that it is about this digest, reads the evidence that it names, judges that again, by the deployer's
contract where one is given, and asks what the policy asks. It starts nothing and needs no cluster.

Of several statements the newest counts. Each platform of the image needs one of its own, unless
--platform names those that it will run on. Without --require the run may have left no check out.

Exit codes: 0 proven, 1 refused, 2 wrong image, key, policy or flags, 3 the registry could not be asked.`,
		Example: `  podproof gate registry.example/shop/api:1.4.2 --key podproof.pub

  # by a policy, with a report for the CI
  podproof gate registry.example/shop/api@sha256:… -f gate.yaml -o terminal -o junit=gate.xml

  # verified within a week, with what matters to this cluster
  podproof gate registry.example/shop/api:1.4.2 --key podproof.pub --max-age 168h --require 'termination/*,rollout/*'`,
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args[0]) },
	}
	fl := c.Flags()
	fl.StringArrayVar(&f.keys, "key", nil, "public key `FILE` (PEM) of whoever may sign; may be repeated")
	fl.StringVarP(&f.file, "file", "f", "", "read the gate's policy from this `FILE`; flags go before it")
	fl.StringVar(&f.contract, "contract", "", "judge the evidence by the contract in this `FILE` instead of the recorded one")
	fl.DurationVar(&f.maxAge, "max-age", contract.UsualMaxAge.Std(), "how long ago the run may have ended")
	fl.StringSliceVar(&f.require, "require", nil, "check `IDs`, with globs, whose promises must have been tried and be kept")
	fl.StringSliceVar(&f.platforms, "platform", nil, "`OS/ARCH` on which the image will run (default: all that it has)")
	complete(c, "require", checkIDs(check.Catalogue()))
	f.reportFlags.add(c)
	return c
}

func (f *gateFlags) run(c *cobra.Command, image string) error {
	outs, err := report.ParseOutputs(f.outputs)
	if err != nil {
		return usage(err)
	}
	o, err := f.options(c, image)
	if err != nil {
		return usage(err)
	}
	if err := outs.Check(); err != nil {
		return usage(err)
	}
	ctx, cancel := within(c.Context(), gateTime)
	defer cancel()
	g, err := attest.Gate(ctx, o)
	if err != nil {
		return registryError(ctx, err)
	}
	if len(g.Taken) > 0 {
		fmt.Fprintln(os.Stderr, "podproof: taken from the contract of that run, since the deployer's leaves it out:", strings.Join(g.Taken, ", "))
	}
	if err := outs.Write(g.Report, os.Stdout, report.ConsoleOf(os.Stdout, c.Name(), f.noColor, f.verbose)); err != nil {
		return couldNot(explainDisk(err))
	}
	if code := g.Report.ExitCode(); code != exitPass {
		return exitError{code: code}
	}
	return nil
}

// options are the policy's, and what flags say in its place.
func (f *gateFlags) options(c *cobra.Command, image string) (attest.GateOptions, error) {
	o := attest.GateOptions{Image: image, Version: version(), Now: time.Now()}
	var err error
	if f.file != "" {
		if o.Policy, err = loadPolicy(f.file); err != nil {
			return o, err
		}
	}
	p := &o.Policy
	keys := f.keys
	for _, k := range p.Keys {
		keys = append(keys, p.Path(k))
	}
	for _, file := range keys {
		k, err := attest.ReadPublicKey(file)
		if err != nil {
			return o, fmt.Errorf("--key: %w", err)
		}
		o.Keys = append(o.Keys, k)
	}
	given := c.Flags().Changed
	if given("max-age") {
		if f.maxAge <= 0 {
			return o, fmt.Errorf("--max-age %s is not above zero; write how long ago the run may have ended, such as 336h", f.maxAge)
		}
		p.MaxAge = contract.Duration(f.maxAge)
	}
	if given("require") {
		p.Require = f.require
		if len(p.Require) == 0 {
			return o, errors.New("--require '': an empty text does not name a check; leave the flag out, or write IDs such as 'termination/*'")
		}
		for _, glob := range p.Require {
			if err := check.Matches(glob); err != nil {
				return o, fmt.Errorf("--require: %w", err)
			}
		}
	}
	if given("platform") {
		p.Platforms = f.platforms
		if len(p.Platforms) == 0 {
			return o, errors.New("--platform '': write it as linux/amd64, or leave the flag out")
		}
	}
	for _, s := range p.Platforms {
		if !contract.IsPlatform(s) {
			return o, fmt.Errorf("--platform %q is not a platform; write it as linux/amd64", s)
		}
	}
	file := f.contract
	if file == "" && p.Contract != "" {
		file = p.Path(p.Contract)
	}
	if file != "" {
		given, err := loadContract(file)
		if err != nil {
			return o, err
		}
		o.Contract = &given
	}
	return o, nil
}

// loadPolicy reads a policy that requires checks that there are.
func loadPolicy(file string) (contract.Policy, error) {
	p, err := contract.LoadPolicy(file)
	if err != nil {
		return p, err
	}
	for i, glob := range p.Require {
		if err := check.Matches(glob); err != nil {
			return p, p.Mistake(fmt.Sprintf("require[%d]", i), "require: %v", err)
		}
	}
	return p, nil
}
