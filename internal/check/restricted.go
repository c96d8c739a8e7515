package check

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var securityRestricted = Check{
	ID:    "security/restricted",
	Title: "The pod is admitted under the Pod Security level restricted",
	Why: "Clusters that enforce the level restricted refuse every pod that asks for more than it needs. A Deployment is still " +
		"accepted there: it just never gets a pod.",
	Fix: "Set what is named in the container's and the pod's securityContext: runAsNonRoot, allowPrivilegeEscalation: false, " +
		"capabilities.drop [ALL], seccompProfile RuntimeDefault.",
	Story:   Minimal,
	Profile: contract.ProfileRecommended,
	Needs:   []evidence.Section{evidence.SectionWorkload, evidence.SectionAdmission},
	ByPlace: true,
	At:      []Spot{inContainer("securityContext")},
	Judge:   judgeSecurityRestricted,
}

func judgeSecurityRestricted(_ contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "nothing in the pod's specification goes beyond the Pod Security level restricted"}
	if e.Workload == nil {
		return inconclusive(e, evidence.SectionWorkload, j.Promised)
	}
	w := *e.Workload
	if len(w.Template.Spec.Containers) == 0 {
		return j.undecided("the workload's pod template was not seen", incomplete)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, r := range podSecurity.EvaluatePod(level, &w.Template.ObjectMeta, &w.Template.Spec) {
		if !r.Allowed {
			j.brokenAt(podPlace(w, fmt.Sprintf("%s %s", w.Kind, w.Name), restrictedAt(w, level, r.ForbiddenReason)), "%s: %s", r.ForbiddenReason, said(r.ForbiddenDetail, 300))
		}
	}
	if j.firstBroken() == nil && e.Admission != nil {
		// A newer or an older cluster than these rules, or a webhook that changes pods.
		for _, text := range append(slices.Clone(e.Admission.Warnings), e.Admission.Refused) {
			if strings.Contains(text, "PodSecurity") {
				j.broken("the cluster's API server", "%s", said(text, 300))
			}
		}
	}
	if f := j.firstBroken(); f != nil {
		return j.fail(fmt.Sprintf("an enforcing namespace refuses its pods: %s", f.Message), "")
	}
	if e.Admission == nil {
		return inconclusive(e, evidence.SectionAdmission, j.Promised)
	}
	if r := e.Admission.Refused; r != "" {
		return j.undecided("the API server refuses the pod for another reason: "+said(r, 300), "Fix that first; no namespace of this cluster admits the pod.")
	}
	return j.pass("Pod Security restricted OK", "all of its rules allow the pod as the manifests have it, and so does the API server")
}
