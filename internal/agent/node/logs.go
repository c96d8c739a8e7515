package node

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Logs writes the log files of a pod, which has a folder for each container: the container's
// behind a line ">" with its name, oldest first, and at the end a line ">" alone, which tells
// that nothing was lost on its way. A pod that is gone has none.
func (h Host) Logs(dir string, out io.Writer) error {
	dir = filepath.Join(h.Root, dir)
	containers, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, c := range containers {
		if info, err := os.Stat(filepath.Join(dir, c.Name())); err != nil || !info.IsDir() {
			continue
		}
		if _, err := fmt.Fprintf(out, ">%s\n", c.Name()); err != nil {
			return err
		}
		if err := logsOf(filepath.Join(dir, c.Name()), out); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(out, ">")
	return err
}

// logsOf writes those of one container: a file for each start of it, behind those that the
// kubelet has rotated. All but the newest of these are compressed (kubernetes,
// pkg/kubelet/logs/container_log_manager.go).
func logsOf(dir string, out io.Writer) error {
	starts, err := startsIn(dir)
	if err != nil {
		return err
	}
	for _, start := range starts {
		if err := logsOfStart(dir, start, out); err != nil {
			return err
		}
	}
	return nil
}

// startsIn are the names of the files that are or were written to, "0.log" first.
func startsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if before, _, ok := strings.Cut(e.Name(), ".log"); ok {
			out = append(out, before+".log")
		}
	}
	nth := func(name string) int {
		n, _ := strconv.Atoi(strings.TrimSuffix(name, ".log")) // any other name is the first
		return n
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(nth(a), nth(b)) })
	return slices.Compact(out), nil
}

// logsOfStart writes what a container said since one of its starts. The file that is written to
// is opened first: where it is rotated just then, it is in the list, and is read once.
func logsOfStart(dir, start string, out io.Writer) error {
	last, err := openLog(filepath.Join(dir, start))
	if err != nil {
		return err
	}
	defer last.Close()
	rotated, err := rotations(dir, start)
	if err != nil {
		return err
	}
	for _, name := range rotated {
		f, err := openRotated(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if !f.same(last) {
			err = f.copy(out)
		}
		f.Close()
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return last.copy(out)
}

// rotations are the names of the rotated files, oldest first. One that is just being compressed
// is left out, and so is the rest of one that has been.
func rotations(dir, start string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), start+".") && !strings.HasSuffix(e.Name(), ".tmp") {
			all = append(all, e.Name())
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(all, name+compressed) }), nil
}

// compressed is how the kubelet ends the name of a file that it has compressed.
const compressed = ".gz"

// openRotated opens a file under the name that it may have meanwhile.
func openRotated(path string) (logFile, error) {
	f, err := openLog(path)
	if err == nil && f.File == nil {
		return openLog(path + compressed)
	}
	return f, err
}
