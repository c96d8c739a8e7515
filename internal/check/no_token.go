package check

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var securityNoToken = Check{
	ID:    "security/no-token",
	Title: "No service account token is mounted without need",
	Why: "Kubernetes mounts a token of its API into every container by default. Whoever gets into the process has it, and an API " +
		"that never talks to Kubernetes has no use for it.",
	Fix:     "Set automountServiceAccountToken: false in the pod's specification; or say in the contract that it is used: identity.serviceAccountToken: true.",
	Story:   Minimal,
	Profile: contract.ProfileRecommended,
	Needs:   []evidence.Section{evidence.SectionStartup, evidence.SectionIdentity},
	At:      []Spot{inPod("automountServiceAccountToken")},
	Judge:   judgeSecurityNoToken,
}

// tokenPath is where the admission controller mounts it (plugin/pkg/admission/serviceaccount).
const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

func judgeSecurityNoToken(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "no token of the Kubernetes API in any container"}
	if c.Identity.ServiceAccountToken {
		return j.skip("the contract says that the token is used (identity.serviceAccountToken)")
	}
	if e.Startup == nil {
		return inconclusive(e, evidence.SectionStartup, j.Promised)
	}
	if len(e.Startup.Pods) == 0 {
		return j.undecided("no pod was made, so no mounts were seen", "See startup/ready.")
	}
	for _, p := range e.Startup.Pods {
		j.tokens(p)
	}
	if j.firstBroken() == nil {
		j.mountedToken(e)
	}
	if f := j.firstBroken(); f != nil {
		return j.fail(f.Where+": "+f.Message, "")
	}
	return j.pass("No service account token OK", "none mounted in "+count(len(e.Startup.Pods), "pod"))
}

// mountedToken looks at the mounts of the running container: a runtime, or a webhook that
// changes pods on a node, may have added what the specification does not show.
func (j *Judgement) mountedToken(e evidence.Evidence) {
	if e.Identity == nil {
		j.note("mount table", "not read, so that the pods' specifications alone are judged: %s", e.Why(evidence.SectionIdentity))
		return
	}
	if e.Identity.Unseen != "" {
		j.note("mount table", "not read, so that the pods' specifications alone are judged: %s", e.Identity.Unseen)
	}
	for _, p := range e.Identity.Processes {
		for _, m := range p.Mounts {
			if strings.HasPrefix(m, tokenPath) || strings.HasPrefix(m, strings.TrimPrefix(tokenPath, "/var")) {
				j.broken(fmt.Sprintf("pod %s, container %s, PID %d", e.Identity.Pod, e.Identity.Container, p.PID), "a token is mounted at %s, though the pod's specification has none", m)
				return
			}
		}
	}
}

// tokens finds those that the pod, as it was admitted, mounts.
func (j *Judgement) tokens(p evidence.Pod) {
	projected := map[string]bool{}
	for _, v := range p.Spec.Volumes {
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			// A token for another audience is for a service outside, and no key to the cluster.
			if t := s.ServiceAccountToken; t != nil && t.Audience == "" {
				projected[v.Name] = true
			}
		}
	}
	for _, cs := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for _, c := range cs {
			for _, m := range c.VolumeMounts {
				if projected[m.Name] || strings.HasPrefix(m.MountPath, tokenPath) {
					j.broken(fmt.Sprintf("pod %s, container %s", p.Name, c.Name), "the token of service account %s is mounted at %s", p.Spec.ServiceAccountName, m.MountPath)
				}
			}
		}
	}
}
