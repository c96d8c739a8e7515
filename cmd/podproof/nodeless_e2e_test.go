//go:build e2e && soak

package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/mutants"
)

// TestTruthTableWithoutNodes tries each row of the truth table twice, with the nodes and without: no
// verdict differs. It prints both, with the seconds.
func TestTruthTableWithoutNodes(t *testing.T) {
	table, err := mutants.Truth()
	if err != nil {
		t.Fatal(err)
	}
	lend(t)
	buildBases(t, table)
	var both columns
	t.Run("images", func(t *testing.T) {
		for _, image := range table {
			t.Run(image.Name, func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				with, a, _ := tried(t, image)
				between := time.Now()
				without, b, _ := tried(t, image, "--no-node-access")
				wrong := differ(a, b)
				both.add(image.Name, rowOf(a, between.Sub(began)), rowOf(b, time.Since(between)), strings.Join(wrong, "; "))
				if len(wrong) > 0 {
					t.Errorf("%s\nwith nodes:\n%s\nwithout:\n%s", strings.Join(wrong, "\n"), with.stdout, without.stdout)
				}
			})
		}
	})
	t.Log(both.table())
	wantClean(t)
}

// columns are what came of images with the nodes, and without.
type columns struct {
	mu   sync.Mutex
	rows []string
}

func (c *columns) add(row ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows = append(c.rows, strings.Join(row, "\t"))
}

// differ are the verdicts that do.
func differ(with, without report.Report) (out []string) {
	seen := byID(without)
	for _, v := range with.Verdicts {
		if seen[v.ID] != v.Verdict {
			out = append(out, fmt.Sprintf("%s: %s with nodes, %s without", v.ID, v.Verdict, seen[v.ID]))
		}
	}
	return out
}

func rowOf(r report.Report, took time.Duration) string {
	n := map[check.Status]int{}
	for _, v := range r.Verdicts {
		n[v.Verdict]++
	}
	return fmt.Sprintf("%d pass, %d fail, %d inconclusive, %.0f s", n[check.Pass], n[check.Fail], n[check.Inconclusive], took.Seconds())
}

func (c *columns) table() string {
	slices.Sort(c.rows)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nIMAGE\tWITH NODES\tWITHOUT\tDIFFERS")
	for _, r := range c.rows {
		fmt.Fprintln(w, r)
	}
	w.Flush()
	return b.String()
}
