package workload

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// warning is one about an object that pods come from, or wait for.
type warning struct {
	evidence.ObjectEvent
	first time.Time // when it was first heard, by podproof's own clock
}

// mostWarnings bounds how many are kept: one for each object and reason.
const mostWarnings = 100

// warns are the kinds whose warnings say why a pod is not made, or finds no volume.
var warns = map[string]bool{"Deployment": true, "ReplicaSet": true, "StatefulSet": true, "DaemonSet": true, "Job": true, "PersistentVolumeClaim": true}

// warned takes in an event of another object than a pod.
func (o *Observer) warned(e *corev1.Event) {
	if !warns[e.InvolvedObject.Kind] || e.Type != corev1.EventTypeWarning {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	w := warning{evidence.ObjectEvent{Object: strings.ToLower(e.InvolvedObject.Kind) + "/" + e.InvolvedObject.Name, Event: o.event(e)}, time.Now()}
	same := func(x warning) bool { return x.Object == w.Object && x.Reason == w.Reason }
	if i := slices.IndexFunc(o.warnings, same); i >= 0 {
		w.first = o.warnings[i].first
		o.warnings[i] = w
	} else if len(o.warnings) < mostWarnings {
		o.warnings = append(o.warnings, w)
	}
	o.broadcast()
}

// event is one as the evidence has it.
func (o *Observer) event(e *corev1.Event) evidence.Event {
	at := e.LastTimestamp.Time
	if at.IsZero() {
		at = e.EventTime.Time
	}
	return evidence.Event{At: at, Type: e.Type, Reason: e.Reason, Message: o.redact(e.Message),
		Count: e.Count, FieldPath: e.InvolvedObject.FieldPath}
}

// Warnings are those about the objects that pods come from, or wait for.
func (o *Observer) Warnings() []evidence.ObjectEvent {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []evidence.ObjectEvent
	for _, w := range o.warnings {
		out = append(out, w.ObjectEvent)
	}
	return out
}

// refusedFor is how long the creation of pods must have been refused: the service account of a
// new namespace, for one, is there a moment after the first try.
const refusedFor = 5 * time.Second

// Refusal says why a controller's pods cannot be made (priority class, service account, quota, Pod
// Security), empty where they can, or one was made since. It is for use inside Wait's look.
func (o *Observer) Refusal(r Controller, ps []*Observed) string {
	var newest time.Time
	for _, p := range ps {
		if at := p.Pod.CreationTimestamp.Time; at.After(newest) {
			newest = at
		}
	}
	for _, w := range slices.Backward(o.warnings) {
		refused := w.Reason == "FailedCreate" || w.Reason == "ReplicaSetCreateError"
		if refused && makes(w.Object, r) && !w.At.Before(newest) && time.Since(w.first) > refusedFor {
			return w.Object + " may not create pods: " + strings.TrimPrefix(w.Message, "Error creating: ")
		}
	}
	return ""
}

// makes tells whether an object is the controller, or a ReplicaSet of it: the Deployment's name and a
// hash without a dash.
func makes(object string, r Controller) bool {
	if object == r.String() {
		return true
	}
	hash, ok := strings.CutPrefix(object, "replicaset/"+r.GetName()+"-")
	return ok && r.GetKind() == "Deployment" && !strings.Contains(hash, "-")
}
