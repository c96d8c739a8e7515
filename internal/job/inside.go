package job

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/workload"
)

// The variables by which podproof knows that it is the pod of a Job.
const (
	nameVariable = "PODPROOF_JOB_NAME"
	uidVariable  = "PODPROOF_JOB_UID"
)

// Inside is the Job that podproof runs in, by its environment; nil where it runs in none.
func Inside(env func(string) string, namespace func() (string, error)) (*workload.InJob, error) {
	name, uid := env(nameVariable), env(uidVariable)
	if name == "" || uid == "" {
		return nil, nil
	}
	ns, err := namespace()
	if err != nil {
		return nil, err
	}
	return &workload.InJob{Name: name, Namespace: ns, UID: types.UID(uid), Index: env(indexVariable)}, nil
}

// RightsFor are those of a run that a tool of Tools starts, or none of them, which is empty.
func RightsFor(tool, name string) []rights.Rule {
	switch tool {
	case tekton.Name: // makes no Job
		return nil
	case rollouts.Name: // makes one whose name nobody knows before
		return slices.DeleteFunc(Rights(name), func(r rights.Rule) bool { return r.Resource == "jobs" })
	}
	return Rights(name)
}

// Rights are those of a run in the Job of that name, for telling its result.
func Rights(name string) []rights.Rule {
	return []rights.Rule{
		rights.To("", "configmaps", "create").For("the ConfigMap with the report, the summary and the evidence, which the Job owns"),
		rights.To("batch", "jobs", "patch").Of(name).For("the annotation " + ResultAnnotation + " of the Job").Or("the Job does not have it"),
	}
}
