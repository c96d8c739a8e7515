package workload

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// disruption is how somebody else than podproof took a pod away, as was first seen then.
type disruption struct {
	at  time.Time
	how string // empty is none
	// deleted tells that it is a plain deletion, which the end of a namespace is, too.
	deleted bool
}

// Ends tells that podproof itself is about to delete or evict a pod. A nil Observer watches none.
func (o *Observer) Ends(name string) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ours[name] = true
}

// disturbed takes down that somebody takes a pod away. The caller holds the lock.
func (o *Observer) disturbed(w *Observed) {
	if w.disruption.how != "" && !w.disruption.deleted || w.Pod.Name == "" || o.ours[w.Pod.Name] {
		return
	}
	d := disruption{at: time.Now(), how: evidence.Disruption(w.Pod.Status, w.events)}
	if d.how == "" && w.Pod.DeletionTimestamp != nil && w.Pod.Labels[TrialLabel] != "" {
		d.how, d.deleted = "was deleted by somebody else", true // of the others a controller may end one
	}
	if d.how == "" || d.deleted && w.disruption.deleted {
		return
	}
	d.how = fmt.Sprintf("pod %s %s", w.Pod.Name, d.how)
	if w.Pod.Spec.NodeName != "" {
		d.how += ", node " + w.Pod.Spec.NodeName
	}
	w.disruption = d
}

// Disrupted says of the pods that match how somebody else than podproof took one away since a time,
// or its node; empty where nobody did. In a namespace that podproof ends, plain deletions are its own.
func (o *Observer) Disrupted(since time.Time, ends bool, match func(*corev1.Pod) bool) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range o.matching(match) {
		if d := w.disruption; d.how != "" && !d.at.Before(since) && (!d.deleted || !ends) {
			return d.how
		}
	}
	return ""
}
