package trial

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"

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
	no, yes, uid, seconds := false, true, int64(AgentUID), int64((3*trialDeadline + 4*within).Seconds())
	none := int64(0)
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: agentName, Namespace: b.Namespace,
			Labels: map[string]string{workload.RunLabel: b.Run, workload.TrialLabel: "agent"}},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, ActiveDeadlineSeconds: &seconds, TerminationGracePeriodSeconds: &none,
			AutomountServiceAccountToken: &no, EnableServiceLinks: &no,
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes, RunAsUser: &uid,
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name: "agent", Image: image, Args: []string{"agent", "serve"}, ImagePullPolicy: corev1.PullIfNotPresent,
				Resources: corev1.ResourceRequirements{Requests: workload.SmallRequests(nil)},
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			}},
		},
	}
	p, err := b.create(ctx, p)
	if err != nil {
		return err
	}
	seen := ""
	running := false
	err = b.within(ctx, startWithin, string(p.UID), func(o *workload.Observed) (bool, string) {
		seen = workload.Summary(o.Pod)
		if why := workload.Hopeless(o); why != "" {
			seen = why
			return true, seen
		}
		running = workload.Running(o.Pod, "agent") != nil
		return running, seen
	})
	if err == nil && !running {
		err = fmt.Errorf("podproof's agent did not start, which sends the requests from inside the cluster: %s", seen)
	}
	return err
}

// attach connects input and output with the agent, until the stream between them ends.
func (b *TestBed) attach(ctx context.Context, in io.Reader, out io.Writer) error {
	if b.agent != nil {
		return b.agent(ctx, in, out)
	}
	exec, err := b.executor("agent", "attach")
	if err != nil {
		return err
	}
	var said bytes.Buffer
	err = exec.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: in, Stdout: out, Stderr: &said})
	if words := strings.TrimSpace(said.String()); err != nil && words != "" {
		err = fmt.Errorf("%w: %s", err, brief(words))
	}
	return err
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

// executor runs a command in the agent's container.
func (b *TestBed) executor(words ...string) (remotecommand.Executor, error) {
	u := b.client().CoreV1().RESTClient().Post().Resource("pods").Namespace(b.AgentNamespace).Name(agentName).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: "agent", Command: append([]string{"/podproof"}, words...),
			Stdin: true, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	config := rest.CopyConfig(b.REST)
	ws, err := remotecommand.NewWebSocketExecutor(config, "GET", u.String())
	if err != nil {
		return nil, err
	}
	spdy, err := remotecommand.NewSPDYExecutor(config, "POST", u)
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(ws, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}
