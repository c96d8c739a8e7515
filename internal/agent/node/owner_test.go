package node

import (
	"strings"
	"testing"
)

func TestOwnerInPath(t *testing.T) {
	container, err := Container(id)
	if err != nil {
		t.Fatal(err)
	}
	pod, err := Pod(uid)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		o    Owner
		path string
		own  string // its own control group, empty for another's
	}{
		{"containerd and systemd", container, "/kubepods.slice/cri-containerd-" + id + ".scope", "/kubepods.slice/cri-containerd-" + id + ".scope"},
		{"CRI-O, with a group within", container, "/kubepods.slice/crio-" + id + ".scope/container", "/kubepods.slice/crio-" + id + ".scope"},
		{"a folder", container, "/kubepods/besteffort/pod" + uid + "/" + id, "/kubepods/besteffort/pod" + uid + "/" + id},
		{"one within a container", container, "/docker/" + other + "/kubepods/" + id + "/init/" + id, "/docker/" + other + "/kubepods/" + id},
		{"another container", container, "/kubepods/" + other, ""},
		{"the root", container, "/", ""},
		{"a pod's folder", pod, "/kubepods/burstable/pod" + uid + "/" + id, "/kubepods/burstable/pod" + uid},
		{"a pod's slice", pod, "/kubepods-pod" + strings.ReplaceAll(uid, "-", "_") + ".slice/x", "/kubepods-pod" + strings.ReplaceAll(uid, "-", "_") + ".slice"},
		{"a pod of another UID", pod, "/kubepods/pod" + strings.Replace(uid, "0", "1", 1) + "/" + id, ""},
		{"the UID, and no pod", pod, "/runs/" + uid, ""},
	} {
		if got := c.o.own(c.path); got != c.own || c.o.in(c.path) != (c.own != "") {
			t.Errorf("%s: %q, and in it: %v; want %q", c.name, got, c.o.in(c.path), c.own)
		}
	}
}

// What could mean processes of others is refused.
func TestOwnerRefuses(t *testing.T) {
	for _, bad := range []string{"", ".", "/", "a", "kubepods", "0a1b2c3d4e5", "../../../../etc", "0a1b2c3d4e5f.*", "-0a1b2c3d4e5f6"} {
		if _, err := Container(bad); err == nil {
			t.Errorf("%q is the ID of a container", bad)
		}
		if _, err := Pod(bad); err == nil {
			t.Errorf("%q is the UID of a pod", bad)
		}
	}
}
