package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/draft"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

func newInit() *cobra.Command {
	var f judgeFlags
	c := &cobra.Command{
		Use:   "init [flags] [IMAGE]",
		Short: "Write a first podproof.yaml from the manifests, the Dockerfile and the image that are there",
		Long: `init writes a contract with what cannot be derived, or is worth a promise, and a word on each line. It
takes the manifests of -m, or looks for them and for a Dockerfile as ` + "`podproof verify`" + ` does without a
contract. IMAGE, as ` + "`podproof inspect`" + ` takes it, gives budgets; without it the workload's image is asked of
the Docker engine, where there is one. A file that is there is never overwritten.

init tries nothing, so it knows of nothing that is broken. To begin with what is broken today, let a run write it:
` + "`podproof inspect --write-waivers waivers.yaml --until 2026-12-31 IMAGE`" + ` for the image alone, or
` + "`podproof verify --write-waivers …`" + ` for all of it; then add ` + "`waiversFrom: [waivers.yaml]`" + ` to the contract.`,
		Example: `  podproof init
  podproof init -m deploy/ -f deploy/podproof.yaml docker:shop/api:1.4.2
  helm template shop charts/shop | podproof init -m -`,
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			text, err := f.init(c.Context(), strings.Join(args, ""))
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), report.Clean(text))
			return nil
		},
	}
	f.command, f.given = c.Name(), c.Flags()
	c.Flags().StringVarP(&f.file, "file", "f", contract.DefaultFile, "write the contract to this `FILE`")
	f.addManifests(c)
	c.Flags().Lookup("manifests").Usage = "write it for these `MANIFESTS`: files, folders, patterns, or - for the standard input; may be repeated (default: those that are found here)"
	return c
}

// init writes the file, and says what comes next.
func (f *judgeFlags) init(ctx context.Context, image string) (string, error) {
	if info, err := os.Stat(f.file); err == nil && info.IsDir() {
		f.file = filepath.Join(f.file, contract.DefaultFile)
	}
	if _, err := os.Lstat(f.file); !errors.Is(err, fs.ErrNotExist) {
		return "", usage(fmt.Errorf("%s is there already, and is not overwritten; name another file with -f, or move that one away", f.file))
	}
	if err := report.CheckWritable(f.file); err != nil {
		return "", usage(err)
	}
	c, err := f.unwritten()
	if err != nil {
		return "", usage(err)
	}
	s, err := draft.Settle(c, "", nil)
	if err != nil {
		return "", usage(err)
	}
	seen, err := see(ctx, image, s.Contract.Image)
	if err != nil {
		return "", err
	}
	if s, err = draft.Settle(c, "", seen); err != nil {
		return "", usage(err)
	}
	dir, err := filepath.Abs(filepath.Dir(f.file))
	if err != nil {
		return "", couldNot(err)
	}
	text, err := draft.Text(s, dir)
	if err != nil {
		return "", couldNot(err)
	}
	if err := writeNew(f.file, text); err != nil {
		return "", couldNot(explainDisk(err))
	}
	next := "podproof plan"
	if f.file != contract.DefaultFile {
		next += " -f " + word(f.file)
	}
	for _, m := range c.Manifests {
		if m == contract.Stdin {
			next = "… | " + next + " -m -"
		}
	}
	return fmt.Sprintf("Wrote %s for %s. Look at what it requires, and at its comments; then: %s", f.file, s.Contract.Workload, next), nil
}

// unwritten is what is derived of the manifests of -m, or of those that are found.
func (f *judgeFlags) unwritten() (contract.Contract, error) {
	q := draft.Question{Command: "podproof " + f.command}
	if len(f.manifests) > 0 {
		return draft.Given(".", f.manifests, f.stdin(), q)
	}
	return draft.Look(".", q)
}

// see looks into the image that is named, or that of the workload where the Docker engine has it.
func see(ctx context.Context, named, used string) (*evidence.Image, error) {
	image := named
	if image == "" {
		if used == "" {
			return nil, nil
		}
		image = "docker:" + used
	}
	limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	o := pipeline.InspectOptions{Image: image, Version: version(), Tell: quiet{}}
	var err error
	if o.Cache, err = cacheDir(); err != nil {
		return nil, couldNot(err)
	}
	r, err := pipeline.Inspect(limited, o)
	switch {
	case err == nil:
		return r.Evidence.Image, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case named == "":
		return nil, nil // it is not there, and need not be
	case errors.As(err, new(*pipeline.InputError)):
		return nil, usage(err)
	}
	return nil, couldNot(err)
}

// writeNew writes a file that is not there yet.
func writeNew(path, text string) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = out.WriteString(text)
	return errors.Join(err, out.Close())
}

// quiet tells nobody what an inspection does that may well fail.
type quiet struct{}

func (quiet) StepTo(string, string) func(error)                      { return func(error) {} }
func (quiet) StepWithin(_, _ string, _, _ time.Duration) func(error) { return func(error) {} }
func (quiet) Begin(string)                                           {}
func (quiet) Waiting(string)                                         {}
func (quiet) Note(string)                                            {}
