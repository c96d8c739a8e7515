package check

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var userNonRoot = Check{
	ID:    "image/user-non-root",
	Title: "The image's own USER is not root, and Kubernetes can rely on it",
	Why: "Where no manifest says otherwise a container runs as the image's USER: as root, if it names none. A pod with runAsNonRoot and " +
		"without runAsUser is refused by the kubelet when USER is a name, since it cannot tell that it is not root's.",
	Fix:   "End the Dockerfile's last stage with a numeric USER other than 0, such as USER 1001:1001.",
	Story: Minimal,
	Needs: []evidence.Section{evidence.SectionImage},
	At:    []Spot{inDockerfile("USER"), inContainer("image")},
	Judge: judgeUserNonRoot,
}

func judgeUserNonRoot(_ contract.Contract, e evidence.Evidence) Judgement {
	j, img := imageOf(e, "the image's USER is a user other than root")
	if img == nil {
		return j
	}
	written := img.Config.User
	name, _, _ := strings.Cut(written, ":")
	failed := func(format string, args ...any) Judgement {
		why := fmt.Sprintf(format, args...)
		j.broken(instructionPlace(*img, "USER"), "%s", why)
		return j.fail(why, "")
	}
	if name == "" {
		return failed("it names no USER, so that it runs as root")
	}
	// The runtimes read what strconv.ParseInt takes as a number, "00" and "+0" as well.
	uid, err := strconv.ParseInt(name, 10, 64)
	numeric := err == nil || errors.Is(err, strconv.ErrRange)
	if !numeric {
		u := img.User
		switch {
		case u == nil && name == "root":
			return failed("USER is %s", written)
		case u == nil:
			return j.undecided(fmt.Sprintf("USER is the name %q; its UID is in the image's /etc/passwd, and the layers were not read", name), readLayers)
		case u.UID == nil && name == "root":
			return failed("USER is %s", written)
		case !u.Passwd:
			return failed("USER is the name %q, and the final file system has no /etc/passwd to look it up in: no container can start as that user", name)
		case u.UID == nil:
			return failed("USER is the name %q, which is not in the final /etc/passwd: no container can start as that user", name)
		}
		uid = *u.UID
	}
	who := fmt.Sprintf("UID %d", uid)
	if !numeric {
		who = fmt.Sprintf("%s, UID %d", name, uid)
	}
	switch {
	case uid == 0:
		return failed("USER is %s, which is root", said(written, 80))
	case uid < 0 || uid > math.MaxInt32 || err != nil && numeric:
		return failed("USER is %s; the kubelet takes UIDs from 0 to %d only", said(written, 80), math.MaxInt32)
	case numeric:
		return j.pass("Image user non-root OK ("+who+")", "USER is "+written)
	}
	if reliesOnUser(e.Workload) {
		j.brokenAt(podPlace(*e.Workload, fmt.Sprintf("%s %s, securityContext", e.Workload.Kind, e.Workload.Name), "securityContext.runAsUser"),
			"runAsNonRoot without runAsUser relies on USER, which is the name %q: the kubelet cannot verify that it is not root and refuses the container", name)
		return j.fail(fmt.Sprintf("USER is the name %q (UID %d), and the pod asks for runAsNonRoot without runAsUser: the kubelet refuses that", name, uid),
			fmt.Sprintf("Write the number into the Dockerfile: USER %d. Or let the manifest say runAsUser: %d.", uid, uid))
	}
	j.note(instructionPlace(*img, "USER"), "the kubelet cannot verify a name: runAsNonRoot without runAsUser will be refused; USER %d would do for both", uid)
	return j.pass("Image user non-root OK ("+who+")", fmt.Sprintf("USER is %s, UID %d in the final /etc/passwd", written, uid))
}

// reliesOnUser tells whether the pod demands runAsNonRoot and leaves the user to the image.
func reliesOnUser(w *evidence.Workload) bool {
	if w == nil {
		return false
	}
	pod, own := securityContexts(*w)
	nonRoot := over(own.RunAsNonRoot, pod.RunAsNonRoot)
	return nonRoot != nil && *nonRoot && over(own.RunAsUser, pod.RunAsUser) == nil
}
