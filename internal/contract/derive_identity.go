package contract

import (
	"fmt"
	"strconv"
	"strings"
)

// identity follows what the kubelet does: it takes the user from the image's USER where no runAsUser
// replaces it, and never the group (pkg/kubelet/kuberuntime/security_context.go,
// determineEffectiveSecurityContext), which is that of the user in the image's /etc/passwd, or 0. A name in
// USER is no number to promise.
func (d *deriver) identity(w WorkloadFacts, k ContainerFacts, img ImageFacts) {
	user, group := k.RunAsUser, k.RunAsGroup
	userFrom := fmt.Sprintf("runAsUser of %s", w.Object)
	if user == nil {
		name, _, _ := strings.Cut(img.User, ":")
		user, userFrom = numericID(name), "USER of the image"
	}
	if d.c.Identity.UID == nil && user != nil {
		d.c.Identity.UID = user
		d.note("identity.uid", *user, userFrom)
	}
	if d.c.Identity.GID == nil && group != nil {
		d.c.Identity.GID = group
		d.note("identity.gid", *group, fmt.Sprintf("runAsGroup of %s", w.Object))
	}
}

func numericID(s string) *int64 {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}
