package node

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// usageBeside reads the control group as the container itself sees it, below its own
// /sys/fs/cgroup, which a runtime mounts into each. Where that is out of reach, for want of the
// same user or with another runtime, the figures of the processes are summed.
func (h Host) usageBeside(ps []process) (Usage, error) {
	for _, p := range ps {
		if u, err := p.ownGroup(); err == nil {
			return u, nil
		}
	}
	sum, met := Usage{Summed: true}, false
	for _, p := range ps {
		memory, shared, cpu, err := p.usage()
		if err != nil {
			if p.exists() {
				return Usage{}, err
			}
			continue
		}
		met = true
		sum.Memory += memory
		sum.Cache = max(sum.Cache, shared) // for now, the pages that they share
		sum.CPU += cpu
	}
	if !met {
		return Usage{}, ErrGone
	}
	sum.Memory, sum.Cache = sum.Memory+sum.Cache, 0
	return sum, nil
}

// ownGroup is the control group that is mounted in the process' root, of cgroup v2 or v1. Its links
// are followed within that root alone.
func (p process) ownGroup() (Usage, error) {
	root, err := os.OpenRoot(p.file("root"))
	if err != nil {
		return Usage{}, err
	}
	defer root.Close()
	const mounted = "sys/fs/cgroup"
	read := reads(root.ReadFile)
	if _, err := root.Stat(path.Join(mounted, "memory.current")); err == nil {
		return read.usageV2(mounted)
	}
	return read.usageV1(path.Join(mounted, "memory"), path.Join(mounted, "cpuacct"), path.Join(mounted, "cpu"))
}

// usage is what one process has: its own memory, what it has of shared memory (bytes), and its CPU
// time with that of the children that it has waited for (proc_pid_stat(5), fields 14 to 17).
func (p process) usage() (own, shared int64, cpu time.Duration, err error) {
	status, err := os.ReadFile(p.file("status"))
	if err != nil {
		return 0, 0, 0, err
	}
	for line := range bytes.Lines(status) {
		words := strings.Fields(string(line))
		if len(words) != 3 || words[2] != "kB" {
			continue
		}
		into := map[string]*int64{"RssAnon:": &own, "RssShmem:": &shared}[words[0]]
		if into == nil {
			continue
		}
		if *into, err = parseNumber(p.file("status"), words[1]); err != nil {
			return 0, 0, 0, err
		}
		*into <<= 10
	}
	fields, err := p.stat()
	if err != nil {
		return 0, 0, 0, err
	}
	for _, f := range fields[13:17] {
		n, err := parseNumber(p.file("stat"), f)
		if err != nil {
			return 0, 0, 0, err
		}
		cpu += time.Duration(n) * tick
	}
	return own, shared, cpu, nil
}

// stat are the fields of /proc/PID/stat, 22 of them or more. The second is the name, which may have
// anything in it, blanks and brackets too.
func (p process) stat() ([]string, error) {
	b, err := os.ReadFile(p.file("stat"))
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return nil, fmt.Errorf("%s says %q", p.file("stat"), b)
	}
	fields := append([]string{strconv.Itoa(p.pid), ""}, strings.Fields(string(b[end+1:]))...)
	if len(fields) < 22 {
		return nil, fmt.Errorf("%s says %q", p.file("stat"), b)
	}
	return fields, nil
}
