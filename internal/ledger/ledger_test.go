package ledger

import (
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func newLedger(t *testing.T, root string) *Ledger {
	t.Helper()
	l, err := New(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.lock.Close() })
	return l
}

func record(t *testing.T, l *Ledger, change func(*Made)) {
	t.Helper()
	if err := l.Record(change); err != nil {
		t.Fatal(err)
	}
}

// abandoned are the ledgers that a sweep would get, by ID, locked until the test ends.
func abandoned(t *testing.T, root string, kept bool) map[string]*Ledger {
	t.Helper()
	ledgers, err := Abandoned(root, kept)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*Ledger{}
	for _, l := range ledgers {
		t.Cleanup(func() { l.lock.Close() })
		out[l.ID] = l
	}
	return out
}

func TestLiveLedgerIsNotAbandoned(t *testing.T) {
	root := t.TempDir()
	l := newLedger(t, root)
	record(t, l, func(o *Made) { o.Cluster = "podproof-x" })
	if got := abandoned(t, root, true); len(got) != 0 {
		t.Errorf("abandoned: %v", got)
	}
}

func TestLedgerOfADeadProcessIsAbandoned(t *testing.T) {
	root := t.TempDir()
	l := newLedger(t, root)
	record(t, l, func(o *Made) { o.Engine, o.Cluster = "unix:///engine.sock", "podproof-x" })
	record(t, l, func(o *Made) { o.Images = append(o.Images, "app:1") })
	l.lock.Close() // as the kernel does at a process' end

	got := abandoned(t, root, false)[l.ID]
	if got == nil {
		t.Fatal("it is not seen as abandoned")
	}
	// One that names no provider was written when kind was the only one.
	if diff := cmp.Diff(Made{Engine: "unix:///engine.sock", Provider: "kind", Cluster: "podproof-x", Images: []string{"app:1"}}, got.Made); diff != "" {
		t.Errorf("what it left (-want +got):\n%s", diff)
	}
	if again := abandoned(t, root, false); len(again) != 0 {
		t.Error("a second sweep gets it, too")
	}
	if err := got.Release(false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(l.Dir); !os.IsNotExist(err) {
		t.Errorf("its folder is still there (%v)", err)
	}
}

func TestLedgerThatRecordedNothingIsAbandonedToo(t *testing.T) {
	root := t.TempDir()
	l := newLedger(t, root)
	l.lock.Close()
	got := abandoned(t, root, false)[l.ID]
	if got == nil {
		t.Fatal("it is not seen as abandoned")
	}
	if diff := cmp.Diff(Made{}, got.Made); diff != "" {
		t.Errorf("what it left (-want +got):\n%s", diff)
	}
}

func TestReleaseRemovesTheFolder(t *testing.T) {
	root := t.TempDir()
	l := newLedger(t, root)
	record(t, l, func(o *Made) { o.Cluster = "podproof-x" })
	if err := l.Release(false); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("left: %v (%v)", left, err)
	}
}

func TestKeptLedgerIsLeftAloneUnlessAskedFor(t *testing.T) {
	root := t.TempDir()
	l := newLedger(t, root)
	record(t, l, func(o *Made) { o.Cluster, o.Kept = "podproof-x", true })
	if err := l.Release(false); err != nil {
		t.Fatal(err)
	}
	for range 2 { // looking at it does not keep it locked
		if got := abandoned(t, root, false); len(got) != 0 {
			t.Errorf("abandoned: %v", got)
		}
	}
	got := abandoned(t, root, true)[l.ID]
	if got == nil {
		t.Fatal("it is not there when asked for")
	}
	if got.Made.Cluster != "podproof-x" {
		t.Errorf("it left %+v", got.Made)
	}
}

func TestNothingIsAbandonedWhereNothingRan(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "a-file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{root, filepath.Join(root, "none")} {
		if got := abandoned(t, dir, true); len(got) != 0 {
			t.Errorf("abandoned: %v", got)
		}
	}
}

// The ID is part of the names of a cluster, a network and a namespace.
func TestLedgerIDFitsIntoANameOfKubernetes(t *testing.T) {
	if id := newLedger(t, t.TempDir()).ID; !regexp.MustCompile(`^[a-z0-9]{8}$`).MatchString(id) {
		t.Errorf("the ID is %q", id)
	}
}

// Runs that start at the same moment sweep each other's folders while they are made.
func TestLedgersMadeWhileOthersSweep(t *testing.T) {
	root := t.TempDir()
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			for range 50 {
				abandoned, err := Abandoned(root, false)
				if err != nil {
					t.Error(err)
				}
				for _, a := range abandoned {
					if err := a.Release(false); err != nil {
						t.Error(err)
					}
				}
				l, err := New(root)
				if err != nil {
					t.Error(err)
					return
				}
				if err := l.Record(func(l *Made) { l.Cluster = "c" }); err != nil {
					t.Errorf("its folder was taken away: %v", err)
				}
				if err := l.Release(false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	runs.Wait()
	if left, _ := os.ReadDir(root); len(left) > 0 {
		t.Errorf("%d folders are left", len(left))
	}
}

// A cluster that --keep kept may be lent to a run that is under way.
func TestInUse(t *testing.T) {
	root := t.TempDir()
	running, err := New(root)
	if err != nil {
		t.Fatal(err)
	}
	ended, err := New(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*Ledger{running, ended} {
		if err := l.Record(func(left *Made) { left.Existing, left.Kept = "of-"+l.ID, true }); err != nil {
			t.Fatal(err)
		}
	}
	if err := ended.Release(true); err != nil {
		t.Fatal(err)
	}
	used, err := InUse(root)
	if err != nil || len(used) != 1 || used["of-"+running.ID] != running.ID {
		t.Errorf("in use: %v, %v", used, err)
	}
	if err := running.Release(true); err != nil {
		t.Fatal(err)
	}
}

// A cluster that waits is taken by one run, the one that was used last first, and by nobody who wants another.
func TestTake(t *testing.T) {
	root := t.TempDir()
	now := time.Now()
	waiting := func(used time.Time, w Warm) string {
		l := newLedger(t, root)
		w.Used = used
		record(t, l, func(m *Made) { m.Cluster, m.Kept, m.Warm = "podproof-"+l.ID, true, &w })
		if err := l.Release(true); err != nil {
			t.Fatal(err)
		}
		return l.ID
	}
	later := now.Add(time.Hour)
	older := waiting(now.Add(-2*time.Minute), Warm{Of: "a", Until: later})
	newer := waiting(now.Add(-time.Minute), Warm{Of: "a", Until: later})
	waiting(now, Warm{Of: "b", Until: later})
	outlived := waiting(now, Warm{Of: "a", Until: now.Add(-time.Second)})
	inUse := newLedger(t, root)
	record(t, inUse, func(m *Made) { m.Kept, m.Warm = true, &Warm{Of: "a", Used: now, Until: later} })
	for _, want := range []string{newer, older, ""} {
		l, err := Take(root, "a")
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if l != nil {
			got = l.ID
			t.Cleanup(func() { l.lock.Close() })
			if !l.Made.Kept || l.Made.Cluster != "podproof-"+l.ID {
				t.Errorf("it made %+v", l.Made)
			}
		}
		if got != want {
			t.Errorf("taken is %q, and should be %q", got, want)
		}
	}
	if got := abandoned(t, root, false); len(got) != 1 || got[outlived] == nil {
		t.Errorf("a sweep gets %v, and should get the one that has waited too long", got)
	}
	if l, err := Take(filepath.Join(root, "none"), "a"); l != nil || err != nil {
		t.Errorf("of nothing: %v, %v", l, err)
	}
}

// What a killed run leaves of a warm cluster is not taken, and swept.
func TestAWarmClusterOfAKilledRun(t *testing.T) {
	root := t.TempDir()
	l := newLedger(t, root)
	record(t, l, func(m *Made) {
		m.Cluster, m.Provider, m.Warm = "podproof-x", "kind", &Warm{Of: "a", Until: time.Now().Add(time.Hour)}
	})
	l.lock.Close() // as the kernel does at a process' end
	if taken, err := Take(root, "a"); taken != nil || err != nil {
		t.Errorf("taken: %v, %v", taken, err)
	}
	if got := abandoned(t, root, false)[l.ID]; got == nil || got.Made.String() != "the warm kind cluster podproof-x" {
		t.Errorf("a sweep gets %v", got)
	}
}
