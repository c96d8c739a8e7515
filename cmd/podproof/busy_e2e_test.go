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

// TestBusy verifies images on a machine that has many times as much to do as it can: no promise
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
	crowd(t, 6*runtime.NumCPU())
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

// crowd keeps CPUs busy until the test is over, however that ends: half of it in a session of its own,
// as another terminal does, and half in a container, beside the nodes'. Linux shares the CPUs out by
// sessions and containers (sched(7), autogroup), so that podproof and the cluster want for them both.
func crowd(t *testing.T, n int) {
	t.Helper()
	const loops = `i=0; while [ $i -lt $1 ]; do while :; do :; done & i=$((i + 1)); done; cat; kill -9 0`
	some := []string{"sh", "-c", loops, "crowd", strconv.Itoa(n / 2)}
	session := exec.Command(some[0], some[1:]...)
	session.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	container := exec.Command("docker", append([]string{"run", "--rm", "-i", "--network", "none", os.Getenv("PYTHON_IMAGE")}, some...)...)
	for _, c := range []*exec.Cmd{session, container} {
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			in.Close()
			_ = c.Wait() // its end is a kill
		})
	}
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
