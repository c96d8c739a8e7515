//go:build e2e && soak

package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/mutants"
)

var busyImages = flag.String("images", "reactbin,fastapi,ready-to-the-end,half-graceful,exits-one-on-sigterm,ready-without-database,closes-its-pool-first",
	"the images of the truth table that TestBusy tries")

// TestBusy verifies images on a machine that has four times as much to do as it can: no promise
// that is kept is seen broken, and none that is broken passes. What cannot be known may be
// inconclusive.
func TestBusy(t *testing.T) {
	table, err := mutants.Truth()
	if err != nil {
		t.Fatal(err)
	}
	lend(t)
	buildBases(t, table)
	wanted := strings.Split(*busyImages, ",")
	table = slices.DeleteFunc(table, func(i mutants.Image) bool { return !slices.Contains(wanted, i.Name) })
	slots = make(chan struct{}, 1) // beside a crowd there is room for no more: its cluster would die
	crowd(t, 4*runtime.NumCPU())
	t.Run("images", func(t *testing.T) {
		for n := range *soakRuns {
			for _, image := range table {
				t.Run(fmt.Sprintf("%s/%d", image.Name, n+1), func(t *testing.T) {
					t.Parallel()
					tryBusy(t, image)
				})
			}
		}
	})
	wantClean(t)
}

// crowd keeps CPUs busy until the test is over, from a session of its own, as another terminal or
// another job does: Linux shares the CPUs out by sessions (sched(7), autogroup).
func crowd(t *testing.T, n int) {
	t.Helper()
	const crowd = `for ((i = 0; i < $1; i++)); do while [[ -d /proc/$2 ]]; do for ((j = 0; j < 100000; j++)); do :; done; done & done; wait`
	c := exec.Command("bash", "-c", crowd, "crowd", strconv.Itoa(n), strconv.Itoa(os.Getpid())) // it ends with the test, however that ends
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Kill(-c.Process.Pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		_ = c.Wait() // it was killed
	})
}

func tryBusy(t *testing.T, image mutants.Image) {
	slots <- struct{}{}
	defer func() { <-slots }()
	dir := t.TempDir()
	js := filepath.Join(dir, "report.json")
	args := []string{"verify", "-f", filepath.Join("mutants", image.Contract), "--cluster", "kind:" + sharedCluster,
		"-o", "json=" + js, "-o", "terminal", "--evidence", filepath.Join(dir, "evidence.json"), "--timeout", "30m"}
	if len(image.Fails) > 0 { // the good ones are tried whole
		for _, glob := range image.Only {
			args = append(args, "--only", glob)
		}
		for _, glob := range image.Skip {
			args = append(args, "--skip", glob)
		}
	}
	f := podproof(t, nil, args...)
	if _, err := os.Stat(js); err != nil {
		t.Fatalf("there is no report:\n%s\n%s", f.stdout, f.stderr)
	}
	r := verdicts(t, js)
	t.Logf("%.1f s: fail %v, inconclusive %v, load %s", r.Run.Finished.Sub(r.Run.Started).Seconds(),
		with(r, check.Fail), with(r, check.Inconclusive), load(t))
	for _, v := range r.Verdicts {
		broken := slices.Contains(image.Fails, v.ID)
		if broken && v.Verdict == check.Pass || !broken && v.Verdict == check.Fail {
			t.Errorf("%s: %s: %s", v.ID, v.Verdict, v.Seen)
		}
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", f.stdout, f.stderr)
	}
}

// load is how many processes want to run, as the machine counts them.
func load(t *testing.T) string {
	t.Helper()
	out, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))[0]
}
