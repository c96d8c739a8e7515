package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// beside is podproof's own ephemeral container in a pod of a trial's, beside the one under test
// and in its PID namespace. It is how podproof looks where no node may be touched. An ephemeral container
// stays in its pod for good, and has the pod admitted as a whole once more, so that none is ever added to
// a pod that anybody else needs.
//
// What a node tells, which trial asks, and its second way:
//
//	processes  identity, termination (PID 1)   /proc of the shared PID namespace
//	usage      resources                       the container's own /sys/fs/cgroup by /proc/PID/root, else its processes' sums
//	writes     resources                       inodes of /proc/PID/root that were changed since the start
//	listen     whoever has no probe            the longest time that it is given
//	gone       all terminations                the end of a stream from the PID namespace, else finishedAt (whole seconds)
//	sent       requests in flight              SIGTERM to this container, else the Killing event (whole seconds)
//	unreached  rollouts                        the agent's own sockets, where they show pods, else more connections
//	connect    a dependency's Service          the agent's pod
//	pressure   whoever may be late             the agent's pod: /proc/pressure and /proc/stat are the machine's
//	logs       every pod                       pods/log, where stdout is not told from stderr
type beside struct {
	Node
	bench     *TestBed
	pod       *corev1.Pod
	name      string // of the container
	id        string // of the container under test
	uid       *int64 // as whom it looks, nil for AgentUID because the target's is not known
	offset    time.Duration
	processes []evidence.Process // of the container under test, as they were first seen
}

// besideWithin bounds how long podproof's own container may take to start.
const besideWithin = time.Minute

// errNoAgentImage is where a run has put no image of podproof's own into the cluster.
var errNoAgentImage = errors.New("no node may be touched, and podproof's own image is not in the cluster, of which it would add a container to its own pod")

// notAdmitted is podproof's own container, which the cluster did not let it add.
type notAdmitted struct{ why string }

func (n *notAdmitted) Error() string { return n.why }

// lookInto adds a container of podproof's to a pod of a trial's, whose container under test runs. It
// looks as the user that is, for nobody else may enter its root; where that turns out to be another
// than was thought, as after an entrypoint that drops root, once more.
func (b *TestBed) lookInto(ctx context.Context, p *corev1.Pod) (*beside, error) {
	if b.AgentImage == "" {
		return nil, errNoAgentImage
	}
	uid, gid := b.userOf(p)
	const tries = 2
	for try := 1; ; try++ {
		s, err := b.addBeside(ctx, p, fmt.Sprintf("podproof-look-%d", try), uid, gid)
		if err != nil {
			return nil, err
		}
		if s.processes, err = b.processesBy(ctx, s, "", s.id); err != nil {
			return nil, err
		}
		if len(s.processes) == 0 {
			return nil, fmt.Errorf("container %s of pod %s had no process when /proc was read beside it", b.Container, p.Name)
		}
		first := s.processes[0]
		if try == tries || uid != nil && *uid == first.UIDs[1] {
			return s, nil
		}
		uid, gid = &first.UIDs[1], &first.GIDs[1]
	}
}

// addBeside adds one that runs as a user, and waits until it does. Where a root container is not
// admitted, one of anybody's still sees whose the processes are.
func (b *TestBed) addBeside(ctx context.Context, p *corev1.Pod, name string, uid, gid *int64) (*beside, error) {
	s := &beside{bench: b, pod: p, name: name, id: workload.ContainerID(p, b.Container), uid: uid}
	s.Node = Guarded{inside{b, containerPlace{p.Namespace, p.Name, name}}}
	c := b.besideContainer(s, gid)
	err := b.patchEphemeral(ctx, p, c)
	if apierrors.IsForbidden(err) && uid != nil && *uid == 0 {
		s.uid = nil
		err = b.patchEphemeral(ctx, p, b.besideContainer(s, nil))
	}
	if err != nil {
		return nil, explainRefusal(err, b.Redact)
	}
	if err := s.awaitRunning(ctx); err != nil {
		return nil, err
	}
	s.offset = nodeOffset(ctx, s, "")
	return s, nil
}

// besideContainer is admitted under the Pod Security level "restricted", unless it has to be root:
// the kernel shows a root process to one that has its capabilities alone (ptrace(2), access mode checks).
// It has no resources, which an ephemeral container may not have, and needs no quota.
func (b *TestBed) besideContainer(s *beside, gid *int64) corev1.EphemeralContainer {
	no, yes, uid := false, true, int64(AgentUID)
	security := &corev1.SecurityContext{RunAsUser: &uid, RunAsNonRoot: &yes, AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
		Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	if s.uid != nil {
		security.RunAsUser, security.RunAsGroup = s.uid, gid
	}
	if s.uid != nil && *s.uid == 0 {
		security.RunAsNonRoot, security.Capabilities = &no, nil
		if own := b.declared().SecurityContext; own != nil {
			security.Capabilities = own.Capabilities
		}
	}
	return corev1.EphemeralContainer{TargetContainerName: b.Container, EphemeralContainerCommon: corev1.EphemeralContainerCommon{
		Name: s.name, Image: b.AgentImage, ImagePullPolicy: corev1.PullIfNotPresent,
		Args:                     []string{"agent", "look", "attend", s.id, strconv.Itoa(int(trialDeadline.Seconds()))},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		SecurityContext:          security,
	}}
}

func (b *TestBed) patchEphemeral(ctx context.Context, p *corev1.Pod, c corev1.EphemeralContainer) error {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"ephemeralContainers": []corev1.EphemeralContainer{c}}})
	if err != nil {
		return err
	}
	_, err = b.client().CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{FieldManager: workload.FieldManager}, "ephemeralcontainers")
	return err
}

// explainRefusal says what would help.
func explainRefusal(err error, redact func(string) string) error {
	const would = "no node may be touched, and podproof could not look from an ephemeral container in its own pod instead: "
	said := ""
	switch s := apierrors.APIStatus(nil); {
	case !errors.As(err, &s):
		return fmt.Errorf("adding podproof's own container to its pod: %w", err)
	default:
		said = redact(s.Status().Message)
	}
	switch {
	case apierrors.IsForbidden(err) && strings.Contains(said, "cannot patch resource"):
		return &notAdmitted{would + "its user lacks the right to `patch` pods/ephemeralcontainers in this namespace; grant it (" + said + ")"}
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return &notAdmitted{would + "admission refused it. Let the namespace's policy admit an ephemeral container that Pod Security \"restricted\" admits (" + said + ")"}
	case apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err):
		return &notAdmitted{would + "this cluster has none, which Kubernetes has since 1.25; or the pod was gone (" + said + ")"}
	}
	return fmt.Errorf("adding podproof's own container to its pod: %w", err)
}

// awaitRunning waits until it runs, or never will.
func (s *beside) awaitRunning(ctx context.Context) error {
	b, why, running := s.bench, "", false
	err := b.within(ctx, besideWithin, string(s.pod.UID), func(o *workload.Observed) (bool, string) {
		s.pod = o.Pod
		state := workload.Ephemeral(o.Pod, s.name)
		running = state.Running != nil
		why = workload.NeverStarts(state)
		if t := workload.Terminated(o.Pod, b.Container); t != nil {
			why = fmt.Sprintf("container %s ended meanwhile, with exit code %d", b.Container, t.ExitCode)
		}
		return running || why != "" || !o.Gone.IsZero(), workload.Summary(o.Pod)
	})
	switch {
	case err != nil:
		return err
	case why != "":
		return fmt.Errorf("podproof's own container beside %s in pod %s did not run: %s", b.Container, s.pod.Name, b.Redact(why))
	case !running:
		return fmt.Errorf("podproof's own container beside %s in pod %s did not run within %s", b.Container, s.pod.Name, besideWithin)
	}
	return nil
}

// userOf is whom the container under test runs as, as far as that is told: by the runtime, by the
// manifest, or by the image.
func (b *TestBed) userOf(p *corev1.Pod) (uid, gid *int64) {
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == b.Container && s.User != nil && s.User.Linux != nil {
			return &s.User.Linux.UID, &s.User.Linux.GID
		}
	}
	if s := p.Spec.SecurityContext; s != nil {
		uid, gid = s.RunAsUser, s.RunAsGroup
	}
	if s := b.declared().SecurityContext; s != nil {
		if s.RunAsUser != nil {
			uid = s.RunAsUser
		}
		if s.RunAsGroup != nil {
			gid = s.RunAsGroup
		}
	}
	if uid != nil {
		return uid, gid
	}
	user, _, _ := strings.Cut(b.ImageUser, ":")
	if user == "" || user == "root" {
		return new(int64(0)), gid
	}
	if n, err := strconv.ParseInt(user, 10, 64); err == nil {
		return &n, gid
	}
	return nil, nil // a name, which the processes' own status will turn into a number
}
