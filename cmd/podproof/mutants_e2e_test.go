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
	"podproof.dev/podproof/internal/cluster/kind"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/mutants"
)

// slots bound how many images are verified side by side in the shared cluster.
var slots chan struct{}

// slowBoot is a cluster's start of a machine on which no three images have room beside one another.
const slowBoot = 30 * time.Second

// TestMain lets three images be verified side by side: that is mostly waiting, and as much
// as a node of two CPUs has room for.
func TestMain(m *testing.M) {
	flag.Parse()
	if runtime.GOMAXPROCS(0) < 3 {
		if err := flag.Set("test.parallel", "3"); err != nil {
			panic(err)
		}
	}
	if err := lookAround(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// lend makes the shared cluster, and removes it when the test is over.
func lend(t *testing.T) {
	t.Helper()
	k, err := kind.Provider{NodeImage: os.Getenv("PODPROOF_NODE_IMAGE")}.Prepare(t.Context(), cluster.Spec{Name: sharedCluster, Dir: t.TempDir(),
		Waiting: func(string) {}, Ended: func(string, time.Duration) {}, Debug: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	began := time.Now()
	if err := k.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	room := max(3, runtime.GOMAXPROCS(0))
	if took := time.Since(began); took > slowBoot {
		room = 2
		t.Logf("the cluster took %s to start: two images are verified side by side", took.Round(time.Second))
	}
	slots = make(chan struct{}, room)
}

// What needs a cluster that somebody has made, in one: it takes half a minute to make, and half a CPU to
// have. The Job and the gate, which wait for most of their time, take the room of an image of the table.
func TestInALentCluster(t *testing.T) {
	lend(t)
	for _, x := range []struct {
		name string
		try  func(*testing.T)
	}{
		{"the same afterwards", theSameAfterwards},
		{"printed roles are taken", printedRolesAreTaken},
		{"a first run", aFirstRun},
		{"a namespace", aNamespace},
	} {
		t.Run(x.name, x.try)
	}
	t.Run("beside one another", func(t *testing.T) {
		t.Run("the truth table", func(t *testing.T) {
			t.Parallel()
			theTruthTable(t)
		})
		t.Run("inside", func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			t.Run("a Job", aJob)
			t.Run("the gate", theGate)
		})
	})
	wantClean(t)
}

func theTruthTable(t *testing.T) {
	table, err := mutants.Truth()
	if err != nil {
		t.Fatal(err)
	}
	var caught catches
	buildBases(t, table)
	t.Run("images", func(t *testing.T) {
		for _, image := range table {
			t.Run(image.Name, func(t *testing.T) {
				t.Parallel()
				tryImage(t, image, &caught)
			})
		}
	})
	t.Log(caught.table())
	for _, w := range caught.wrong {
		t.Error(w)
	}
}

// buildBases builds the good images, on which the mutants are built.
func buildBases(t *testing.T, table []mutants.Image) {
	t.Helper()
	for _, image := range table {
		if image.Base == "" {
			podproof(t, nil, "build", "-f", filepath.Join("mutants", image.Contract)).want(t, exitPass)
		}
	}
}

// catches are the broken promises that were caught, to be shown as one table, and what is wrong
// with it, which is told at the end of the long output.
type catches struct {
	mu    sync.Mutex
	rows  [][]string
	wrong []string
}

// compare keeps the verdicts of an image that are not those that it should get, with their words.
func (c *catches) compare(t *testing.T, image string, r report.Report, status check.Status, want []string) {
	got := with(r, status)
	want = slices.Sorted(slices.Values(want))
	if slices.Equal(got, want) {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %v, want %v", image, status, got, want)
	for _, v := range r.Verdicts {
		if slices.Contains(got, v.ID) != slices.Contains(want, v.ID) {
			fmt.Fprintf(&b, "\n  %s: %s: %s", v.ID, v.Verdict, v.Seen)
		}
	}
	t.Error(b.String())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, b.String())
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

// tried is an image of the table in the shared cluster, with its report and the file of its evidence.
func tried(t *testing.T, image mutants.Image, more ...string) (finished, report.Report, string) {
	slots <- struct{}{}
	defer func() { <-slots }()
	dir := t.TempDir()
	evidence, js := filepath.Join(dir, "evidence.json"), filepath.Join(dir, "report.json")
	// The images beside it are load, of which no patience sees an end.
	args := append([]string{"verify", "-f", filepath.Join("mutants", image.Contract),
		"--cluster", "kind:" + sharedCluster, "--patience", "0s", "-o", "json=" + js, "--evidence", evidence}, more...)
	for _, glob := range image.Only {
		args = append(args, "--only", glob)
	}
	for _, glob := range image.Skip {
		args = append(args, "--skip", glob)
	}
	f := podproof(t, nil, args...)
	code := exitPass
	switch {
	case len(image.Fails) > 0:
		code = exitFail
	case len(image.Inconclusive) > 0:
		code = exitInconclusive
	}
	f.want(t, code)
	return f, verdicts(t, js), evidence
}

func tryImage(t *testing.T, image mutants.Image, caught *catches) {
	f, r, evidence := tried(t, image)
	caught.add(image.Name, r)
	caught.compare(t, image.Name, r, check.Fail, image.Fails)
	caught.compare(t, image.Name, r, check.Inconclusive, image.Inconclusive)
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", f.stdout, f.stderr)
	}
	judgedAgain(t, evidence, r)
}
