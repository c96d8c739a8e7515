package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeAtomically writes a file beside its place and then moves it there, so that nobody
// ever reads half of it. What is no regular file (a pipe, /dev/null) is written directly.
func writeAtomically(path string, mode fs.FileMode, write func(io.Writer) error) error {
	if err := replace(path, mode, write); err != nil {
		return unwritable(path, err)
	}
	return nil
}

func replace(path string, mode fs.FileMode, write func(io.Writer) error) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(fill(f, write), f.Close())
	}
	f, err := openBeside(path, mode)
	if err != nil {
		return err
	}
	err = fill(f, write)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what went wrong is already being told
	}
	return err
}

func fill(f *os.File, write func(io.Writer) error) error {
	b := bufio.NewWriter(f)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// readable leaves the mode to the user's umask, unlike os.CreateTemp: a report is read by others, too.
const readable fs.FileMode = 0o666

// openBeside creates an empty file next to path.
func openBeside(path string, mode fs.FileMode) (*os.File, error) {
	dir, base := filepath.Split(path)
	name := filepath.Join(dir, fmt.Sprintf(".%s.%d.tmp", base, os.Getpid()))
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
}

// CheckWritable tries whether a file can be written at path, without touching what is there.
// It is asked before a run, since a run is too long to be told afterwards.
func CheckWritable(path string) error {
	if info, err := os.Stat(path); err == nil {
		if info.IsDir() {
			return fmt.Errorf("%s is a folder; name a file in it", path)
		}
		if !info.Mode().IsRegular() {
			return nil
		}
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s cannot be written: there is no folder %s; make it first, with mkdir -p %s", path, dir, dir)
	} else if err == nil && !info.IsDir() {
		return fmt.Errorf("%s cannot be written: %s is not a folder", path, dir)
	}
	f, err := openBeside(path, readable)
	if err != nil {
		return unwritable(path, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// unwritable names the file that was asked for, not the one beside it.
func unwritable(path string, err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		err = of.Err
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s cannot be written: %w; name a file in a folder that you may write to", path, err)
	}
	return fmt.Errorf("%s cannot be written: %w", path, err)
}
