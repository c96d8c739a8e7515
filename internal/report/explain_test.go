package report

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
)

// The pages in docs/checks say what `podproof explain` says. They are written by
// go test ./internal/report -run ThePages -update
func TestThePagesAreTheExplanations(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "checks")
	pages := map[string]func(io.Writer) error{"README.md": WriteCheckIndex}
	for _, c := range check.Catalogue() {
		pages[CheckPage(c)] = func(w io.Writer) error { return WriteExplanation(w, c) }
	}
	for name, write := range pages {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, b.Bytes()) {
			t.Errorf("%s is not what the catalogue says (%v): go test ./internal/report -run ThePages -update", name, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if pages[filepath.Base(f)] == nil {
			t.Errorf("%s belongs to no check; remove it", f)
		}
	}
}

func TestAnExplanationTellsHowToWaive(t *testing.T) {
	for _, c := range check.Catalogue() {
		var b strings.Builder
		if err := WriteExplanation(&b, c); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"# " + c.ID, c.Title, c.Why, c.Fix, "\n\nFail: ", "\n\nInconclusive: ", "skip:\n      - {id: " + c.ID, "waivers:\n      - {id: " + c.ID} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not say %q:\n%s", c.ID, want, b.String())
			}
		}
		if c.ByPlace != strings.Contains(b.String(), "`where`") {
			t.Errorf("%s: by place is %v", c.ID, c.ByPlace)
		}
	}
}
