package trial

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/evidence"
)

// status is a whole /proc/PID/status of a process in a container, as Linux 6.1 prints it.
const status = `Name:	api
Umask:	0022
State:	S (sleeping)
Tgid:	4711
Ngid:	0
Pid:	4711
PPid:	4650
TracerPid:	0
Uid:	1001	1001	1001	1001
Gid:	1001	1001	1001	1001
FDSize:	64
Groups:	1001 2000 
NStgid:	4711	1
NSpid:	4711	1
NSpgid:	4711	1
NSsid:	4711	1
VmPeak:	 1238392 kB
VmSize:	 1238392 kB
VmLck:	       0 kB
VmRSS:	   14848 kB
Threads:	7
SigQ:	0/31234
SigPnd:	0000000000000000
SigBlk:	0000000000000000
SigIgn:	0000000000000000
SigCgt:	fffffffd7fc1feff
CapInh:	0000000000000000
CapPrm:	0000000000000000
CapEff:	0000000000000000
CapBnd:	00000000a80425fb
CapAmb:	0000000000000000
NoNewPrivs:	1
Seccomp:	2
Seccomp_filters:	1
Speculation_Store_Bypass:	thread force mitigated
Cpus_allowed_list:	0-1
voluntary_ctxt_switches:	150
nonvoluntary_ctxt_switches:	9
`

// read is a process as the script gives it.
func read(status, cmdline string) string {
	return "process\n" + status + "Cmdline:\t" + cmdline + "\n" + "Mounts:\t/ /proc /with\\040space \n"
}

// with changes lines of the status.
func with(oldnew ...string) string { return strings.NewReplacer(oldnew...).Replace(status) }

func api(change func(*evidence.Process)) evidence.Process {
	p := evidence.Process{PID: 1, Command: []string{"/api"}, Name: "api",
		UIDs: []int64{1001, 1001, 1001, 1001}, GIDs: []int64{1001, 1001, 1001, 1001}, Groups: []int64{1001, 2000},
		CapEff: "0000000000000000", CapPrm: "0000000000000000", CapBnd: "00000000a80425fb", NoNewPrivs: true, Seccomp: 2,
		Mounts: []string{"/", "/proc", `/with\040space`}}
	if change != nil {
		change(&p)
	}
	return p
}

func TestParseProcesses(t *testing.T) {
	command := func(args ...string) evidence.Process {
		return api(func(p *evidence.Process) { p.Command = args })
	}
	for _, c := range []struct {
		name, out string
		want      []evidence.Process
	}{
		{"one", read(status, "/api\037"), []evidence.Process{api(nil)}},
		{"none", "", nil},
		{"arguments", read(status, "sh\037-c\037exec  /api: now\037"), []evidence.Process{command("sh", "-c", "exec  /api: now")}},
		{"an empty argument", read(status, "/api\037\037-v\037"), []evidence.Process{command("/api", "", "-v")}},
		{"an argument of several lines", read(status, "sh\037-c\037set -e\036process\036Uid:\t0 0 0 0\037"),
			[]evidence.Process{command("sh", "-c", "set -e\nprocess\nUid:\t0 0 0 0")}},
		{"a title of its own, without an end", read(status, "nginx: worker process"), []evidence.Process{command("nginx: worker process")}},
		{"a title of its own, padded", read(status, "postgres: shop idle\037\037\037"), []evidence.Process{command("postgres: shop idle")}},
		{"no command line", read(status, ""), []evidence.Process{command()}},
		{"named like the mark between processes", read(with("Name:\tapi", "Name:\tprocess"), "/api\037"),
			[]evidence.Process{api(func(p *evidence.Process) { p.Name = "process" })}},
		{"as root, with everything", read(with("1001\t1001\t1001\t1001", "0\t0\t0\t0", "Groups:\t1001 2000 ", "Groups:\t ",
			"CapEff:\t0000000000000000", "CapEff:\t00000000a80425fb", "NoNewPrivs:\t1", "NoNewPrivs:\t0", "Seccomp:\t2", "Seccomp:\t0"), "/api\037"),
			[]evidence.Process{api(func(p *evidence.Process) {
				p.UIDs, p.GIDs, p.Groups = []int64{0, 0, 0, 0}, []int64{0, 0, 0, 0}, nil
				p.CapEff, p.NoNewPrivs, p.Seccomp = "00000000a80425fb", false, 0
			})}},
		{"several, in the order of the container's own PIDs", read(with("NSpid:\t4711\t1", "NSpid:\t90\t12"), "/worker\037") + read(status, "/api\037"),
			[]evidence.Process{api(nil), api(func(p *evidence.Process) { p.PID, p.Command = 12, []string{"/worker"} })}},
		{"namespaces within namespaces", read(with("NSpid:\t4711\t1", "NSpid:\t4711\t80\t7"), "/api\037"),
			[]evidence.Process{api(func(p *evidence.Process) { p.PID = 7 })}},
		{"an exec probe that is being started", read(status, "/api\037") + read(with("Name:\tapi", "Name:\trunc:[2:INIT]", "NSpid:\t4711\t1", "NSpid:\t4790\t51", "Seccomp:\t2", "Seccomp:\t0"), "runc\037init\037"), []evidence.Process{api(nil)}},
		{"one that became its program while it was read", read(status, "/api\037") + read(with("Name:\tapi", "Name:\trunc:[2:INIT]", "NSpid:\t4711\t1", "NSpid:\t4790\t51"), "/healthy\037"), []evidence.Process{api(nil)}},
		{"one whose name is gone already", read(with("Seccomp:\t2", "Seccomp:\t0"), "runc\037init\037"), nil},
		{"one that ended while it was read", read("", "") + read(status, "/api\037") + read("", ""), []evidence.Process{api(nil)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseProcesses(c.out)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseProcessesRefusesWhatTheKernelDoesNotWrite(t *testing.T) {
	for name, out := range map[string]string{
		"words":       read(with("Uid:\t1001", "Uid:\troot"), ""),
		"three IDs":   read(with("Gid:\t1001\t", "Gid:\t"), ""),
		"no group ID": read(with("Gid:", "gid:"), ""),
	} {
		if got, err := parseProcesses(out); err == nil {
			t.Errorf("%s: %+v, want an error", name, got)
		}
	}
}

// shell is a node that answers every command with the same.
type shell struct {
	mute
	out string
	err error
	ran *[]string
}

func (s shell) Run(_ context.Context, node, command string, args ...string) ([]byte, error) {
	*s.ran = append(*s.ran, node+": "+command+" … "+strings.Join(args[max(0, len(args)-1):], ""))
	return []byte(s.out), s.err
}

func TestProcesses(t *testing.T) {
	var ran []string
	b := &TestBed{Redact: strings.NewReplacer("hunter2", "[masked]").Replace}
	node := shell{out: read(status, "/api\037--key=hunter2\037"), ran: &ran}
	got, err := b.processesBy(t.Context(), node, "worker", "0a1b")
	if err != nil {
		t.Fatal(err)
	}
	want := api(nil)
	want.Command = []string{"/api", "--key=[masked]"}
	if diff := cmp.Diff([]evidence.Process{want}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"worker: processes … 0a1b"}, ran); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}

	// An empty ID is in the cgroup of every process of the node.
	if _, err := b.processesBy(t.Context(), node, "worker", ""); err == nil || len(ran) != 1 {
		t.Errorf("a container without an ID: %v, after the commands %q", err, ran)
	}
	broken := errors.New("no such node")
	for node, where := range map[string]string{"worker": "on the node", "": "beside the container"} {
		if _, err := b.processesBy(t.Context(), shell{err: broken, ran: &ran}, node, "0a1b"); !errors.Is(err, broken) || !strings.Contains(err.Error(), where) {
			t.Errorf("a node that fails: %v", err)
		}
	}
}
