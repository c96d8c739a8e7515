package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Pressure writes a line at once and then once a second, until its input ends: the node's time
// in seconds, the time in which some process waited for a CPU (microseconds, /proc/pressure/cpu;
// empty where the kernel does not tell), the time that all CPUs were busy, stolen by the
// hypervisor, and idle (clock ticks, /proc/stat), and the CPU time of the node itself
// (microseconds, its control group). It must not add to what it measures.
func (h Host) Pressure(ctx context.Context, in io.Reader, out io.Writer) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = in.Read(make([]byte, 1)) // whatever it is
	}()
	for {
		line, err := h.pressure(time.Now())
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ended:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// tick is that of the kernel's counters: USER_HZ is 100 for every program (time(7)).
const tick = 10 * time.Millisecond

// pressure is one line. In a container /proc/pressure and /proc/stat are the machine's, and the
// control group of the node is not in sight: all that is busy counts as the node's own then, so that
// no image can hide behind what it does itself.
func (h Host) pressure(now time.Time) (string, error) {
	waited, err := h.waited()
	if err != nil {
		return "", err
	}
	busy, stolen, idle, err := h.ticks()
	if err != nil {
		return "", err
	}
	used := time.Duration(busy) * tick
	if !h.Beside {
		if used, err = h.used(); err != nil {
			return "", err
		}
	}
	const toMicro = 1000
	return fmt.Sprintf("%d.%06d %s %d %d %d %d", now.Unix(), now.Nanosecond()/toMicro, waited, busy, stolen, idle, used.Microseconds()), nil
}

// waited is the total of the line "some avg10=… avg60=… avg300=… total=…".
func (h Host) waited() (string, error) {
	b, err := os.ReadFile(filepath.Join(h.Proc, "pressure", "cpu"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errors.ErrUnsupported) { // the latter where it is off (psi=0)
		return "", nil
	}
	some, _, _ := strings.Cut(string(b), "\n")
	_, total, _ := strings.Cut(some, "total=")
	return total, err
}

// ticks are the first eight counters of /proc/stat's first line (proc_stat(5)).
func (h Host) ticks() (busy, stolen, idle int64, err error) {
	file := filepath.Join(h.Proc, "stat")
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, 0, 0, err
	}
	all, _, _ := strings.Cut(string(b), "\n")
	words := strings.Fields(all)
	if len(words) < 9 {
		return 0, 0, 0, fmt.Errorf("%s begins with %q", file, all)
	}
	var n [8]int64
	for i := range n {
		if n[i], err = parseNumber(file, words[i+1]); err != nil {
			return 0, 0, 0, err
		}
	}
	user, nice, system, idling, iowait, irq, softirq, steal := n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]
	return user + nice + system + irq + softirq, steal, idling + iowait, nil
}

// used is the CPU time of all that runs on the node, which may be a container itself.
func (h Host) used() (time.Duration, error) {
	used, err := counter(filepath.Join(h.Cgroup, "cpu.stat"), "usage_usec")
	if err == nil {
		return time.Duration(used) * time.Microsecond, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	used, err = number(filepath.Join(h.Cgroup, "cpuacct", "cpuacct.usage"))
	return time.Duration(used), err
}
