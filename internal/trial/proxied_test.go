package trial

import (
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
	f.spec.Front = &workload.Front{Routes: []workload.FrontRoute{{Listen: 5432, Twin: "podproof-db", Port: 5432}}, Twins: []workload.Object{object("Service", "podproof-db")},
		Hostname: "db-0", Subdomain: "db-pods"}
	twin := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "podproof-db", Namespace: "shop"}, Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.10"}}
	if err := f.client.Tracker().Add(twin); err != nil {
		t.Fatal(err)
	}
	return f
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
	switch words[0] {
	case proxy.Refused, proxy.Frozen, proxy.Slow, proxy.Pass:
		if !deaf {
			f.state.Fault.Mode = words[0]
		}
		_ = f.set(words[0] == proxy.Refused || words[0] == proxy.Frozen)
		if words[0] == proxy.Refused && joined {
			f.state.Ended += 2
		}
	case proxy.Disconnected, proxy.Restarted:
		if joined {
			f.state.Ended += 2
		}
	case "await":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			return proxy.State{}, err
		}
		if !joined {
			_ = pause(ctx, d)
		}
	}
	s := f.state
	s.Resets = int64(len(f.told))
	if joined {
		s.Clients = []proxy.Client{{Address: f.address("api-0"), Open: 2, Joined: 2, Accepted: len(f.told), Sent: int64(10 * len(f.told)), Left: -1}}
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
			if p := e.Passage; p.Ended != 2 || len(p.Before) != 1 || p.Before[0].Open != 2 || p.Before[0].Pod != "api-0" || len(p.After) != 1 || (len(p.During) == 1) != (e.Kind == evidence.OutageRefused) {
				t.Errorf("%s: counted %+v", e.Kind, *p)
			}
			if took := e.Healed.Sub(e.Away); e.Kind != evidence.OutageRefused && took > time.Second {
				t.Errorf("%s took %s", e.Kind, took)
			}
		}
		if p := es[2].Passage; p.Resets <= 0 || p.During[0].Sent <= 0 || p.During[0].Accepted <= 0 || es[2].Unready.IsZero() || es[2].Ready.IsZero() {
			t.Errorf("got %+v, %+v", es[2], *p)
		}
		if want := []string{"service/podproof-db", "statefulset/db", "deployment/api"}; !slices.Equal(f.applied, want) {
			t.Errorf("applied were %q", f.applied)
		}
		if want := []string{"state", "reach 30s", "pass"}; !slices.Equal(f.told[:3], want) || !slices.Contains(f.told, "restarted 1s") {
			t.Errorf("it was told %q", f.told)
		}
		if len(f.asked) > 0 {
			t.Errorf("a node was asked %q", f.asked)
		}
		pod, err := f.client.CoreV1().Pods("shop").Get(t.Context(), proxyName, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c := pod.Spec.Containers[0]
		if c.Image != "podproof:1" || !slices.Equal(c.Args, []string{"agent", "proxy", "5432=10.96.0.10:5432"}) || pod.Labels[workload.ProxyLabel] != "db" || pod.Labels[workload.TrialLabel] == "" ||
			pod.Spec.Hostname != "db-0" || pod.Spec.Subdomain != "db-pods" || pod.Spec.SecurityContext.Sysctls != nil || *pod.Spec.AutomountServiceAccountToken || *pod.Spec.SecurityContext.RunAsUser != AgentUID {
			t.Errorf("its pod is %+v", pod)
		}
		if made := slices.Index(f.made, proxyName); made != 0 {
			t.Errorf("pods were made in this order: %q", f.made)
		}
	})
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
		s.spec.Unproxied = "no Service of the manifests leads to it"
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
			s.Clients = []proxy.Client{{Address: f.address("api-0"), Left: left}}
			if stranger != "" {
				s.Clients = append(s.Clients, proxy.Client{Address: stranger, Joined: 1})
			}
			return s, err
		}
		f.connected = false
		if _, es, err := f.outages(); err != nil || len(es) > 0 {
			t.Fatal(err)
		}
		p := &proxied{TestBed: f.b}
		for _, c := range []struct {
			left     float64
			stranger string
			was      bool
			want     string
		}{{5, "", true, "true"}, {5, "", false, "false"}, {80, "", true, "false"}, {-1, "", true, "false"}, {-1, f.address("db-0"), true, "false"}, {-1, "172.18.0.1", true, "nil"}} {
			left, stranger = c.left, c.stranger
			has, _, err := p.awaitConnection(t.Context(), time.Second, c.was)
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
		"no twin": {func(f *fronted) {
			if err := f.client.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("services"), "shop", "podproof-db"); err != nil {
				t.Fatal(err)
			}
		}, "reading the address of service/podproof-db"},
		"its image is missing": {func(f *fronted) {
			f.life = func(p *corev1.Pod) life {
				if p.Name == proxyName {
					return life{waits: "ErrImageNeverPull"}
				}
				return life{}
			}
		}, "podproof's proxy did not start, which takes statefulset/db away: pod podproof-proxy"},
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
		f.life = func(p *corev1.Pod) life {
			if p.Name == proxyName {
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
		if err != nil || len(es) != 2 || es[0].Problem != "" || !strings.Contains(es[1].Problem, "container not found; its pod has ended: pod podproof-proxy") {
			t.Errorf("got %+v (%v)", es, err)
		}
	})
}

// Until the dependency is there the proxy refuses, and the workload starts behind it.
func TestAStartWithoutTheDependencyBehindTheProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFronted(t, life{})
		f.spec.Without = true
		f.spec.Front.Routes[0].Listen = 443
		r, _, err := f.outages()
		if err != nil || r.Outages.Without == nil || !r.Outages.Without.Recovered {
			t.Fatalf("got %+v (%v)", r.Outages, err)
		}
		if want := []string{"service/podproof-db", "deployment/api", "statefulset/db"}; !slices.Equal(f.applied, want) {
			t.Errorf("applied were %q", f.applied)
		}
		pod, err := f.client.CoreV1().Pods("shop").Get(t.Context(), proxyName, metav1.GetOptions{})
		if err != nil || len(pod.Spec.SecurityContext.Sysctls) != 1 {
			t.Errorf("anybody may listen on 443 by %+v (%v)", pod.Spec.SecurityContext, err)
		}
	})
}

// The proxy is told by a command in its pod, which prints its state.
func TestTheProxyIsToldByACommandInItsPod(t *testing.T) {
	for said, want := range map[string]string{`{"fault":{"mode":"slow"},"accepted":3}`: "", "podproof: agent fault": "its answer is not a state"} {
		var asked []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Path+"?"+strings.Join(r.URL.Query()["command"], " "))
			c := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{"v5.channel.k8s.io": {Binary: true, Channels: []wsstream.ChannelType{wsstream.ReadChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.ReadChannel}}})
			_, streams, err := c.Open(w, r)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			fmt.Fprint(streams[1], said)
			fmt.Fprint(streams[3], `{"status":"Success"}`)
		}))
		client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		p := &proxied{TestBed: &TestBed{Namespace: "shop-outage", REST: &rest.Config{Host: server.URL}, Applier: &workload.Applier{Client: client}}}
		s, err := p.tell(t.Context(), "slow", "2s")
		server.CloseClientConnections()
		server.Close()
		if want == "" && (err != nil || s.Fault.Mode != proxy.Slow || s.Accepted != 3) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("got %+v (%v)", s, err)
		}
		if len(asked) != 1 || asked[0] != "/api/v1/namespaces/shop-outage/pods/podproof-proxy/exec?/podproof agent fault slow 2s" {
			t.Errorf("asked was %q", asked)
		}
	}
}
