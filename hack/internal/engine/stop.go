package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stop ends the engine and everything of it that a killed dockerd would leave: its containerd, containers,
// mounts, network, sockets. It reports whether one was running.
func (p private) stop() (bool, error) {
	pid := p.daemon()
	if pid != 0 {
		if err := end(pid, 30*time.Second); err != nil {
			return true, err
		}
	}
	if _, err := os.Stat(p.run); errors.Is(err, os.ErrNotExist) {
		return pid != 0, nil
	}
	left := len(processes("containerd", p.run)) > 0 // of a dockerd that was killed; shims are among them
	// A shim's child is a container's first process, and takes the whole container along.
	for _, shim := range processes("shim", p.run) {
		for _, child := range children(shim) {
			if err := end(child, 0); err != nil {
				return true, err
			}
		}
		if err := end(shim, 0); err != nil {
			return true, err
		}
	}
	for _, containerd := range processes("containerd", p.run) {
		if err := end(containerd, 5*time.Second); err != nil {
			return true, err
		}
	}
	if err := unmountBelow(p.run, p.state); err != nil {
		return true, err
	}
	if err := p.disconnect(); err != nil {
		return true, err
	}
	return pid != 0 || left, os.RemoveAll(p.run)
}

// daemon returns the PID of our dockerd, or 0. It goes by the command line, since a PID file can be stale.
func (p private) daemon() int {
	for _, pid := range processes("dockerd", "--config-file="+p.config()) {
		return pid
	}
	return 0
}

// processes returns those whose program name contains program and one of whose arguments contains text.
func processes(program, text string) []int {
	var found []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		args := strings.Split(string(line), "\x00")
		named := strings.Contains(filepath.Base(args[0]), program)
		if named && slices.ContainsFunc(args[1:], func(a string) bool { return strings.Contains(a, text) }) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			found = append(found, pid)
		}
	}
	return found
}

func children(pid int) []int {
	var found []int
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}

// end asks a process to stop, and kills it when the grace is over.
func end(pid int, grace time.Duration) error {
	if grace > 0 {
		if err := syscall.Kill(pid, syscall.SIGTERM); gone(err) {
			return nil
		}
		if ends(pid, grace) {
			return nil
		}
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); gone(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("end process %d: %w", pid, err)
	}
	if !ends(pid, 10*time.Second) {
		return fmt.Errorf("process %d is still there 10 s after SIGKILL", pid)
	}
	return nil
}

func gone(err error) bool { return errors.Is(err, syscall.ESRCH) }

// ends waits for a process that is no child of ours. The standard library waits for children
// alone, so this looks again and again, for a bounded time.
func ends(pid int, within time.Duration) bool {
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return true
		}
		if _, after, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(after, "Z") {
			return true
		}
	}
	return false
}

// unmountBelow unmounts what is mounted below the directories, the innermost first.
func unmountBelow(dirs ...string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var points []string
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 4 {
			points = append(points, fields[4])
		}
	}
	for _, point := range slices.Backward(points) {
		if !slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(point, d+"/") }) {
			continue
		}
		if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
			return fmt.Errorf("unmount %s: %w", point, err)
		}
	}
	return nil
}
