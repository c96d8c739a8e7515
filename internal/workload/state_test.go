package workload

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/evidence"
)

// podIs is a pod named "api-1" in some state.
func podIs(change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "api-1"}, Status: corev1.PodStatus{Phase: corev1.PodPending}}
	for _, c := range change {
		c(p)
	}
	return p
}

func container(s corev1.ContainerStatus) func(*corev1.Pod) {
	s.Name = "api"
	return func(p *corev1.Pod) { p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, s) }
}

func has(t corev1.PodConditionType, s corev1.ConditionStatus, reason, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: t, Status: s, Reason: reason, Message: message})
	}
}

// justNow lets the last condition be a new one.
func justNow(p *corev1.Pod) {
	p.Status.Conditions[len(p.Status.Conditions)-1].LastTransitionTime = metav1.Now()
}

func phase(ph corev1.PodPhase) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.Phase = ph }
}

func deleted(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: noon} }

func running() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
}

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func ended(code int32, reason string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}}
}

func TestHopeless(t *testing.T) {
	for _, c := range []struct {
		name   string
		pod    *corev1.Pod
		events []evidence.Event
		want   []string // none: there is hope
	}{
		{name: "just made", pod: podIs()},
		{name: "being created", pod: podIs(container(corev1.ContainerStatus{State: waiting("ContainerCreating", "")}))},
		{name: "running, not ready", pod: podIs(container(corev1.ContainerStatus{State: running()}))},
		{name: "restarted once", pod: podIs(container(corev1.ContainerStatus{State: running(), RestartCount: 1, LastTerminationState: ended(1, "Error")}))},
		{name: "not scheduled yet", pod: podIs(has(corev1.PodScheduled, corev1.ConditionFalse, "SchedulingGated", ""))},
		{name: "unschedulable", pod: podIs(has(corev1.PodScheduled, corev1.ConditionFalse, "Unschedulable", "Insufficient memory")),
			want: []string{"api-1 cannot be scheduled", "Insufficient memory"}},
		{name: "no room yet", pod: podIs(has(corev1.PodScheduled, corev1.ConditionFalse, "Unschedulable", "Insufficient memory"), justNow)},
		{name: "no such secret", pod: podIs(container(corev1.ContainerStatus{State: waiting("CreateContainerConfigError", `secret "api" not found`)})),
			want: []string{"container api", "CreateContainerConfigError", `secret "api" not found`}},
		{name: "an image whose other name was just taken off", pod: podIs(container(corev1.ContainerStatus{State: waiting("CreateContainerError", `failed to check if this is a checkpoint image: failed to get image from containerd "sha256:d01d": image "podproof.local/agent:run-a": not found`)}))},
		{name: "settings not sent yet", pod: podIs(container(corev1.ContainerStatus{State: waiting("CreateContainerConfigError", "failed to sync configmap cache: timed out waiting for the condition")}))},
		{name: "no such image", pod: podIs(container(corev1.ContainerStatus{State: waiting("ErrImageNeverPull", "m")})), want: []string{"not on the node", "ErrImageNeverPull"}},
		{name: "not pulled", pod: podIs(container(corev1.ContainerStatus{State: waiting("ImagePullBackOff", "back-off")})),
			events: []evidence.Event{{Type: "Warning", Reason: "Failed", Message: "no such host"}, {Type: "Warning", Reason: "Failed", Message: "Error: ErrImagePull"}, {Type: "Warning", Reason: "BackOff", Message: "Back-off"}, {Type: "Normal", Reason: "Pulling", Message: "pulling"}},
			want:   []string{"ImagePullBackOff", "no such host"}},
		{name: "crash loop", pod: podIs(container(corev1.ContainerStatus{State: waiting("CrashLoopBackOff", "back-off 10s")})), want: []string{"again and again", "back-off 10s"}},
		{name: "crash loop of an init container", pod: podIs(func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "migrate", State: waiting("CrashLoopBackOff", "")}}
		}), want: []string{"container migrate"}},
		{name: "out of memory", pod: podIs(container(corev1.ContainerStatus{State: ended(137, "OOMKilled")})), want: []string{"OOMKilled", "memory"}},
		{name: "out of memory, started again", pod: podIs(container(corev1.ContainerStatus{State: running(), LastTerminationState: ended(137, "OOMKilled")})),
			want: []string{"OOMKilled"}},
		{name: "failed", pod: podIs(phase(corev1.PodFailed), container(corev1.ContainerStatus{State: ended(3, "Error")})), want: []string{"has failed", "exited with 3"}},
		{name: "succeeded", pod: podIs(phase(corev1.PodSucceeded), container(corev1.ContainerStatus{State: ended(0, "Completed")}))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Hopeless(&Observed{Pod: c.pod, events: c.events})
			if (got != "") != (len(c.want) > 0) {
				t.Fatalf("it says %q", got)
			}
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("it says %q, want %q in it", got, w)
				}
			}
		})
	}
}

func TestSummary(t *testing.T) {
	for want, pod := range map[string]*corev1.Pod{
		"pod api-1 is Pending":                                podIs(),
		"pod api-1: api running":                              podIs(container(corev1.ContainerStatus{State: running(), Ready: true})),
		"pod api-1: api running, not ready, 2 restarts":       podIs(container(corev1.ContainerStatus{State: running(), RestartCount: 2})),
		"pod api-1: api exited with 1 (Error)":                podIs(container(corev1.ContainerStatus{State: ended(1, "Error")})),
		"pod api-1: api waiting; api waiting: PodInitialized": podIs(container(corev1.ContainerStatus{}), container(corev1.ContainerStatus{State: waiting("PodInitialized", "")})),
	} {
		if got := Summary(pod); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestChanges(t *testing.T) {
	up := container(corev1.ContainerStatus{State: running()})
	ready := has(corev1.PodReady, corev1.ConditionTrue, "", "")
	for _, c := range []struct {
		name    string
		was, is *corev1.Pod
		want    []string
	}{
		{"nothing", podIs(up, ready), podIs(up, ready), nil},
		{"first seen", &corev1.Pod{}, podIs(has(corev1.PodScheduled, corev1.ConditionTrue, "", ""), container(corev1.ContainerStatus{State: waiting("ContainerCreating", "")})),
			[]string{"PodScheduled: True", "container api: waiting: ContainerCreating"}},
		{"started and ready", podIs(container(corev1.ContainerStatus{})), podIs(up, ready), []string{"Ready: True", "container api: running"}},
		{"restarted between two looks", podIs(up), podIs(container(corev1.ContainerStatus{State: running(), RestartCount: 1})), []string{"container api: restart 1"}},
		{"deleted", podIs(up, ready), podIs(up, ready, deleted), []string{"deletion requested"}},
		{"ended", podIs(up, ready, deleted), podIs(container(corev1.ContainerStatus{State: ended(0, "Completed")}), has(corev1.PodReady, corev1.ConditionFalse, "", ""), deleted),
			[]string{"Ready: False", "container api: exited with 0 (Completed)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, words(changes(c.was, c.is))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// words are those of marks.
func words(ms []evidence.Mark) (out []string) {
	for _, m := range ms {
		out = append(out, m.What)
	}
	return out
}

func TestIsReady(t *testing.T) {
	ready := has(corev1.PodReady, corev1.ConditionTrue, "", "")
	for _, c := range []struct {
		name string
		pod  *corev1.Pod
		want bool
	}{
		{"silent", podIs(), false},
		{"not ready", podIs(has(corev1.PodReady, corev1.ConditionFalse, "", "")), false},
		{"ready", podIs(ready), true},
		{"ready, on its way out", podIs(ready, deleted), false},
	} {
		if got := IsReady(c.pod); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestContainerID(t *testing.T) {
	p := podIs(container(corev1.ContainerStatus{ContainerID: "containerd://0a1b"}))
	for name, want := range map[string]string{"api": "0a1b", "proxy": ""} {
		if got := ContainerID(p, name); got != want {
			t.Errorf("container %s has the ID %q, want %q", name, got, want)
		}
	}
}
