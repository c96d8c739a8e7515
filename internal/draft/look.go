// Package draft finds what a contract is made of where nobody wrote one, manifests and a Dockerfile, and
// writes a first one.
package draft

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/workload"
)

// Question is who looks, so that an error can name the command that goes on.
type Question struct {
	// Command is "podproof verify"; Image is the one on its command line, empty without one.
	Command, Image string
}

// with is the command with manifests that are named.
func (q Question) with(manifests ...string) string {
	words := q.Command
	for _, m := range manifests {
		words += " -m " + m
	}
	if q.Image != "" {
		words += " " + q.Image
	}
	return words
}

// FoundHere is where what was found by looking comes from.
const FoundHere = "found here"

// Look makes a contract of what a folder holds: manifests in the places where they usually are, and
// where no image is named a Dockerfile. Its error says what was found, and how to go on.
func Look(dir string, q Question) (contract.Contract, error) {
	m := manifests(dir)
	if len(m.ship) == 0 {
		return contract.Contract{}, m.none(dir, q)
	}
	if len(m.variants) > 0 {
		return contract.Contract{}, m.several(q)
	}
	from := FoundHere
	if len(m.aside) > 0 {
		from += "; beside " + strings.Join(m.aside, ", ")
	}
	found := []contract.Derived{{Field: "manifests", Value: strings.Join(m.ship, ", "), From: from}}
	var b *contract.Build
	if q.Image == "" {
		var said []contract.Derived
		b, said = build(dir)
		found = append(found, said...)
	}
	return contract.Unwritten(dir, m.ship, b, found...)
}

// Given makes a contract of manifests that are named, as contract.WithManifests takes them.
func Given(dir string, given []string, stdin io.Reader, q Question) (contract.Contract, error) {
	found := []contract.Derived{{Field: "manifests", Value: strings.Join(given, ", "), From: "named"}}
	var b *contract.Build
	if q.Image == "" {
		var said []contract.Derived
		b, said = build(dir)
		found = append(found, said...)
	}
	c, err := contract.Unwritten(dir, nil, b, found...)
	if err != nil {
		return c, err
	}
	return c.WithManifests(given, stdin)
}

// none says what was looked for, and what else there is.
func (m looked) none(dir string, q Question) error {
	text := fmt.Sprintf("there is no %s here, and no manifests were found to derive it from (looked in %s)", contract.DefaultFile, strings.Join(places, ", "))
	switch {
	case len(m.charts) > 0:
		chart := m.charts[0]
		text = fmt.Sprintf("there is no %s here, and %s is a Helm chart, of which podproof reads what Helm makes: run `%s | %s`", contract.DefaultFile, chart,
			workload.HelmTemplate(filepath.Join(dir, chart), chart), q.with("-"))
		if q.Image == "" {
			text = strings.TrimSuffix(text, "`") + " IMAGE`"
		}
	case q.Image != "":
		text += fmt.Sprintf("; name them: `%s`. Without manifests `podproof inspect %s` looks into the image alone", q.with("FOLDER"), q.Image)
	default:
		text += fmt.Sprintf("; name them: `%s`", q.with("FOLDER"))
		if b, _ := build(dir); b != nil {
			text += fmt.Sprintf(" (%s was found)", b.Dockerfile)
		}
	}
	return errors.New(text)
}

// several says which manifests are variants of one another.
func (m looked) several(q Question) error {
	text := fmt.Sprintf("there is no %s here, and of the manifests %s are variants of one another; name the one that is meant:", contract.DefaultFile, strings.Join(m.variants, ", "))
	rest := slices.DeleteFunc(slices.Clone(m.ship), func(s string) bool { return slices.Contains(m.variants, s) })
	for _, v := range m.variants {
		text += "\n  " + q.with(append([]string{v}, rest...)...)
	}
	return errors.New(text)
}
