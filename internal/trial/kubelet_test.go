package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta/testrestmapper"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/workload"
)

// kubelet plays a cluster of one node, in a bubble of testing/synctest: each pod that is made has
// the life that the test gives it, and podproof's agent on the node answers. It is a Node.
type kubelet struct {
	t      *testing.T
	client *fake.Clientset
	life   func(*corev1.Pod) life
	// ops are answers of the node's agent beside those that any node has.
	ops map[string]func(args ...string) (string, error)
	// beside is what becomes of podproof's own container beside another.
	beside besideLife

	going   sync.WaitGroup
	mu      sync.Mutex
	version int
	pods    map[string]*played // by name
	ids     map[string]*played // by that of its containers
	asked   []string           // of the node: "gone c1 45"
	made    []string           // names of all pods that were made
	applied []string           // "deployment/api"
	told    []string           // to a person, of what is waited for
}

func (k *kubelet) tell(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = append(k.told, what)
}

// life is what becomes of a pod.
type life struct {
	waits string        // its containers wait for this reason for ever
	init  int32         // the exit code of its init containers
	after time.Duration // until its containers start
	ready time.Duration // from then on
	never bool          // is it Ready
	ends  time.Duration // by itself, after its start; zero is never
	stops time.Duration // that it takes to end after SIGTERM
	code  int32         // with which it ends
	says  string        // its log, a line
}

// played is a pod under way.
type played struct {
	id             string // of its containers
	grace          time.Duration
	deleted, ended chan struct{}
	delete, end    func()
	alive          time.Time // just before its end
}

var podsResource = corev1.SchemeGroupVersion.WithResource("pods")

func newKubelet(t *testing.T, l life, objects ...runtime.Object) *kubelet {
	t.Helper()
	k := &kubelet{t: t, client: fake.NewClientset(objects...), life: func(*corev1.Pod) life { return l },
		ops: map[string]func(...string) (string, error){}, pods: map[string]*played{}, ids: map[string]*played{}}
	t.Cleanup(func() {
		k.going.Wait()
		time.Sleep(2 * letGo) // a load that is given up has as long to end
	})
	k.client.PrependReactor("create", "pods", k.create)
	k.client.PrependReactor("delete", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		d := a.(clienttesting.DeleteActionImpl)
		k.delete(d.Name, d.DeleteOptions.GracePeriodSeconds)
		return true, nil, nil
	})
	k.client.PrependReactor("patch", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetSubresource() == "ephemeralcontainers" {
			return k.addBeside(a.(clienttesting.PatchAction))
		}
		p := k.change(a.(clienttesting.PatchAction).GetName(), func(p *corev1.Pod) { p.Finalizers = nil })
		k.collect(p)
		return true, p, nil
	})
	k.client.PrependReactor("get", "pods/log", func(a clienttesting.Action) (bool, runtime.Object, error) {
		return true, &runtime.Unknown{Raw: k.logBeside(a)}, nil // of the others the node's files have it
	})
	heard(k.client)
	return k
}

// bench is one in the kubelet's cluster, whose subject has the template.
func (k *kubelet) bench(template corev1.PodTemplateSpec) *TestBed {
	k.t.Helper()
	b := bench(template)
	d := dynamicfake.NewSimpleDynamicClient(scheme.Scheme)
	d.PrependReactor("patch", "*", k.apply)
	recorderOf(k.client).On(&d.Fake)
	b.Applier = workload.ApplierOf(k.client, d, testrestmapper.TestOnlyStaticRESTMapper(scheme.Scheme))
	b.AgentImage, b.looks = "agent:1", k.looks
	b.Node, b.Redact, b.Patience, b.AgentNamespace = k, func(s string) string { return s }, 20*time.Second, "shop"
	b.Wants, b.End = nil, func(context.Context) {}
	e := contract.Endpoint{Protocol: "http", Port: 8000, Path: "/health"}
	b.Asked = Asked{Health: e, Ready: e, Load: e}
	b.Asked.Ready.Path = "/ready"
	var err error
	if b.Observer, err = workload.Observe(k.t.Context(), k.client, "shop", b.Redact, k.tell); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(b.Observer.Stop)
	return b
}

// template is the subject's: one container, which a probe asks.
func template(change ...func(*corev1.PodTemplateSpec)) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "api"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "api", Image: "api:1", ReadinessProbe: &corev1.Probe{}}}}}
	for _, c := range change {
		c(&t)
	}
	return t
}

// start makes a pod of the workload's, and returns when it is seen to be Ready.
func (k *kubelet) start(b *TestBed, name string) {
	k.t.Helper()
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", Labels: b.Subject.Template.Labels}, Spec: b.Subject.Template.Spec}
	if _, err := k.client.CoreV1().Pods("shop").Create(k.t.Context(), p, metav1.CreateOptions{}); err != nil {
		k.t.Fatal(err)
	}
	k.await(b, "pod "+name, func(p *corev1.Pod) bool { return p.Name == name && workload.IsReady(p) })
}

// await waits until a pod is seen to be as it should.
func (k *kubelet) await(b *TestBed, what string, is func(*corev1.Pod) bool) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), time.Minute)
	defer cancel()
	err := b.Observer.Wait(ctx, func(*corev1.Pod) bool { return true }, func(ps []*workload.Observed) (bool, string, error) {
		return slices.ContainsFunc(ps, func(o *workload.Observed) bool { return is(o.Pod) }), "", nil
	})
	if err != nil {
		k.t.Fatalf("%s was never seen", what)
	}
}

func (k *kubelet) create(a clienttesting.Action) (bool, runtime.Object, error) {
	if a.GetSubresource() == "eviction" {
		k.delete(a.(clienttesting.CreateAction).GetObject().(*policyv1.Eviction).Name, nil)
		return true, nil, nil
	}
	p := a.(clienttesting.CreateAction).GetObject().(*corev1.Pod)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.version++
	x := &played{id: fmt.Sprintf("c%d", k.version), deleted: make(chan struct{}), ended: make(chan struct{})}
	x.delete, x.end = sync.OnceFunc(func() { close(x.deleted) }), sync.OnceFunc(func() { close(x.ended) })
	k.pods[p.Name], k.ids[x.id] = x, x
	k.made = append(k.made, p.Name)
	p.UID, p.ResourceVersion, p.CreationTimestamp = types.UID("u-"+x.id), strconv.Itoa(k.version), metav1.Now()
	p.Spec.NodeName, p.Status.PodIP = "worker", "10.244.0."+strconv.Itoa(k.version)
	made := p.DeepCopy()
	k.going.Go(func() { k.live(made, x) })
	return false, nil, nil // and the tracker keeps it
}

// live plays a pod's life.
func (k *kubelet) live(p *corev1.Pod, x *played) {
	l, ctx := k.life(p), k.t.Context()
	_ = pause(ctx, time.Millisecond) // the tracker has it then
	k.change(p.Name, func(p *corev1.Pod) {
		for _, c := range p.Spec.InitContainers {
			p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, corev1.ContainerStatus{Name: c.Name, ContainerID: "containerd://i" + x.id,
				State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: l.init}}})
		}
		if l.init != 0 {
			p.Status.Phase = corev1.PodFailed
			return
		}
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodInitialized, Status: corev1.ConditionTrue})
	})
	if l.init != 0 {
		x.alive = time.Now()
		x.end()
		return
	}
	if l.waits != "" {
		k.change(p.Name, func(p *corev1.Pod) {
			for _, c := range p.Spec.Containers {
				p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: c.Name, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: l.waits}}})
			}
		})
		select {
		case <-x.deleted:
			x.end()
			k.collect(k.change(p.Name, func(*corev1.Pod) {}))
		case <-ctx.Done():
		}
		return
	}
	_ = pause(ctx, l.after)
	began := metav1.Now()
	k.state(p.Name, x, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: began}})
	if !l.never {
		defer time.AfterFunc(l.ready, func() { k.ready(p.Name, true) }).Stop()
	}
	var own <-chan time.Time
	if l.ends > 0 {
		own = time.After(l.ends)
	}
	code := l.code
	select {
	case <-ctx.Done():
		return
	case <-own:
	case <-x.deleted:
		if l.stops > x.grace {
			code = 137
		}
		_ = pause(ctx, min(l.stops, x.grace))
	}
	x.alive = time.Now()
	_ = pause(ctx, time.Millisecond) // the kubelet needs a moment to see it
	now := k.state(p.Name, x, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Completed", StartedAt: began, FinishedAt: metav1.Now()}})
	x.end()
	k.collect(now)
}

// state gives all containers of a pod a state.
func (k *kubelet) state(name string, x *played, s corev1.ContainerState) *corev1.Pod {
	return k.change(name, func(p *corev1.Pod) {
		p.Status.Phase = corev1.PodRunning
		p.Status.ContainerStatuses = nil
		for i, c := range p.Spec.Containers {
			id := x.id
			if i > 0 {
				id += "-" + c.Name
			}
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: c.Name, ContainerID: "containerd://" + id, State: s})
		}
		if s.Terminated != nil {
			setReady(p, corev1.ConditionFalse)
		}
	})
}

// ready changes whether a pod is Ready.
func (k *kubelet) ready(name string, is bool) {
	k.change(name, func(p *corev1.Pod) {
		setReady(p, map[bool]corev1.ConditionStatus{true: corev1.ConditionTrue, false: corev1.ConditionFalse}[is])
	})
}

func setReady(p *corev1.Pod, is corev1.ConditionStatus) {
	p.Status.Conditions = slices.DeleteFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady })
	p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: is})
}

// change changes a pod, and returns it as it is then; nil where it is gone.
func (k *kubelet) change(name string, how func(*corev1.Pod)) *corev1.Pod {
	k.mu.Lock()
	defer k.mu.Unlock()
	o, err := k.client.Tracker().Get(podsResource, "shop", name)
	if err != nil {
		return nil
	}
	p := o.(*corev1.Pod)
	how(p)
	k.version++
	p.ResourceVersion = strconv.Itoa(k.version)
	if err := k.client.Tracker().Update(podsResource, p, "shop"); err != nil {
		k.t.Error(err)
	}
	return p
}

// delete asks for a pod's end, as the API server does.
func (k *kubelet) delete(name string, seconds *int64) {
	k.mu.Lock()
	x := k.pods[name]
	k.beside.told = time.Now()
	k.mu.Unlock()
	p := k.change(name, func(p *corev1.Pod) {
		if seconds == nil {
			seconds = new(grace(p))
		}
		until := metav1.NewTime(time.Now().Add(time.Duration(*seconds) * time.Second))
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &until, seconds
		x.grace = time.Duration(*seconds) * time.Second
	})
	if p == nil {
		return
	}
	k.event(p, "Killing")
	x.delete()
	if *seconds == 0 {
		x.end()
	}
	k.collect(p)
}

// collect removes a pod that was deleted, has ended, and is held by nobody.
func (k *kubelet) collect(p *corev1.Pod) {
	if p == nil || p.DeletionTimestamp == nil || len(p.Finalizers) > 0 {
		return
	}
	k.mu.Lock() // a pod that is being changed is not taken away below the change
	defer k.mu.Unlock()
	select {
	case <-k.pods[p.Name].ended:
		_ = k.client.Tracker().Delete(podsResource, "shop", p.Name) // it may be gone already
	default:
	}
}

// event has the kubelet tell of a pod.
func (k *kubelet) event(p *corev1.Pod, reason string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.version++
	e := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("e%d", k.version), Namespace: "shop", ResourceVersion: strconv.Itoa(k.version)},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: p.Name, UID: p.UID}, Reason: reason, LastTimestamp: metav1.Now()}
	if err := k.client.Tracker().Add(e); err != nil {
		k.t.Error(err)
	}
}

// container is the pod whose containers have an ID.
func (k *kubelet) container(id string) *played {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ids[id]
}

// Run answers as podproof's agent on the node does.
func (k *kubelet) Run(ctx context.Context, _, op string, args ...string) ([]byte, error) {
	k.mu.Lock()
	k.asked = append(k.asked, strings.TrimSpace(op+" "+strings.Join(args, " ")))
	answer := k.ops[op]
	k.mu.Unlock()
	if answer != nil {
		out, err := answer(args...)
		return []byte(out), err
	}
	unix := func(at time.Time) string { return fmt.Sprintf("%d.%09d", at.Unix(), at.Nanosecond()) }
	switch op {
	case "clock":
		return []byte(unix(time.Now())), nil
	case "gone":
		x := k.container(args[0])
		select {
		case <-x.ended:
			return []byte(unix(x.alive.Add(-50*time.Millisecond)) + " " + unix(x.alive)), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "sent":
		select {
		case <-k.container(args[0]).deleted:
			return fmt.Appendf(nil, "time=%q level=info", time.Now().UTC().Format(time.RFC3339Nano)), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "processes":
		return []byte(read(status, "/api\037")), nil
	case "listen":
		return nil, nil
	}
	return nil, errors.New("the node's agent does not know " + op)
}

// Stream prints a pod's log files, of which each has one line.
func (k *kubelet) Stream(_ context.Context, _ string, out io.Writer, op string, args ...string) error {
	if op != "logs" {
		return errors.New("the node's agent does not know " + op)
	}
	name := strings.Split(args[0], "_")[1]
	if says := k.life(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}).says; says != "" {
		fmt.Fprintf(out, ">api\n%s stdout F %s\n", time.Now().UTC().Format(time.RFC3339Nano), says)
	}
	_, err := fmt.Fprintln(out, ">")
	return err
}

// apply is what the API server and its controllers make of an object.
func (k *kubelet) apply(a clienttesting.Action) (bool, runtime.Object, error) {
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(a.(clienttesting.PatchAction).GetPatch(), &u.Object); err != nil {
		return true, nil, err
	}
	k.mu.Lock()
	k.applied = append(k.applied, workload.Object{Unstructured: u}.String())
	k.mu.Unlock()
	var template corev1.PodTemplateSpec
	name := u.GetName() + "-0"
	switch u.GetKind() {
	case "Job":
		var j batchv1.Job
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &j); err != nil {
			return true, nil, err
		}
		j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
		return true, u, k.client.Tracker().Add(&j)
	case "Deployment", "StatefulSet":
		var d appsv1.Deployment // a StatefulSet has the same fields, as far as they count here
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &d); err != nil {
			return true, nil, err
		}
		template = d.Spec.Template
	default:
		return true, u, nil
	}
	_, err := k.client.CoreV1().Pods("shop").Create(k.t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", Labels: template.Labels}, Spec: template.Spec}, metav1.CreateOptions{})
	return true, u, err
}

// count is how often the node was asked for something that begins so.
func (k *kubelet) count(prefix string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, a := range k.asked {
		if strings.HasPrefix(a, prefix) {
			n++
		}
	}
	return n
}

// there are the names of the pods that the API server has, and held those that a finalizer keeps there.
func (k *kubelet) there() []string { return k.names(func(*corev1.Pod) bool { return true }) }
func (k *kubelet) held() []string {
	return k.names(func(p *corev1.Pod) bool { return len(p.Finalizers) > 0 })
}

func (k *kubelet) names(match func(*corev1.Pod) bool) []string {
	list, err := k.client.CoreV1().Pods("shop").List(k.t.Context(), metav1.ListOptions{})
	if err != nil {
		k.t.Error(err)
		return nil
	}
	var out []string
	for _, p := range list.Items {
		if match(&p) {
			out = append(out, p.Name)
		}
	}
	return out
}
