// Package mutants holds images that each break one promise, and the truth table of what
// podproof must say of them. So every check is shown to fail, and only where it should.
package mutants

import (
	"bytes"
	_ "embed"
	"fmt"

	"go.yaml.in/yaml/v3"
)

//go:embed truth.yaml
var truth []byte

// Image is one row of the truth table.
type Image struct {
	Name string `yaml:"name"`
	// Base is the row on whose image this one is built, and which is verified before it.
	Base string `yaml:"base"`
	// Contract is the path of the image's contract, relative to this folder.
	Contract string `yaml:"contract"`
	// Only and Skip are what `podproof verify` is given: which checks are tried, as globs of IDs.
	Only []string `yaml:"only"`
	Skip []string `yaml:"skip"`
	// Fails are the IDs of the checks that must fail; all others must not.
	Fails []string `yaml:"fails"`
	// Inconclusive are the IDs of the checks that Fails leave nothing to look at.
	Inconclusive []string `yaml:"inconclusive"`
	// Why says what the image does wrong, or why it is here.
	Why string `yaml:"why"`
}

// Truth returns the rows in an order in which each base comes before what is built on it.
func Truth() ([]Image, error) {
	var table struct {
		Images []Image `yaml:"images"`
	}
	d := yaml.NewDecoder(bytes.NewReader(truth))
	d.KnownFields(true)
	if err := d.Decode(&table); err != nil {
		return nil, fmt.Errorf("mutants/truth.yaml: %w", err)
	}
	return table.Images, nil
}
