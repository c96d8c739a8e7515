package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A program that says what it was called with stands in for podproof.
func TestSeveralContractsBesideOne(t *testing.T) {
	root, bin := t.TempDir(), filepath.Join(t.TempDir(), "podproof")
	for _, file := range []string{"a.yaml", "b.yaml"} {
		if err := os.WriteFile(filepath.Join(root, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := "#!/bin/sh\necho \"$*\" >>" + bin + ".log\nfor f; do case $f in *.yaml) test -e \"$f\" || exit 1;; esac; done\ncase $* in *parallel*) exit 3;; esac\n"
	if err := os.WriteFile(bin, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	s := several{podproof: bin, dir: t.TempDir(), files: []string{"a.yaml", "b.yaml"}, parallel: []string{"0", "2"}, contracts: 3, runs: 2, only: "image/*", settle: func(context.Context) error { return nil }}
	rows, err := s.measure(t.Context(), root)
	if err != nil || len(rows) != 4 {
		t.Fatalf("got %+v (%v)", rows, err)
	}
	b, err := os.ReadFile(bin + ".log")
	if err != nil {
		t.Fatal(err)
	}
	calls := strings.Split(strings.TrimSpace(string(b)), "\n")
	if want := "verify --parallel 2 -f " + s.dir + "/1/a.yaml -f " + s.dir + "/2/b.yaml -f " + s.dir + "/3/a.yaml --only image/*"; len(calls) != 12 || calls[11] != want {
		t.Errorf("called were\n%s\nwant the last to be\n%s", b, want)
	}
	var out strings.Builder
	rows[0].runs, rows[1].runs, rows[2].runs = []once{{seconds: 40}}, []once{{seconds: 60}}, []once{{seconds: 100}}
	s.table(&out, rows)
	for _, want := range []string{"| 1 contract (a.yaml) | 40.00 s |", "| 3 contracts | 100.00 s | 100.00 to 100.00 s | 1 | 0 MB | 2.00 |", "3 contracts, --parallel 2, of which 2 runs were inconclusive"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, out.String())
		}
	}
	s.files = []string{"none.yaml"}
	s.dir = t.TempDir()
	if _, err := s.measure(t.Context(), root); err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("a run that fails is measured (%v)", err)
	}
}
