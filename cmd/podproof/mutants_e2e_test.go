//go:build e2e

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/mutants"
)

// sharedCluster is the kind cluster in which the truth table is tried, as a user lends one.
var sharedCluster = fmt.Sprintf("podproof-e2e-%d", os.Getpid())

// TestMain lets three images be verified side by side: that is mostly waiting, and as much
// as a node of two CPUs has room for.
func TestMain(m *testing.M) {
	flag.Parse()
	if runtime.GOMAXPROCS(0) < 3 {
		if err := flag.Set("test.parallel", "3"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// lend makes the shared cluster, and removes it when the test is over.
func lend(t *testing.T) {
	t.Helper()
	engine, err := docker.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	info, err := engine.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := cluster.Options{Name: sharedCluster, NodeImage: os.Getenv("PODPROOF_NODE_IMAGE"),
		Kubeconfig: filepath.Join(t.TempDir(), "kubeconfig"), CgroupV1: info.CgroupVersion == "1",
		Started: func(string) {}, Ended: func(string, time.Duration, bool) {}, Debug: func(string) {}}
	k := cluster.Prepare(o)
	t.Cleanup(func() {
		if err := k.Delete(o.Kubeconfig); err != nil {
			t.Error(err)
		}
		if err := engine.RemoveNetwork(context.Background(), o.Name); err != nil {
			t.Error(err)
		}
		engine.Close()
	})
	if err := k.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func TestTruthTable(t *testing.T) {
	table, err := mutants.Truth()
	if err != nil {
		t.Fatal(err)
	}
	lend(t)
	var caught catches
	// The good images are what the mutants are built on, so they come first.
	for _, mutant := range []bool{false, true} {
		t.Run(map[bool]string{false: "good", true: "mutants"}[mutant], func(t *testing.T) {
			for _, image := range table {
				if mutant == (image.Base != "") {
					t.Run(image.Name, func(t *testing.T) {
						t.Parallel()
						tryImage(t, image, &caught)
					})
				}
			}
		})
	}
	t.Log(caught.table())
	wantClean(t)
}

// catches are the broken promises that were caught, to be shown as one table.
type catches struct {
	mu   sync.Mutex
	rows [][]string
}

func (c *catches) add(image string, r report.Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range r.Verdicts {
		if v.Verdict == check.Fail {
			c.rows = append(c.rows, []string{v.ID, image, fmt.Sprintf("%.1f", v.Seconds), v.Seen})
		}
	}
}

func (c *catches) table() string {
	slices.SortFunc(c.rows, slices.Compare)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nPROMISE\tBROKEN BY\tSECONDS\tSEEN")
	for _, r := range c.rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	w.Flush()
	return b.String()
}

func tryImage(t *testing.T, image mutants.Image, caught *catches) {
	dir := t.TempDir()
	evidence, js := filepath.Join(dir, "evidence.json"), filepath.Join(dir, "report.json")
	args := []string{"verify", "-f", filepath.Join("mutants", image.Contract),
		"--cluster", "kind:" + sharedCluster, "-o", "json=" + js, "--evidence", evidence}
	for _, glob := range image.Only {
		args = append(args, "--only", glob)
	}
	for _, glob := range image.Skip {
		args = append(args, "--skip", glob)
	}
	f := podproof(t, nil, args...)
	code := exitPass
	if len(image.Fails) > 0 {
		code = exitFail
	}
	f.want(t, code)
	r := verdicts(t, js)
	caught.add(image.Name, r)
	wanted := slices.Sorted(slices.Values(image.Fails))
	if got := with(r, check.Fail); !slices.Equal(got, wanted) {
		t.Errorf("fails %v, want %v", got, wanted)
	}
	wanted = slices.Sorted(slices.Values(image.Inconclusive))
	if got := with(r, check.Inconclusive); !slices.Equal(got, wanted) {
		t.Errorf("inconclusive %v, want %v", got, wanted)
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", f.stdout, f.stderr)
	}
	judgedAgain(t, evidence, r)
}
