// Package pod runs trials: experiments on pods, one a file. It observes and never judges.
package pod

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// NodeShell runs commands on a node. Only some clusters offer it.
type NodeShell interface {
	Run(ctx context.Context, node, command string, args ...string) ([]byte, error)
}

// Bench is where trials run: a namespace that holds the dependencies, ready, and the
// means to observe it. Trials share it, since pods know their database by a short name.
type Bench struct {
	Run       string
	Namespace string
	Applier   *workload.Applier
	Observer  *workload.Observer
	// REST is the cluster's, for the streams to the agent.
	REST *rest.Config
	// Node is nil where the cluster does not offer it.
	Node NodeShell
	// Subject is the workload under test, placed: with the images that run here.
	Subject   workload.Runner
	Container string // of Subject, the one that runs the image
	Redact    func(string) string
	// AgentNamespace is where the agent's pod runs.
	AgentNamespace string
	// Gate bounds how many trial pods start at once; nil does not.
	Gate *Gate
}

func (b *Bench) client() kubernetes.Interface { return b.Applier.Client }

// trialDeadline ends a pod that nobody removed any more.
const trialDeadline = 10 * time.Minute

// trial is a pod of its own made from the subject's template: same containers, same
// identity, but no label that a Service or a Deployment would take it by.
func (b *Bench) trial(trial, name string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: b.Namespace, Annotations: maps.Clone(b.Subject.Template.Annotations),
			Labels: map[string]string{workload.RunLabel: b.Run, workload.TrialLabel: trial}},
		Spec: b.Subject.PodSpec(),
	}
	seconds := int64(trialDeadline.Seconds())
	p.Spec.ActiveDeadlineSeconds = &seconds
	// Its first exit is the answer, not the start of a series.
	p.Spec.RestartPolicy = corev1.RestartPolicyNever
	for _, cs := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range cs {
			cs[i].Resources.Requests = workload.SmallRequests(cs[i].Resources.Limits)
		}
	}
	return p
}

// create makes a trial's pod and returns it with the UID that it got.
func (b *Bench) create(ctx context.Context, p *corev1.Pod) (*corev1.Pod, error) {
	made, err := b.client().CoreV1().Pods(b.Namespace).Create(ctx, p, metav1.CreateOptions{FieldManager: workload.FieldManager})
	if err != nil {
		return nil, fmt.Errorf("creating the trial's pod %s: %w", p.Name, err)
	}
	return made, nil
}

// remove deletes a pod at once; a trial has learnt what it wanted.
func (b *Bench) remove(ctx context.Context, name string) error {
	now := int64(0)
	return b.client().CoreV1().Pods(b.Namespace).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &now})
}

// startWithin bounds the time from a trial pod's creation to its container's first start,
// which is the cluster's affair: what the contract bounds counts from that start.
const startWithin = 2 * time.Minute

// started waits until the container under test has started, or never will.
func (b *Bench) started(ctx context.Context, uid string) error {
	return b.within(ctx, startWithin, uid, func(o *workload.Observed) (bool, string) {
		began := workload.Running(o.Pod, b.Container) != nil || workload.Terminated(o.Pod, b.Container) != nil
		return began || workload.Hopeless(o) != "", workload.Summary(o.Pod)
	})
}

// launch makes a trial's pod when it is its turn, and waits until its container has started
// or never will. The pod is nil when it was not made.
func (b *Bench) launch(ctx context.Context, p *corev1.Pod) (*corev1.Pod, error) {
	leave, err := b.Gate.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	p, err = b.create(ctx, p)
	if err != nil {
		return nil, err
	}
	return p, b.started(ctx, string(p.UID))
}

// waitPod waits for one pod, by UID. It gives up when the context ends.
func (b *Bench) waitPod(ctx context.Context, uid string, look func(*workload.Observed) (done bool, seen string)) error {
	return b.Observer.Wait(ctx, func(p *corev1.Pod) bool { return string(p.UID) == uid },
		func(ps []*workload.Observed) (bool, string, error) {
			if len(ps) == 0 {
				return false, "the pod has not been seen yet", nil
			}
			done, seen := look(ps[0])
			return done, seen, nil
		})
}

// podEvidence is all that is known of a pod. Where the node can be asked, the log is the
// file that the container runtime wrote, which tells stdout from stderr.
func (b *Bench) podEvidence(ctx context.Context, uid string) evidence.Pod {
	e := b.Observer.Evidence(uid, b.Container)
	if b.Node == nil || e.Spec.NodeName == "" {
		return e
	}
	dir := fmt.Sprintf("/var/log/pods/%s_%s_%s/%s", b.Namespace, e.Name, e.UID, b.Container)
	out, err := b.Node.Run(ctx, e.Spec.NodeName, "sh", "-c", `cat "$1"/*.log`, "sh", dir)
	if err != nil {
		return e // the log as it was followed over the API is there
	}
	if lines := workload.ParseCRI(string(out)); len(lines) >= len(e.Log) {
		for i := range lines {
			lines[i].Text = b.Redact(lines[i].Text)
		}
		e.Log = lines
	}
	return e
}

// probed tells whether the container under test has a probe that must succeed before it is Ready.
func (b *Bench) probed() bool {
	c := b.declared()
	return c.ReadinessProbe != nil || c.StartupProbe != nil
}

// declared is the container under test as the workload's template has it.
func (b *Bench) declared() corev1.Container {
	for _, c := range b.Subject.Template.Spec.Containers {
		if c.Name == b.Container {
			return c
		}
	}
	return corev1.Container{}
}
