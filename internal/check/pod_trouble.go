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
	// field is the container's that the fix changes, empty where it is the program, or not the container's.
	container, field string
}

// in has the fix change a field of a container.
func (t trouble) in(container, field string) trouble {
	t.container, t.field = container, field
	return t
}

// place is where a pod's trouble is mended.
func (t trouble) place(e evidence.Evidence, p evidence.Pod) place {
	words := "pod " + p.Name
	if t.field == "" || e.Workload == nil {
		return place{words: words}
	}
	list := "containers["
	if slices.ContainsFunc(p.Status.InitContainerStatuses, func(s corev1.ContainerStatus) bool { return s.Name == t.container }) {
		list = "initContainers["
	}
	return podPlace(*e.Workload, words, list+t.container+"]."+t.field)
}

// troubleOf says what keeps a pod from being Ready; the zero value when nothing does.
// The first obstacle is the one that counts: none of the later ones can be seen yet.
func troubleOf(p evidence.Pod) trouble {
	if p.Status.Reason == "Evicted" || p.Status.Reason == "Preempted" {
		return trouble{seen: fmt.Sprintf("the pod was removed from its node (%s: %s)", p.Status.Reason, said(p.Status.Message, 300)),
			fix: "Give the cluster's node more room, or the pod smaller requests.", untried: true}
	}
	if why := evidence.Disruption(p.Status, p.Events); why != "" {
		return trouble{seen: "the pod " + why, untried: true,
			fix: "Run podproof again when nobody drains or restarts the nodes that its pods are on."}
	}
	if c := condition(p, corev1.PodScheduled); c != nil && c.Status == corev1.ConditionFalse {
		return schedulingTrouble(p, c.Reason, c.Message)
	}
	statuses := append(slices.Clone(p.Status.InitContainerStatuses), p.Status.ContainerStatuses...)
	var notReady *corev1.ContainerStatus
	for i, s := range statuses {
		switch {
		case s.State.Waiting != nil && !ordinaryWait(s.State.Waiting.Reason):
			return waitingTrouble(p, s)
		case s.State.Terminated != nil && (s.State.Terminated.ExitCode != 0 || i >= len(p.Status.InitContainerStatuses)):
			return trouble{seen: fmt.Sprintf("%s ended with %s", containerWords(p, s.Name), exitWords(*s.State.Terminated)),
				fix: exitFix(p, s.Name, *s.State.Terminated)}
		case s.State.Running != nil && !s.Ready && notReady == nil && i >= len(p.Status.InitContainerStatuses):
			notReady = &statuses[i]
		}
	}
	if notReady != nil {
		return probeTrouble(p, *notReady)
	}
	if init := running(p.Status.InitContainerStatuses); init != "" {
		return trouble{seen: fmt.Sprintf("init container %s has not ended, and the others wait for it", init),
			fix: fmt.Sprintf("Look into what init container %s waits for: kubectl logs %s -c %s.", init, p.Name, init)}
	}
	if len(statuses) == 0 || !allRunning(statuses) {
		return stuckTrouble(p)
	}
	return gateTrouble(p)
}

// running is the init container that runs, and has to end before the next one starts; one that is
// started and stays is a sidecar.
func running(inits []corev1.ContainerStatus) string {
	for _, s := range inits {
		if s.State.Running != nil && (s.Started == nil || !*s.Started) {
			return s.Name
		}
	}
	return ""
}

// gateTrouble names the readiness gates of a pod that nobody has set.
func gateTrouble(p evidence.Pod) trouble {
	for _, g := range p.Spec.ReadinessGates {
		if c := condition(p, g.ConditionType); c == nil || c.Status != corev1.ConditionTrue {
			return trouble{untried: true, seen: fmt.Sprintf("its containers are ready, and its readiness gate %s is not set", g.ConditionType),
				fix: fmt.Sprintf("The controller that sets %s is not in this cluster: leave readinessGates out in a kustomize overlay for the cluster that podproof tries them in.", g.ConditionType)}
		}
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
	t := trouble{seen: fmt.Sprintf("%s waits: %s", containerWords(p, s.Name), w.Reason)}
	if w.Message != "" && w.Reason != "CrashLoopBackOff" {
		t.seen += ": " + said(w.Message, 400)
	}
	switch w.Reason {
	case "CreateContainerConfigError":
		t.fix = configErrorFix(w.Message)
		t = t.in(s.Name, configErrorField(w.Message))
		if strings.Contains(w.Message, "failed to sync") {
			t.untried = true
			t.fix = "The node's kubelet was too busy to fetch the pod's ConfigMap or Secret: run podproof again, with less beside it."
		}
	case "ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "RegistryUnavailable":
		t.untried = true
		t.fix = imageFix(s.Image)
		t = t.in(s.Name, "image")
	case "InvalidImageName":
		t = t.in(s.Name, "image")
		t.fix = fmt.Sprintf("%q is not a valid image name; correct it in the manifest.", s.Image)
	case "CreateContainerError", "RunContainerError":
		t.fix = startErrorFix(w.Message)
		if strings.Contains(w.Message, "failed to get image from containerd") {
			t.untried = true
			t.fix = "The node lost the image while the pod was made, as when another run's copy of it is removed: run podproof again."
		}
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

// containerWords says "container api", or "init container migrate".
func containerWords(p evidence.Pod, name string) string {
	if slices.ContainsFunc(p.Status.InitContainerStatuses, func(s corev1.ContainerStatus) bool { return s.Name == name }) {
		return "init container " + name
	}
	return "container " + name
}

func times(n int32) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// probeTrouble explains a container that runs and does not become Ready.
func probeTrouble(p evidence.Pod, s corev1.ContainerStatus) trouble {
	t := trouble{seen: fmt.Sprintf("container %s runs and is not Ready", s.Name),
		fix: "Its log says what it is waiting for; the readiness probe must succeed once the dependencies answer."}
	kind := "readiness"
	if s.Started != nil && !*s.Started {
		kind = "startup"
	}
	probe := func(t trouble) trouble { return t.in(s.Name, kind+"Probe") }
	if ev := lastEvent(p, "Unhealthy"); ev != nil {
		t.seen += ": " + kubeletSays(ev.Message, 200)
	} else {
		t.seen += fmt.Sprintf(": its %s probe has not succeeded", kind)
	}
	if ev := lastEvent(p, "Unhealthy"); ev != nil {
		if why, fix := probeErrorFix(ev.Message); why != "" {
			return probe(trouble{seen: t.seen + "; " + why, fix: fix})
		}
	}
	switch {
	case strings.Contains(t.seen, "connection refused"):
		t.fix = "Nothing listens on the probe's port: let the process listen on 0.0.0.0 (not 127.0.0.1), on the port that the probe names."
	case strings.Contains(t.seen, "statuscode: 404"):
		t.fix = "The probe's path does not exist: let it name the route that the API serves."
		return probe(t)
	case strings.Contains(t.seen, "statuscode: 401"), strings.Contains(t.seen, "statuscode: 403"):
		t.fix = "The probe's path asks for a login: the kubelet has none to send."
		return probe(t)
	case strings.Contains(t.seen, "deadline exceeded"), strings.Contains(t.seen, "timed out"), strings.Contains(t.seen, "Timeout"):
		t.fix = "The probe's path takes longer than its timeoutSeconds: find what it waits for, or raise the time."
		return probe(t)
	}
	return t
}

// stuckTrouble explains a pod whose containers were not made yet.
func stuckTrouble(p evidence.Pod) trouble {
	for i := len(p.Events) - 1; i >= 0; i-- {
		if ev := p.Events[i]; ev.Type == corev1.EventTypeWarning {
			t := trouble{seen: fmt.Sprintf("its containers were not started: %s: %s", ev.Reason, kubeletSays(ev.Message, 300)),
				fix: configErrorFix(ev.Message)}
			t.untried = ev.Reason == "FailedCreatePodSandBox"
			return t
		}
	}
	return trouble{seen: "its containers were still being created", fix: "The pod's events say more: kubectl describe pod " + p.Name + "."}
}
