package node

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// writesBeside lists the files of the container's root that were changed since its first process
// began. It goes by the time of the inode's last change, which no program can set: a file that is
// made, written to or given other rights gets one, and so does one that overlayfs copies up from the
// image, while the image's own are older. So these are the files that its upper directory has.
func (h Host) writesBeside(ps []process) (Written, error) {
	since, err := h.began(ps)
	if err != nil {
		return Written{}, err
	}
	reason := ErrGone
	for _, p := range ps {
		mounts, err := p.mounts()
		if err != nil || len(mounts) == 0 {
			continue // it has ended
		}
		w, err := p.changed(since, mounts)
		if err == nil {
			return w, nil
		}
		if p.exists() {
			reason = err
		}
	}
	return Written{}, reason
}

// changed walks through the process' root, but for what is mounted in it.
func (p process) changed(since time.Time, mounts []mount) (Written, error) {
	root, err := os.OpenRoot(p.file("root"))
	if err != nil {
		return Written{}, fmt.Errorf("the root of the container's processes cannot be entered by UID %d: %w", os.Geteuid(), err)
	}
	defer root.Close()
	rights, err := p.rights()
	if err != nil {
		return Written{}, err
	}
	var w Written
	mounted := map[string]bool{}
	for _, m := range mounts {
		w.Mounted = append(w.Mounted, m.point)
		mounted[unescape(m.point)] = m.point != "/"
	}
	skip := func(e fs.DirEntry) error {
		if e != nil && e.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		path := "/" + strings.TrimPrefix(name, ".")
		if mounted[path] || notItsOwn(path) {
			return skip(e)
		}
		if err != nil {
			if name == "." {
				return err
			}
			// What is not there was removed meanwhile.
			if errors.Is(err, fs.ErrPermission) && rights.enter(e) {
				w.Unread = append(w.Unread, path)
			}
			return skip(e)
		}
		if !e.Type().IsRegular() {
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		if at, ok := changedAt(info); ok && !at.Before(since) {
			w.Files = append(w.Files, Write{path, info.Size()})
		}
		return nil
	})
	slices.SortFunc(w.Files, func(a, b Write) int { return cmp.Compare(a.Path, b.Path) })
	return w, err
}

// began is when the first of the processes did. It was there before the runtime made anything of
// the container's root, and the kernel counts its time from the machine's start.
func (h Host) began(ps []process) (time.Time, error) {
	first := int64(-1)
	for _, p := range ps {
		fields, err := p.stat()
		if err != nil {
			continue // it has ended
		}
		n, err := parseNumber(p.file("stat"), fields[21])
		if err != nil {
			return time.Time{}, err
		}
		if first < 0 || n < first {
			first = n
		}
	}
	if first < 0 {
		return time.Time{}, ErrGone
	}
	booted, err := h.booted(time.Now())
	return booted.Add(time.Duration(first) * tick), err
}

// booted is when the machine was started, by the time that it runs, which is told in ticks where
// /proc/stat tells whole seconds.
func (h Host) booted(now time.Time) (time.Time, error) {
	file := filepath.Join(h.Proc, "uptime")
	b, err := os.ReadFile(file)
	if err != nil {
		return time.Time{}, err
	}
	up, _, _ := strings.Cut(string(b), " ")
	seconds, err := strconv.ParseFloat(up, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s says %q, expected a number of seconds", file, b)
	}
	return now.Add(-time.Duration(seconds * float64(time.Second))), nil
}
