package trial

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/streaming/pkg/httpstream/wsstream"

	"podproof.dev/podproof/internal/agent/proxy"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// fronted is the shop with podproof's proxy in front of its database, and no node.
type fronted struct {
	*shop
	state proxy.State
	told  []string
	// broken are errors by the first word that is said.
	broken map[string]error
	// deaf are words after which the proxy is not as it was told.
	deaf map[string]bool
}

func newFronted(t *testing.T, l life) *fronted {
	t.Helper()
	f := &fronted{shop: newShop(t, l), broken: map[string]error{}, deaf: map[string]bool{}}
	f.b.Node, f.b.ProxyImage, f.b.proxy = nil, "podproof:1", f.tell
	f.state.Fault.Mode = proxy.Refused
	f.taken.Front = &workload.Front{Names: []string{"db", "db.shop"}, Routes: []workload.FrontRoute{{Listen: 5432, Service: "db", Port: 5432}}}
	return f
}

// takes has a trial take the database away, from a pod of its own.
func (f *fronted) outages(kinds ...string) (OutageResult, []evidence.Outage, error) {
	f.api = lanePod(trialOf(kinds).ID, 0)
	return f.shop.outages(kinds...)
}

// database makes the pod of the database, which goes on all the while.
func (f *fronted) database() {
	f.t.Helper()
	b := *f.b
	b.Subject = f.copy.Dependency
	f.start(&b, "db-0")
}

// address is that of a pod.
func (f *fronted) address(pod string) string {
	p, err := f.client.CoreV1().Pods("shop").Get(context.Background(), pod, metav1.GetOptions{})
	if err != nil {
		return "10.9.9.9"
	}
	return p.Status.PodIP
}

// tell plays the proxy: while it passes, the API has two connections.
func (f *fronted) tell(ctx context.Context, words ...string) (proxy.State, error) {
	f.mu.Lock()
	f.told = append(f.told, strings.Join(words, " "))
	broken, deaf, joined := f.broken[words[0]], f.deaf[words[0]], f.connected
	f.mu.Unlock()
	if broken != nil {
		return proxy.State{}, broken
	}
	if words[0] == "await" && !joined {
		d, err := time.ParseDuration(words[1])
		if err != nil {
			return proxy.State{}, err
		}
		_ = pause(ctx, d)
	}
	switch words[0] {
	case proxy.Refused, proxy.Frozen, proxy.Slow, proxy.Pass:
		_ = f.set(words[0] == proxy.Refused || words[0] == proxy.Frozen)
	}
	address := f.address(f.api)
	f.mu.Lock() // several dependencies have one proxy here
	defer f.mu.Unlock()
	switch words[0] {
	case proxy.Refused, proxy.Frozen, proxy.Slow, proxy.Pass:
		if !deaf {
			f.state.Fault.Mode = words[0]
		}
	}
	switch words[0] {
	case proxy.Refused, proxy.Disconnected, proxy.Restarted:
		if joined {
			f.state.Ended += 2
		}
	}
	s := f.state
	s.Resets = int64(len(f.told))
	if joined {
		s.Clients = []proxy.Client{{Address: address, Open: 2, Joined: 2, Accepted: len(f.told), Sent: int64(10 * len(f.told)), Left: -1}}
	}
	return s, nil
}

func TestTheProxyTakesADependencyAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFronted(t, life{ready: time.Second})
		r, es, err := f.outages(briefOutages...)
		if err != nil || len(es) != 3 || r.Outages.Unproxied != "" {
			t.Fatalf("got %+v (%v)", r, err)
		}
		for i, e := range es {
			if e.Kind != briefOutages[i] || e.Problem != "" || e.Unfit != "" || e.Fault != evidence.FaultProxy || e.Connected == nil || !*e.Connected || e.Passage == nil {
				t.Fatalf("got %+v", e)
			}
			if p := e.Passage; p.Ended != 2 || len(p.Before) != 1 || p.Before[0].Open != 2 || p.Before[0].Pod != f.api || len(p.After) != 1 || (len(p.During) == 1) != (e.Kind == evidence.OutageRefused) {
				t.Errorf("%s: counted %+v", e.Kind, *p)
			}
			if took := e.Healed.Sub(e.Away); e.Kind != evidence.OutageRefused && took > time.Second {
				t.Errorf("%s took %s", e.Kind, took)
			}
		}
		if p := es[2].Passage; p.Resets <= 0 || p.During[0].Sent <= 0 || p.During[0].Accepted <= 0 || es[2].Unready.IsZero() || es[2].Ready.IsZero() {
			t.Errorf("got %+v, %+v", es[2], *p)
		}
		if want := []string{"state", "reach 30s", "pass"}; !slices.Equal(f.told[:3], want) || !slices.Contains(f.told, "restarted 1s") {
			t.Errorf("it was told %q", f.told)
		}
		if len(f.asked)+len(f.applied) > 0 {
			t.Errorf("a node was asked %q, and applied were %q", f.asked, f.applied)
		}
		if want := []string{"podproof-proxy-outages", "podproof-outages"}; !slices.Equal(f.made, want) {
			t.Errorf("pods were made in this order: %q", f.made)
		}
		if there, err := f.client.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{}); err != nil || len(there.Items) != 0 {
			t.Errorf("pods stay: %+v (%v)", there.Items, err)
		}
	})
}

// The pod that is tried reaches the dependency by the proxy, by its names as by the variables of its
// Services; and so do those that a trial makes beside it.
func TestAPodIsLedToTheProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off := false
		f := newFronted(t, life{stops: time.Second})
		f.b.Subject.Template.Spec = corev1.PodSpec{HostAliases: []corev1.HostAlias{{IP: "10.0.0.1", Hostnames: []string{"legacy"}}},
			Containers: []corev1.Container{
				{Name: "api", Image: "api:1", ReadinessProbe: &corev1.Probe{PeriodSeconds: 10, InitialDelaySeconds: 60}, Env: []corev1.EnvVar{{Name: "DB_PORT", Value: "mine"}}},
				{Name: "whole", Image: "other:1", EnvFrom: []corev1.EnvFromSource{{}}}}}
		made := map[string]*corev1.Pod{}
		before := f.life
		f.life = func(p *corev1.Pod) life {
			f.mu.Lock()
			made[p.Name] = p
			f.mu.Unlock()
			return before(p)
		}
		f.taken.Front.Routes = append(f.taken.Front.Routes, workload.FrontRoute{Listen: 443, Service: "db-pods", Port: 8443}, workload.FrontRoute{Listen: 9000, Host: "s3.example.com", Port: 443})
		pods := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "db-pods", Namespace: "shop"}, Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone}}
		if err := f.client.Tracker().Add(pods); err != nil {
			t.Fatal(err)
		}
		declared := object("Service", "db-pods")
		if err := unstructured.SetNestedStringMap(declared.Object, f.copy.Dependency.Template.Labels, "spec", "selector"); err != nil {
			t.Fatal(err)
		}
		f.copy.Objects = append(f.copy.Objects, declared)
		if _, es, err := f.outages(longOutages...); err != nil || es[0].Problem != "" {
			t.Fatalf("got %+v (%v)", es, err)
		}
		p := made["podproof-proxy-frozen"]
		c := p.Spec.Containers[0]
		if want := []string{"agent", "proxy", "5432=10.96.0.9:5432", "443=db-pods.shop.svc:8443", "9000=s3.example.com:443"}; c.Image != "podproof:1" || !slices.Equal(c.Args, want) ||
			len(p.Spec.SecurityContext.Sysctls) != 1 || *p.Spec.AutomountServiceAccountToken || *p.Spec.SecurityContext.RunAsUser != AgentUID || p.Labels[workload.TrialLabel] == "" {
			t.Errorf("the proxy's pod is %+v", p)
		}
		for _, name := range []string{"podproof-frozen", "podproof-stop-in-outage"} {
			api := made[name]
			if hosts := api.Spec.HostAliases; len(hosts) != 2 || hosts[0].IP != "10.0.0.1" || hosts[1].IP != p.Status.PodIP || !slices.Equal(hosts[1].Hostnames, f.taken.Front.Names) {
				t.Errorf("%s has the hosts %+v", name, hosts)
			}
			env := map[string]string{}
			for _, v := range api.Spec.Containers[0].Env {
				env[v.Name] = v.Value
			}
			if env["DB_SERVICE_HOST"] != p.Status.PodIP || env["DB_PORT"] != "mine" || len(api.Spec.Containers[1].Env) > 0 {
				t.Errorf("%s has the variables %v", name, env)
			}
			if probe := api.Spec.Containers[0].ReadinessProbe; probe.PeriodSeconds != 1 || probe.InitialDelaySeconds != 0 {
				t.Errorf("%s is asked by %+v", name, probe)
			}
		}
		if api := made["podproof-frozen"]; api.Spec.RestartPolicy != corev1.RestartPolicyAlways {
			t.Errorf("it is started again: %s", api.Spec.RestartPolicy)
		}
		if len(f.b.Subject.Template.Spec.HostAliases) != 1 || f.b.Subject.Template.Spec.Containers[0].ReadinessProbe.PeriodSeconds != 10 {
			t.Errorf("the workload's own template has changed: %+v", f.b.Subject.Template.Spec)
		}
		bare := &corev1.Pod{Spec: corev1.PodSpec{EnableServiceLinks: &off, Containers: []corev1.Container{{Name: "api"}}}}
		(&through{links: map[string]string{"DB_PORT": "1"}}).lead(bare)
		if len(bare.Spec.Containers[0].Env) > 0 {
			t.Errorf("links that the manifests switch off: %+v", bare.Spec.Containers[0].Env)
		}
	})
}

// A workload that does not come through the proxy is tried on its node, where there is one.
func TestAWorkloadThatBypassesTheProxy(t *testing.T) {
	for _, node := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := newFronted(t, life{})
			f.connected = false
			f.ops["sockets"] = func(...string) (string, error) { return "0: 0700F40A:A16C 0900600A:1538 01", nil }
			if node {
				f.b.Node = f.kubelet
			}
			r, es, err := f.outages(evidence.OutageRestarted)
			if err != nil || len(es) != 1 || es[0].Problem != "" || (es[0].Fault == evidence.FaultNode) != node || strings.Contains(r.Outages.Unproxied, "no connection through podproof's proxy") != node || *es[0].Connected != node {
				t.Errorf("on its node: %t; got %+v (%v)", node, r.Outages, err)
			}
		})
	}
}

func TestTheProxyFreezesAndSlowsADependency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFronted(t, life{stops: 2 * time.Second})
		r, es, err := f.outages(longOutages...)
		if err != nil || len(es) != 1 || es[0].Problem != "" || es[0].Passage == nil || r.Termination == nil || !r.Termination.Exited {
			t.Fatalf("got %v (%v)", es[0].Problem, err)
		}
		if lasted := es[0].Healed.Sub(es[0].Away); lasted < 13*time.Second || lasted > 15*time.Second {
			t.Errorf("it lasted for %s", lasted)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := newFronted(t, life{})
		_, es, err := f.outages(slowOutages...)
		if err != nil || len(es) != 2 || es[0].Problem+es[1].Problem+es[0].Unfit != "" {
			t.Fatalf("got %+v (%v)", es, err)
		}
		for i, want := range []time.Duration{slowFor, 13 * time.Second} {
			if lasted := es[i].Healed.Sub(es[i].Away); lasted < want || lasted > want+2*time.Second || !es[i].Unready.IsZero() || len(es[i].Passage.During) != 1 {
				t.Errorf("%s lasted for %s: %+v", es[i].Kind, lasted, es[i].Passage)
			}
		}
		if !slices.Contains(f.told, "slow 200ms") || !slices.Contains(f.told, "slow 2s") {
			t.Errorf("it was told %q", f.told)
		}
	})
	synctest.Test(t, func(t *testing.T) { // without it, nothing is slow
		s := newShop(t, life{})
		s.taken.Unproxied = "no Service of the manifests leads to it"
		r, es, err := s.outages(slowOutages...)
		if err != nil || len(es) != 2 || !strings.Contains(es[0].Unfit, "only podproof's proxy") || !strings.Contains(es[1].Unfit, "no Service of the manifests") || r.Outages.Unproxied == "" || es[0].Fault != evidence.FaultNode {
			t.Errorf("got %+v (%v)", es, err)
		}
		s.b.Node = nil
		if _, es, err := s.outages(evidence.OutageRefused); err == nil && !strings.Contains(es[0].Problem, "no Service of the manifests leads to it, and its proxy") {
			t.Errorf("got %+v", es[0].Problem)
		}
	})
}

// A workload that nobody can ask is seen by the connections that the proxy has.
func TestTheProxySeesAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFronted(t, life{})
		f.b.Asked, f.b.agent = Asked{}, nil
		_, es, err := f.outages(evidence.OutageRestarted)
		if err != nil || len(es) != 1 || es[0].Problem != "" || !*es[0].Connected || es[0].Reconnected.Before(es[0].Healed) {
			t.Errorf("got %+v (%v)", es, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it never has one
		f := newFronted(t, life{})
		f.b.Asked, f.b.agent, f.connected = Asked{}, nil, false
		_, es, err := f.outages(evidence.OutageDisconnected, evidence.OutageRestarted)
		if err != nil || len(es) != 2 || *es[0].Connected || !strings.Contains(es[0].Unfit, "the workload had no connection to it open") || *es[1].Connected || !es[1].Reconnected.IsZero() {
			t.Errorf("got %+v (%v)", es, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it had one, and somebody else has
		f := newFronted(t, life{})
		tell := f.b.proxy
		left, stranger := 5.0, ""
		f.b.proxy = func(ctx context.Context, words ...string) (proxy.State, error) {
			s, err := tell(ctx, words...)
			s.Clients = []proxy.Client{{Address: f.address(f.api), Left: left}}
			if stranger != "" {
				s.Clients = append(s.Clients, proxy.Client{Address: stranger, Joined: 1})
			}
			return s, err
		}
		f.connected = false
		if _, es, err := f.outages(); err != nil || len(es) > 0 {
			t.Fatal(err)
		}
		f.database()
		f.start(f.b, f.api)
		p := &proxied{TestBed: f.b, own: func(p *corev1.Pod) bool { return p.Name == f.api }}
		for _, c := range []struct {
			left     float64
			stranger string
			was      bool
			want     string
		}{{5, "", true, "true"}, {5, "", false, "false"}, {80, "", true, "false"}, {-1, "", true, "false"}, {-1, f.address("db-0"), true, "false"}, {-1, "172.18.0.1", true, "nil"}} {
			left, stranger = c.left, c.stranger
			has, _, err := p.await(t.Context(), time.Second, c.was)
			got := "nil"
			if has != nil {
				got = fmt.Sprint(*has)
			}
			if err != nil || got != c.want {
				t.Errorf("%+v: got %s (%v)", c, got, err)
			}
		}
	})
}

// What the proxy does not do, or the dependency itself does not, is no outage of the workload's.
func TestAnOutageByTheProxyThatGoesWrong(t *testing.T) {
	gone := errors.New("its pod is not there")
	for name, c := range map[string]struct {
		change func(*fronted)
		want   string
	}{
		"it is gone":               {func(f *fronted) { f.broken[proxy.Refused] = gone }, `telling podproof's proxy "refused": its pod is not there`},
		"it does something else":   {func(f *fronted) { f.deaf[proxy.Refused] = true }, `podproof's proxy was told "refused", and is at "pass"`},
		"the database does not go": {func(f *fronted) { f.state.Why = "refused" }, "statefulset/db itself did not accept 1 connections that podproof's proxy passed on: refused"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFronted(t, life{})
			f.database()
			c.change(f)
			tell := f.b.proxy
			f.b.proxy = func(ctx context.Context, words ...string) (proxy.State, error) {
				s, err := tell(ctx, words...)
				if f.state.Why != "" && s.Fault.Mode == proxy.Pass && words[0] == "state" && slices.Contains(f.told, proxy.Refused) {
					s.Unreached = 1
				}
				return s, err
			}
			_, es, err := f.outages(evidence.OutageRefused, evidence.OutageRestarted)
			if err != nil || len(es) != 2 || !strings.Contains(es[0].Problem, c.want) {
				t.Errorf("%s: got %+v (%v)", name, es[0].Problem, err)
			}
			if !slices.Contains(f.told[slices.Index(f.told, proxy.Refused):], proxy.Pass) {
				t.Errorf("%s: it was not told to pass again: %q", name, f.told)
			}
		})
	}
	for name, c := range map[string]struct {
		change func(*fronted)
		want   string
	}{
		"no Service": {func(f *fronted) {
			if err := f.client.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("services"), "shop", "db"); err != nil {
				t.Fatal(err)
			}
		}, "reading the address of service/db"},
		"its image is missing": {func(f *fronted) {
			f.life = func(p *corev1.Pod) life {
				if strings.HasPrefix(p.Name, proxyName) {
					return life{waits: "ErrImageNeverPull"}
				}
				return life{}
			}
		}, "podproof's proxy did not start, which takes statefulset/db away: pod podproof-proxy-outages"},
		"it reaches nothing": {func(f *fronted) { f.broken["reach"] = errors.New("the proxy does not reach the dependency") }, "does not reach the dependency"},
		"it cannot be told":  {func(f *fronted) { f.broken["state"] = gone }, "its pod is not there"},
	} {
		for _, without := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				f := newFronted(t, life{})
				f.spec.Without = without
				c.change(f)
				if _, _, err := f.outages(briefOutages...); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s, without: %t: %v", name, without, err)
				}
			})
		}
	}
}

// That its pod has ended is said beside what went wrong with telling it.
func TestAProxyThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFronted(t, life{})
		f.database()
		f.life = func(p *corev1.Pod) life {
			if strings.HasPrefix(p.Name, proxyName) {
				return life{ends: time.Second, code: 3}
			}
			return life{}
		}
		f.b.proxy = func(ctx context.Context, words ...string) (proxy.State, error) {
			if slices.Equal(words, []string{proxy.Slow, "2s"}) {
				return proxy.State{}, errors.New("container not found")
			}
			return f.tell(ctx, words...)
		}
		_, es, err := f.outages(slowOutages...)
		if err != nil || len(es) != 2 || es[0].Problem != "" || !strings.Contains(es[1].Problem, "container not found; its pod has ended: pod podproof-proxy-slow") {
			t.Errorf("got %+v (%v)", es, err)
		}
	})
}

// The proxy refuses at first, and the workload starts behind it.
func TestAStartWithoutTheDependencyBehindTheProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFronted(t, life{})
		f.spec.Without = true
		r, _, err := f.outages()
		if err != nil || r.Outages.Without == nil || !r.Outages.Without.Recovered {
			t.Fatalf("got %+v (%v)", r.Outages, err)
		}
		if want := []string{"state", "reach 30s", "pass"}; !slices.Equal(f.told[:3], want) {
			t.Errorf("it was told %q", f.told)
		}
		if w := r.Outages.Without; w.Waited < withoutFor.Seconds() {
			t.Errorf("got %+v", w)
		}
	})
}

// The proxy is told over one stream to a command in its pod, which is opened again where it has broken.
func TestTheProxyIsToldByACommandInItsPod(t *testing.T) {
	var asked []string
	broke := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+"?"+strings.Join(r.URL.Query()["command"], " "))
		c := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{"v5.channel.k8s.io": {Binary: true, Channels: []wsstream.ChannelType{wsstream.ReadChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.ReadChannel}}})
		_, streams, err := c.Open(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		for lines := bufio.NewScanner(streams[0]); lines.Scan(); {
			switch lines.Text() {
			case `{"words":["slow","2s"]}`:
				fmt.Fprintln(streams[1], `{"state":{"fault":{"mode":"slow"},"accepted":3}}`)
			case `{"words":["state"]}`:
				if !broke { // the stream breaks
					broke = true
					return
				}
				fmt.Fprintln(streams[1], `{"state":{"accepted":4}}`)
			case `{"words":["pass"]}`:
				fmt.Fprintln(streams[1], `{"error":"it does not want to"}`)
			default: // it ends by itself
				fmt.Fprint(streams[2], "podproof: agent fault: no such word")
				fmt.Fprint(streams[3], `{"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with exit code 3","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}`)
				return
			}
		}
	}))
	defer server.Close()
	defer server.CloseClientConnections()
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	p := &proxied{name: "podproof-proxy-slow", TestBed: &TestBed{Namespace: "shop-outage", REST: &rest.Config{Host: server.URL}, Applier: &workload.Applier{Client: client}}}
	if s, err := p.tell(t.Context(), "slow", "2s"); err != nil || s.Fault.Mode != proxy.Slow || s.Accepted != 3 {
		t.Errorf("got %+v (%v)", s, err)
	}
	if s, err := p.tell(t.Context(), "state"); err != nil || s.Accepted != 4 {
		t.Errorf("over a stream that has broken: %+v (%v)", s, err)
	}
	if _, err := p.tell(t.Context(), "pass"); err == nil || !strings.Contains(err.Error(), "it does not want to") {
		t.Errorf("got %v", err)
	}
	if want := "/api/v1/namespaces/shop-outage/pods/podproof-proxy-slow/exec?/podproof agent fault"; len(asked) != 2 || asked[0] != want || asked[1] != want {
		t.Errorf("asked was %q", asked)
	}
	if _, err := p.tell(t.Context(), "nonsense"); err == nil || !strings.Contains(err.Error(), "no such word") || len(asked) != 2 {
		t.Errorf("got %v; asked was %q", err, asked)
	}
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	if _, err := p.tell(ctx, "state"); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	p.line.close()
}

// One that was seen to come through the proxy, and does not come back, bypasses nothing.
func TestAWorkloadThatDoesNotComeBackToTheProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFronted(t, life{})
		f.b.Node, f.b.Asked, f.b.agent = f.kubelet, Asked{}, nil
		f.b.proxy = func(ctx context.Context, words ...string) (proxy.State, error) {
			s, err := f.tell(ctx, words...)
			if words[0] == proxy.Disconnected {
				f.mu.Lock()
				f.connected = false
				f.mu.Unlock()
			}
			return s, err
		}
		r, es, err := f.outages(evidence.OutageDisconnected, evidence.OutageRestarted)
		if err != nil || len(es) != 2 || es[1].Fault != evidence.FaultProxy || *es[1].Connected || !es[0].Reconnected.IsZero() || r.Outages.Unproxied != "" {
			t.Errorf("got %+v (%v)", r.Outages, err)
		}
	})
}

// Nothing is tried where no pod could be led to the proxy, or a host has no name that leads there.
func TestNobodyIsLedToTheProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFronted(t, life{})
		before := f.life
		f.life = func(p *corev1.Pod) life {
			if strings.HasPrefix(p.Name, proxyName) {
				name := p.Name
				time.AfterFunc(2*time.Millisecond, func() { f.change(name, func(p *corev1.Pod) { p.Status.PodIP, p.Status.PodIPs = "", nil }) })
				return life{after: time.Second}
			}
			return before(p)
		}
		if _, es, err := f.outages(evidence.OutageRefused); err == nil || !strings.Contains(err.Error(), "got no address within 2m0s") || len(es) > 0 {
			t.Errorf("got %+v (%v)", es, err)
		}
	})
	b := &TestBed{Elsewhere: func(context.Context, string, string) (*TestBed, Copy, error) {
		t.Error("nothing of it is in the cluster")
		return nil, Copy{}, nil
	}}
	if _, err := b.takeOne(t.Context(), 0, Taken{Name: "10.0.0.7:443", Unproxied: "10.0.0.7 is an address"}, OutageSpec{}); err == nil || !strings.Contains(err.Error(), "cannot stand in for it: 10.0.0.7 is an address") {
		t.Errorf("got %v", err)
	}
}

// A host outside of the cluster is taken away as a dependency is. What is not reached from in there is
// away from the beginning, and stays so.
func TestAHostOutsideOfTheCluster(t *testing.T) {
	host := func(t *testing.T, reached bool) *fronted {
		f := newFronted(t, life{stops: time.Second})
		f.taken = Taken{Name: "s3 (s3.example.com:443)", Front: &workload.Front{Names: []string{"s3.example.com"}, Routes: []workload.FrontRoute{{Listen: 443, Host: "s3.example.com", Port: 443}}}}
		f.b.Node = f.kubelet // it is no help: nothing runs there
		if !reached {
			f.broken["reach"] = errors.New("the proxy does not reach the dependency: no such host")
		}
		return f
	}
	synctest.Test(t, func(t *testing.T) {
		f := host(t, true)
		f.spec.Without = true
		r, es, err := f.outages(briefOutages...)
		if err != nil || len(es) != 3 || !r.Outages.Without.Recovered || r.Outages.Unreachable != "" || r.Outages.Dependency != "s3 (s3.example.com:443)" || es[2].Ready.IsZero() {
			t.Errorf("got %+v (%v)", r.Outages, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := host(t, false)
		f.spec.Without = true
		r, es, err := f.outages(briefOutages...)
		if err != nil || len(es) != 1 || es[0].Kind != evidence.OutageRefused || es[0].Problem != "" || es[0].Connected != nil || es[0].Healed.IsZero() || es[0].Passage == nil {
			t.Fatalf("got %+v (%v)", r.Outages, err)
		}
		if w := r.Outages.Without; !w.BecameReady || !w.Up.IsZero() || !strings.Contains(r.Outages.Unreachable, "no such host") {
			t.Errorf("got %+v", r.Outages)
		}
		if slices.Contains(f.told, proxy.Pass) {
			t.Errorf("it was told %q", f.told)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := host(t, false)
		r, es, err := f.outages(longOutages...)
		if err != nil || len(es) != 1 || es[0].Problem != "" || r.Termination == nil || !r.Termination.Exited || r.Outages.Unreachable == "" {
			t.Errorf("got %+v (%v)", r, err)
		}
	})
}

// Each dependency is taken away from a pod of its own, and what goes wrong with one leaves the others.
func TestEachDependencyIsTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFronted(t, life{})
		cache, dns := controller(t, "Deployment", "cache"), controller(t, "StatefulSet", "dns")
		front := *f.taken.Front
		f.b.Taken = []Taken{f.taken, {Name: "deployment/cache", Controller: &cache, Front: &front}, {Name: "statefulset/dns", Controller: &dns, Unproxied: "port 53 of service/dns is UDP"}}
		f.connected = false
		f.b.Trial = Slow.ID
		see, err := Slow.Run(t.Context(), f.as(Slow))
		if err != nil {
			t.Fatal(err)
		}
		var e evidence.Evidence
		see(&e)
		all := e.Taken()
		if len(all) != 3 || all[0].Dependency != "statefulset/db" || all[1].Dependency != "deployment/cache" || len(all[0].Slow.Trials) != 2 || len(all[1].Slow.Trials) != 2 || all[1].Missing != nil {
			t.Fatalf("got %+v", all)
		}
		if why := all[2].Missing[evidence.SectionSlow]; all[2].Slow != nil || !strings.Contains(why, "port 53 of service/dns is UDP, and without its proxy an outage of statefulset/dns takes a namespace of its own") {
			t.Errorf("got %+v", all[2])
		}
		for _, want := range []string{"podproof-proxy-slow", "podproof-proxy-slow-2", "podproof-slow", "podproof-slow-2"} {
			if !slices.Contains(f.made, want) {
				t.Errorf("made were %q", f.made)
			}
		}
	})
}

// What is counted of an outage is what came since it began: refusals where connections were refused, and
// the clients that did something.
func TestWhatAnOutageCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &proxied{TestBed: newKubelet(t, life{}).bench(template())}
		for mode, x := range map[string]struct{ before, after, want int64 }{proxy.Refused: {3, 7, 4}, proxy.Frozen: {3, 7, 0}} {
			p.passage, p.held = &evidence.Passage{}, proxy.State{Fault: proxy.Fault{Mode: mode}, Resets: x.before}
			p.counted(proxy.State{Resets: x.after})
			if p.passage.Resets != x.want || p.held.Resets != x.after {
				t.Errorf("%s: %d resets, and %d are known now", mode, p.passage.Resets, p.held.Resets)
			}
		}
		p.passage, p.held = &evidence.Passage{}, proxy.State{Fault: proxy.Fault{Mode: proxy.Refused}, Resets: -1} // not told
		if p.counted(proxy.State{Resets: 7}); p.passage.Resets != 0 {
			t.Errorf("%d resets of a kernel that does not tell", p.passage.Resets)
		}
		now := proxy.State{Clients: []proxy.Client{{Address: "10.0.0.1", Accepted: 2, Sent: 5}, {Address: "10.0.0.2", Joined: 1}, {Address: "10.0.0.3", Accepted: 4}, {Address: "10.0.0.4", Received: 9}}}
		before := proxy.State{Clients: []proxy.Client{{Address: "10.0.0.3", Accepted: 1}, {Address: "10.0.0.1", Accepted: 2, Sent: 5}, {Address: "10.0.0.4"}}}
		want := []evidence.Client{{Address: "10.0.0.2", Open: 1}, {Address: "10.0.0.3", Accepted: 3}, {Address: "10.0.0.4", Received: 9}}
		if got := p.clients(now, &before); !slices.Equal(got, want) {
			t.Errorf("got %+v", got)
		}
		if got := p.clients(now, nil); !slices.Equal(got, []evidence.Client{{Address: "10.0.0.2", Open: 1}}) {
			t.Errorf("with no earlier state: %+v", got)
		}
	})
}
