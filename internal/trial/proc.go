package trial

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// processesBy reads every process of a container, first process first, without the values of
// Secrets in their arguments: on its node, or from beside it.
func (b *TestBed) processesBy(ctx context.Context, by Node, node, containerID string) ([]evidence.Process, error) {
	if containerID == "" {
		return nil, fmt.Errorf("the container has no ID: it never started")
	}
	out, err := by.Run(ctx, node, "processes", containerID)
	if err != nil {
		where := "on the node"
		if node == "" {
			where = "beside the container"
		}
		return nil, fmt.Errorf("reading /proc %s: %w", where, err)
	}
	ps, err := parseProcesses(string(out))
	for _, p := range ps {
		for i, arg := range p.Command {
			p.Command[i] = b.Redact(arg)
		}
	}
	return ps, err
}

// parseProcesses reads concatenated /proc/PID/status files (proc_pid_status(5)), each
// after a line "process" and with the command line and the mount points appended.
func parseProcesses(out string) ([]evidence.Process, error) {
	var ps []evidence.Process
	blocks := strings.Split("\n"+out, "\nprocess\n")
	for _, block := range blocks[1:] {
		fields := map[string]string{}
		for line := range strings.Lines(block) {
			key, value, ok := strings.Cut(strings.TrimRight(line, "\n"), ":")
			if ok {
				fields[key] = strings.TrimSpace(value)
			}
		}
		if fields["Uid"] == "" {
			continue // it ended while it was read
		}
		p, err := process(fields)
		if err != nil {
			return nil, err
		}
		if !startsOther(p) {
			ps = append(ps, p)
		}
	}
	slices.SortFunc(ps, func(a, b evidence.Process) int { return a.PID - b.PID })
	return ps, nil
}

// startsOther tells whether a process is the runtime's own, on its way to become a program of the
// container such as an exec probe's: it has joined the container, and takes its user, its
// capabilities and its seccomp filter one after the other (runc, libcontainer/nsenter and
// init_linux.go).
func startsOther(p evidence.Process) bool {
	return strings.HasPrefix(p.Name, "runc:[") || slices.Equal(p.Command, []string{"runc", "init"})
}

func process(f map[string]string) (evidence.Process, error) {
	p := evidence.Process{Name: f["Name"], CapEff: f["CapEff"], CapPrm: f["CapPrm"], CapBnd: f["CapBnd"],
		NoNewPrivs: f["NoNewPrivs"] == "1", Mounts: strings.Fields(f["Mounts"])}
	if f["Cmdline"] != "" {
		// A process that sets its own title leaves the rest of the memory empty.
		args := strings.TrimRight(f["Cmdline"], "\037")
		p.Command = strings.Split(strings.ReplaceAll(args, "\036", "\n"), "\037")
	}
	var err error
	read := func(key string) []int64 {
		var ns []int64
		for w := range strings.FieldsSeq(f[key]) {
			n, e := strconv.ParseInt(w, 10, 64)
			if e != nil && err == nil {
				err = fmt.Errorf("/proc/PID/status: %s is %q, expected numbers", key, f[key])
			}
			ns = append(ns, n)
		}
		return ns
	}
	p.UIDs, p.GIDs, p.Groups = read("Uid"), read("Gid"), read("Groups")
	// NSpid lists the PID in each nested namespace; the innermost is the container's own.
	if pids := read("NSpid"); len(pids) > 0 {
		p.PID = int(pids[len(pids)-1])
	}
	if s := read("Seccomp"); len(s) == 1 {
		p.Seccomp = int(s[0])
	}
	if err == nil && (len(p.UIDs) != 4 || len(p.GIDs) != 4) {
		err = fmt.Errorf("/proc/PID/status: Uid is %q and Gid %q, expected four numbers each", f["Uid"], f["Gid"])
	}
	return p, err
}
