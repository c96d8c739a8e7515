package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A program that notes what it was called with stands in for podproof.
func TestSeveralContractsBesideOne(t *testing.T) {
	root, bin, dir := t.TempDir(), t.TempDir(), t.TempDir()
	for _, file := range []string{"a.yaml", "b.yaml"} {
		if err := os.WriteFile(filepath.Join(root, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fake(t, bin+"/podproof", `for f; do case $f in *.yaml) test -e "$f" || exit 1;; esac; done
case $* in *parallel*) exit 3;; esac`)
	s := several{bench: bench{root: root, dir: dir, podproof: bin + "/podproof"}, files: []string{"a.yaml", "b.yaml"}, parallel: []string{"0", "2"}, contracts: 3, only: "image/*"}
	tasks, err := s.tasks()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := turns{n: 2}.measure(t.Context(), s.bench, tasks...)
	if err != nil || len(rows) != 4 {
		t.Fatalf("got %+v (%v)", rows, err)
	}
	got := calls(t, bin)
	if want := "podproof verify --fresh --cluster kind --parallel 2 --only image/* -f " + dir + "/1/a.yaml -f " + dir + "/2/b.yaml -f " + dir + "/3/a.yaml --evidence " + dir + "/record-{}.json"; len(got) != 12 || got[11] != want {
		t.Errorf("called were\n%s\nwant the last to be\n%s", strings.Join(got, "\n"), want)
	}
	var out strings.Builder
	rows[0].runs, rows[1].runs, rows[2].runs = []once{{seconds: 40}}, []once{{seconds: 60}}, []once{{seconds: 100}}
	s.table(&out, rows)
	for _, want := range []string{"| 1 contract (a.yaml) | 40.00 s |", "| 3 contracts | 100.00 s | 100.00 to 100.00 s | 1 | 0 MB | 2.00 |", "3 contracts, --parallel 2 (inconclusive: 2 of 2) |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, out.String())
		}
	}
	s.files, s.dir = []string{"none.yaml"}, t.TempDir()
	if tasks, err = s.tasks(); err != nil {
		t.Fatal(err)
	}
	if _, err := (turns{n: 2}).measure(t.Context(), s.bench, tasks...); err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("a run that fails is measured (%v)", err)
	}
}
