package check

import (
	"strings"
	"testing"
)

func TestEachCheckIsExplained(t *testing.T) {
	known := map[string]bool{}
	for _, c := range Catalogue() {
		known[c.ID] = true
		d := c.Doc()
		if d.Tried == "" || !strings.Contains(d.Decided, "Pass: ") || !strings.Contains(d.Decided, "Fail: ") || !strings.Contains(d.Decided, "Inconclusive: ") {
			t.Errorf("%s: %+v", c.ID, d)
		}
		if c.OptIn != "" && !strings.Contains(d.Decided, c.OptIn) {
			t.Errorf("%s does not say that the contract asks for it with %s", c.ID, c.OptIn)
		}
		for _, s := range d.Stacks {
			if s.Name == "" || s.Fix == "" {
				t.Errorf("%s: %+v", c.ID, s)
			}
		}
	}
	for id := range docs {
		if !known[id] {
			t.Errorf("%s is explained, and there is no such check", id)
		}
	}
}
