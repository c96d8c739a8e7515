package evidence

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Mark is one moment of a timeline.
type Mark struct {
	At     time.Time `json:"at"`
	Source string    `json:"source"` // "podproof", "watch", "kubelet" (1 s resolution), "node" (0.1 s), "cri" (ns)
	// Kind says what changed, and is one of those below; empty for what no check asks about.
	Kind   string `json:"kind,omitempty"`
	Object string `json:"object,omitempty"` // what it happened to
	Value  string `json:"value,omitempty"`  // what that is now
	What   string `json:"what"`             // the same for a person
}

// The kinds of marks.
const (
	MarkDeletion  = "deletion"  // a pod's deletion was asked for
	MarkRemoved   = "removed"   // a pod is there no more
	MarkCondition = "condition" // Object is a condition of the pod, "Ready", and Value its status
	MarkContainer = "container" // Object is the container's name, Value one of the states below
	MarkEndpoint  = "endpoint"  // Object is "service/api, pod api-7d9f", Value one of the routes below
)

// The states of a container.
const (
	StateWaiting = "waiting"
	StateRunning = "running"
	StateExited  = "exited"
)

// What an endpoint is to a Service (discovery.k8s.io/v1, EndpointConditions).
const (
	RouteReady    = "ready"
	RouteNotReady = "not ready"
	// RouteServing is one that ends, and still serves.
	RouteServing = "terminating, still serving"
	RouteEnding  = "terminating, not serving"
	RouteGone    = "no endpoint any more"
)

// Seen is a mark of the watch.
func Seen(kind, object, value, what string) Mark {
	return Mark{Source: "watch", Kind: kind, Object: object, Value: value, What: what}
}

// DeletionRequested and PodRemoved are a pod's last marks.
var (
	DeletionRequested = Seen(MarkDeletion, "", "", "deletion requested")
	PodRemoved        = Seen(MarkRemoved, "", "", "pod removed")
)

// ConditionIs is the mark of a pod's condition.
func ConditionIs(t corev1.PodConditionType, s corev1.ConditionStatus) Mark {
	return Seen(MarkCondition, string(t), string(s), fmt.Sprintf("%s: %s", t, s))
}

// ContainerIs is the mark of a container's state.
func ContainerIs(name string, s corev1.ContainerState) Mark {
	value := StateWaiting
	switch {
	case s.Running != nil:
		value = StateRunning
	case s.Terminated != nil:
		value = StateExited
	}
	return Seen(MarkContainer, name, value, "container "+name+": "+StateWords(s))
}

// StateWords are a container's state for a person: "exited with 137 (OOMKilled)".
func StateWords(s corev1.ContainerState) string {
	switch {
	case s.Running != nil:
		return "running"
	case s.Terminated != nil:
		return fmt.Sprintf("exited with %d (%s)", s.Terminated.ExitCode, s.Terminated.Reason)
	case s.Waiting != nil && s.Waiting.Reason != "":
		return "waiting: " + s.Waiting.Reason
	}
	return "waiting"
}

// RouteIs is the mark of a Service's endpoint.
func RouteIs(object, route string) Mark {
	return Seen(MarkEndpoint, object, route, object+": "+route)
}

// Is tells whether a mark is of this kind and says this of the object.
func (m Mark) Is(kind, object, value string) bool {
	return m.Kind == kind && m.Object == object && m.Value == value
}

// On is the mark at a time.
func (m Mark) On(at time.Time) Mark {
	m.At = at
	return m
}

// UnmarshalJSON reads the marks of podproof/evidence/v1alpha1, too, which had words alone.
func (m *Mark) UnmarshalJSON(data []byte) error {
	type plain Mark
	if err := json.Unmarshal(data, (*plain)(m)); err != nil {
		return err
	}
	if m.Kind == "" && m.Source == "watch" {
		m.Kind, m.Object, m.Value = parsed(m.What)
	}
	return nil
}

// parsed takes apart the words of a mark, which no check does.
func parsed(what string) (kind, object, value string) {
	object, value, _ = strings.Cut(what, ": ")
	name, isContainer := strings.CutPrefix(object, "container ")
	switch {
	case what == DeletionRequested.What:
		return MarkDeletion, "", ""
	case what == PodRemoved.What:
		return MarkRemoved, "", ""
	case isContainer:
		for _, s := range []string{StateWaiting, StateRunning, StateExited} {
			if strings.HasPrefix(value, s) {
				return MarkContainer, name, s
			}
		}
	case strings.HasPrefix(object, "service/"):
		return MarkEndpoint, object, value
	case value == string(corev1.ConditionTrue), value == string(corev1.ConditionFalse), value == string(corev1.ConditionUnknown):
		return MarkCondition, object, value
	}
	return "", "", ""
}
