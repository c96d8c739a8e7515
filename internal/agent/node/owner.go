package node

import (
	"fmt"
	"regexp"
	"strings"
)

// Owner is a container or a pod, as the paths of control groups name it.
type Owner struct{ names []string }

// identifier is what a runtime calls a container, and Kubernetes a pod. What is shorter, or
// empty, stands in the path of many a control group, and would mean other processes as well.
var identifier = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{11,}$`)

// Container is the one of that ID, which is a part of its control group's path with every
// runtime and driver: /kubepods/…/ID, cri-containerd-ID.scope, crio-ID.scope.
func Container(id string) (Owner, error) {
	if !identifier.MatchString(id) {
		return Owner{}, fmt.Errorf("%q is not the ID of a container", id)
	}
	return Owner{[]string{id}}, nil
}

// Pod is the one of that UID. systemd's names have "_" for its "-", which stands for a level
// of the hierarchy there: kubepods-besteffort-pod0a1b_2c.slice.
func Pod(uid string) (Owner, error) {
	if !identifier.MatchString(uid) {
		return Owner{}, fmt.Errorf("%q is not the UID of a pod", uid)
	}
	return Owner{[]string{"pod" + uid, "pod" + strings.ReplaceAll(uid, "-", "_")}}, nil
}

// String is the name by which it was asked for; a pod's begins with "pod".
func (o Owner) String() string { return o.names[0] }

// in tells whether a control group is the owner's, or lies in one of its.
func (o Owner) in(path string) bool {
	for _, n := range o.names {
		if strings.Contains(path, n) {
			return true
		}
	}
	return false
}

// own is the owner's control group of one that may lie below it: what runs in a container may
// make more of them. The answer is empty where it is another's.
func (o Owner) own(path string) string {
	end := 0
	for part := range strings.SplitAfterSeq(path, "/") {
		end += len(part)
		if o.in(part) {
			return strings.TrimSuffix(path[:end], "/")
		}
	}
	return ""
}
