package node

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// process is one of the node's, as a folder of /proc. It may have ended meanwhile.
type process struct {
	pid int
	dir string
}

func (p process) file(name string) string { return filepath.Join(p.dir, name) }

// exists tells whether its parent has not yet been told of its end.
func (p process) exists() bool {
	_, err := os.Lstat(p.dir)
	return err == nil
}

// processes are those of an owner, in the order in which a shell lists /proc/[0-9]*.
func (h Host) processes(o Owner) ([]process, error) {
	entries, err := os.ReadDir(h.Proc)
	if err != nil {
		return nil, fmt.Errorf("looking for processes: %w", err)
	}
	var out []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p := (process{pid, filepath.Join(h.Proc, e.Name())}); p.isOf(o) {
			out = append(out, p)
		}
	}
	return out, nil
}

// isOf tells whether one of its control groups is the owner's.
func (p process) isOf(o Owner) bool {
	for _, path := range p.groups() {
		if o.in(path) {
			return true
		}
	}
	return false
}

// groups are the paths of its control groups by controller, on cgroup v1 and v2 alike; the one
// of v2 has no controller's name (cgroups(7)).
func (p process) groups() map[string]string {
	all, _ := os.ReadFile(p.file("cgroup")) // there is nothing of one that ended
	out := map[string]string{}
	for line := range strings.Lines(string(all)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) < 3 {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			out[controller] = parts[2]
		}
	}
	return out
}

// state is the letter of its State (proc_pid_status(5)), empty where it has ended.
func (p process) state() string {
	status, _ := os.ReadFile(p.file("status"))
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte("State:")); ok {
			if words := bytes.Fields(value); len(words) > 0 {
				return string(words[0])
			}
		}
	}
	return ""
}
