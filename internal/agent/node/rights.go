package node

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// rights are those by which a process enters folders.
type rights struct {
	uid    uint64
	groups []uint64
	all    bool // it may search every folder (capabilities(7))
}

// rights are those of the process' status.
func (p process) rights() (rights, error) {
	status, err := os.ReadFile(p.file("status"))
	if err != nil {
		return rights{}, err
	}
	var r rights
	for line := range bytes.Lines(status) {
		key, value, _ := strings.Cut(string(line), ":")
		words := strings.Fields(value)
		switch {
		case key == "Uid" && len(words) == 4: // the last is the one for files
			r.uid, err = strconv.ParseUint(words[3], 10, 32)
		case key == "Gid" && len(words) == 4:
			err = r.join(words[3:])
		case key == "Groups":
			err = r.join(words)
		case key == "CapEff" && len(words) == 1:
			const dacOverride, dacReadSearch = 1 << 1, 1 << 2
			var set uint64
			set, err = strconv.ParseUint(words[0], 16, 64)
			r.all = set&(dacOverride|dacReadSearch) != 0
		}
		if err != nil {
			return rights{}, err
		}
	}
	return r, nil
}

func (r *rights) join(groups []string) error {
	for _, g := range groups {
		n, err := strconv.ParseUint(g, 10, 32)
		if err != nil {
			return err
		}
		r.groups = append(r.groups, n)
	}
	return nil
}

// enter tells whether they let it into a folder. What is not known may be.
func (r rights) enter(e fs.DirEntry) bool {
	info, err := e.Info()
	if err != nil {
		return false // it was removed
	}
	uid, gid, ok := ownerOf(info)
	const search = 1
	mode := info.Mode().Perm()
	switch {
	case !ok || r.all:
		return true
	case uid == r.uid:
		return mode>>6&search != 0
	case slices.Contains(r.groups, gid):
		return mode>>3&search != 0
	}
	return mode&search != 0
}
