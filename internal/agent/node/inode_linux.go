package node

import (
	"io/fs"
	"syscall"
	"time"
)

// changedAt is when an inode was last changed, its ctime (inode(7)).
func changedAt(info fs.FileInfo) (time.Time, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(s.Ctim.Unix()), true
}

// ownerOf are the user and the group of a file.
func ownerOf(info fs.FileInfo) (uid, gid uint64, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return uint64(s.Uid), uint64(s.Gid), true
}
