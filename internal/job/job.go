// Package job makes the Job in which podproof verifies an image inside a cluster, runs it, and brings
// back what it found.
package job

import (
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/workload"
)

// Spec says what the Job verifies, and how it may.
type Spec struct {
	// Name is that of the Job and of all that it needs, in Namespace, which is there.
	Name, Namespace string
	// Podproof is podproof's own image, Image the one under test, both as the nodes pull them. Of several
	// contracts each names its own.
	Podproof, Image string
	// Flags are those of `podproof verify` beside the ones that every Job has.
	Flags []string
	// Files are the contract and its manifests; of several contracts, Parts.
	Files Files
	Parts []Part
	// Rules are the rights of the run. What is about the whole cluster is no part of a Role.
	Rules []rights.Rule
	// PullSecrets are those with which nodes pull podproof's own image and the one under test, and podproof reads that.
	PullSecrets []string
	// Timeout is the run's own.
	Timeout time.Duration
	// Command is the one that printed the Job, for a CI that runs it, and Version that of podproof,
	// where it is a release.
	Command, Version string
}

// Container is the one that verifies.
const Container = workload.InJobContainer

const (
	// uid is whom podproof's image runs as.
	uid = 65532
	// graceSeconds are for stopping what runs and removing what was made.
	graceSeconds = 90
	// overhead is what a try takes beside the run: pulling, waiting for room, cleaning up.
	overhead = 5 * time.Minute
	// keptSeconds is how long a finished Job can be looked at.
	keptSeconds = 24 * 60 * 60

	files    = "/etc/podproof"
	registry = "/etc/podproof-registry"
)

// Objects are all that a Job needs. Secret is nil where no manifest is one.
type Objects struct {
	ServiceAccount *corev1.ServiceAccount
	Role           *rbacv1.Role
	RoleBinding    *rbacv1.RoleBinding
	Secret         *corev1.Secret
	ConfigMap      *corev1.ConfigMap
	Job            *batchv1.Job
}

// Objects makes them, always the same of one Spec.
func (s Spec) Objects() Objects {
	about := func() metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: s.Name, Namespace: s.Namespace, Labels: map[string]string{"app.kubernetes.io/name": "podproof", "app.kubernetes.io/component": "verifier"}}
	}
	o := Objects{
		ServiceAccount: &corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: about()},
		Role:           &rbacv1.Role{TypeMeta: metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"}, ObjectMeta: about()},
		RoleBinding: &rbacv1.RoleBinding{TypeMeta: metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"}, ObjectMeta: about(),
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: s.Name}, Subjects: []rbacv1.Subject{*rights.ServiceAccount(s.Namespace, s.Name)}},
		ConfigMap: &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: about(), Data: s.plain()},
		Job:       &batchv1.Job{TypeMeta: metav1.TypeMeta{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job"}, ObjectMeta: about(), Spec: s.job()},
	}
	for _, r := range rights.Union(s.Rules) {
		if !r.Wide {
			o.Role.Rules = append(o.Role.Rules, r.Policy())
		}
	}
	if secret := s.secret(); len(secret) > 0 {
		o.Secret = &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: about(), StringData: secret}
	}
	return o
}

// job is the Job itself. podproof's exit codes are its failure policy: a broken promise (1) and wrong input
// (2) are so again at a second try, what could not be checked (3) is tried once more, and a pod that
// somebody else ended says nothing.
func (s Spec) job() batchv1.JobSpec {
	one, kept, deadline, replaced := int32(1), int32(keptSeconds), int64((2 * (s.Timeout + overhead)).Seconds()), batchv1.Failed
	container := Container
	j := batchv1.JobSpec{
		BackoffLimit: &one, ActiveDeadlineSeconds: &deadline, TTLSecondsAfterFinished: &kept, PodReplacementPolicy: &replaced,
		PodFailurePolicy: &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{
			{Action: batchv1.PodFailurePolicyActionIgnore, OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}}},
			{Action: batchv1.PodFailurePolicyActionFailJob, OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{ContainerName: &container,
				Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{1, 2}}},
		}},
		Template: s.template(),
	}
	if len(s.Parts) > 0 {
		s.indexed(&j)
	}
	return j
}

// template is the pod. A sidecar that a mesh adds would never end, and the Job with it.
func (s Spec) template() corev1.PodTemplateSpec {
	no, yes, user, grace := false, true, int64(uid), int64(graceSeconds)
	volumes := []corev1.Volume{
		{Name: "files", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: s.sources()}}},
		{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: quantity("4Gi")}}},
	}
	mounts := []corev1.VolumeMount{{Name: "files", MountPath: files, ReadOnly: true}, {Name: "tmp", MountPath: "/tmp"}}
	env := []corev1.EnvVar{{Name: "HOME", Value: "/tmp"}, {Name: "GOMEMLIMIT", Value: "800MiB"}, fromLabel(nameVariable, batchv1.JobNameLabel), fromLabel(uidVariable, batchv1.ControllerUidLabel)}
	var pulls []corev1.LocalObjectReference
	for _, name := range s.PullSecrets {
		pulls = append(pulls, corev1.LocalObjectReference{Name: name})
	}
	var others []string
	for i, secret := range s.PullSecrets {
		name, at := "registry", registry
		if i > 0 {
			name, at = fmt.Sprintf("registry-%d", i), fmt.Sprintf("%s-%d", registry, i)
			others = append(others, at)
		}
		volumes = append(volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret,
			// As a kubelet pulls without a secret that is not there, podproof says then what the registry says.
			Optional: &yes, Items: []corev1.KeyToPath{{Key: corev1.DockerConfigJsonKey, Path: "config.json"}}}}})
		mounts = append(mounts, corev1.VolumeMount{Name: name, MountPath: at, ReadOnly: true})
	}
	if len(s.PullSecrets) > 0 {
		env = append(env, corev1.EnvVar{Name: "DOCKER_CONFIG", Value: registry})
	}
	if len(others) > 0 {
		env = append(env, corev1.EnvVar{Name: othersVariable, Value: strings.Join(others, ":")})
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{"app.kubernetes.io/name": "podproof", "app.kubernetes.io/component": "verifier", "sidecar.istio.io/inject": "false"},
			Annotations: map[string]string{"linkerd.io/inject": "disabled", "kubectl.kubernetes.io/default-container": Container},
		},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, ServiceAccountName: s.Name, TerminationGracePeriodSeconds: &grace, EnableServiceLinks: &no, ImagePullSecrets: pulls,
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes, RunAsUser: &user, RunAsGroup: &user, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Volumes:         volumes,
			InitContainers:  []corev1.Container{s.sweeper()},
			Containers: []corev1.Container{{
				Name: Container, Image: s.Podproof, Args: s.args(), Env: env, VolumeMounts: mounts,
				// What ends it before it can tell is in its log.
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: *quantity("200m"), corev1.ResourceMemory: *quantity("256Mi")},
					Limits:   corev1.ResourceList{corev1.ResourceCPU: *quantity("2"), corev1.ResourceMemory: *quantity("1Gi")},
				},
				SecurityContext: restricted(),
			}},
		},
	}
}

// sweeper is a sidecar, which the kubelet tells to stop once podproof has ended, however that was: what
// one that was killed for its memory has left, the sweeper removes. Kubernetes has sidecars since 1.29.
func (s Spec) sweeper() corev1.Container {
	always := corev1.ContainerRestartPolicyAlways
	return corev1.Container{Name: "sweep", Image: s.Podproof, Args: []string{"agent", "sweep"}, RestartPolicy: &always,
		Env: []corev1.EnvVar{fromLabel(nameVariable, batchv1.JobNameLabel), fromLabel(uidVariable, batchv1.ControllerUidLabel)},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: *quantity("20m"), corev1.ResourceMemory: *quantity("32Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceCPU: *quantity("200m"), corev1.ResourceMemory: *quantity("128Mi")},
		},
		SecurityContext: restricted()}
}

// restricted is what the Pod Security level of that name wants of a container.
func restricted() *corev1.SecurityContext {
	no, yes := false, true
	return &corev1.SecurityContext{AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}
}

// args are those of a run in the cluster, with more flags.
func (s Spec) args(more ...string) []string {
	out := slices.Concat([]string{"verify", "--cluster", "current", "-f", s.contractPath(), "--timeout", s.Timeout.String()}, s.Flags, more)
	if s.Image != "" {
		out = append(out, s.Image)
	}
	return out
}

// sources are where the contract and its manifests come from.
func (s Spec) sources() []corev1.VolumeProjection {
	name := corev1.LocalObjectReference{Name: s.Name}
	out := []corev1.VolumeProjection{{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: name, Items: s.items(Files.plain)}}}
	if len(s.secret()) > 0 {
		out = append(out, corev1.VolumeProjection{Secret: &corev1.SecretProjection{LocalObjectReference: name, Items: s.items(Files.secret)}})
	}
	return out
}

// fromLabel is a variable with the value of a label of the pod, which needs no right to read the Job.
func fromLabel(variable, label string) corev1.EnvVar {
	return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['" + label + "']"}}}
}

func quantity(s string) *resource.Quantity {
	q := resource.MustParse(s)
	return &q
}
