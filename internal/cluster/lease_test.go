package cluster

import (
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newLease(t *testing.T, root string) *Lease {
	t.Helper()
	l, err := NewLease(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.lock.Close() })
	return l
}

func record(t *testing.T, l *Lease, change func(*Leftover)) {
	t.Helper()
	if err := l.Record(change); err != nil {
		t.Fatal(err)
	}
}

// abandoned are the leases that a sweep would get, by ID, locked until the test ends.
func abandoned(t *testing.T, root string, kept bool) map[string]*Lease {
	t.Helper()
	leases, err := Abandoned(root, kept)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*Lease{}
	for _, l := range leases {
		t.Cleanup(func() { l.lock.Close() })
		out[l.ID] = l
	}
	return out
}

func TestLiveLeaseIsNotAbandoned(t *testing.T) {
	root := t.TempDir()
	l := newLease(t, root)
	record(t, l, func(o *Leftover) { o.Cluster = "podproof-x" })
	if got := abandoned(t, root, true); len(got) != 0 {
		t.Errorf("abandoned: %v", got)
	}
}

func TestLeaseOfADeadProcessIsAbandoned(t *testing.T) {
	root := t.TempDir()
	l := newLease(t, root)
	record(t, l, func(o *Leftover) { o.Engine, o.Cluster = "unix:///engine.sock", "podproof-x" })
	record(t, l, func(o *Leftover) { o.Images = append(o.Images, "app:1") })
	l.lock.Close() // as the kernel does at a process' end

	got := abandoned(t, root, false)[l.ID]
	if got == nil {
		t.Fatal("it is not seen as abandoned")
	}
	if diff := cmp.Diff(Leftover{Engine: "unix:///engine.sock", Cluster: "podproof-x", Images: []string{"app:1"}}, got.Left); diff != "" {
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

func TestLeaseThatRecordedNothingIsAbandonedToo(t *testing.T) {
	root := t.TempDir()
	l := newLease(t, root)
	l.lock.Close()
	got := abandoned(t, root, false)[l.ID]
	if got == nil {
		t.Fatal("it is not seen as abandoned")
	}
	if diff := cmp.Diff(Leftover{}, got.Left); diff != "" {
		t.Errorf("what it left (-want +got):\n%s", diff)
	}
}

func TestReleaseRemovesTheFolder(t *testing.T) {
	root := t.TempDir()
	l := newLease(t, root)
	record(t, l, func(o *Leftover) { o.Cluster = "podproof-x" })
	if err := l.Release(false); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("left: %v (%v)", left, err)
	}
}

func TestKeptLeaseIsLeftAloneUnlessAskedFor(t *testing.T) {
	root := t.TempDir()
	l := newLease(t, root)
	record(t, l, func(o *Leftover) { o.Cluster, o.Kept = "podproof-x", true })
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
	if got.Left.Cluster != "podproof-x" {
		t.Errorf("it left %+v", got.Left)
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
func TestLeaseIDFitsIntoANameOfKubernetes(t *testing.T) {
	if id := newLease(t, t.TempDir()).ID; !regexp.MustCompile(`^[a-z0-9]{8}$`).MatchString(id) {
		t.Errorf("the ID is %q", id)
	}
}

// Runs that start at the same moment sweep each other's folders while they are made.
func TestLeasesMadeWhileOthersSweep(t *testing.T) {
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
				l, err := NewLease(root)
				if err != nil {
					t.Error(err)
					return
				}
				if err := l.Record(func(l *Leftover) { l.Cluster = "c" }); err != nil {
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
