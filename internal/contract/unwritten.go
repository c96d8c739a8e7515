package contract

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Stdin stands for the standard input among manifests that are named on a command line.
const Stdin = "-"

// Unwritten is the contract of a folder in which nobody wrote one, so that all of it is derived. Found
// says what of it was found by looking.
func Unwritten(dir string, manifests []string, build *Build, found ...Derived) (Contract, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Contract{}, err
	}
	return Contract{APIVersion: APIVersion, Kind: Kind, Manifests: manifests, Build: build, dir: abs, unwritten: true, found: found}, nil
}

// Written tells whether somebody wrote it, be it now or when a run was recorded.
func (c Contract) Written() bool { return !c.unwritten }

// Found is what an unwritten contract has by looking.
func (c Contract) Found() []Derived { return c.found }

// WithManifests is the contract with manifests that were named on a command line, by files, folders,
// patterns and Stdin, in place of its own. They are relative to the current folder.
func (c Contract) WithManifests(given []string, stdin io.Reader) (Contract, error) {
	c.Manifests, c.piped = nil, nil
	for i, g := range given {
		switch {
		case g == "":
			return c, fmt.Errorf("-m '': an empty text does not name manifests; name a file, a folder, a pattern such as 'k8s/*.yaml', or - for the standard input")
		case slices.Contains(given[:i], g):
			return c, fmt.Errorf("-m %s is given twice; leave one out", g)
		case g == Stdin:
			text, err := io.ReadAll(stdin)
			if err != nil {
				return c, fmt.Errorf("-m -: reading the standard input: %w", err)
			}
			if len(strings.TrimSpace(string(text))) == 0 {
				return c, fmt.Errorf("-m -: the standard input is empty; pipe manifests into it, as in `helm template NAME CHART | podproof verify -m - IMAGE`, and look whether that command failed")
			}
			c.Manifests, c.piped = append(c.Manifests, Stdin), text
			continue
		}
		abs, err := filepath.Abs(g)
		if err != nil {
			return c, err
		}
		if len(patterned(abs)) == 0 {
			return c, fmt.Errorf("-m %s: there is no such file or folder here, and it is no pattern that one fits", g)
		}
		written := g
		if here, err := os.Getwd(); err == nil && c.dir != "" && here != c.dir {
			if written, err = filepath.Rel(c.dir, abs); err != nil {
				written = abs
			}
		}
		c.Manifests = append(c.Manifests, written)
	}
	return c, nil
}

// Piped is what came over the standard input, of which Stdin among the manifests tells.
func (c Contract) Piped() []byte { return c.piped }

// ManifestFiles are the manifests with their patterns spelt out, each as the contract writes it.
// They are to be found by Path, but for Stdin.
func (c Contract) ManifestFiles() []string {
	var out []string
	for _, m := range c.Manifests {
		found := []string{m} // what is not there is said when it is read
		if m != Stdin && !exists(c.Path(m)) {
			for i, f := range patterned(c.Path(m)) {
				if rel, err := filepath.Rel(c.Path("."), f); err == nil && !filepath.IsAbs(m) {
					f = rel
				}
				found = append(found[:min(i, len(found))], f)
			}
		}
		for _, f := range found {
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// patterned are the files and folders of a path, or of a pattern as in path.Match, in their order.
func patterned(path string) []string {
	if exists(path) {
		return []string{path}
	}
	found, _ := filepath.Glob(path) // a malformed pattern fits nothing
	return found
}
