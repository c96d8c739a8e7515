package node

import (
	"path/filepath"
	"strings"
	"testing"
)

// groupOf is the path of a container's control group below the root of one version.
func groupOf(cgroup, controller string) string {
	for line := range strings.Lines(cgroup) {
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); strings.Contains(parts[1], controller) {
			return parts[2]
		}
	}
	return ""
}

// uses adds what a container's control group says, on v2.
func (tr tree) usesV2(cpuStat string) {
	dir := groupOf(onV2(id), "")
	tr.write(tr.Cgroup, dir+"/memory.current", "12345678\n")
	tr.write(tr.Cgroup, dir+"/memory.stat", "anon 100\ninactive_file 4096\nactive_file 1\ntotal_inactive_file 7\n")
	tr.write(tr.Cgroup, dir+"/cpu.stat", cpuStat)
}

func (tr tree) usesV1(cpuStat string) {
	tr.write(tr.Cgroup, "memory"+groupOf(onV1(id), "memory")+"/memory.usage_in_bytes", "12345678\n")
	tr.write(tr.Cgroup, "memory"+groupOf(onV1(id), "memory")+"/memory.stat", "inactive_file 1\nhierarchical_memory_limit 9223372036854771712\ntotal_inactive_file 4096\n")
	tr.write(tr.Cgroup, "cpuacct"+groupOf(onV1(id), "cpuacct")+"/cpuacct.usage", "2500999\n")
	tr.write(tr.Cgroup, "cpu"+groupOf(onV1(id), "cpu")+"/cpu.stat", cpuStat)
}

func TestUsage(t *testing.T) {
	const v2, v1 = "usage_usec 2500\nuser_usec 2000\nsystem_usec 500\n", "nr_periods 0\nnr_throttled 0\n"
	for name, c := range map[string]struct {
		group string
		uses  func(tree)
		want  string
	}{
		"v2":                     {onV2(id), func(tr tree) { tr.usesV2(v2 + "nr_throttled 3\nthrottled_usec 77\n") }, "12345678\n4096\n2500\n77\n"},
		"v2, cannot throttle":    {onV2(id), func(tr tree) { tr.usesV2(v2) }, "12345678\n4096\n2500\n0\n"},
		"v2, in a group within":  {strings.TrimSpace(onV2(id)) + "/init\n", func(tr tree) { tr.usesV2(v2) }, "12345678\n4096\n2500\n0\n"},
		"v1":                     {onV1(id), func(tr tree) { tr.usesV1(v1 + "throttled_time 77999\n") }, "12345678\n4096\n2500\n77\n"},
		"v1, cannot throttle":    {onV1(id), func(tr tree) { tr.usesV1("") }, "12345678\n4096\n2500\n0\n"},
		"v1, with v2 beside it":  {onV1(id) + onV2(id), func(tr tree) { tr.usesV1(v1) }, "12345678\n4096\n2500\n0\n"},
		"a container that ended": {onV2(other), func(tr tree) { tr.usesV2(v2) }, "gone\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := plant(t)
			tr.process(9, c.group, nil)
			c.uses(tr)
			if got := tr.says("usage", id); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// What cannot be read is an error, and no figure.
func TestUsageUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		group string
		uses  func(tree)
	}{
		"no control group":  {onV2(id), func(tree) {}},
		"no CPU time on v2": {onV2(id), func(tr tree) { tr.usesV2("user_usec 1\n") }},
		"words on v2":       {onV2(id), func(tr tree) { tr.usesV2("usage_usec many\n") }},
		"no page cache on v2": {onV2(id), func(tr tree) {
			tr.usesV2("usage_usec 1\n")
			tr.write(tr.Cgroup, groupOf(onV2(id), "")+"/memory.stat", "anon 1\n")
		}},
		"no memory controller on v1": {"3:cpu,cpuacct:" + groupOf(onV1(id), "cpu") + "\n", func(tr tree) { tr.usesV1("") }},
		"words on v1":                {onV1(id), func(tr tree) { tr.usesV1("throttled_time much\n") }},
		"no CPU time on v1": {onV1(id), func(tr tree) {
			tr.usesV1("")
			tr.write(tr.Cgroup, "cpuacct"+groupOf(onV1(id), "cpuacct")+"/cpuacct.usage", "")
		}},
		"no page cache on v1": {onV1(id), func(tr tree) {
			tr.usesV1("")
			tr.write(tr.Cgroup, "memory"+groupOf(onV1(id), "memory")+"/memory.stat", "inactive_file 1\n")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := plant(t)
			tr.process(9, c.group, nil)
			c.uses(tr)
			if out, err := tr.run("usage", id); err == nil || out != "" {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
	if _, err := number(filepath.Join(t.TempDir(), "no")); err == nil {
		t.Error("a file that is not there has a number")
	}
}
