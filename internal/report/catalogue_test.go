package report

import (
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
)

// The promises stand below one another, however long an ID is.
func TestCatalogueHasColumns(t *testing.T) {
	var b strings.Builder
	if err := WriteCatalogue(&b, check.Catalogue()); err != nil {
		t.Fatal(err)
	}
	columns := map[int]bool{}
	for _, c := range check.Catalogue() {
		for line := range strings.Lines(b.String()) {
			if rest, ok := strings.CutPrefix(line, "  "+c.ID+" "); ok {
				columns[len(line)-len(strings.TrimLeft(rest, " "))] = true
			}
		}
	}
	if len(columns) != 1 {
		t.Errorf("the promises begin at the columns %v:\n%s", columns, b.String())
	}
}
