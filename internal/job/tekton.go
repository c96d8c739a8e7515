package job

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// tekton runs podproof as a step of a Task, whose exit code is the TaskRun's. There is no Job then, and so
// nothing that owns what a run makes but the run itself. The result is the Line (Tekton, docs/tasks.md,
// "Emitting Results").
var tekton = Tool{Name: "tekton",
	About: []string{"A Task for a pipeline, and what it needs. Its TaskRun runs as the service account:",
		"  taskRunTemplate: {serviceAccountName: NAME}  (in a PipelineRun), or serviceAccountName (in a TaskRun)"},
	text: func(s Spec) (string, error) {
		o := s.Objects()
		pod := o.Job.Spec.Template.Spec
		c := pod.Containers[0]
		step := map[string]any{
			"name": "verify", "image": c.Image, "args": s.args("--agent-image", s.Podproof, "--shared-namespace"),
			"env": append(withoutLabels(c.Env), corev1.EnvVar{Name: ResultVariable, Value: "$(results.verdict.path)"}), "volumeMounts": c.VolumeMounts, "computeResources": c.Resources,
			"securityContext": stepContext(pod.SecurityContext, c.SecurityContext),
		}
		task := map[string]any{
			"apiVersion": "tekton.dev/v1", "kind": "Task",
			"metadata": map[string]any{"name": s.Name, "namespace": s.Namespace, "labels": o.ServiceAccount.Labels},
			"spec": map[string]any{
				"description": "Proves in this cluster that an image keeps the promises production relies on.",
				"results":     []any{map[string]any{"name": "verdict", "description": "The result in a line, such as FAIL 2 of 43: …"}},
				"steps":       []any{step}, "volumes": pod.Volumes,
			},
		}
		return withNeeds(needs(o), task)
	}}

// ResultVariable names a file into which podproof writes the result in a line.
const ResultVariable = "PODPROOF_RESULT_FILE"

// withoutLabels leaves out what only the pods of a Job have.
func withoutLabels(env []corev1.EnvVar) (out []corev1.EnvVar) {
	for _, e := range env {
		if e.ValueFrom == nil {
			out = append(out, e)
		}
	}
	return out
}

// stepContext is that of a container whose pod somebody else makes.
func stepContext(pod *corev1.PodSecurityContext, container *corev1.SecurityContext) *corev1.SecurityContext {
	out := container.DeepCopy()
	out.RunAsNonRoot, out.RunAsUser, out.RunAsGroup, out.SeccompProfile = pod.RunAsNonRoot, pod.RunAsUser, pod.RunAsGroup, pod.SeccompProfile
	return out
}

// withNeeds is an object of somebody else's kind after those that it needs.
func withNeeds(needs []runtime.Object, object map[string]any) (string, error) {
	text, err := YAML(needs...)
	if err != nil {
		return "", err
	}
	b, err := yaml.Marshal(object)
	return text + "---\n" + string(b), err
}

// rollouts runs the Job as an analysis, which succeeds where the Job completes
// (https://argoproj.github.io/argo-rollouts/analysis/job).
var rollouts = Tool{Name: "rollouts",
	About: []string{"An AnalysisTemplate for Argo Rollouts, and what it needs: name it in prePromotionAnalysis of a blue-green",
		"strategy, or as an analysis step of a canary. Rollouts does not show why a Job failed; its result is in a",
		"ConfigMap podproof-RUN-result as long as the Job is there."},
	text: func(s Spec) (string, error) {
		o := s.Objects()
		o.Job.Spec.TTLSecondsAfterFinished = nil // the analysis removes it
		analysis := map[string]any{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate",
			"metadata": map[string]any{"name": s.Name, "namespace": s.Namespace, "labels": o.ServiceAccount.Labels},
			"spec": map[string]any{"metrics": []any{map[string]any{
				"name": "podproof", "count": 1, "failureLimit": 0,
				"provider": map[string]any{"job": map[string]any{"metadata": map[string]any{"labels": o.ServiceAccount.Labels}, "spec": o.Job.Spec}},
			}}},
		}
		return withNeeds(needs(o), analysis)
	}}
