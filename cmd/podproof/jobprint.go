package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"

	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/internal/workload"
)

// passed are the flags of the run that the Job passes on.
func (f *jobFlags) passed() (out []string, err error) {
	if _, err := workload.ParseSetImage(f.setImages); err != nil {
		return nil, err
	}
	for _, v := range f.setImages {
		out = append(out, "--set-image", v)
	}
	if len(f.only) > 0 {
		out = append(out, "--only", strings.Join(f.only, ","))
	}
	if len(f.skip) > 0 {
		out = append(out, "--skip", strings.Join(f.skip, ","))
	}
	if f.shared {
		out = append(out, "--shared-namespace")
	}
	if f.open {
		out = append(out, "--open-network")
	}
	if f.patience != usualPatience {
		out = append(out, "--patience", f.patience.String())
	}
	if f.verbose {
		out = append(out, "--verbose")
	}
	return out, nil
}

// command is the one that was given, without what only says how to print.
func (f *jobFlags) command(c *cobra.Command) string {
	words := []string{"podproof", "job"}
	c.Flags().Visit(func(fl *pflag.Flag) {
		switch values, many := fl.Value.(pflag.SliceValue); {
		case fl.Name == "for":
		case many:
			for _, v := range values.GetSlice() {
				words = append(words, "--"+fl.Name, word(v))
			}
		case fl.Value.Type() == "bool":
			words = append(words, "--"+fl.Name+"="+fl.Value.String())
		default:
			words = append(words, "--"+fl.Name, word(fl.Value.String()))
		}
	})
	if f.podproof != "" && !c.Flags().Changed("image") { // of the environment here, which a CI does not have
		words = append(words, "--image", word(f.podproof))
	}
	for _, a := range c.Flags().Args() {
		words = append(words, word(a))
	}
	return strings.Join(words, " ")
}

// print is what is printed, after a word on what a person should know.
func (f *jobFlags) print(s job.Spec) (string, error) {
	what := s.Image
	for i, p := range s.Parts {
		what += strings.Repeat(", ", min(i, 1)) + p.Name
	}
	note := []string{"Verifies " + report.Clean(what) + " in namespace " + s.Namespace + ", which must be there."}
	if f.tool != "" {
		if v := version(); released.MatchString(v) {
			s.Version = v
		}
		tool, text, err := job.For(f.tool, s)
		return "# " + strings.Join(slices.Concat(tool.About, note), "\n# ") + "\n" + text, err
	}
	var objects []runtime.Object
	for _, o := range s.Objects().All() {
		objects = append(objects, o)
	}
	text, err := job.YAML(objects...)
	if err != nil {
		return "", err
	}
	if s.Large() {
		note = append(note, "It is too large for a plain `kubectl apply`: use `kubectl apply --server-side`.")
	}
	for _, r := range s.Rules {
		if r.Wide {
			note = append(note, "What is about the whole cluster is not in the Role, and may be left out; `podproof rbac -n "+s.Namespace+"` prints it.")
			break
		}
	}
	return "# " + strings.Join(note, "\n# ") + "\n" + text, nil
}
