package trial

import (
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// agentName is the agent's pod.
const agentName = "podproof-agent"

// AgentUID is whom the agent runs as: anybody but root and the workload's user.
const AgentUID = 65532

// StartAgent runs the agent's image in a pod of its own, admitted under the Pod Security
// level "restricted", and waits until it runs.
//
// It begins beside the dependencies. Within is how long a start of the workload may take, of
// which the trials have several.
func (b *TestBed) StartAgent(ctx context.Context, image string, within time.Duration) error {
	p, err := b.create(ctx, b.ownPod(agentName, "agent", image, 3*trialDeadline+4*within, "agent", "serve"))
	if err != nil {
		return err
	}
	return b.runs(ctx, p, "podproof's agent", "which sends the requests from inside the cluster")
}

// ownPod is one of podproof's image, admitted under the Pod Security level "restricted". It is pulled
// and placed as the subject's are: a kubelet gives an image that was pulled with a secret to nobody
// without one (KubeletEnsureSecretPulledImages).
func (b *TestBed) ownPod(name, container, image string, lives time.Duration, args ...string) *corev1.Pod {
	no, yes, uid, seconds, none := false, true, int64(AgentUID), int64(lives.Seconds()), int64(0)
	like := b.Subject.Template.Spec
	secrets, account := workload.PullsAs(b.Manifests, like)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: b.Namespace,
			Labels: map[string]string{workload.RunLabel: b.Run, workload.TrialLabel: container}},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, ActiveDeadlineSeconds: &seconds, TerminationGracePeriodSeconds: &none,
			AutomountServiceAccountToken: &no, EnableServiceLinks: &no,
			ImagePullSecrets: secrets, ServiceAccountName: account, NodeSelector: like.NodeSelector, Tolerations: like.Tolerations,
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes, RunAsUser: &uid,
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name: container, Image: image, Args: args, ImagePullPolicy: corev1.PullIfNotPresent,
				Resources: corev1.ResourceRequirements{Requests: workload.SmallRequests(nil)},
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			}},
		},
	}
}

// runs waits until one of podproof's own pods runs. What it is for is told where it does not start.
func (b *TestBed) runs(ctx context.Context, p *corev1.Pod, what, purpose string) error {
	seen := ""
	running := false
	err := b.within(ctx, startWithin, string(p.UID), func(o *workload.Observed) (bool, string) {
		seen = workload.Summary(o.Pod)
		if why := workload.Hopeless(o); why != "" {
			seen = why
			return true, seen
		}
		running = workload.Running(o.Pod, p.Spec.Containers[0].Name) != nil
		return running || hasEnded(o.Pod), seen
	})
	if err == nil && !running {
		err = fmt.Errorf("%s did not start, %s: %s%s", what, purpose, seen, b.lastSaid(p))
	}
	return err
}

// hasEnded tells whether one of podproof's own pods is over, since nobody starts it again.
func hasEnded(p *corev1.Pod) bool {
	cs := p.Status.ContainerStatuses
	return len(cs) > 0 && cs[0].State.Terminated != nil
}

// lastSaid are the last words of one of podproof's own pods.
func (b *TestBed) lastSaid(p *corev1.Pod) string {
	return lastWords([]evidence.Pod{b.Observer.Evidence(string(p.UID), p.Spec.Containers[0].Name)})
}

// attach connects input and output with the agent, until the stream between them ends.
func (b *TestBed) attach(ctx context.Context, in io.Reader, out io.Writer) error {
	if b.agent != nil {
		return b.agent(ctx, in, out)
	}
	return b.exec(ctx, agentPlace(b), []string{"agent", "attach"}, in, out)
}

// agentPlace is the container of the agent's pod.
func agentPlace(b *TestBed) containerPlace {
	return containerPlace{b.AgentNamespace, agentName, "agent"}
}

// agentGone says why no stream to the agent can be had any more, empty where one may: the API
// server may only be away for a while. One that has just been started forbids everything until
// it knows its roles.
func (b *TestBed) agentGone(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, attachEvery*10)
	defer cancel()
	p, err := b.client().CoreV1().Pods(b.AgentNamespace).Get(ctx, agentName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return "its pod is not there"
	case err == nil && (p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded || p.DeletionTimestamp != nil):
		return "its pod has ended: " + workload.Summary(p)
	}
	return ""
}
