package main

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/draft"
)

// addContract adds -f and -m, of a command that finds out by itself what nobody wrote down.
func (f *judgeFlags) addContract(c *cobra.Command) {
	c.Flags().StringVarP(&f.file, "file", "f", contract.DefaultFile, "read the contract from this `FILE`; without one here all is derived from manifests")
	f.addManifests(c)
}

// addManifests adds -m alone.
func (f *judgeFlags) addManifests(c *cobra.Command) {
	c.Flags().StringArrayVarP(&f.manifests, "manifests", "m", nil, "read these `MANIFESTS` in place of the contract's: files, folders, patterns, or - for the standard input; may be repeated")
	f.stdin = c.InOrStdin
}

// promised is the contract: that of -f, or the folder's, with the manifests of -m in place of its own;
// or else what is derived from those, or from what the folder holds.
func (f *judgeFlags) promised(image string) (contract.Contract, error) {
	c, err := loadContract(f.file)
	q := draft.Question{Command: "podproof " + f.command, Image: image}
	switch {
	case err != nil && (f.given.Changed("file") || !errors.Is(err, fs.ErrNotExist)):
		return c, err
	case err == nil && len(f.manifests) == 0:
		return c, nil
	case err == nil:
		return c.WithManifests(f.manifests, f.stdin())
	case len(f.manifests) > 0:
		return draft.Given(".", f.manifests, f.stdin(), q)
	}
	return draft.Look(".", q)
}
