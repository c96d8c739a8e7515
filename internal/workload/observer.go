package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"podproof.dev/podproof/internal/evidence"
)

// Observer watches the pods of one namespace from before they exist: their states, their
// events, and the logs of every container from its first start, since a deleted pod takes
// its log along.
type Observer struct {
	client    kubernetes.Interface
	namespace string
	redact    func(string) string
	tell      func(string)

	mu        sync.Mutex
	endpoints []evidence.Mark
	slices    map[string]*discoveryv1.EndpointSlice // by name, as last seen
	pods      map[string]*Observed                  // by UID
	changed   chan struct{}                         // closed and replaced at each change
	stop      context.CancelFunc
	done      sync.WaitGroup
}

// Observed is what is known of one pod.
type Observed struct {
	Pod *corev1.Pod // as last seen; never nil
	// Gone is when the API server had removed the pod, zero while it exists.
	Gone time.Time

	events    []evidence.Event
	timeline  []evidence.Mark
	logs      map[string][]evidence.LogLine // by container
	following map[string]bool               // by container ID
}

// Observe starts watching and returns once the first lists are in. The context bounds
// those lists; the watches go on until Stop, so that they still see what a cancelled run removes.
// Redact is applied to each line of log and each message before it is kept; tell is given
// what is being waited for, whenever that changes.
func Observe(listing context.Context, client kubernetes.Interface, namespace string, redact func(string) string, tell func(string)) (*Observer, error) {
	o := &Observer{client: client, namespace: namespace, redact: redact, tell: tell,
		pods: map[string]*Observed{}, slices: map[string]*discoveryv1.EndpointSlice{}, changed: make(chan struct{})}
	ctx, stop := context.WithCancel(context.WithoutCancel(listing))
	o.stop = stop
	f := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	pods, events := f.Core().V1().Pods().Informer(), f.Core().V1().Events().Informer()
	endpoints := f.Discovery().V1().EndpointSlices().Informer()
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(p any) { o.saw(ctx, p.(*corev1.Pod), false) },
		UpdateFunc: func(_, p any) { o.saw(ctx, p.(*corev1.Pod), false) },
		DeleteFunc: func(p any) {
			if last, ok := p.(cache.DeletedFinalStateUnknown); ok {
				p = last.Obj
			}
			o.saw(ctx, p.(*corev1.Pod), true)
		},
	})
	if err != nil {
		return nil, err
	}
	_, err = events.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(e any) { o.heard(e.(*corev1.Event)) },
		UpdateFunc: func(_, e any) { o.heard(e.(*corev1.Event)) },
	})
	if err != nil {
		return nil, err
	}
	_, err = endpoints.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(s any) { o.routed(s.(*discoveryv1.EndpointSlice)) },
		UpdateFunc: func(_, s any) { o.routed(s.(*discoveryv1.EndpointSlice)) },
	})
	if err != nil {
		return nil, err
	}
	f.Start(ctx.Done())
	o.done.Add(1)
	go func() { defer o.done.Done(); <-ctx.Done(); f.Shutdown() }()
	if !cache.WaitForCacheSync(listing.Done(), pods.HasSynced, events.HasSynced, endpoints.HasSynced) {
		o.Stop()
		return nil, fmt.Errorf("listing the pods of namespace %s: %w", namespace, context.Cause(listing))
	}
	return o, nil
}

// Stop ends the watches and the logs, and waits for them.
func (o *Observer) Stop() {
	o.stop()
	o.done.Wait()
}

// saw takes in one state of a pod.
func (o *Observer) saw(ctx context.Context, p *corev1.Pod, gone bool) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.watched(string(p.UID))
	for _, what := range changes(w.Pod, p) {
		w.timeline = append(w.timeline, evidence.Mark{At: now, Source: "watch", What: what})
	}
	w.Pod = o.redacted(p)
	if gone {
		w.Gone = now
		w.timeline = append(w.timeline, evidence.Mark{At: now, Source: "watch", What: "pod removed"})
	}
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if s.ContainerID != "" && !w.following[s.ContainerID] && (s.State.Running != nil || s.State.Terminated != nil) {
			w.following[s.ContainerID] = true
			o.done.Add(1)
			go func() { defer o.done.Done(); o.follow(ctx, p, s.Name, s.ContainerID) }()
		}
	}
	o.broadcast()
}

// redacted is a copy of a pod without the values of Secrets in its messages: a process writes
// its last words there, and a runtime quotes the command that it could not start.
func (o *Observer) redacted(p *corev1.Pod) *corev1.Pod {
	p = p.DeepCopy()
	p.Status.Message = o.redact(p.Status.Message)
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for i := range list {
			for _, s := range []corev1.ContainerState{list[i].State, list[i].LastTerminationState} {
				if s.Waiting != nil {
					s.Waiting.Message = o.redact(s.Waiting.Message)
				}
				if s.Terminated != nil {
					s.Terminated.Message = o.redact(s.Terminated.Message)
				}
			}
		}
	}
	return p
}

func (o *Observer) heard(e *corev1.Event) {
	if e.InvolvedObject.Kind != "Pod" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.watched(string(e.InvolvedObject.UID))
	at := e.LastTimestamp.Time
	if at.IsZero() {
		at = e.EventTime.Time
	}
	ev := evidence.Event{At: at, Type: e.Type, Reason: e.Reason, Message: o.redact(e.Message),
		Count: e.Count, FieldPath: e.InvolvedObject.FieldPath}
	for i, have := range w.events {
		if have.Reason == ev.Reason && have.Message == ev.Message && have.FieldPath == ev.FieldPath {
			w.events[i] = ev // the API server counts repetitions in the same event
			o.broadcast()
			return
		}
	}
	w.events = append(w.events, ev)
	o.broadcast()
}

func (o *Observer) watched(uid string) *Observed {
	w := o.pods[uid]
	if w == nil {
		w = &Observed{Pod: &corev1.Pod{}, logs: map[string][]evidence.LogLine{}, following: map[string]bool{}}
		o.pods[uid] = w
	}
	return w
}

func (o *Observer) broadcast() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// lookAgain is how soon a wait looks again where nothing changes: some states are hopeless
// only when they have lasted.
const lookAgain = time.Second

// Wait looks at the pods that match, now and after each change, until done says true or
// fails. Its error, when the context ends first, is the context's cause together with
// what look said last.
func (o *Observer) Wait(ctx context.Context, match func(*corev1.Pod) bool, look func([]*Observed) (done bool, seen string, err error)) error {
	for {
		o.mu.Lock()
		var ps []*Observed
		for _, p := range o.pods {
			if p.Pod.Name != "" && match(p.Pod) {
				ps = append(ps, p)
			}
		}
		slices.SortFunc(ps, func(a, b *Observed) int { return a.Pod.CreationTimestamp.Compare(b.Pod.CreationTimestamp.Time) })
		done, seen, err := look(ps)
		changed := o.changed
		o.mu.Unlock()
		if done || err != nil {
			return err
		}
		o.tell(seen)
		select {
		case <-changed:
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return &WaitError{Cause: context.Cause(ctx), Seen: seen}
		}
	}
}

// WaitError is a wait that its context ended.
type WaitError struct {
	Cause error
	Seen  string // the last state, in words
}

func (e *WaitError) Error() string { return e.Seen }

func (e *WaitError) Unwrap() error { return e.Cause }

// Evidence is all that was observed of a pod, with the log of the named container.
func (o *Observer) Evidence(uid, container string) evidence.Pod {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.watched(uid)
	return evidence.Pod{Name: w.Pod.Name, UID: uid, Spec: w.Pod.Spec, Status: w.Pod.Status,
		Events: slices.Clone(w.events), Log: slices.Clone(w.logs[container]), Timeline: slices.Clone(w.timeline)}
}

// Said tells whether a container's log has the text. It is for use inside Wait's look.
func (w *Observed) Said(container, text string) bool {
	return slices.ContainsFunc(w.logs[container], func(l evidence.LogLine) bool { return strings.Contains(l.Text, text) })
}

// Heard tells whether there was an event with that reason. It is for use inside Wait's look.
func (w *Observed) Heard(reason string) bool {
	return slices.ContainsFunc(w.events, func(e evidence.Event) bool { return e.Reason == reason })
}
