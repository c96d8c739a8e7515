package corpus

import (
	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// as is an image whose last USER is that.
func as(user string) func(*recipe) {
	return func(r *recipe) { r.user(user) }
}

func nonRootPod() *evidence.Workload {
	yes := true
	return &evidence.Workload{Kind: "Deployment", Name: "api", Container: "api", Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "api", SecurityContext: &corev1.SecurityContext{RunAsNonRoot: &yes}}}}}}
}

var users = []specimen{
	{planted: "USER 0", fails: []string{user}, at: []string{"history line", "USER 0"}, plant: as("0")},
	{planted: "USER 0:0", fails: []string{user}, plant: as("0:0")},
	{planted: "USER 00", fails: []string{user}, plant: as("00")},
	{planted: "USER +0", fails: []string{user}, plant: as("+0")},
	{planted: "USER 0:1001", fails: []string{user}, plant: as("0:1001")},
	{planted: "USER root", fails: []string{user}, plant: as("root")},
	{planted: "USER root:root", fails: []string{user}, plant: as("root:root")},
	{planted: "no USER", fails: []string{user}, at: []string{"no USER"}, plant: func(r *recipe) { r.config.User = "" }},
	{planted: "USER of a group alone", fails: []string{user}, plant: as(":1001")},
	{planted: "a name with UID 0", fails: []string{user}, at: []string{"toor", "root"}, plant: as("toor")},
	{planted: "a name that a later layer made root's", fails: []string{user}, plant: func(r *recipe) {
		r.run("usermod -o -u 0 app", text("etc/passwd", "root:x:0:0:root:/root:/bin/bash\napp:x:0:1001::/app:/bin/false\n"))
		r.user("app")
	}},
	{planted: "a name that is not in /etc/passwd", fails: []string{user}, at: []string{"nobody-here", "/etc/passwd"}, plant: as("nobody-here")},
	{planted: "a name, and no /etc/passwd", fails: []string{user}, at: []string{"no /etc/passwd"}, plant: func(r *recipe) {
		r.run("rm /etc/passwd", gone("etc/passwd"))
		r.user("app")
	}},
	{planted: "a UID beyond what the kubelet takes", fails: []string{user}, at: []string{"2147483648"}, plant: as("2147483648")},
	{planted: "a UID of forty digits", fails: []string{user}, plant: as("1234567890123456789012345678901234567890")},
	{planted: "a negative UID", fails: []string{user}, plant: as("-1")},
	{planted: "a name, and a pod that relies on runAsNonRoot", fails: []string{user}, at: []string{"Deployment api", "cannot verify"}, plant: func(r *recipe) {
		r.user("app")
		r.workload = nonRootPod()
	}},

	{planted: "a name of a UID other than 0", like: user, at: []string{"kubelet cannot verify a name", "1001"}, plant: as("app")},
	{planted: "a name through a link to /etc/passwd", like: user, plant: func(r *recipe) {
		r.run("mv /etc/passwd /usr/lib", text("usr/lib/passwd", "app:x:1001:1001::/app:/bin/false\n"), link("etc/passwd", "../lib/passwd"))
		r.user("app")
	}},
	{planted: "group 0 alone", like: user, plant: as("1001:0")},
	{planted: "the largest UID that the kubelet takes", like: user, plant: as("2147483647")},
	{planted: "a UID that /etc/passwd does not know", like: user, plant: as("4711")},
	{planted: "root first, another user at the end", like: user, plant: func(r *recipe) { r.says("USER root"); r.user("1001") }},
	{planted: "a UID, and a pod that relies on runAsNonRoot", like: user, plant: func(r *recipe) { r.workload = nonRootPod() }},
}
