package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"podproof.dev/podproof/internal/admission"
	"podproof.dev/podproof/internal/attest"
	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/report"
)

// gateList is the list of proven digests that --allow-list names; "-" prints it.
type gateList struct {
	where, kubeconfig string
	list              admission.List
}

// listName is that of manifests/gate/vap.
const listName = "podproof-proven"

func (l *gateList) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&l.where, "allow-list", "", "keep the digests of proven images in this ConfigMap, `NAMESPACE/NAME`; - prints one with those of IMAGE")
	fl.StringVar(&l.kubeconfig, "kubeconfig", "", "with --allow-list: look for the cluster in this `FILE` (default: where kubectl looks)")
}

func (l *gateList) printed() bool { return l.where == "-" }

// open finds the list, before a registry is asked.
func (l *gateList) open(ctx context.Context) (err error) {
	switch {
	case l.kubeconfig != "" && (l.where == "" || l.printed()):
		return errors.New("--kubeconfig is for --allow-list NAMESPACE/NAME")
	case l.where == "" || l.printed() || l.list.Client != nil:
		return nil
	}
	namespace, name, ok := strings.Cut(l.where, "/")
	if !ok || len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return fmt.Errorf("--allow-list %q: write it as NAMESPACE/NAME of a ConfigMap, such as podproof-gate/%s, or - to print it", l.where, listName)
	}
	client, err := clientOf(ctx, l.kubeconfig)
	if err != nil {
		return err
	}
	l.list = admission.List{Client: client, Namespace: namespace, Name: name}
	return nil
}

// keep puts a proven image on the list, and takes a refused one off.
func (l *gateList) keep(ctx context.Context, g attest.Gated, out io.Writer) error {
	x := admission.Listed{Image: g.Report.Subject.Image, Until: g.Until}
	switch proven := g.Report.ExitCode() == exitPass; {
	case l.where == "":
		return nil
	case l.printed() && !proven:
		return nil
	case l.printed():
		m := admission.NewList("", listName)
		maps.Copy(m.Data, x.Entries(g.Digests))
		text, err := job.YAML(m)
		if err == nil {
			_, err = io.WriteString(out, text)
		}
		return err
	case proven:
		return l.list.Admit(ctx, x, g.Digests)
	default:
		return l.list.Remove(ctx, x)
	}
}

// again asks about all that is on the list. Whose registry does not answer stays on it, until its proof ends.
func (f *gateFlags) again(c *cobra.Command) error {
	if f.list.where == "" || f.list.printed() {
		return usage(errors.New("podproof gate expects one argument, IMAGE; or --allow-list NAMESPACE/NAME, to ask about all that is on that list"))
	}
	if len(f.outputs) > 0 {
		return usage(errors.New("-o is for one IMAGE; what is on a list is told line by line"))
	}
	o, err := f.options(c)
	if err == nil {
		err = f.list.open(c.Context())
	}
	if err != nil {
		return usage(err)
	}
	all, err := f.list.list.Images(c.Context())
	if err != nil {
		return couldNot(err)
	}
	code := exitPass
	for _, x := range all {
		said, worst, err := f.stillListed(c.Context(), o, x)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), report.Clean(said))
		if code == exitPass || worst == exitFail {
			code = worst
		}
	}
	if code != exitPass {
		return exitError{code: code}
	}
	return nil
}

// stillListed asks about one image of the list; an error ends the asking.
func (f *gateFlags) stillListed(ctx context.Context, o attest.GateOptions, x admission.Listed) (said string, code int, err error) {
	if !x.Sound() {
		if err := f.list.list.Remove(ctx, x); err != nil {
			return "", 0, couldNot(err)
		}
		return fmt.Sprintf("- %s: taken off: podproof did not write it", x.Image), exitFail, nil
	}
	one, cancel := within(ctx, gateTime)
	defer cancel()
	o.Image, o.Now = x.Image, time.Now()
	g, err := attest.Gate(one, o)
	var input *attest.InputError
	switch {
	case ctx.Err() != nil:
		return "", 0, context.Cause(ctx)
	case errors.As(err, &input) && len(o.Keys) == 0:
		return "", 0, usage(err)
	case err != nil && !errors.As(err, &input) && o.Now.Before(x.Until):
		return fmt.Sprintf("? %s: stays until %s, since the registry could not be asked: %v", x.Image, x.Until.Format(time.RFC3339), err), exitInconclusive, nil
	case err != nil:
		said, code = fmt.Sprintf("- %s: taken off: %v", x.Image, err), exitFail
		err = f.list.list.Remove(ctx, x)
	case g.Report.ExitCode() != exitPass:
		said, code = fmt.Sprintf("- %s: taken off: %s", x.Image, admission.Refusal(g)), exitFail
		err = f.list.list.Remove(ctx, x)
	default:
		x.Until = g.Until
		said = fmt.Sprintf("✓ %s: proven until %s", x.Image, x.Until.Format(time.RFC3339))
		err = f.list.list.Admit(ctx, x, g.Digests)
	}
	if err != nil {
		return "", 0, couldNot(err)
	}
	return said, code, nil
}
