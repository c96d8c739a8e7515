package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// filtering is an nsenter that keeps iptables' rules as files, and notes what it is asked.
func filtering(t *testing.T) (asked func() string) {
	t.Helper()
	dir := t.TempDir()
	program(t, "nsenter", `cd '`+dir+`'; echo "$*" >> asked
[ "$1 $2 $3" = "-t 9 -n" ] || exit 1
case "$4 $*" in
locked*) echo "Another app is currently holding the xtables lock" >&2; exit 4 ;;
*tables*" -C "*) [ -s "$4" ] || exit 1 ;;
*tables*" -I "*) echo rule >> "$4" ;;
*tables*" -D "*) sed -i 1d "$4" ;;
*) exit 127 ;;
esac`)
	return func() string {
		b, _ := os.ReadFile(filepath.Join(dir, "asked"))
		_ = os.Remove(filepath.Join(dir, "asked"))
		return strings.ReplaceAll(string(b), " INPUT ! -i lo -p tcp -j REJECT --reject-with tcp-reset\n", ";")
	}
}

// networked adds a process with a network, and one that has left it.
func (tr tree) networked(cgroup string) {
	tr.t.Helper()
	tr.process(8, cgroup, map[string]string{"status": "State:\tZ (zombie)\n"})
	tr.process(9, cgroup, map[string]string{"ns/mnt": ""})
	if err := os.Symlink("net:[4026532001]", filepath.Join(tr.Proc, "9/ns/net")); err != nil {
		tr.t.Fatal(err)
	}
}

func TestRefuse(t *testing.T) {
	for version, group := range map[string]string{"v1": onV1(id), "v2": onV2(id)} {
		t.Run(version, func(t *testing.T) {
			tr := plant(t)
			tr.networked(group)
			asked := filtering(t)
			is := func(how, filters, want string, calls ...string) {
				t.Helper()
				got := tr.says("refuse", append([]string{uid, how}, strings.Fields(filters)...)...)
				if all := asked(); got != want || all != strings.Join(calls, "") {
					t.Errorf("%s: %q, and asked %q", how, got, all)
				}
			}
			call := func(filter, do string) string { return "-t 9 -n " + filter + " -w 5 " + do + ";" }
			is("off", "iptables", "1\n", call("iptables", "-C"))
			is("on", "iptables", "1\n", call("iptables", "-C"), call("iptables", "-I"))
			is("on", "iptables ip6tables", "1\n", call("iptables", "-C"), call("ip6tables", "-C"), call("ip6tables", "-I"))
			is("off", "iptables ip6tables", "1\n", call("iptables", "-C"), call("iptables", "-D"), call("iptables", "-C"),
				call("ip6tables", "-C"), call("ip6tables", "-D"), call("ip6tables", "-C"))
		})
	}
}

func TestRefuseOfNone(t *testing.T) {
	tr := plant(t)
	asked := filtering(t)
	tr.process(8, onV2(id), nil) // it has ended
	for _, how := range []string{"on", "off"} {
		if got := tr.says("refuse", uid, how, "iptables"); got != "0\n" || asked() != "" {
			t.Errorf("%s: %q", how, got)
		}
	}
}

// A rule that may still be there is not said to be removed.
func TestRefuseFails(t *testing.T) {
	tr := plant(t)
	tr.networked(onV2(id))
	filtering(t)
	for _, args := range [][]string{
		{uid, "on", "locked"}, {uid, "off", "locked"}, {uid, "on", "absent"}, {uid, "off", "absent"}, {uid, "maybe", "iptables"},
	} {
		if got, err := tr.run("refuse", args...); err == nil {
			t.Errorf("%q: %q", args, got)
		}
	}
	if _, err := tr.run("refuse", uid, "off", "locked"); err == nil || !strings.Contains(err.Error(), "xtables lock") {
		t.Errorf("it does not say why: %v", err)
	}
}

func TestEnd(t *testing.T) {
	tr := plant(t)
	tr.networked(onV1(id))
	for list, want := range map[string]string{
		"0 0 10.244.0.7:5432 10.244.0.5:41324\n0 0 10.244.0.7:5432 10.244.0.5:41325\n": "2\n",
		"": "0\n", // or a kernel that ends none
	} {
		listing(t, list)
		if got := tr.says("end", uid); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := tr.says("end", strings.Replace(uid, "0", "1", 1)); got != "0\n" {
		t.Errorf("of a pod that is not there: %q", got)
	}
}

// listing is an nsenter that lists connections.
func listing(t *testing.T, list string) {
	t.Helper()
	program(t, "nsenter", `[ "$*" = "-t 9 -n ss -HKtn state established" ] || exit 3
printf '`+strings.ReplaceAll(list, "\n", `\n`)+`'; [ -n '`+strings.TrimSpace(list)+`' ]`)
}
