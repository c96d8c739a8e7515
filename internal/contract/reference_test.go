package contract

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

func TestTheReferenceTellsOfEachKey(t *testing.T) {
	var known []string
	for _, k := range allKeys() {
		known = append(known, k.Path)
		if k.Means == "" {
			t.Errorf("reference_keys.go does not tell of %s", k.Path)
		}
	}
	for path := range meanings {
		if !slices.Contains(known, path) {
			t.Errorf("reference_keys.go tells of %s, which no contract has", path)
		}
	}
	told := map[string]int{}
	for _, g := range Reference() {
		if g.About == "" {
			t.Errorf("nothing is said about %q", g.Title)
		}
		for _, k := range g.Keys() {
			told[k.Path]++
		}
	}
	for _, path := range known {
		if told[path] != 1 {
			t.Errorf("%s is in %d groups", path, told[path])
		}
	}
	if len(told) != len(known) {
		t.Errorf("the groups have %v", slices.Sorted(maps.Keys(told)))
	}
}

// The example can be read, and has every key.
func TestTheExampleIsAContract(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{DefaultFile: Example, "deploy/postgres/a.yaml": "{}", "deploy/api/a.yaml": "{}", "waivers.yaml": "waivers:\n  - {id: image/no-setuid, reason: goes, by: ann, until: 2026-12-31}\n"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{}
	for path := range c.places {
		given[regexp.MustCompile(`\[\d+\]`).ReplaceAllString(path, "[]")] = true
	}
	// sourceFile is sourceFiles for one file, and a plain path is a query.
	aliases := []string{"build.sourceFile", "http.query.method", "http.query.path", "http.query.header", "http.query.body"}
	for _, k := range allKeys() {
		if !given[k.Path] && !slices.Contains(aliases, k.Path) {
			t.Errorf("the example has no %s", k.Path)
		}
	}
}
