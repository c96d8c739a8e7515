package contract

import (
	"fmt"
	"strconv"
	"strings"
)

// identity follows what the kubelet and the runtime do: runAsUser replaces the image's USER
// with its group, runAsGroup replaces the group. A name in USER is no number to promise.
func (d *deriver) identity(w WorkloadFacts, k ContainerFacts, img ImageFacts) {
	user, group := k.RunAsUser, k.RunAsGroup
	userFrom := fmt.Sprintf("runAsUser of %s", w.Object)
	groupFrom := fmt.Sprintf("runAsGroup of %s", w.Object)
	if user == nil {
		u, g, _ := strings.Cut(img.User, ":")
		if user = numericID(u); user != nil {
			userFrom = "USER of the image"
			if group == nil {
				group, groupFrom = numericID(g), "USER of the image"
			}
		}
	}
	if d.c.Identity.UID == nil && user != nil {
		d.c.Identity.UID = user
		d.note("identity.uid", *user, userFrom)
	}
	if d.c.Identity.GID == nil && group != nil {
		d.c.Identity.GID = group
		d.note("identity.gid", *group, groupFrom)
	}
}

func numericID(s string) *int64 {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}
