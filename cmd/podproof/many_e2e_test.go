//go:build e2e

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/report"
)

// manyChecks are of every kind, which take a few minutes.
const manyChecks = "startup/ready,health/answers,termination/exit-zero,identity/non-root,security/restricted,image/*"

// threeContracts are a good image and two mutants, built, by the names that reports give them, with the
// promises that each breaks.
func threeContracts(t *testing.T) (args []string, breaks map[string][]string) {
	t.Helper()
	args = []string{"verify", "--only", manyChecks}
	for _, file := range []string{"podproof.yaml", "mutants/exits-one-on-sigterm/podproof.yaml", "mutants/runs-as-root/podproof.yaml"} {
		podproof(t, nil, "build", "-f", file).want(t, exitPass)
		args = append(args, "-f", file)
	}
	self, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	return args, map[string][]string{
		filepath.Base(self):            {},
		"mutants-exits-one-on-sigterm": {"termination/exit-zero"},
		"mutants-runs-as-root":         {"identity/non-root", "image/user-non-root", "security/restricted"},
	}
}

// Three contracts in one cluster get the verdicts that each gets by itself, and reports of their own.
func TestSeveralContractsOnKind(t *testing.T) {
	args, breaks := threeContracts(t)
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	f := podproof(t, nil, append(args, "-o", "terminal", "-o", "json="+in("{}.json"), "-o", "json="+in("all.json"), "-o", "junit="+in("all.xml"), "-o", "sarif="+in("all.sarif"), "--evidence", in("{}.evidence"))...)
	f.want(t, exitFail, "Cluster created", "3 contracts: 1 passed, 2 failed.")
	if n := strings.Count(f.stdout, "Creating a kind cluster"); n != 1 {
		t.Errorf("a cluster was made %d times", n)
	}
	b, err := os.ReadFile(in("all.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Result    string
		Contracts []report.One
	}
	if err := json.Unmarshal(b, &all); err != nil || all.Result != "fail" || len(all.Contracts) != len(breaks) {
		t.Fatalf("all.json is %+v (%v)", all, err)
	}
	namespaces := map[string]bool{}
	for _, one := range all.Contracts {
		want, known := breaks[one.Name]
		if !known {
			t.Errorf("a contract is called %q", one.Name)
			continue
		}
		seen := verdicts(t, in(one.Name+".json"))
		if got := with(seen, check.Fail); !slices.Equal(got, want) || len(with(seen, check.Inconclusive)) > 0 || !slices.Equal(with(*one.Report, check.Fail), want) {
			t.Errorf("%s: broken are %v, want %v; undecided are %v", one.Name, got, want, with(seen, check.Inconclusive))
		}
		if !strings.Contains(f.stdout, "Contract "+one.Name+"\n") {
			t.Errorf("%s has no report of its own:\n%s", one.Name, f.stdout)
		}
		judgedAgain(t, in(one.Name+".evidence"), seen)
		namespaces[seen.Run.ID] = true
	}
	if len(namespaces) != 3 {
		t.Errorf("the runs are %v", namespaces)
	}
	for _, file := range []string{"all.xml", "all.sarif"} {
		if b, err := os.ReadFile(in(file)); err != nil || !strings.Contains(string(b), "mutants-runs-as-root") {
			t.Errorf("%s does not tell of every contract (%v)", file, err)
		}
	}
	wantClean(t)
	if t.Failed() {
		t.Log(f.stdout, f.stderr)
	}
}

// What is wrong with one contract is told before anything is made.
func TestSeveralContractsOfWhichOneIsWrong(t *testing.T) {
	args, _ := threeContracts(t)
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("apiVersion: podproof/v1alpha1\nkind: Contract\nimage: no/such:image\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := podproof(t, nil, append(args, "-f", bad)...)
	f.want(t, exitUsage, bad+": the contract names no manifests")
	if strings.Contains(f.stdout, "Creating a kind cluster") {
		t.Errorf("a cluster was made:\n%s", f.stdout)
	}
	wantClean(t)
}

// Ctrl-C tells of each contract what is known, and leaves nothing.
func TestSeveralContractsAndCtrlC(t *testing.T) {
	args, breaks := threeContracts(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	kill, wait := until(t, ctx, "Stopping a pod with SIGTERM…", args...)
	kill(syscall.SIGINT)
	code, said := wait()
	if code != exitInterrupted || !strings.Contains(said, "3 contracts: ") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	for name := range breaks {
		if !strings.Contains(said, "Contract "+name+"\n") {
			t.Errorf("nothing is said of %s:\n%s", name, said)
		}
	}
	wantClean(t)
}
