package check

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"podproof.dev/podproof/internal/evidence"
)

// The evaluator is Kubernetes' own, as its admission controller runs it.
var podSecurity = func() policy.Evaluator {
	e, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		panic(err) // its default checks do not fit together: a mistake in the library
	}
	return e
}()

// restrictedFields are the container's fields that the evaluator's reasons are about. Those in a securityContext
// may be the pod's, too.
var restrictedFields = map[string]string{
	"allowPrivilegeEscalation != false": "securityContext.allowPrivilegeEscalation",
	"non-default capabilities":          "securityContext.capabilities",
	"unrestricted capabilities":         "securityContext.capabilities",
	"privileged":                        "securityContext.privileged",
	"procMount":                         "securityContext.procMount",
	"runAsNonRoot != true":              "securityContext.runAsNonRoot",
	"runAsUser=0":                       "securityContext.runAsUser",
	"seLinuxOptions":                    "securityContext.seLinuxOptions",
	"seccompProfile":                    "securityContext.seccompProfile",
	"hostPort":                          "ports",
}

// restrictedAt is the field of the pod that breaks a rule. The evaluator does not say which, so it is asked again
// about the pod alone, and about each container and volume alone.
func restrictedAt(w evidence.Workload, level api.LevelVersion, reason string) string {
	spec := w.Template.Spec
	breaks := func(inits, containers []corev1.Container, volumes []corev1.Volume) bool {
		alone := spec
		alone.InitContainers, alone.Containers, alone.Volumes = inits, containers, volumes
		return slices.ContainsFunc(podSecurity.EvaluatePod(level, &w.Template.ObjectMeta, &alone), func(r policy.CheckResult) bool {
			return !r.Allowed && r.ForbiddenReason == reason
		})
	}
	field := restrictedFields[reason]
	switch {
	case !breaks(nil, nil, nil):
	case reason != "host namespaces":
		return field
	case spec.HostNetwork:
		return "hostNetwork"
	case spec.HostPID:
		return "hostPID"
	default:
		return "hostIPC"
	}
	for _, k := range spec.Containers {
		if field != "" && breaks(nil, []corev1.Container{k}, nil) {
			return containerField(k, field)
		}
	}
	for _, k := range spec.InitContainers {
		if field != "" && breaks([]corev1.Container{k}, nil, nil) {
			return "initContainers[" + k.Name + "]." + field
		}
	}
	for _, v := range spec.Volumes {
		if breaks(nil, nil, []corev1.Volume{v}) {
			return "volumes[" + v.Name + "]"
		}
	}
	return ""
}
