package image

import (
	"strconv"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/evidence"
)

// user looks the configuration's USER up as a container runtime does: a word of digits is a
// number, even where an entry has it for a name; without a group that of the entry holds.
func (t *tree) user(written string) *evidence.ImageUser {
	u := &evidence.ImageUser{Written: written}
	users, hasPasswd := t.accounts("/etc/passwd")
	groups, hasGroup := t.accounts("/etc/group")
	u.Passwd, u.Group = hasPasswd, hasGroup
	name, group, _ := strings.Cut(written, ":")
	if name == "" {
		name = "0"
	}
	uid, err := strconv.ParseInt(name, 10, 64)
	numeric := err == nil
	for _, a := range users {
		if numeric && a.UID == uid || !numeric && a.Name == name {
			u.Known, u.UID, u.GID = true, &a.UID, &a.GID
			if numeric {
				u.Name = a.Name
			}
			break
		}
	}
	if group == "" {
		return u
	}
	u.GID = nil
	gid, err := strconv.ParseInt(group, 10, 64)
	for _, g := range groups {
		if err == nil && g.GID == gid || err != nil && g.Name == group {
			u.GID = &g.GID
			break
		}
	}
	return u
}

// accounts are the lines of the final file system's passwd or group, through links.
func (t *tree) accounts(p string) ([]layer.Account, bool) {
	at, ok := t.resolve(p)
	if !ok {
		return nil, false
	}
	r, _ := t.shown(at)
	accounts, ok := t.layers[r.layer].Accounts[at]
	return accounts, ok
}
