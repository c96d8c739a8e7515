package check

import (
	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// user is an image with that USER, as its final /etc/passwd resolves it; the pod has no say.
func user(written string, u *evidence.ImageUser) evidence.Evidence {
	e := image(func(i *evidence.Image) {
		i.Config.User, i.User = written, u
		i.History[1].CreatedBy = "USER " + written
	})
	e.Workload = nil
	return e
}

func known(uid int64) *evidence.ImageUser {
	return &evidence.ImageUser{Passwd: true, Group: true, Known: true, UID: &uid, GID: &uid}
}

// relying is an image with the USER app, UID 1001, in a pod with that securityContext.
func relying(pod *corev1.PodSecurityContext, own *corev1.SecurityContext) evidence.Evidence {
	e := user("app", known(1001))
	e.Workload = goodWorkload()
	e.Workload.Template.Spec.SecurityContext, e.Workload.Template.Spec.Containers[0].SecurityContext = pod, own
	return e
}

var userNonRootExamples = []example{
	{name: "a number", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Image user non-root OK (UID 1001)"}, hides: []string{"kubelet"}},
	{name: "a number, layers not read", c: goodContract(), e: unread(), want: Pass, says: []string{"UID 1001"}},
	{name: "a number without group", c: goodContract(), e: user("1001", nil), want: Pass},
	{name: "root's group alone", c: goodContract(), e: user("1001:0", nil), want: Pass},
	{name: "a name", c: goodContract(), e: user("app", known(1001)), want: Pass,
		says: []string{"(app, UID 1001)", "  history line 2 of 3 (USER app): the kubelet cannot verify a name: runAsNonRoot without runAsUser will be refused"}},
	{name: "a name with its group", c: goodContract(), e: user("app:app", known(1001)), want: Pass, says: []string{"USER is app:app"}},
	{name: "a name, and the pod names the number", c: goodContract(), e: relying(&corev1.PodSecurityContext{RunAsNonRoot: ptr(true), RunAsUser: ptr(int64(1001))}, nil), want: Pass},
	{name: "a name, and the container names the number", c: goodContract(), want: Pass,
		e: relying(&corev1.PodSecurityContext{RunAsNonRoot: ptr(true)}, &corev1.SecurityContext{RunAsUser: ptr(int64(7))})},
	{name: "a name, and the pod demands nothing", c: goodContract(), e: relying(nil, nil), want: Pass},
	{name: "a name, and the container takes the demand back", c: goodContract(), want: Pass,
		e: relying(&corev1.PodSecurityContext{RunAsNonRoot: ptr(true)}, &corev1.SecurityContext{RunAsNonRoot: ptr(false)})},
	{name: "a name, and the pod relies on it", c: goodContract(), e: relying(&corev1.PodSecurityContext{RunAsNonRoot: ptr(true)}, nil), want: Fail,
		says: []string{"! Deployment api, securityContext: runAsNonRoot without runAsUser relies on USER", "USER 1001", "runAsUser: 1001"}},
	{name: "a number, and the pod relies on it", c: goodContract(), want: Pass, e: with(func(e *evidence.Evidence) {
		e.Workload.Template.Spec.SecurityContext.RunAsUser = nil
	})},
	{name: "none", c: goodContract(), e: user("", nil), want: Fail, says: []string{"names no USER"}},
	{name: "none but a group", c: goodContract(), e: user(":1001", nil), want: Fail},
	{name: "0", c: goodContract(), e: user("0", nil), want: Fail, says: []string{"! history line 2 of 3 (USER 0): USER is 0, which is root"}},
	{name: "0:0", c: goodContract(), e: user("0:0", nil), want: Fail},
	{name: "00", c: goodContract(), e: user("00", nil), want: Fail},
	{name: "+0", c: goodContract(), e: user("+0", nil), want: Fail},
	{name: "-0", c: goodContract(), e: user("-0", nil), want: Fail},
	{name: "root", c: goodContract(), e: user("root", known(0)), want: Fail},
	{name: "root:root, layers not read", c: goodContract(), e: user("root:root", nil), want: Fail},
	{name: "root without /etc/passwd", c: goodContract(), e: user("root", &evidence.ImageUser{}), want: Fail},
	{name: "root under another name", c: goodContract(), e: user("toor", known(0)), want: Fail, says: []string{"USER is toor, which is root"}},
	{name: "a name that is missing", c: goodContract(), e: user("app", &evidence.ImageUser{Passwd: true}), want: Fail, says: []string{"is not in the final /etc/passwd"}},
	{name: "a name without /etc/passwd", c: goodContract(), e: user("app", &evidence.ImageUser{}), want: Fail, says: []string{"has no /etc/passwd"}},
	{name: "beyond an int32", c: goodContract(), e: user("2147483648", nil), want: Fail, says: []string{"from 0 to 2147483647"}},
	{name: "the largest", c: goodContract(), e: user("2147483647", nil), want: Pass},
	{name: "beyond an int64", c: goodContract(), e: user("99999999999999999999", nil), want: Fail},
	{name: "negative", c: goodContract(), e: user("-1", nil), want: Fail},
	{name: "a name beyond an int32", c: goodContract(), e: user("app", known(4294967294)), want: Fail},
	{name: "no history", c: goodContract(), want: Fail, says: []string{"the image's configuration"}, e: image(func(i *evidence.Image) { i.Config.User, i.History = "", nil })},
	{name: "a name, layers not read", c: goodContract(), e: user("app", nil), want: Inconclusive, says: []string{"its UID is in the image's /etc/passwd"}},
	{name: "not observed", c: goodContract(), e: noImage(), want: Inconclusive},
}
