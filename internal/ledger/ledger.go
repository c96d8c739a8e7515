// Package ledger writes down what a run makes, for whoever has to remove it.
package ledger

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Ledger is a run's folder under the user's cache directory. It says what the run is
// about to create, and its lock is held as long as the process lives: the kernel drops
// it even after SIGKILL, so the next run can tell what was left behind.
type Ledger struct {
	ID  string
	Dir string
	// Made is what the next run has to remove if this one cannot.
	Made Made

	mu   sync.Mutex // of Made and its file
	lock *os.File
}

// Made names what a run creates outside its own folder.
type Made struct {
	// Engine is the Docker endpoint that it was created on.
	Engine string `json:"engine,omitempty"`
	// Provider is the kind of cluster (cluster.Provider).
	Provider string `json:"provider,omitempty"`
	// Cluster is the name of one that the run made.
	Cluster string `json:"cluster,omitempty"`
	// Existing is the name of one that was there, in which the run made Namespaces, the
	// workload's first, and loaded Images.
	Existing   string   `json:"borrowed,omitempty"`
	Namespaces []string `json:"namespaces,omitempty"`
	// Kubeconfig is where Existing is looked up; empty is where kubectl looks.
	Kubeconfig string `json:"kubeconfig,omitempty"`
	// Inside is a namespace that was there, in which the run made objects.
	Inside string   `json:"inside,omitempty"`
	Images []string `json:"images,omitempty"`
	// Built are names of images that the run made in the engine for itself alone.
	Built []string `json:"built,omitempty"`
	// Kept is set by --keep, and where a cluster waits for the next run: a sweep leaves it alone.
	Kept bool `json:"kept,omitempty"`
	// Warm is of a cluster that stays for further runs; nil where it is that of one run. While one of
	// them uses it, it is not Kept: what a killed run leaves of it is removed as a whole.
	Warm *Warm `json:"warm,omitempty"`
}

// Warm is a cluster that further runs use, one after the other.
type Warm struct {
	// Of is what it is made of: a run takes one of the same, and none where that is not known yet.
	Of string `json:"of"`
	// Made is when it was made, Used when it was used last, and Until when nobody waits for it any more.
	Made  time.Time `json:"made"`
	Used  time.Time `json:"used"`
	Until time.Time `json:"until"`
	// Memory is what its nodes take of it while it waits, in bytes.
	Memory int64 `json:"memory"`
}

const (
	lockFile = "lock"
	madeFile = "created.json"
)

// New makes the folder of a new run below root ("<cache>/podproof/runs").
func New(root string) (*Ledger, error) {
	for {
		// Forty random bits, in letters that a DNS label allows.
		id := strings.ToLower(rand.Text()[:8])
		l := &Ledger{ID: id, Dir: filepath.Join(root, id)}
		if err := os.MkdirAll(l.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("making the run's folder: %w", err)
		}
		var err error
		l.lock, err = lockIn(l.Dir, os.O_CREATE)
		switch {
		case err == nil:
			return l, nil
		case errors.Is(err, unix.EWOULDBLOCK), errors.Is(err, os.ErrNotExist):
			// Another run's sweep came between the folder and its lock, and takes it for
			// abandoned: it is welcome to it.
			continue
		}
		os.RemoveAll(l.Dir)
		return nil, fmt.Errorf("locking the run's folder %s: %w", l.Dir, err)
	}
}

// Record writes down what is about to be created. It is called before each creation.
func (l *Ledger) Record(change func(*Made)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.Made)
	b, err := json.Marshal(l.Made)
	if err != nil {
		return err
	}
	tmp := filepath.Join(l.Dir, madeFile+".new")
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("writing down what this run creates: %w", err)
	}
	return os.Rename(tmp, filepath.Join(l.Dir, madeFile))
}

// Release ends the run. The folder goes too, unless what it names is kept, or is still
// there because it could not be removed.
func (l *Ledger) Release(stillThere bool) error {
	var err error
	if !l.Made.Kept && !stillThere {
		err = os.RemoveAll(l.Dir)
	}
	return errors.Join(err, l.lock.Close())
}

// outlived tells whether a cluster has waited long enough for a run.
func (m Made) outlived(now time.Time) bool { return m.Warm != nil && now.After(m.Warm.Until) }

// Take returns the ledger below root of a cluster that waits for a run and is made of that, locked by the
// caller now: the one that was used last. It is nil where there is none, or none that is free.
func Take(root, of string) (*Ledger, error) {
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("looking for a warm cluster: %w", err)
	}
	var waiting []*Ledger
	for _, e := range entries {
		l := &Ledger{ID: e.Name(), Dir: filepath.Join(root, e.Name())}
		if l.read(); l.Made.waits(of) {
			waiting = append(waiting, l)
		}
	}
	slices.SortFunc(waiting, func(a, b *Ledger) int { return b.Made.Warm.Used.Compare(a.Made.Warm.Used) })
	for _, l := range waiting {
		if l.lock, err = lockIn(l.Dir, 0); err != nil {
			continue // another run has it, or it is gone
		}
		l.Made = Made{}
		if l.read(); l.Made.waits(of) { // still
			return l, nil
		}
		l.lock.Close()
	}
	return nil, nil
}

func (m Made) waits(of string) bool {
	return m.Kept && m.Warm != nil && of != "" && m.Warm.Of == of && !m.outlived(time.Now())
}

// read reads what was written down. A torn file cannot happen (it is renamed into place); an unreadable
// one names nothing.
func (l *Ledger) read() {
	if b, err := os.ReadFile(filepath.Join(l.Dir, madeFile)); err == nil {
		_ = json.Unmarshal(b, &l.Made)
	}
}

// Abandoned returns the ledgers below root whose process is gone, locked by the caller now.
// Those that were kept on purpose are returned only when kept is true, or when they have waited too long.
func Abandoned(root string, kept bool) ([]*Ledger, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for what earlier runs left: %w", err)
	}
	var out []*Ledger
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		lock, err := lockIn(dir, 0)
		if errors.Is(err, os.ErrNotExist) {
			os.Remove(dir) // a run ended right after it had made the folder; one with something in it stays
		}
		if err != nil {
			continue // it lives, or another sweep is at it
		}
		l := &Ledger{ID: e.Name(), Dir: dir, lock: lock}
		l.read()
		if l.Made.Provider == "" && (l.Made.Cluster != "" || l.Made.Existing != "") {
			l.Made.Provider = "kind" // as it was when there was no other
		}
		if l.Made.Kept && !kept && !l.Made.outlived(time.Now()) {
			lock.Close()
			continue
		}
		out = append(out, l)
	}
	return out, nil
}

// String names what is left, in short.
func (m Made) String() string {
	switch {
	case m.Warm != nil:
		return fmt.Sprintf("the warm %s cluster %s", m.Provider, m.Cluster)
	case m.Cluster != "":
		return fmt.Sprintf("the %s cluster %s", m.Provider, m.Cluster)
	case m.Inside != "":
		return fmt.Sprintf("its objects in namespace %s of the %s cluster %s", m.Inside, m.Provider, m.Existing)
	case m.Existing != "":
		return fmt.Sprintf("namespaces %s in the %s cluster %s", strings.Join(m.Namespaces, ", "), m.Provider, m.Existing)
	}
	return "its files"
}

// InUse are the existing clusters that runs below root use which are under way, each with the ID of
// such a run.
func InUse(root string) (map[string]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("looking for the runs that are under way: %w", err)
	}
	used := map[string]string{}
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		lock, err := lockIn(dir, 0)
		if err == nil {
			lock.Close() // nobody's
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			continue
		}
		var made Made
		if b, err := os.ReadFile(filepath.Join(dir, madeFile)); err == nil && json.Unmarshal(b, &made) == nil && made.Existing != "" {
			used[made.Existing] = e.Name()
		}
	}
	return used, nil
}

// lockIn locks a run's folder. Its error is EWOULDBLOCK when another process has the
// lock, and os.ErrNotExist when the folder was removed meanwhile.
func lockIn(dir string, create int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|create, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	// The lock may be that of a file which its last holder has removed.
	mine, err := f.Stat()
	if err == nil {
		var there os.FileInfo
		if there, err = os.Stat(f.Name()); err == nil && !os.SameFile(mine, there) {
			err = os.ErrNotExist
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
