// Package trial runs trials: experiments on pods, one a file. It observes and never judges.
package trial

import (
	"context"
	"fmt"
	"io"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"podproof.dev/podproof/internal/agent/proxy"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// Node asks podproof's own agent on a node, see internal/agent/node: what it prints, and what its
// arguments are, is said there. Only some clusters offer it.
type Node interface {
	// Run returns what the agent prints.
	Run(ctx context.Context, node, op string, args ...string) ([]byte, error)
	NodeStream
}

// NodeStream is the part of it that prints for as long as one listens.
type NodeStream interface {
	// Stream writes what it prints as it comes. Its input stays open until the context ends, by
	// which it knows to end, too.
	Stream(ctx context.Context, node string, out io.Writer, op string, args ...string) error
}

// TestBed is where trials run: a namespace that holds the dependencies, ready, and the
// means to observe it. Trials share it, since pods know their database by a short name.
type TestBed struct {
	Run string
	// Trial is the ID of the one that is made, by which its pods are labelled.
	Trial     string
	Namespace string
	Applier   *workload.Applier
	Observer  *workload.Observer
	// REST is the cluster's, for the streams to the agent.
	REST *rest.Config
	// Node is nil where the cluster does not offer it.
	Node Node
	// AgentImage is podproof's own image in the cluster, of which a trial adds a container to its own
	// pod where there is no Node; empty where it was not put there.
	AgentImage string
	// Subject is the workload under test, placed: with the images that run here.
	Subject   workload.Controller
	Container string // of Subject, the one that runs the image
	// Least is how many replicas an autoscaler of the manifests keeps at least, 0 where there is none.
	Least  int32
	Asked  Asked
	Redact func(string) string
	// Demands are those of the namespace on the pods that podproof makes.
	Demands workload.Demands
	// AgentNamespace is where the agent's pod runs.
	AgentNamespace string
	// agent connects input and output with one that is elsewhere; nil goes to its pod.
	agent func(ctx context.Context, in io.Reader, out io.Writer) error
	// ProxyImage is what podproof's proxy in front of a dependency runs.
	ProxyImage string
	// proxy tells one that is elsewhere what to do; nil goes to its pod.
	proxy func(ctx context.Context, words ...string) (proxy.State, error)
	// looks plays podproof's program in a container ("pod/container"); nil asks the real one.
	looks func(ctx context.Context, at string, words []string, in io.Reader, out io.Writer) error
	// Sampler reads the node's pressure; nil where that would not tell.
	Sampler *Sampler
	// Limiter bounds how many trial pods start at once; nil does not.
	Limiter *Limiter

	// Contract is complete, with what was derived. StopSignal, ImageUser and ImageEnv are the image's
	// own, Services those that lead to the workload.
	Contract   contract.Contract
	StopSignal string
	ImageUser  string
	ImageEnv   []string
	Services   []corev1.Service
	// Manifests are the objects that the run applies.
	Manifests []workload.Object
	// Patience is how long a pod is given to become Ready.
	Patience time.Duration
	// Wants tells whether a check of this run looks at a section.
	Wants func(evidence.Section) bool
	// StartTook is how long the workload's start next to its dependencies took. A process that has
	// not come up yet cannot say that it is ready.
	StartTook time.Duration
	// Taken are the dependencies that trials take away, in the contract's order.
	Taken []Taken
	// through leads the pods that are made to podproof's proxy in front of one of them, and suffix
	// tells their names from those for another.
	through *through
	suffix  string
	// Elsewhere makes a namespace with a copy of all that belongs to the workload, of which nothing is
	// applied yet, to take one of Taken away there, and End lets that end. The bench is that of the
	// namespace. Nil is a run that may make none.
	Elsewhere func(ctx context.Context, suffix, dependency string) (*TestBed, Copy, error)
	End       func(context.Context)
}

func (b *TestBed) client() kubernetes.Interface { return b.Applier.Client }

// trialDeadline ends a pod that nobody removed any more.
const trialDeadline = 10 * time.Minute

// trial is a pod of its own made from the subject's template: same containers, same
// identity, but no label that a Service or a Deployment would take it by.
func (b *TestBed) trial(name string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: b.Namespace, Annotations: maps.Clone(b.Subject.Template.Annotations),
			Labels: map[string]string{workload.RunLabel: b.Run, workload.TrialLabel: b.Trial}},
		Spec: b.Subject.PodSpec(),
	}
	seconds := int64(trialDeadline.Seconds())
	p.Spec.ActiveDeadlineSeconds = &seconds
	workload.Apart(&p.Spec)
	// Its first exit is the answer, not the start of a series.
	p.Spec.RestartPolicy = corev1.RestartPolicyNever
	for _, cs := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range cs {
			cs[i].Resources.Requests = workload.SmallRequests(cs[i].Resources.Limits)
			b.labelsOf(cs[i].Env)
		}
	}
	b.through.lead(p)
	return p
}

const (
	// roomWithin is how long a namespace's quota may have no room for a trial's pod: other trials'
	// pods end meanwhile.
	roomWithin = 2 * time.Minute
	// roomMade is how long after the last of those has gone the quota may still count it.
	roomMade = 10 * time.Second
)

// create makes a trial's pod and returns it with the UID that it got.
func (b *TestBed) create(ctx context.Context, p *corev1.Pod) (*corev1.Pod, error) {
	b.Applier.Own(p)
	b.Demands.Fit(p)
	var made *corev1.Pod
	var err error
	began := time.Now()
	last := began
	full := wait.PollUntilContextTimeout(ctx, time.Second, roomWithin, true, func(ctx context.Context) (bool, error) {
		made, err = b.client().CoreV1().Pods(b.Namespace).Create(ctx, p, metav1.CreateOptions{FieldManager: workload.FieldManager})
		if !workload.NoRoom(err) {
			return true, nil
		}
		if len(b.Observer.Pods(b.ends)) > 0 {
			last = time.Now()
		}
		return time.Since(last) > roomMade, nil
	})
	if err == nil && full != nil {
		err = context.Cause(ctx)
	}
	if workload.NoRoom(err) {
		return nil, fmt.Errorf("creating the trial's pod %s: the namespace's quota has no room for it, and had none for %s; raise it, or try less at once with --only: %w", p.Name, time.Since(began).Round(time.Second), err)
	}
	if err != nil {
		return nil, fmt.Errorf("creating the trial's pod %s: %w", p.Name, err)
	}
	return made, nil
}

// ends tells a pod of a trial, which makes room sooner or later, from those that stay for the run.
func (b *TestBed) ends(p *corev1.Pod) bool {
	t := p.Labels[workload.TrialLabel]
	return p.Labels[workload.RunLabel] == b.Run && t != "" && t != "agent" && t != "proxy"
}

// remove deletes a pod at once; a trial has learnt what it wanted.
func (b *TestBed) remove(ctx context.Context, name string) error {
	now := int64(0)
	b.Observer.Ends(name)
	return b.client().CoreV1().Pods(b.Namespace).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &now})
}

// startWithin bounds the time from the end of a trial pod's init containers to the first start
// of the one under test, which is the cluster's affair: what the contract bounds counts from
// that start.
const startWithin = 2 * time.Minute

// started waits until the container under test has started, or never will.
func (b *TestBed) started(ctx context.Context, uid string) error {
	if err := b.initialized(ctx, uid); err != nil {
		return err
	}
	return b.within(ctx, startWithin, uid, func(o *workload.Observed) (bool, string) {
		return b.began(o.Pod) || workload.Hopeless(o) != "", workload.Summary(o.Pod)
	})
}

// launch makes a trial's pod when it is its turn, and waits until its container has started
// or never will. One whose init container fails is made again. The pod is nil when it was not
// made.
func (b *TestBed) launch(ctx context.Context, p *corev1.Pod) (*corev1.Pod, error) {
	leave, err := b.Limiter.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	for try := 1; ; try++ {
		made, err := b.create(ctx, p)
		if err != nil {
			return nil, err
		}
		err = b.started(ctx, string(made.UID))
		if err != nil || try == initTries || b.initFailed(ctx, string(made.UID)) == "" {
			return made, err
		}
		if err := b.discard(ctx, made); err != nil {
			return made, err
		}
	}
}

func ofUID(uid string) func(*corev1.Pod) bool {
	return func(p *corev1.Pod) bool { return string(p.UID) == uid }
}

// lookAt looks at one pod.
func lookAt(look func(*workload.Observed) (bool, string)) func([]*workload.Observed) (bool, string, error) {
	return func(ps []*workload.Observed) (bool, string, error) {
		if len(ps) == 0 {
			return false, "the pod has not been seen yet", nil
		}
		done, seen := look(ps[0])
		return done, seen, nil
	}
}

// probed tells whether the container under test has a probe that must succeed before it is Ready.
func (b *TestBed) probed() bool {
	c := b.declared()
	return c.ReadinessProbe != nil || c.StartupProbe != nil
}

// declared is the container under test as the workload's template has it.
func (b *TestBed) declared() corev1.Container {
	for _, c := range b.Subject.Template.Spec.Containers {
		if c.Name == b.Container {
			return c
		}
	}
	return corev1.Container{}
}
