package report

import (
	"fmt"
	"io"

	"podproof.dev/podproof/internal/check"
)

// WriteCatalogue lists checks for a person: ID, promise, and why it matters.
func WriteCatalogue(w io.Writer, checks []check.Check) error {
	width := 0
	for _, c := range checks {
		width = max(width, len(c.ID))
	}
	for _, s := range check.Stories() {
		if _, err := fmt.Fprintf(w, "%s %s\n", s.ID, s.Title); err != nil {
			return err
		}
		for _, c := range checks {
			if c.Story != s {
				continue
			}
			if _, err := fmt.Fprintf(w, "  %-*s  %s\n  %-*s  why: %s\n", width, c.ID, c.Title, width, "", c.Why); err != nil {
				return err
			}
		}
	}
	return nil
}
