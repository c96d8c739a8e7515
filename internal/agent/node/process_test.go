package node

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProcessesOfAnOwner(t *testing.T) {
	tr := plant(t)
	tr.process(9, onV2(id), nil)
	tr.process(1200, onV1(id), nil)
	tr.process(31, onV2(other), nil)
	tr.process(32, "0::/kubepods/pod"+other+"/"+other+"\n", nil)
	tr.write(tr.Proc, "33/comm", "without a cgroup\n")
	container, _ := Container(id)
	pod, _ := Pod(uid)
	for _, c := range []struct {
		o    Owner
		want []int
	}{{container, []int{1200, 9}}, {pod, []int{1200, 31, 9}}} {
		ps, err := tr.processes(c.o)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, p := range ps {
			got = append(got, p.pid)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.o, diff)
		}
	}
}

// A node without a /proc is no node whose containers are gone.
func TestNoProc(t *testing.T) {
	tr := plant(t)
	tr.Proc = filepath.Join(tr.Proc, "no")
	for _, op := range Ops() {
		args := map[string][]string{
			"processes": {id}, "sockets": {id}, "usage": {id}, "writes": {id}, "gone": {id, "1"}, "listen": {id, "1"},
			"unreached": {"0100007F", id}, "signal": {id, "TERM", "."}, "freeze": {id}, "thaw": {id},
			"refuse": {uid, "on", "iptables"}, "end": {uid}, "pressure": {},
		}
		if with, ok := args[op.Name]; ok {
			if out, err := tr.run(op.Name, with...); err == nil {
				t.Errorf("%s says %q", op.Name, out)
			}
		}
	}
}

func TestState(t *testing.T) {
	tr := plant(t)
	for text, want := range map[string]string{
		"Name:\tapi\nUmask:\t0022\nState:\tT (stopped)\nTgid:\t9\n": "T",
		"Name:\tState:\nState:\tZ (zombie)\n":                       "Z",
		"Name:\tapi\nState:\t\n":                                    "",
		"":                                                          "",
	} {
		tr.process(9, onV2(id), map[string]string{"status": text})
		if got := (process{9, filepath.Join(tr.Proc, "9")}).state(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
