package trial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/subject"
	"podproof.dev/podproof/internal/workload"
)

// shop is deployment/api beside statefulset/db, which goes away as the node is told to. While it is
// away, the API is not Ready, and answers 503.
type shop struct {
	*kubelet
	b     *TestBed
	spec  OutageSpec
	copy  Copy
	taken Taken
	// api is the name of the workload's pod.
	api string

	mu   sync.Mutex
	away bool
	// connected tells whether the API's pod has a connection to the database.
	connected bool
}

func newShop(t *testing.T, l life) *shop {
	t.Helper()
	s := &shop{kubelet: newKubelet(t, l), connected: true, api: "api-0"}
	s.b = s.bench(template())
	s.b.Subject = controller(t, "Deployment", "api")
	s.b.Asked.Query = &Route{Method: "GET", Path: "/items"}
	s.b.agent = answers(s.answer).attach
	s.copy = Copy{Dependency: controller(t, "StatefulSet", "db"), Workload: s.b.Subject.Object, Services: []string{"db"}}
	s.taken = Taken{Name: "statefulset/db", Controller: &s.copy.Dependency}
	db := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "db", Namespace: "shop"}, Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.9", Ports: []corev1.ServicePort{{Port: 5432}}}}
	if err := s.client.Tracker().Add(db); err != nil {
		t.Fatal(err)
	}
	s.ops["refuse"] = func(args ...string) (string, error) { return "1", s.set(args[1] == "on") }
	s.ops["freeze"] = func(...string) (string, error) { return "1", s.set(true) }
	s.ops["thaw"] = func(...string) (string, error) { return "1", s.set(false) }
	s.ops["signal"] = func(args ...string) (string, error) {
		if args[1] == "KILL" {
			s.restart("db-0", 2*time.Second)
		}
		return "1", nil
	}
	s.ops["sockets"] = func(...string) (string, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.connected {
			return "", nil
		}
		return "0: 0700F40A:A16C 0900600A:1538 01", nil // to 10.96.0.9
	}
	return s
}

func (s *shop) set(away bool) error {
	s.mu.Lock()
	s.away = away
	s.mu.Unlock()
	after := 3 * time.Second // until a probe has seen it
	if !away {
		after = time.Second
	}
	time.AfterFunc(after, func() {
		s.mu.Lock()
		still := s.away == away
		s.mu.Unlock()
		if still {
			s.ready(s.api, !away)
		}
	})
	return nil
}

func (s *shop) answer(x agent.Stream, at time.Time) evidence.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away && x.Name != evidence.StreamHealth {
		return always(503)(x, at)
	}
	return fine(x, at)
}

// restart has the kubelet start a pod's container again, which takes a time.
func (s *shop) restart(pod string, takes time.Duration) {
	s.ready(pod, false)
	time.AfterFunc(takes/2, func() {
		s.change(pod, func(p *corev1.Pod) { p.Status.ContainerStatuses[0].RestartCount++ })
	})
	time.AfterFunc(takes, func() { s.ready(pod, true) })
}

// as is the bench of a trial that takes the database away.
func (s *shop) as(x Trial) *TestBed {
	s.t.Helper()
	db := object("Service", "db")
	if err := unstructured.SetNestedStringMap(db.Object, s.copy.Dependency.Template.Labels, "spec", "selector"); err != nil {
		s.t.Fatal(err)
	}
	return s.b.as(s.t, x, func(t *subject.Subject) {
		t.Contract.Dependencies = contract.Needs(s.copy.Dependency.String())
		for _, d := range s.b.Taken[min(1, len(s.b.Taken)):] {
			t.Contract.Dependencies = append(t.Contract.Dependencies, contract.Dependency{Object: d.Name})
		}
		t.Controllers, t.Jobs = append([]workload.Controller{s.copy.Dependency}, s.copy.Others...), s.copy.Jobs
		t.Objects = append(append(t.Objects, db, s.copy.Dependency.Object, s.copy.Workload), s.copy.Objects...)
		for _, j := range s.copy.Jobs {
			t.Objects = append(t.Objects, j.Object)
		}
	})
}

// takes has a trial take the database away.
func (s *shop) takes(ctx context.Context, x Trial) (OutageResult, error) {
	b := s.as(x)
	if s.b.Elsewhere == nil {
		b.Elsewhere = func(context.Context, string, string) (*TestBed, Copy, error) {
			there := *b
			return &there, s.copy, nil
		}
	}
	return b.takeOne(ctx, 0, s.taken, s.spec)
}

func trialOf(kinds []string) Trial {
	switch {
	case slices.Contains(kinds, evidence.OutageFrozen):
		return Frozen
	case slices.Contains(kinds, evidence.OutageSlow2s):
		return Slow
	}
	return Outages
}

// outages tries kinds of them, and returns what each came to.
func (s *shop) outages(kinds ...string) (OutageResult, []evidence.Outage, error) {
	s.spec.Kinds = kinds
	r, err := s.takes(s.t.Context(), trialOf(kinds))
	if r.Outages == nil {
		r.Outages = &evidence.Outages{}
	}
	return r, r.Outages.Trials, err
}

func TestADependencyIsTakenAwayAndGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, life{ready: time.Second})
		r, es, err := s.outages(briefOutages...)
		if err != nil || len(es) != 3 || r.Termination != nil || r.Outages.Dependency != "statefulset/db" || r.Outages.Seconds <= 0 || r.Outages.Pod.Name != "api-0" {
			t.Fatalf("got %+v (%v)", r, err)
		}
		for i, e := range es {
			if e.Kind != briefOutages[i] || e.Problem != "" || e.Unfit != "" || e.Connected == nil || !*e.Connected || e.Restarts != 0 || !e.Reconnected.IsZero() || e.Away.Before(e.Began) || e.Healed.Before(e.Away) {
				t.Errorf("got %+v", e)
			}
			for _, stream := range []string{evidence.StreamHealth, evidence.StreamReady, evidence.StreamQuery} {
				if !streamsOf(e.Requests)[stream] {
					t.Errorf("%s: no request of the stream %s", e.Kind, stream)
				}
			}
			if last := e.Requests[len(e.Requests)-1]; last.Status != 200 {
				t.Errorf("%s: the last answer is %d", e.Kind, last.Status)
			}
		}
		for _, e := range es[:2] { // over before a probe can see them
			if !e.Unready.IsZero() || !e.Ready.IsZero() || e.Healed.Sub(e.Away) > time.Second {
				t.Errorf("got %+v", e)
			}
		}
		refused := es[2]
		if after := refused.Unready.Sub(refused.Away).Round(time.Second); after != 3*time.Second || refused.Healed.Sub(refused.Unready).Round(time.Second) != shortOutage {
			t.Errorf("not Ready after %s, given back %s later", after, refused.Healed.Sub(refused.Unready))
		}
		if back := refused.Ready.Sub(refused.Healed); back < time.Second || back > 3*time.Second {
			t.Errorf("Ready again after %s", back)
		}
		if restarted := es[1]; restarted.Away.Sub(restarted.Began) < 2*time.Second {
			t.Errorf("it was not waited for until the database was there again: %+v", restarted)
		}
		if diff := []string{"statefulset/db", "deployment/api"}; !slices.Equal(s.applied, diff) {
			t.Errorf("applied were %q", s.applied)
		}
	})
}

// A pod is stopped while the dependency does not answer, which lasts as long as a liveness probe must survive it.
func TestADependencyIsFrozen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, life{stops: 2 * time.Second})
		r, es, err := s.outages(longOutages...)
		if err != nil || len(es) != 1 || es[0].Problem != "" {
			t.Fatalf("got %+v (%v)", r, err)
		}
		if lasted := es[0].Healed.Sub(es[0].Away); lasted < 13*time.Second || lasted > 15*time.Second {
			t.Errorf("it lasted for %s", lasted)
		}
		x := r.Termination
		if x == nil || !x.WasReady || !x.Exited || x.Deleted.Before(es[0].Away) || x.Deleted.After(es[0].Healed) {
			t.Errorf("got %+v", x)
		}
		if s.count("freeze") != 1 || s.count("thaw") != 1 || len(s.held()) != 0 {
			t.Errorf("frozen %d times, and thawed %d; held are %q", s.count("freeze"), s.count("thaw"), s.held())
		}
	})
	synctest.Test(t, func(t *testing.T) { // only to stop a pod in it
		s := newShop(t, life{stops: 2 * time.Second})
		s.spec.Brief = true
		r, es, err := s.outages(longOutages...)
		if err != nil || r.Termination == nil || !r.Termination.Exited || !es[0].Unready.IsZero() || es[0].Healed.Sub(es[0].Away) > 3*time.Second {
			t.Errorf("got %+v (%v)", es, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // the pod to stop never gets ready to be
		s := newShop(t, life{})
		s.life = func(p *corev1.Pod) life {
			if strings.HasPrefix(p.Name, "podproof") {
				return life{init: 1}
			}
			return life{}
		}
		s.b.Subject.Template.Spec.InitContainers = []corev1.Container{{Name: "wait"}}
		r, es, err := s.outages(longOutages...)
		if err != nil || r.Termination != nil || !strings.Contains(es[0].Problem, "init container wait") || s.count("freeze") != 0 || len(s.held()) != 0 {
			t.Errorf("got %+v (%v), held are %q", es, err, s.held())
		}
	})
}

func TestAWayToGoThatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, life{})
		s.ops["signal"] = func(...string) (string, error) { return "0", nil }
		s.ops["end"] = s.ops["signal"]
		_, es, err := s.outages(evidence.OutageDisconnected, evidence.OutageRefused)
		if err != nil || len(es) != 2 || !strings.Contains(es[0].Unfit, "cannot go away like that") || !es[0].Away.IsZero() || es[0].Problem != "" || es[1].Unready.IsZero() {
			t.Errorf("got %+v (%v)", es, err)
		}
	})
}

// What goes wrong with one outage leaves the next, and the dependency does not stay away.
func TestAnOutageThatGoesWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, life{})
		broken := errors.New("no iptables")
		s.ops["refuse"] = func(...string) (string, error) { return "", broken }
		_, es, err := s.outages(evidence.OutageRefused, evidence.OutageRestarted)
		if err != nil || len(es) != 2 || !strings.Contains(es[0].Problem, "changing what the network answers of pod db-0: no iptables") || es[1].Problem != "" || es[1].Healed.IsZero() {
			t.Errorf("got %+v (%v)", es, err)
		}
		if s.count("refuse u-c1 off") == 0 {
			t.Errorf("the node was asked %q", s.asked)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it cannot be given back
		s := newShop(t, life{})
		s.ops["thaw"] = func(...string) (string, error) { return "", errors.New("no cgroup") }
		_, es, err := s.outages(evidence.OutageFrozen)
		if err != nil || !strings.Contains(es[0].Problem, "letting go on the processes of pod db-0: no cgroup") || s.count("thaw") != 1 {
			t.Errorf("got %+v (%v), thawed %d times", es, err, s.count("thaw"))
		}
	})
	synctest.Test(t, func(t *testing.T) { // nobody is there to be asked
		s := newShop(t, life{never: true})
		s.life = func(p *corev1.Pod) life { return life{never: p.Name == "api-0"} }
		r, es, err := s.outages(briefOutages...)
		if err != nil || len(es) != 1 || !strings.Contains(es[0].Problem, "no pod of deployment/api is Ready") || s.count("signal") != 0 {
			t.Errorf("got %+v (%v)", r, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // without a node nothing is taken away
		s := newShop(t, life{})
		s.b.Node = nil
		_, es, err := s.outages(evidence.OutageRefused, evidence.OutageFrozen)
		if err != nil || es[0].Problem != errNoNode.Error() || es[1].Problem != errNoNode.Error() || es[0].Connected != nil {
			t.Errorf("got %+v (%v)", es, err)
		}
	})
}

func TestAWorkloadThatDoesNotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, life{})
		s.ops["refuse"] = func(args ...string) (string, error) {
			if args[1] == "on" {
				s.ready("api-0", false)
			}
			return "1", nil
		}
		_, es, err := s.outages(evidence.OutageRefused, evidence.OutageRestarted)
		if err != nil || len(es) != 1 || es[0].Problem != "" || es[0].Unready.IsZero() || !es[0].Ready.IsZero() || len(es[0].Requests) == 0 {
			t.Errorf("got %+v (%v)", es, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it was restarted, and the next start is given its time
		s := newShop(t, life{})
		s.ops["refuse"] = func(args ...string) (string, error) {
			if args[1] == "on" {
				s.restart("api-0", 35*time.Second)
				s.change("api-0", func(p *corev1.Pod) {
					p.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}
				})
			}
			return "1", nil
		}
		_, es, err := s.outages(evidence.OutageRefused)
		if err != nil || len(es) != 1 || es[0].Ready.IsZero() || es[0].Restarts != 1 {
			t.Errorf("got %+v (%v)", es, err)
		}
	})
}

// One that nobody can ask is back when it has a connection again.
func TestAWorkerIsTakenItsDependency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, life{})
		s.b.Asked, s.b.agent = Asked{}, nil
		connect := func(is bool) { s.mu.Lock(); s.connected = is; s.mu.Unlock() }
		s.ops["signal"] = func(...string) (string, error) {
			connect(false)
			time.AfterFunc(4*time.Second, func() { connect(true) })
			return "1", nil
		}
		_, es, err := s.outages(evidence.OutageDisconnected)
		if err != nil || len(es) != 1 || es[0].Problem != "" || es[0].Requests != nil || !*es[0].Connected {
			t.Fatalf("got %+v (%v)", es, err)
		}
		if after := es[0].Reconnected.Sub(es[0].Away); after < 4*time.Second || after > 5*time.Second {
			t.Errorf("connected again after %s", after)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it never has one
		s := newShop(t, life{})
		s.b.Asked, s.b.agent, s.connected = Asked{}, nil, false
		_, es, err := s.outages(evidence.OutageDisconnected)
		if err != nil || *es[0].Connected || !es[0].Reconnected.IsZero() || es[0].Healed.Sub(es[0].Began) > time.Second {
			t.Errorf("got %+v (%v)", es, err)
		}
	})
}

func TestAnOutageThatIsCutOffGivesTheDependencyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, life{stops: time.Hour})
		cause := errors.New("interrupted")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, cause)
		defer cancel()
		s.spec.Kinds = longOutages
		r, err := s.takes(ctx, Frozen)
		if !errors.Is(err, cause) || len(r.Outages.Trials) != 1 || s.count("thaw") != 1 || len(s.held()) != 0 {
			t.Errorf("got %+v (%v); thawed %d times, held are %q", r.Outages, err, s.count("thaw"), s.held())
		}
	})
}

func TestPatienceOfAnOutage(t *testing.T) {
	probe := func(period, threshold int32) *corev1.Probe {
		return &corev1.Probe{PeriodSeconds: period, FailureThreshold: threshold}
	}
	for _, c := range []struct {
		liveness, readiness *corev1.Probe
		patience, budget    time.Duration
	}{
		{nil, nil, 13 * time.Second, 3 * time.Second},
		{probe(1, 3), probe(1, 1), 13 * time.Second, 4 * time.Second},
		{probe(10, 2), probe(2, 5), 30 * time.Second, 13 * time.Second},
		{probe(60, 5), nil, 45 * time.Second, 3 * time.Second},
	} {
		b := bench(template(func(t *corev1.PodTemplateSpec) {
			t.Spec.Containers[0].LivenessProbe, t.Spec.Containers[0].ReadinessProbe = c.liveness, c.readiness
		}))
		o := &outager{TestBed: b}
		if o.patience() != c.patience || o.budget() != c.budget {
			t.Errorf("%+v, %+v: patience %s, budget %s", c.liveness, c.readiness, o.patience(), o.budget())
		}
	}
}

func TestRecovery(t *testing.T) {
	b := &TestBed{Patience: 20 * time.Second}
	for exits, want := range map[int32]time.Duration{0: 23 * time.Second, 1: 50 * time.Second, 2: 60 * time.Second, 4: 180 * time.Second, 9: 180 * time.Second} {
		if got := b.recovery(exits); got != want {
			t.Errorf("after %d ends: %s, want %s", exits, got, want)
		}
	}
}

func TestTheAddressesOfADependency(t *testing.T) {
	node := &scriptedNode{}
	d := database(t, node, databasePod(func(*corev1.Pod) {}))
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name, Namespace: "shop"} }
	b := bench(corev1.PodTemplateSpec{},
		&corev1.Service{ObjectMeta: meta("db"), Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.9", ClusterIPs: []string{"10.96.0.9", "fd00::1:9"}}},
		&corev1.Service{ObjectMeta: meta("db-pods"), Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone}})
	d.Applier, d.Namespace, d.services = b.Applier, "shop", []string{"db", "db-pods"}
	got, err := d.addresses(t.Context())
	if want := "[10.244.0.9 10.244.0.9 fd00::9 10.96.0.9 fd00::1:9 10.96.0.9]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s (%v)", got, want, err)
	}
	d.services = []string{"gone"}
	if _, err := d.addresses(t.Context()); err == nil || !strings.Contains(err.Error(), "reading the address of service/gone") {
		t.Errorf("got %v", err)
	}
	if has, _, err := d.await(t.Context(), time.Minute, true); has != nil || err != nil {
		t.Errorf("what cannot be known is %v, %v", has, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	cancel(cause)
	if _, _, err := d.await(ctx, time.Minute, true); err != cause {
		t.Errorf("got %v", err)
	}
}

// What runs in a pod is asked by the ID of its container, and a pod that has none yet is passed over.
func TestEachContainerOfADependency(t *testing.T) {
	broken := errors.New("no such process")
	for _, c := range []struct {
		name  string
		says  string
		err   error
		pod   func(*corev1.Pod)
		want  string
		asked int
	}{
		{name: "all is well", says: "3\n", asked: 1},
		{name: "no process", says: "0\n", want: "no container of statefulset/db runs", asked: 1},
		{name: "none runs", says: "3\n", pod: func(p *corev1.Pod) { p.Status.ContainerStatuses[0].State.Running = nil }, want: "no container of statefulset/db runs"},
		{name: "the node fails", err: broken, want: "of pod db-0: no such process", asked: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.pod == nil {
				c.pod = func(*corev1.Pod) {}
			}
			var ran []string
			d := database(t, shell{out: c.says, err: c.err, ran: &ran}, databasePod(c.pod))
			for _, do := range []func(context.Context) error{d.freeze, d.thaw, func(ctx context.Context) error { return d.signal(ctx, "KILL") }} {
				ran = nil
				err := do(t.Context())
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				if asked := len(ran); asked < c.asked || c.asked == 0 && asked > 0 {
					t.Errorf("ran %q", ran)
				}
			}
		})
	}
}

// What was frozen in part goes on.
func TestAFreezeThatFailsIsUndone(t *testing.T) {
	s := &failingNode{fails: "freeze"}
	d := database(t, s, databasePod(func(*corev1.Pod) {}))
	if err := d.freeze(t.Context()); err == nil || !slices.Equal(s.ran, []string{"freeze", "thaw"}) {
		t.Errorf("ran %q (%v)", s.ran, err)
	}
	d.Node = nil
	if err := d.freeze(t.Context()); err != errNoNode {
		t.Errorf("got %v", err)
	}
	s = &failingNode{fails: "signal"}
	d.Node = s
	if err := d.refuse(t.Context()); err == nil || !slices.Equal(s.ran, []string{"refuse", "signal", "refuse"}) {
		t.Errorf("ran %q (%v)", s.ran, err)
	}
	if _, err := d.endConnections(t.Context()); err == nil {
		t.Error("no error")
	}
}

// failingNode is a node on which one thing fails.
type failingNode struct {
	mute
	fails string
	ran   []string
}

func (n *failingNode) Run(_ context.Context, _, op string, _ ...string) ([]byte, error) {
	n.ran = append(n.ran, op)
	if op == n.fails {
		return nil, errors.New("it fails")
	}
	return []byte("1"), nil
}

func TestConnectionsAreEndedByTheKernelWhereNoPostgresDoes(t *testing.T) {
	var ran []string
	node := opNode{ran: &ran, says: map[string]string{"signal": "0", "end": "2"}}
	d := database(t, node, databasePod(func(*corev1.Pod) {}))
	if n, err := d.endConnections(t.Context()); err != nil || n != 1 || !slices.Equal(ran, []string{"signal", "end"}) {
		t.Errorf("%d, ran %q (%v)", n, ran, err)
	}
	if err := d.disconnect(t.Context()); err != nil {
		t.Error(err)
	}
	ran, node.says["signal"] = nil, "1"
	if n, err := d.endConnections(t.Context()); err != nil || n != 1 || !slices.Equal(ran, []string{"signal"}) {
		t.Errorf("%d, ran %q (%v)", n, ran, err)
	}
	for name, change := range map[string]func(*corev1.Pod){
		"no node yet":    func(p *corev1.Pod) { p.Spec.NodeName = "" },
		"no address yet": func(p *corev1.Pod) { p.Status.PodIP = "" },
	} {
		ran = nil
		d := database(t, node, databasePod(change))
		if err := d.accept(t.Context()); err == nil || !strings.Contains(err.Error(), "no container of statefulset/db runs") || len(ran) > 0 {
			t.Errorf("%s: ran %q (%v)", name, ran, err)
		}
	}
	d.Node = nil
	if err := d.accept(t.Context()); err != errNoNode {
		t.Errorf("got %v", err)
	}
}

// opNode answers each op with what it has for it.
type opNode struct {
	mute
	ran  *[]string
	says map[string]string
}

func (n opNode) Run(_ context.Context, _, op string, _ ...string) ([]byte, error) {
	*n.ran = append(*n.ran, op)
	return []byte(n.says[op]), nil
}

func TestExits(t *testing.T) {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	end := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}}
	for _, c := range []struct {
		name string
		s    corev1.ContainerStatus
		want int32
	}{
		{"it waits", corev1.ContainerStatus{}, 0},
		{"it runs", corev1.ContainerStatus{State: running}, 0},
		{"it runs again", corev1.ContainerStatus{State: running, LastTerminationState: end, RestartCount: 2}, 2},
		{"it has ended", corev1.ContainerStatus{State: end}, 1},
		{"it waits for its next start", corev1.ContainerStatus{LastTerminationState: end, RestartCount: 1}, 2},
	} {
		if got := exits(c.s); got != c.want {
			t.Errorf("%s: %d", c.name, got)
		}
	}
}

// A probe that failed just before the dependency was back makes a pod not Ready a moment after it answers again.
func TestAPodThatIsNotReadyForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, life{})
		s.start(s.b, "api-0")
		o := &outager{TestBed: s.b, own: func(p *corev1.Pod) bool { return p.Name == "api-0" }}
		flap := func(back time.Duration) {
			s.ready("api-0", false)
			s.await(s.b, "not Ready", func(p *corev1.Pod) bool { return p.Name == "api-0" && !workload.IsReady(p) })
			if _, err := o.readyOf(o.own); err == nil {
				t.Fatal("it is Ready")
			}
			time.AfterFunc(back, func() { s.ready("api-0", true) })
		}
		flap(3 * time.Second)
		if back, err := o.readyAgain(t.Context(), evidence.Outage{}); !back || err != nil {
			t.Errorf("it is not waited for (%v)", err)
		}
		flap(time.Second)
		began := time.Now()
		if back, err := o.readyAgain(t.Context(), evidence.Outage{Unready: began}); back || err != nil || time.Since(began) > 0 {
			t.Errorf("what had its time is waited for once more (%v)", err)
		}
		s.await(s.b, "Ready again", func(p *corev1.Pod) bool { return p.Name == "api-0" && workload.IsReady(p) })
		flap(time.Hour)
		if back, err := o.readyAgain(t.Context(), evidence.Outage{}); back || err != nil {
			t.Errorf("what stays away is back (%v)", err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cut := errors.New("the run ends")
		time.AfterFunc(time.Second, func() { cancel(cut) })
		if back, err := o.readyAgain(ctx, evidence.Outage{}); back || !errors.Is(err, cut) {
			t.Errorf("a run that ends meanwhile says %v", err)
		}
	})
}
