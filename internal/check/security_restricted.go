package check

import (
	"fmt"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

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
	Story: Minimal,
	Needs: []evidence.Section{evidence.SectionWorkload},
	Judge: judgeSecurityRestricted,
}

// The evaluator is Kubernetes' own, as its admission controller runs it.
var podSecurity = func() policy.Evaluator {
	e, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		panic(err) // its default checks do not fit together: a mistake in the library
	}
	return e
}()

func judgeSecurityRestricted(_ contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "nothing in the pod's specification goes beyond the Pod Security level restricted"}
	if e.Workload == nil {
		return inconclusive(e, evidence.SectionWorkload, j.Promised)
	}
	w := *e.Workload
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, r := range podSecurity.EvaluatePod(level, &w.Template.ObjectMeta, &w.Template.Spec) {
		if !r.Allowed {
			j.broken(fmt.Sprintf("%s %s", w.Kind, w.Name), "%s: %s", r.ForbiddenReason, said(r.ForbiddenDetail, 300))
		}
	}
	if f := j.firstBroken(); f != nil {
		return j.fail(fmt.Sprintf("an enforcing namespace refuses its pods: %s", f.Message), "")
	}
	return j.pass("Pod Security restricted OK", "all of its rules allow the pod as the manifests have it")
}
