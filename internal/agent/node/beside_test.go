package node

import (
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/asnobody"
)

// statOf is a /proc/PID/stat whose process has a name as bad as any, used 7+3 ticks itself and 2+1 by
// its children, and began so many ticks after the machine.
func statOf(began int64) string {
	return "9 (a) (b) S 0 9 9 0 -1 4194560 100 0 0 0 7 3 2 1 20 0 4 0 " + strconv.FormatInt(began, 10) + " 1000 100\n"
}

// seenBeside is the control group of a process there: relative to one's own.
func seenBeside(container string) string { return "0::/../cri-containerd-" + container + ".scope\n" }

// Beside a container nothing can be done to it, and nothing is asked that a node alone knows.
func TestWhatIsAskedBesideAContainer(t *testing.T) {
	var names []string
	for _, o := range LookOps() {
		names = append(names, o.Name)
	}
	if diff := cmp.Diff([]string{"processes", "usage", "writes", "remotes", "clock", "attend", "living", "listen", "connect", "pressure"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, o := range Ops() {
		if slices.Contains([]string{"attend", "living", "remotes"}, o.Name) {
			t.Errorf("%s is asked of a node", o.Name)
		}
	}
	tr := plantBeside(t)
	if _, err := tr.run("attend", id); err == nil || !strings.Contains(err.Error(), "`agent look attend CONTAINER SECONDS`") {
		t.Error(err)
	}
}

func TestProcessesBeside(t *testing.T) {
	tr := plantBeside(t)
	tr.process(9, seenBeside(id), map[string]string{"status": "Name:\tapi\n", "cmdline": "api\x00", "environ": "PASSWORD=hunter2\x00"})
	tr.process(10, "0::/\n", map[string]string{"status": "Name:\tpodproof\n"}) // podproof's own
	if got := tr.says("processes", id); got != "process\nName:\tapi\nCmdline:\tapi\x1f\nMounts:\t\n" {
		t.Errorf("%q", got)
	}
}

func TestUsageBeside(t *testing.T) {
	group := func(version string) func(tree) {
		return func(tr tree) {
			in := func(name, text string) { tr.write(tr.Proc, "9/root/sys/fs/cgroup/"+name, text) }
			if version == "v2" {
				in("memory.current", "12345678\n")
				in("memory.stat", "inactive_file 4096\n")
				in("cpu.stat", "usage_usec 2500\nthrottled_usec 77\n")
				return
			}
			in("memory/memory.usage_in_bytes", "12345678\n")
			in("memory/memory.stat", "total_inactive_file 4096\n")
			in("cpuacct/cpuacct.usage", "2500999\n")
			in("cpu/cpu.stat", "throttled_time 77999\n")
		}
	}
	const status = "Name:\tapi\nRssAnon:\t    1000 kB\nRssFile:\t  500 kB\nRssShmem:\t      24 kB\n"
	for name, c := range map[string]struct {
		plant func(tree)
		want  string
	}{
		"its own control group, v2": {group("v2"), "12345678\n4096\n2500\n77\n"},
		"its own control group, v1": {group("v1"), "12345678\n4096\n2500\n77\n"},
		// 2 × 1000 KiB of their own and the 24 KiB that they share; 2 × 13 ticks
		"another user's": {func(tr tree) {
			tr.process(10, seenBeside(id), map[string]string{"status": status, "stat": statOf(9)})
		}, "2072576\n0\n260000\n0\nsummed\n"},
		"one that ends": {func(tr tree) { tr.process(10, seenBeside(other), nil) }, "1048576\n0\n130000\n0\nsummed\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := plantBeside(t)
			tr.process(9, seenBeside(id), map[string]string{"status": status, "stat": statOf(9)})
			c.plant(tr)
			if got := tr.says("usage", id); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if got := tr.says("usage", strings.Repeat("e", 64)); got != "gone\n" {
				t.Errorf("of a container that is not there: %q", got)
			}
		})
	}
	for name, files := range map[string]map[string]string{
		"no status":     {"stat": statOf(9)},
		"no number":     {"status": "RssAnon:\tmuch kB\n", "stat": statOf(9)},
		"no stat":       {"status": status},
		"half a stat":   {"status": status, "stat": "9 (a) S 0 9\n"},
		"no name in it": {"status": status, "stat": "9\n"},
		"words in it":   {"status": status, "stat": strings.Replace(statOf(9), " 7 3 ", " 7 x ", 1)},
	} {
		tr := plantBeside(t)
		tr.process(9, seenBeside(id), files)
		if out, err := tr.run("usage", id); err == nil || out != "" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

// changedSince waits for a time of the file system's, and returns it: what is changed from now on is later.
func changedSince(t *testing.T, dir string) time.Time {
	t.Helper()
	change := func() time.Time {
		file := filepath.Join(dir, "now")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(file)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := changedAt(info)
		_ = os.Remove(file)
		return at
	}
	before := change()
	for { // the kernel's clock for files goes by ticks
		if now := change(); now.After(before) {
			return now
		}
	}
}

func TestWritesBeside(t *testing.T) {
	tr := plantBeside(t)
	tr.process(9, seenBeside(id), map[string]string{"stat": statOf(0), "mountinfo": mountinfo + "1 2 0:1 / /data rw - ext4 /dev/sda rw\n1 2 0:1 / /etc/hosts rw - ext4 /dev/sda rw\n",
		"status": "Uid:\t1001\t1001\t1001\t1001\nGid:\t1001\t1001\t1001\t1001\nGroups:\t2000 \nCapEff:\t0000000000000000\n"})
	root := filepath.Join(tr.Proc, "9/root")
	tr.write(root, "app/main.py", "print()")
	tr.write(root, "app/given", "1")
	old := filepath.Join(root, "app/old.pyc")
	tr.write(root, "app/old.pyc", "1")
	since := changedSince(t, t.TempDir())
	tr.write(root, "tmp/cache.db", "12")
	tr.write(root, "with space/a", "123") // mounted
	tr.write(root, "data/a", "1")         // mounted
	tr.write(root, "etc/hosts", "1")      // mounted
	tr.write(root, "proc/1", "1")         // mounted
	tr.write(root, "dev/termination-log", "1")
	tr.write(root, "app/main.py", "print(1)")
	if err := os.Chmod(filepath.Join(root, "app/given"), 0o644); err != nil {
		t.Fatal(err)
	}
	// A program can say that its file is older, and where it leads.
	tr.write(root, "app/copied", "1234")
	if err := os.Chtimes(filepath.Join(root, "app/copied"), time.Unix(0, 0), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(old), filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	p := process{9, filepath.Join(tr.Proc, "9")}
	mounts, err := p.mounts()
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.changed(since, mounts)
	want := []Write{{"/app/copied", 4}, {"/app/given", 1}, {"/app/main.py", 8}, {"/tmp/cache.db", 2}}
	if diff := cmp.Diff(want, w.Files); err != nil || diff != "" || w.Unread != nil || len(w.Mounted) != 5 {
		t.Errorf("%v, mounted %q, unread %q (-want +got):\n%s", err, w.Mounted, w.Unread, diff)
	}
	// The same by what the machine says: it was started an hour ago, or will be.
	tr.write(tr.Proc, "uptime", "3600.00 1.00\n")
	if got := tr.says("writes", id); !strings.HasPrefix(got, "mount\t/\nmount\t/proc\n") || !strings.Contains(got, "\n4\t/app/copied\n") || !strings.Contains(got, "\n1\t/app/old.pyc\n") {
		t.Errorf("%q", got)
	}
	tr.write(tr.Proc, "uptime", "-3600.00 1.00\n")
	if got := tr.says("writes", id); strings.Contains(got, "/app") {
		t.Errorf("%q", got)
	}
	if got := tr.says("writes", other); got != "gone\n" {
		t.Errorf("of a container that is not there: %q", got)
	}
}

// What cannot be seen is not nothing.
func TestWritesUnknownBeside(t *testing.T) {
	all := map[string]string{"stat": statOf(0), "mountinfo": mountinfo, "status": "CapEff:\t0\n"}
	for name, c := range map[string]struct {
		leave, up, says string
	}{
		"its root is out of reach": {"", "1.0 1.0\n", "the root of the container's processes cannot be entered by UID"},
		"no rights":                {"status", "1.0 1.0\n", "status"},
		"no time":                  {"", "long\n", "expected a number of seconds"},
		"no start":                 {"stat", "1.0 1.0\n", "gone"},
	} {
		tr := plantBeside(t)
		tr.process(9, seenBeside(id), all)
		if c.leave != "" {
			tr.write(tr.Proc, "9/root/app", "")
			if err := os.Remove(filepath.Join(tr.Proc, "9", c.leave)); err != nil {
				t.Fatal(err)
			}
		}
		tr.write(tr.Proc, "uptime", c.up)
		out, err := tr.run("writes", id)
		if said := out + errorText(err); !strings.Contains(said, c.says) || strings.Contains(out, "mount") {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A folder that podproof cannot read is told where the process may enter it.
func TestFoldersThatCannotBeRead(t *testing.T) {
	tr := plantBeside(t)
	const nobody = 65534
	mine := strconv.Itoa(os.Geteuid())
	if mine == "0" {
		mine = strconv.Itoa(nobody)
	}
	for uid, want := range map[string][]string{mine: nil, "4242": {"/open"}} {
		tr.process(9, seenBeside(id), map[string]string{"mountinfo": mountinfo,
			"status": "Uid:\t0\t0\t0\t" + uid + "\nGid:\t0\t0\t0\t4242\nCapEff:\t0\n"})
		root := filepath.Join(tr.Proc, "9/root")
		for dir, mode := range map[string]os.FileMode{"shut": 0o600, "open": 0o001} {
			tr.write(root, dir+"/a", "")
			if err := os.Chmod(filepath.Join(root, dir), mode&0o077); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, dir), 0o755) })
		}
		if os.Geteuid() == 0 { // the folders are of whoever looks
			for _, above := range []string{filepath.Dir(tr.Proc), filepath.Dir(filepath.Dir(tr.Proc))} { // of the test's own folder
				if err := os.Lchown(above, nobody, nobody); err != nil {
					t.Fatal(err)
				}
			}
			err := filepath.WalkDir(tr.Proc, func(path string, _ fs.DirEntry, _ error) error { return os.Lchown(path, nobody, nobody) })
			if err != nil {
				t.Fatal(err)
			}
		}
		p := process{9, filepath.Join(tr.Proc, "9")}
		mounts, _ := p.mounts()
		var w Written
		var err error
		asnobody.Do(t, func() { w, err = p.changed(time.Unix(0, 0), mounts) })
		if err != nil || !slices.Equal(w.Unread, want) {
			t.Errorf("as %s: %q, %v", uid, w.Unread, err)
		}
		for _, dir := range []string{"shut", "open"} {
			_ = os.Chmod(filepath.Join(root, dir), 0o755)
		}
	}
}

func TestRights(t *testing.T) {
	dir := t.TempDir()
	entry := func(mode os.FileMode) fs.DirEntry {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(dir)
		if err != nil {
			t.Fatal(err)
		}
		return fs.FileInfoToDirEntry(info)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		t.Fatal(err)
	}
	uid, gid, _ := ownerOf(info)
	u, g := strconv.FormatUint(uid, 10), strconv.FormatUint(gid, 10)
	status := func(uid, gid, groups, caps string) string {
		return "Name:\tx\nUid:\t1\t1\t1\t" + uid + "\nGid:\t1\t1\t1\t" + gid + "\nGroups:\t" + groups + " \nCapEff:\t" + caps + "\n"
	}
	for _, c := range []struct {
		name, status string
		mode         os.FileMode
		want         bool
	}{
		{"its own", status(u, "7777", "", "0"), 0o100, true},
		{"its own, shut", status(u, g, "", "0"), 0o011, false},
		{"its group's", status("7777", g, "", "0"), 0o010, true},
		{"one of its groups'", status("7777", "7777", "1 "+g, "0"), 0o010, true},
		{"its group's, shut", status("7777", g, "", "0"), 0o101, false},
		{"everybody's", status("7777", "7777", "", "0"), 0o001, true},
		{"nobody's", status("7777", "7777", "", "0"), 0o110, false},
		{"root's, with CAP_DAC_READ_SEARCH", status("7777", "7777", "", "0000000000000004"), 0, true},
		{"root's, with others", status("7777", "7777", "", "00000000a80425f9"), 0, false},
	} {
		tr := plantBeside(t)
		tr.process(9, "", map[string]string{"status": c.status})
		r, err := process{9, filepath.Join(tr.Proc, "9")}.rights()
		if got := r.enter(entry(c.mode)); err != nil || got != c.want {
			t.Errorf("%s: %t, %v", c.name, got, err)
		}
	}
	entry(0o700)
	for _, bad := range []string{"Uid:\t1\t1\t1\tx\n", "Gid:\t1\t1\t1\tx\n", "Groups:\t1 x\n", "CapEff:\tx\n"} {
		tr := plantBeside(t)
		tr.process(9, "", map[string]string{"status": bad})
		if _, err := (process{9, filepath.Join(tr.Proc, "9")}).rights(); err == nil {
			t.Errorf("%q has rights", bad)
		}
	}
}

// Podproof's container stays as long as the one that it is beside of, and says when it is told to go.
func TestAttend(t *testing.T) {
	tr := plantBeside(t)
	tr.process(nobody+1, seenBeside(id), nil)
	o, err := Container(id)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// Without this, one that comes before it listens would end the test.
	early := make(chan os.Signal, 1)
	signal.Notify(early, syscall.SIGTERM)
	defer signal.Stop(early)
	began, heard := time.Now(), make(chan time.Time, 1)
	done := make(chan error, 1)
	go func() {
		done <- tr.Attend(t.Context(), o, time.Minute, func(at time.Time) error { heard <- at; return nil })
	}()
	var at time.Time
	for at.IsZero() { // it listens soon
		if err := self.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		select {
		case at = <-heard:
		case <-time.After(20 * time.Millisecond):
		case err := <-done:
			t.Fatalf("it did not stay: %v", err)
		}
	}
	select {
	case err := <-done:
		t.Fatalf("SIGTERM ended it: %v", err)
	default:
	}
	tr.end(nobody + 1)
	go func() {
		for range heard { // of signals that were too many
		}
	}()
	if err := <-done; err != nil || at.Before(began) {
		t.Errorf("told %s, %v", at, err)
	}
	close(heard)
	if _, err := tr.run("attend", id, "5"); err == nil || !strings.Contains(err.Error(), "no process of container "+id+" is in sight") {
		t.Errorf("of nobody: %v", err)
	}
	tr.process(nobody+1, seenBeside(id), nil)
	if _, err := tr.run("attend", id, "0"); err != nil {
		t.Errorf("when the time is over: %v", err)
	}
}

func TestLiving(t *testing.T) {
	tr := plantBeside(t)
	tr.process(nobody+1, seenBeside(id), nil)
	o, err := Container(id)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	err = tr.Living(t.Context(), o, time.Minute, func(alive bool, _ time.Time) error {
		if said = append(said, strconv.FormatBool(alive)); len(said) == 2 {
			tr.end(nobody + 1)
		}
		return nil
	})
	if diff := cmp.Diff([]string{"true", "true", "false"}, said); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got := tr.says("living", id, "5"); got != "" {
		t.Errorf("of nobody: %q", got)
	}
	tr.process(nobody+1, seenBeside(id), nil)
	if got := tr.says("living", id, "0"); !strings.HasPrefix(got, "alive ") || strings.Count(got, "\n") != 1 {
		t.Errorf("when the time is over: %q", got)
	}
}

func TestRemotes(t *testing.T) {
	tr := plantBeside(t)
	const head = "  sl  local_address rem_address   st\n"
	tr.write(tr.Proc, "self/net/tcp", head+"   0: 0700F40A:1F40 00000000:0000 0A\n   1: 0700F40A:B3C0 0100600A:0050 01\n")
	if got := tr.says("remotes"); got != "10.96.0.1:80\n" {
		t.Errorf("without IPv6: %q", got)
	}
	tr.write(tr.Proc, "self/net/tcp6", head+"   0: 0:0 0000000000000000FFFF00000900F40A:1F40 01\n   1: 0:0 100000FD00004402:1F40 01\n")
	if _, err := tr.run("remotes"); err == nil {
		t.Error("half an address is one")
	}
	tr.write(tr.Proc, "self/net/tcp6", head+"   0: 0:0 0000000000000000FFFF00000900F40A:1F40 01\n   1: 0:0 100000FD00004402000000001A000000:1F40 01\n")
	if got := tr.says("remotes"); got != "10.96.0.1:80\n10.244.0.9:8000\n[fd00:10:244::1a]:8000\n" {
		t.Errorf("%q", got)
	}
	if err := os.Remove(filepath.Join(tr.Proc, "self/net/tcp")); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.run("remotes"); err == nil {
		t.Error("without a list there is none")
	}
}

// In a container all that is busy may be what is looked at.
func TestPressureBeside(t *testing.T) {
	tr := plantBeside(t)
	tr.write(tr.Proc, "pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=4711\n")
	tr.write(tr.Proc, "stat", "cpu  10 1 2 30 4 5 6 7 0 0\n")
	got, err := tr.pressure(time.Unix(1, 0))
	if want := "1.000000 4711 24 7 34 240000"; err != nil || got != want {
		t.Errorf("%q, want %q (%v)", got, want, err)
	}
}
