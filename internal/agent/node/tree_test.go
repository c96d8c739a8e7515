package node

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	id    = "3f1c6d0be7f04d0b8a5e7c2d91f0a4b35c6e7f8091a2b3c4d5e6f708192a3b4c"
	other = "aaaaaaaabbbbbbbbccccccccddddddddaaaaaaaabbbbbbbbccccccccdddddddd"
	uid   = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
)

// onV2 and onV1 are what /proc/PID/cgroup says of a process in a container with each version, below
// systemd's slices and below plain folders.
func onV2(container string) string {
	return "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod" +
		strings.ReplaceAll(uid, "-", "_") + ".slice/cri-containerd-" + container + ".scope\n"
}

func onV1(container string) string {
	path := "/kubelet/kubepods/burstable/pod" + uid + "/" + container + "\n"
	return "9:name=systemd:" + path + "5:memory:" + path + "4:pids:" + path + "3:cpu,cpuacct:" + path + "0::/\n"
}

// nobody is a number that no process can have (PID_MAX_LIMIT), whatever a test does to it.
const nobody = 1<<22 + 1

// tree is a node made of files.
type tree struct {
	Host
	t *testing.T
}

func plant(t *testing.T) tree {
	t.Helper()
	dir := t.TempDir()
	tr := tree{Host{Proc: filepath.Join(dir, "proc"), Cgroup: filepath.Join(dir, "cgroup"), Root: filepath.Join(dir, "root")}, t}
	tr.write(tr.Proc, "self/cgroup", onV2(id)) // no process by its number
	tr.process(nobody, "0::/init.scope\n", map[string]string{"cmdline": "/sbin/init\x00", "status": "State:\tS (sleeping)\n"})
	return tr
}

// plantBeside is one as a container sees it beside another.
func plantBeside(t *testing.T) tree {
	t.Helper()
	tr := plant(t)
	tr.Beside = true
	return tr
}

func (tr tree) write(root, name, text string) {
	tr.t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tr.t.Fatal(err)
	}
}

// process adds one with files by name.
func (tr tree) process(pid int, cgroup string, files map[string]string) {
	tr.t.Helper()
	dir := strconv.Itoa(pid) + "/"
	tr.write(tr.Proc, dir+"cgroup", cgroup)
	for name, text := range files {
		tr.write(tr.Proc, dir+name, text)
	}
}

// end removes a process.
func (tr tree) end(pid int) {
	tr.t.Helper()
	if err := os.RemoveAll(filepath.Join(tr.Proc, strconv.Itoa(pid))); err != nil {
		tr.t.Fatal(err)
	}
}

// says is what an Op prints of it.
func (tr tree) says(name string, args ...string) string {
	tr.t.Helper()
	out, err := tr.run(name, args...)
	if err != nil {
		tr.t.Fatal(err)
	}
	return out
}

func (tr tree) run(name string, args ...string) (string, error) {
	tr.t.Helper()
	ops := Ops()
	if tr.Beside {
		ops = LookOps()
	}
	for _, op := range ops {
		if op.Name == name {
			var out bytes.Buffer
			err := op.Run(tr.t.Context(), tr.Host, args, strings.NewReader(""), &out)
			return out.String(), err
		}
	}
	tr.t.Fatalf("there is no %s", name)
	return "", nil
}

// program puts a shell script before all programs of that name.
func program(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}
