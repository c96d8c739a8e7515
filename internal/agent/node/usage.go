package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Usage is what a container's control group has used: the memory, the page cache within it that
// is easily given back (bytes), the CPU time, and the time for which it was throttled.
type Usage struct {
	Memory, Cache  int64
	CPU, Throttled time.Duration
	// Summed tells that no control group was in sight: these are the sums of the processes' own
	// figures, which know neither the page cache nor what the kernel holds for them.
	Summed bool
}

// Usage reads an owner's control group, of cgroup v2 or v1.
func (h Host) Usage(o Owner) (Usage, error) {
	ps, err := h.processes(o)
	if err != nil {
		return Usage{}, err
	}
	if h.Beside {
		return h.usageBeside(ps)
	}
	reason := ErrGone
	for _, p := range ps {
		own := map[string]string{}
		for controller, path := range p.groups() {
			own[controller] = o.own(path)
		}
		u, err := h.usage(own)
		if err == nil {
			return u, nil
		}
		if p.exists() || !errors.Is(err, fs.ErrNotExist) {
			reason = err
		}
	}
	return Usage{}, reason
}

// usage reads control groups by controller. Where v1 does the accounting there is one of v2,
// too, without a controller.
func (h Host) usage(own map[string]string) (Usage, error) {
	if path := own[""]; path != "" {
		dir := filepath.Join(h.Cgroup, path)
		if _, err := os.Stat(filepath.Join(dir, "memory.current")); err == nil {
			return reads(os.ReadFile).usageV2(dir)
		}
	}
	var dirs [3]string
	for i, controller := range []string{"memory", "cpuacct", "cpu"} {
		if own[controller] == "" {
			return Usage{}, fmt.Errorf("there is no control group for %s: %w", controller, fs.ErrNotExist)
		}
		dirs[i] = filepath.Join(h.Cgroup, controller, own[controller])
	}
	return reads(os.ReadFile).usageV1(dirs[0], dirs[1], dirs[2])
}

// usageV2 is as in the kernel's admin-guide/cgroup-v2.rst.
func (read reads) usageV2(dir string) (Usage, error) {
	memory, err := read.number(filepath.Join(dir, "memory.current"))
	if err != nil {
		return Usage{}, err
	}
	cache, err := read.counter(filepath.Join(dir, "memory.stat"), "inactive_file")
	if err != nil {
		return Usage{}, err
	}
	used, err := read.counter(filepath.Join(dir, "cpu.stat"), "usage_usec")
	if err != nil {
		return Usage{}, err
	}
	throttled, err := read.throttling(filepath.Join(dir, "cpu.stat"), "throttled_usec")
	return Usage{Memory: memory, Cache: cache, CPU: time.Duration(used) * time.Microsecond, Throttled: time.Duration(throttled) * time.Microsecond}, err
}

// usageV1 is as in the kernel's admin-guide/cgroup-v1.
func (read reads) usageV1(memory, cpuacct, cpu string) (Usage, error) {
	bytes, err := read.number(filepath.Join(memory, "memory.usage_in_bytes"))
	if err != nil {
		return Usage{}, err
	}
	cache, err := read.counter(filepath.Join(memory, "memory.stat"), "total_inactive_file")
	if err != nil {
		return Usage{}, err
	}
	used, err := read.number(filepath.Join(cpuacct, "cpuacct.usage"))
	if err != nil {
		return Usage{}, err
	}
	throttled, err := read.throttling(filepath.Join(cpu, "cpu.stat"), "throttled_time")
	return Usage{Memory: bytes, Cache: cache, CPU: time.Duration(used), Throttled: time.Duration(throttled)}, err
}

// throttling is the counter of a kernel that can throttle; another has none, and never does.
func (read reads) throttling(file, name string) (int64, error) {
	n, err := read.counter(file, name)
	if errors.Is(err, errNoCounter) {
		return 0, nil
	}
	return n, err
}
