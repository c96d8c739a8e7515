package report

import (
	"fmt"
	"io"
	"strings"

	"podproof.dev/podproof/internal/check"
)

// WriteExplanation tells all of one check, in Markdown that reads well at a terminal, too. The pages
// in docs/checks are made of it.
func WriteExplanation(w io.Writer, c check.Check) error {
	d := c.Doc()
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.\n", c.ID, c.Title)
	for _, part := range [][2]string{{"Why", c.Why}, {"How it is tried", d.Tried}, {"What passes and what fails", strings.ReplaceAll(d.Decided, ". Fail:", ".\n\nFail:")}, {"How to fix it", c.Fix}} {
		text := part[1]
		for _, word := range []string{"Inconclusive:", "Skipped:"} {
			text = strings.ReplaceAll(text, " "+word, "\n\n"+word)
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", part[0], text)
	}
	if len(d.Stacks) > 0 {
		b.WriteString("\n")
	}
	for _, s := range d.Stacks {
		fmt.Fprintf(&b, "- %s: %s\n", s.Name, s.Fix)
	}
	fmt.Fprintf(&b, "\n## Where it stands\n\n%s\n", c.Stands())
	b.WriteString("\n## How to turn it off, or accept it for a time\n\n")
	if c.OptIn != "" {
		fmt.Fprintf(&b, "It is tried only where the contract asks for it with %s.\n\n", c.OptIn)
	}
	fmt.Fprintf(&b, "In podproof.yaml, where it does not apply:\n\n    skip:\n      - {id: %s, reason: \"why it does not apply\"}\n\n", c.ID)
	fmt.Fprintf(&b, "Where it is broken and accepted until a day:\n\n    waivers:\n      - {id: %s, reason: \"what will fix it\", by: name, until: 2027-01-31}\n", c.ID)
	if c.ByPlace {
		fmt.Fprintf(&b, "\nEach finding can be waived by itself: add `where` to the waiver, with a path or with the finding's\nfingerprint from the JSON report. `podproof verify --write-waivers FILE` writes them for all that is found.\n")
	}
	fmt.Fprintf(&b, "\nFor one run: `podproof verify --skip %s`.\n", c.ID)
	_, err := io.WriteString(w, b.String())
	return err
}

// CheckPage is the name of a check's page in docs/checks.
func CheckPage(c check.Check) string { return strings.ReplaceAll(c.ID, "/", "-") + ".md" }

// WriteCheckIndex lists the pages of all checks.
func WriteCheckIndex(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# The promises\n\n`podproof explain ID` prints these pages, and `podproof explain 'image/*'` those of a group.\n")
	for _, s := range check.Stories() {
		fmt.Fprintf(&b, "\n## %s: %s\n\n", s.ID, s.Title)
		for _, c := range check.Catalogue() {
			if c.Story == s {
				fmt.Fprintf(&b, "- [%s](%s): %s\n", c.ID, CheckPage(c), c.Title)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
