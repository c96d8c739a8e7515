package check

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// trouble is why a pod does not get on.
type trouble struct {
	seen string
	fix  string
	// untried is set when the image never had a chance, so that nothing is known of it.
	untried bool
}

// troubleOf says what keeps a pod from being Ready; the zero value when nothing does.
// The first obstacle is the one that counts: none of the later ones can be seen yet.
func troubleOf(p evidence.Pod) trouble {
	if p.Status.Reason == "Evicted" || p.Status.Reason == "Preempted" {
		return trouble{seen: fmt.Sprintf("the pod was removed from its node (%s: %s)", p.Status.Reason, said(p.Status.Message, 300)),
			fix: "Give the cluster's node more room, or the pod smaller requests.", untried: true}
	}
	if c := condition(p, corev1.PodScheduled); c != nil && c.Status == corev1.ConditionFalse {
		return trouble{seen: fmt.Sprintf("no node takes the pod (%s: %s)", c.Reason, said(c.Message, 300)),
			fix:     "Mend what the scheduler names (resource requests, host ports, nodeSelector, tolerations, volume claims): the image itself was not tried.",
			untried: true}
	}
	statuses := append(slices.Clone(p.Status.InitContainerStatuses), p.Status.ContainerStatuses...)
	var notReady *corev1.ContainerStatus
	for i, s := range statuses {
		switch {
		case s.State.Waiting != nil && !ordinaryWait(s.State.Waiting.Reason):
			return waitingTrouble(p, s)
		case s.State.Terminated != nil && (s.State.Terminated.ExitCode != 0 || i >= len(p.Status.InitContainerStatuses)):
			return trouble{seen: fmt.Sprintf("container %s ended with %s", s.Name, exitWords(*s.State.Terminated)),
				fix: exitFix(p, s.Name, *s.State.Terminated)}
		case s.State.Running != nil && !s.Ready && notReady == nil && i >= len(p.Status.InitContainerStatuses):
			notReady = &statuses[i]
		}
	}
	if notReady != nil {
		return probeTrouble(p, *notReady)
	}
	if len(statuses) == 0 || !allRunning(statuses) {
		return stuckTrouble(p)
	}
	return trouble{}
}

// ordinaryWait are the reasons of a container that waits its turn.
func ordinaryWait(reason string) bool {
	return reason == "" || reason == "ContainerCreating" || reason == "PodInitializing"
}

func allRunning(ss []corev1.ContainerStatus) bool {
	return !slices.ContainsFunc(ss, func(s corev1.ContainerStatus) bool { return s.State.Waiting != nil })
}

// waitingTrouble explains the reasons with which the kubelet holds a container back.
func waitingTrouble(p evidence.Pod, s corev1.ContainerStatus) trouble {
	w := s.State.Waiting
	t := trouble{seen: fmt.Sprintf("container %s waits: %s", s.Name, w.Reason)}
	if w.Message != "" && w.Reason != "CrashLoopBackOff" {
		t.seen += ": " + said(w.Message, 400)
	}
	switch w.Reason {
	case "CreateContainerConfigError":
		t.fix = configErrorFix(w.Message)
		if strings.Contains(w.Message, "failed to sync") {
			t.untried = true
			t.fix = "The node's kubelet was too busy to fetch the pod's ConfigMap or Secret: run podproof again, with less beside it."
		}
	case "ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "RegistryUnavailable":
		t.untried = true
		t.fix = fmt.Sprintf("Image %s is not on the node: podproof loads the contract's image, under the name that the contract gives it, "+
			"and the images of PODPROOF_SET_IMAGE. Let the manifest use that name, with imagePullPolicy IfNotPresent or Never.", s.Image)
	case "InvalidImageName":
		t.fix = fmt.Sprintf("%q is no image name; mend it in the manifest.", s.Image)
	case "CreateContainerError", "RunContainerError":
		t.fix = startErrorFix(w.Message)
	case "CrashLoopBackOff":
		if last := s.LastTerminationState.Terminated; last != nil {
			t.seen += fmt.Sprintf(": it ended with %s, and was started %s", exitWords(*last), times(s.RestartCount+1))
			t.fix = exitFix(p, s.Name, *last)
		}
	}
	if t.fix == "" {
		t.fix = "The pod's events say more: kubectl describe pod " + p.Name + "."
	}
	return t
}

func times(n int32) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// configErrorFix knows the messages with which the kubelet refuses to make a container.
func configErrorFix(message string) string {
	switch {
	case strings.Contains(message, "non-numeric user"):
		return "runAsNonRoot is asked for, and the kubelet cannot tell whether a user's name is root: let the Dockerfile say USER 1001 " +
			"(a number), or the manifest runAsUser: 1001."
	case strings.Contains(message, "image will run as root"), strings.Contains(message, "runAsUser breaks non-root policy"):
		return "runAsNonRoot is asked for and the image runs as root: let the Dockerfile end with USER 1001, or the manifest say runAsUser: 1001."
	case strings.Contains(message, "secret"), strings.Contains(message, "Secret"), strings.Contains(message, "configmap"), strings.Contains(message, "ConfigMap"):
		return "Add the Secret or ConfigMap, or the key, that is named there to the contract's manifests."
	}
	return ""
}

// startErrorFix knows the messages with which a runtime fails to start a process.
func startErrorFix(message string) string {
	switch {
	case strings.Contains(message, "executable file not found"), strings.Contains(message, "no such file or directory"):
		return "The program of CMD or ENTRYPOINT is not in the image, or the interpreter or loader that it names is not: " +
			"copy it into the last stage (a dynamically linked program needs its libc), and give its full path."
	case strings.Contains(message, "exec format error"):
		return "The program was built for another architecture, or a script lacks its #! line."
	case strings.Contains(message, "permission denied"):
		return "The program cannot be executed by the container's user: set its mode in the Dockerfile (RUN chmod 0755)."
	case strings.Contains(message, "read-only file system"):
		return "Something is written to the read-only root file system: mount an emptyDir there."
	}
	return ""
}

// probeTrouble explains a container that runs and does not become Ready.
func probeTrouble(p evidence.Pod, s corev1.ContainerStatus) trouble {
	t := trouble{seen: fmt.Sprintf("container %s runs and is not Ready", s.Name),
		fix: "Its log says what it is waiting for; the readiness probe must succeed once the dependencies answer."}
	kind := "readiness"
	if s.Started != nil && !*s.Started {
		kind = "startup"
	}
	if ev := lastEvent(p, "Unhealthy"); ev != nil {
		t.seen += ": " + said(ev.Message, 200)
	} else {
		t.seen += fmt.Sprintf(": its %s probe has not succeeded", kind)
	}
	switch {
	case strings.Contains(t.seen, "connection refused"):
		t.fix = "Nothing listens on the probe's port: let the process listen on 0.0.0.0 (not 127.0.0.1), on the port that the probe names."
	case strings.Contains(t.seen, "statuscode: 404"):
		t.fix = "The probe's path does not exist: let it name the route that the API serves."
	case strings.Contains(t.seen, "statuscode: 401"), strings.Contains(t.seen, "statuscode: 403"):
		t.fix = "The probe's path asks for a login: the kubelet has none to send."
	case strings.Contains(t.seen, "deadline exceeded"), strings.Contains(t.seen, "timed out"), strings.Contains(t.seen, "Timeout"):
		t.fix = "The probe's path takes longer than its timeoutSeconds: find what it waits for, or raise the time."
	}
	return t
}

// stuckTrouble explains a pod whose containers were not made yet.
func stuckTrouble(p evidence.Pod) trouble {
	for i := len(p.Events) - 1; i >= 0; i-- {
		if ev := p.Events[i]; ev.Type == corev1.EventTypeWarning {
			t := trouble{seen: fmt.Sprintf("its containers were not started: %s: %s", ev.Reason, said(ev.Message, 300)),
				fix: configErrorFix(ev.Message)}
			t.untried = ev.Reason == "FailedCreatePodSandBox"
			return t
		}
	}
	return trouble{seen: "its containers were still being created", fix: "The pod's events say more: kubectl describe pod " + p.Name + "."}
}

func condition(p evidence.Pod, t corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == t {
			return &p.Status.Conditions[i]
		}
	}
	return nil
}

func isReady(p evidence.Pod) bool {
	c := condition(p, corev1.PodReady)
	return c != nil && c.Status == corev1.ConditionTrue
}

func lastEvent(p evidence.Pod, reason string) *evidence.Event {
	for i := len(p.Events) - 1; i >= 0; i-- {
		if p.Events[i].Reason == reason {
			return &p.Events[i]
		}
	}
	return nil
}

// underTest is the status of a pod's container by name, or of its only one.
func underTest(p evidence.Pod, container string) *corev1.ContainerStatus {
	for i := range p.Status.ContainerStatuses {
		if s := &p.Status.ContainerStatuses[i]; s.Name == container || (container == "" && len(p.Status.ContainerStatuses) == 1) {
			return s
		}
	}
	return nil
}

// containerName is that of the container under test, empty when the workload was not read.
func containerName(e evidence.Evidence) string {
	if e.Workload == nil {
		return ""
	}
	return e.Workload.Container
}

// tail adds the last lines of a pod's log as notes, with what looks like a secret masked.
func (j *Judgement) tail(p evidence.Pod, lines int) {
	for _, l := range p.Log[max(0, len(p.Log)-lines):] {
		if strings.TrimSpace(l.Text) != "" {
			j.note("pod "+p.Name+", log", "%s", said(l.Text, 300))
		}
	}
}
