package workload

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/runtime"
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
	warnings  []warning
	slices    map[string]*discoveryv1.EndpointSlice // by name, as last seen
	pods      map[string]*Observed                  // by UID
	ours      map[string]bool                       // pods that podproof itself ends, by name
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
	logs      map[string]*log   // by container
	unread    map[string]string // by container, why not all of its log was read
	following map[string]bool   // by container ID
	reading   map[string]int    // by container, how many of its logs are being read

	disruption disruption
}

// Observe starts watching and returns once the first lists are in. The context bounds
// those lists; the watches go on until Stop, so that they still see what a cancelled run removes.
// Redact is applied to each line of log and each message before it is kept; tell is given
// what is being waited for, whenever that changes.
func Observe(listing context.Context, client kubernetes.Interface, namespace string, redact func(string) string, tell func(string)) (*Observer, error) {
	o := &Observer{client: client, namespace: namespace, redact: redact, tell: tell,
		pods: map[string]*Observed{}, ours: map[string]bool{}, slices: map[string]*discoveryv1.EndpointSlice{}, changed: make(chan struct{})}
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
	_, err = events.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(e any, before bool) {
			if !before { // a run of an hour ago had objects of the same names
				o.heard(e.(*corev1.Event))
			}
		},
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
	for _, m := range changes(w.Pod, p) {
		w.timeline = append(w.timeline, m.On(now))
	}
	w.Pod = o.redacted(p)
	o.disturbed(w)
	if gone {
		w.Gone = now
		w.timeline = append(w.timeline, evidence.PodRemoved.On(now))
	}
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if s.ContainerID != "" && !w.following[s.ContainerID] && (s.State.Running != nil || s.State.Terminated != nil) {
			w.following[s.ContainerID] = true
			w.reading[s.Name]++
			o.done.Add(1)
			go func() {
				defer runtime.HandleCrash()
				defer o.done.Done()
				defer o.read(w, s.Name)
				o.follow(ctx, p, s.Name)
			}()
		}
	}
	o.broadcast()
}

// read takes down that one of a container's logs is not read any more.
func (o *Observer) read(w *Observed, container string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.reading[container]--
	o.broadcast()
}

// EndedUnread are the containers of which one has ended, be it one before that which runs, whose log is still being
// read. It is for use inside Wait's look.
func (w *Observed) EndedUnread() []string {
	var out []string
	// One that was taken away at once runs on for a moment without its object, and what it says then nobody waits for. One
	// that ends in its own time is last seen to have ended (pkg/registry/core/pod/strategy.go, CheckGracefulDelete).
	grace := w.Pod.DeletionGracePeriodSeconds
	forced := grace != nil && *grace == 0
	for _, s := range slices.Concat(w.Pod.Status.InitContainerStatuses, w.Pod.Status.ContainerStatuses) {
		live := 0
		if s.State.Running != nil && (w.Gone.IsZero() || forced) {
			live = 1
		}
		if w.reading[s.Name] > live {
			out = append(out, s.Name)
		}
	}
	return out
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
		o.warned(e)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.watched(string(e.InvolvedObject.UID))
	ev := o.event(e)
	for i, have := range w.events {
		if have.Reason == ev.Reason && have.Message == ev.Message && have.FieldPath == ev.FieldPath {
			w.events[i] = ev // the API server counts repetitions in the same event
			o.broadcast()
			return
		}
	}
	w.events = append(w.events, ev)
	o.disturbed(w)
	o.broadcast()
}

func (o *Observer) watched(uid string) *Observed {
	w := o.pods[uid]
	if w == nil {
		w = &Observed{Pod: &corev1.Pod{}, logs: map[string]*log{}, unread: map[string]string{}, following: map[string]bool{}, reading: map[string]int{}}
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
		done, seen, err := look(o.matching(match))
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

// Tell says what is waited for beside pods.
func (o *Observer) Tell(what string) { o.tell(what) }

// Within waits for a time. That the time is over is no error: what was seen by then is the answer.
func (o *Observer) Within(ctx context.Context, d time.Duration, match func(*corev1.Pod) bool, look func([]*Observed) (done bool, seen string, err error)) error {
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	err := o.Wait(limited, match, look)
	if over := (*WaitError)(nil); errors.As(err, &over) && ctx.Err() == nil {
		return nil
	}
	return err
}

// Pods are those that match and are there, as last seen, oldest first.
func (o *Observer) Pods(match func(*corev1.Pod) bool) []*corev1.Pod {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []*corev1.Pod
	for _, p := range o.matching(match) {
		if p.Gone.IsZero() {
			out = append(out, p.Pod)
		}
	}
	return out
}

// UIDs are those of all pods that match, also of those that are gone, oldest first.
func (o *Observer) UIDs(match func(*corev1.Pod) bool) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []string
	for _, p := range o.matching(match) {
		out = append(out, string(p.Pod.UID))
	}
	return out
}

// matching are the pods that match, oldest first. The caller holds the lock.
func (o *Observer) matching(match func(*corev1.Pod) bool) []*Observed {
	var ps []*Observed
	for _, p := range o.pods {
		if p.Pod.Name != "" && match(p.Pod) {
			ps = append(ps, p)
		}
	}
	slices.SortFunc(ps, func(a, b *Observed) int { return a.Pod.CreationTimestamp.Compare(b.Pod.CreationTimestamp.Time) })
	return ps
}

// WaitError is a wait that its context ended.
type WaitError struct {
	Cause error
	Seen  string // the last state, in words
}

func (e *WaitError) Error() string { return e.Seen }

func (e *WaitError) Unwrap() error { return e.Cause }

// log is that of a container.
func (w *Observed) log(container string) *log {
	if w.logs[container] == nil {
		w.logs[container] = &log{}
	}
	return w.logs[container]
}

// Evidence is all that was observed of a pod, with the log of the named container.
func (o *Observer) Evidence(uid, container string) evidence.Pod {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.watched(uid)
	e := evidence.Pod{Name: w.Pod.Name, UID: uid, Spec: w.Pod.Spec, Status: w.Pod.Status,
		Events: slices.Clone(w.events), Timeline: slices.Clone(w.timeline), Unread: w.unread[container]}
	e.Log, e.Omitted = w.logs[container].lines()
	for _, c := range slices.Concat(w.Pod.Spec.InitContainers, w.Pod.Spec.Containers) {
		other := evidence.ContainerLog{Container: c.Name, Unread: w.unread[c.Name]}
		other.Lines, other.Omitted = w.logs[c.Name].lines()
		if c.Name != container && (len(other.Lines) > 0 || other.Unread != "") {
			e.OtherLogs = append(e.OtherLogs, other)
		}
	}
	return e
}

// StillRead is why not all of the log of a container that has ended is known.
const StillRead = "its container has ended, and the rest of its log did not arrive in time"

// Searched is what went through of the logs of the pods that match.
func (o *Observer) Searched(match func(*corev1.Pod) bool) evidence.LogSearch {
	o.mu.Lock()
	defer o.mu.Unlock()
	var s evidence.LogSearch
	for _, uid := range slices.Sorted(maps.Keys(o.pods)) {
		w := o.pods[uid]
		if w.Pod.Name == "" || !match(w.Pod) {
			continue
		}
		s.Pods++
		for _, c := range slices.Sorted(maps.Keys(w.logs)) {
			s.Lines += w.logs[c].total
			for _, f := range w.logs[c].found {
				s.Found = append(s.Found, evidence.FoundLine{Pod: w.Pod.Name, Container: c, LogLine: f.line})
			}
		}
		for _, c := range slices.Sorted(maps.Keys(w.unread)) {
			s.Unread = append(s.Unread, evidence.UnreadLog{Pod: w.Pod.Name, UID: uid, Container: c, Why: w.unread[c]})
		}
		for _, c := range w.EndedUnread() {
			if w.unread[c] == "" {
				s.Unread = append(s.Unread, evidence.UnreadLog{Pod: w.Pod.Name, UID: uid, Container: c, Why: StillRead})
			}
		}
	}
	return s
}

// Said tells whether a line of a container's log has the text, as far as it is kept: a blank line says nothing. It
// is for use inside Wait's look.
func (w *Observed) Said(container, text string) bool {
	kept, _ := w.logs[container].lines()
	return slices.ContainsFunc(kept, func(l evidence.LogLine) bool {
		return strings.TrimSpace(l.Text) != "" && strings.Contains(l.Text, text)
	})
}

// Heard tells whether there was an event with that reason. It is for use inside Wait's look.
func (w *Observed) Heard(reason string) bool {
	return slices.ContainsFunc(w.events, func(e evidence.Event) bool { return e.Reason == reason })
}
