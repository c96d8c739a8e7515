package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/attest"
	"podproof.dev/podproof/internal/report"
)

type gateFlags struct {
	reportFlags
	policyFlags
	list gateList
}

func newGate() *cobra.Command {
	var f gateFlags
	c := &cobra.Command{
		Use:   "gate [flags] [IMAGE]",
		Short: "Say whether an image in a registry is proven: signed, fresh, and holding when judged again",
		Long: `gate looks for the statement that ` + "`podproof attest`" + ` stored beside IMAGE, checks its signature and
that it is about this digest, reads the evidence that it names, judges that again, by the deployer's
contract where one is given, and asks what the policy asks. It starts nothing and needs no cluster.

Of several statements the newest counts. Each platform of the image needs one of its own, unless
--platform names those that it will run on. Without --require the run may have left no check out.

With --allow-list a proven image is put on a list that a policy of Kubernetes' own reads
(manifests/gate/vap), and a refused one is taken off; without IMAGE all that are on it are asked about.

Exit codes: 0 proven, 1 refused, 2 wrong image, key, policy or flags, 3 the registry could not be asked.`,
		Example: `  podproof gate registry.example/shop/api:1.4.2 --key podproof.pub

  # by a policy, with a report for the CI
  podproof gate registry.example/shop/api@sha256:… -f gate.yaml -o terminal -o junit=gate.xml

  # verified within a week, with what matters to this cluster
  podproof gate registry.example/shop/api:1.4.2 --key podproof.pub --max-age 168h --require 'termination/*,rollout/*'`,
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return f.again(c)
			}
			return f.run(c, args[0])
		},
	}
	f.policyFlags.add(c)
	f.reportFlags.add(c)
	f.list.add(c)
	c.AddCommand(newGateServe())
	return c
}

func (f *gateFlags) run(c *cobra.Command, image string) error {
	outs, err := report.ParseOutputs(f.outputs)
	if err != nil {
		return usage(err)
	}
	o, err := f.options(c)
	if err != nil {
		return usage(err)
	}
	o.Image = image
	if err := outs.Check(); err != nil {
		return usage(err)
	}
	if err := f.list.open(c.Context()); err != nil {
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
	to := os.Stdout
	if f.list.printed() {
		to = os.Stderr // the list is for a pipe
	}
	if err := outs.Write(g.Report, to, f.console(to, c.Name())); err != nil {
		return couldNot(explainDisk(err))
	}
	if err := f.list.keep(ctx, g, c.OutOrStdout()); err != nil {
		return couldNot(err)
	}
	if code := g.Report.ExitCode(); code != exitPass {
		return exitError{code: code}
	}
	return nil
}
