package trial

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/subject"
)

// Trial is one experiment, and all that a run has to know of it. It is a value in a file of its own,
// and a line of List.
type Trial struct {
	// ID is the name of its step, and the label of its pods.
	ID string
	// Sections are the parts of the evidence that it fills: it is made where a check looks at one.
	Sections []evidence.Section
	// Doing and Done are for a person, "Stopping a pod" and "Pod stopped". DEPENDENCY stands for
	// what is taken away. A trial without them is not told.
	Doing, Done string
	Needs       Need
	// Behind are trials that it must not disturb: it waits for their end. Last waits for all.
	Behind []string
	Last   bool
	// Watches tells that its verdicts rest on moments that the API server tells of, such as the end of an
	// endpoint: what happened while that was not heard is not known then. Without it a trial is whole when
	// the API server is back.
	Watches bool
	// TakesAway tells that it takes dependencies away, by proxies of podproof's or in namespaces with
	// everything in them once more, and so stands on those, too.
	TakesAway bool
	// usually is how long it takes with an image that keeps its promise, see Usual.
	usually usually
	// Asked tells whether the contract, and the container as the manifests have it, give it
	// something to try; nil is always.
	Asked func(contract.Contract, corev1.Container) bool
	// Within is how long it may take.
	Within func(Limits) time.Duration
	// Rights are what it asks of the API server beside what every run does, see rights.go; nil is nothing.
	Rights func(subject.Subject) []rights.Rule
	// Run makes it. What it saw counts where it was not cut off, or where it has Parts.
	Run func(context.Context, *TestBed) (Seen, error)
	// Parts tells that it sees one thing after the other, and itself leaves out the one with
	// which the context ended.
	Parts bool
}

// Seen writes what a trial has seen into the evidence.
type Seen func(*evidence.Evidence)

// Need is what must be there before a trial can be made. The workload is started before each.
type Need uint

const (
	// NeedReady is a workload that is Ready.
	NeedReady Need = 1 << iota
	// NeedAgent is podproof's own pod, which sends requests.
	NeedAgent
	// NeedLook is a look at a container's processes: podproof's own image in the cluster, where no
	// node can be asked.
	NeedLook
	// NeedServing is a workload that somebody can ask; see contract.Contract.Serves.
	NeedServing
)

// Has tells whether all of these are needed.
func (n Need) Has(all Need) bool { return n&all == all }

// Limits are what a contract allows, of which the time for each trial is made.
type Limits struct {
	Start   time.Duration // until a pod is Ready, or known not to become so
	End     time.Duration // from the deletion of a pod until it is gone for certain
	Longest time.Duration // that a request may be under way
	Jobs    time.Duration // for those of the manifests, one after the other
	// Required are the required variables, Replicas the workload's pods.
	Required, Replicas int
}

// Look is what a trial may take that only looks at what is there.
const Look = 2 * time.Minute

// Pods is the time for a trial that makes so many pods one after the other.
func (l Limits) Pods(n int) time.Duration { return Look + time.Duration(n)*(l.Start+l.End) }

func look(Limits) time.Duration { return Look }

func lookReady(l Limits) time.Duration { return Look + l.Start }

func forPods(n int) func(Limits) time.Duration {
	return func(l Limits) time.Duration { return l.Pods(n) }
}

// sees is the Run of a trial that sees one thing.
func sees[T any](run func(context.Context, *TestBed) (T, error), write func(*evidence.Evidence, T)) func(context.Context, *TestBed) (Seen, error) {
	return func(ctx context.Context, b *TestBed) (Seen, error) {
		what, err := run(ctx, b)
		return func(e *evidence.Evidence) { write(e, what) }, err
	}
}
