package report

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
)

// TestRecorded judges the evidence of real runs again, of good images and of mutants, some of it
// written by earlier versions. `podproof verify --evidence` and gzip make another one.
func TestRecorded(t *testing.T) {
	files, err := filepath.Glob("testdata/recorded/*.json.gz")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d records: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json.gz")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := ReadFile(unpacked(t, file))
			if err != nil {
				t.Fatal(err)
			}
			selected, err := check.Select(r.Selected, nil)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, v := range New(r.Contract, r.Evidence, check.Judge(selected, r.Contract, r.Evidence)).Verdicts {
				if !slices.Contains(r.Selected, v.ID) {
					continue
				}
				fmt.Fprintf(&b, "%-12s %s: %s\n", v.Verdict, v.ID, v.Seen)
				for _, f := range v.Findings {
					if !f.Note {
						fmt.Fprintf(&b, "             %s: %s\n", f.Where, f.Message)
					}
				}
			}
			golden(t, filepath.Join("recorded", name), []byte(b.String()))
		})
	}
}

// unpacked is the plain file of a compressed one.
func unpacked(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), "record.json")
	if err := os.WriteFile(plain, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return plain
}
