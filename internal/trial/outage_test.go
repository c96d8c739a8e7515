package trial

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// scriptedNode answers each command on a node, and keeps its arguments.
type scriptedNode struct {
	mute
	says string
	ran  [][]string
}

func (n *scriptedNode) Run(_ context.Context, _, _ string, args ...string) ([]byte, error) {
	n.ran = append(n.ran, args)
	return []byte(n.says), nil
}

// observed watches pods of a fake cluster, and returns when they are seen.
func observed(t *testing.T, ps ...*corev1.Pod) *workload.Observer {
	t.Helper()
	client := fake.NewClientset()
	for _, p := range ps {
		if err := client.Tracker().Add(p); err != nil {
			t.Fatal(err)
		}
	}
	o, err := workload.Observe(t.Context(), client, "shop", func(s string) string { return s }, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Stop)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	all := func(*corev1.Pod) bool { return true }
	if err := o.Wait(ctx, all, func(seen []*workload.Observed) (bool, string, error) { return len(seen) == len(ps), "", nil }); err != nil {
		t.Fatal(err)
	}
	return o
}

func databasePod(change func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "db-0", Namespace: "shop", UID: "0a-1b", Labels: map[string]string{"app": "db"}},
		Spec: corev1.PodSpec{NodeName: "node"},
		Status: corev1.PodStatus{PodIP: "10.244.0.9", PodIPs: []corev1.PodIP{{IP: "10.244.0.9"}, {IP: "fd00::9"}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "db", ContainerID: "containerd://c0ffee", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}}}
	change(p)
	return p
}

// database is a StatefulSet's, of which the pods are there.
func database(t *testing.T, node Node, ps ...*corev1.Pod) *onNode {
	t.Helper()
	rs, err := workload.Controllers([]workload.Object{{Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": map[string]any{"name": "db"},
		"spec": map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"app": "db"}},
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": "db"}}, "spec": map[string]any{"containers": []any{map[string]any{"name": "db", "image": "db:1"}}}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return &onNode{TestBed: &TestBed{Observer: observed(t, ps...), Node: node}, controller: rs[0]}
}

func TestRefuse(t *testing.T) {
	node := &scriptedNode{says: "1\n"}
	d := database(t, node, databasePod(func(*corev1.Pod) {}))
	if err := d.refuse(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.accept(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, last := node.ran[0], node.ran[len(node.ran)-1]
	if !slices.Equal(first, []string{"0a-1b", "on", "iptables", "ip6tables"}) || !slices.Equal(last, []string{"0a-1b", "off", "iptables", "ip6tables"}) {
		t.Errorf("ran %q at first, and %q at last", first, last)
	}
}

func TestRefuseLeavesTheNetworkOfANodeAlone(t *testing.T) {
	node := &scriptedNode{says: "1\n"}
	d := database(t, node, databasePod(func(p *corev1.Pod) { p.Spec.HostNetwork = true }))
	if err := d.refuse(t.Context()); err == nil || !strings.Contains(err.Error(), "hostNetwork") || len(node.ran) > 0 {
		t.Errorf("ran %q: %v", node.ran, err)
	}
}

func TestNoConnectionToEndIsNoFailure(t *testing.T) {
	d := database(t, &scriptedNode{says: "0\n"}, databasePod(func(*corev1.Pod) {}))
	if err := d.disconnect(t.Context()); !errors.Is(err, errUnfit) || !strings.Contains(err.Error(), "statefulset/db") {
		t.Errorf("got %v", err)
	}
}

func TestADependencyThatIsNeverReadyIsNotWaitedForForEver(t *testing.T) {
	d := database(t, nil, databasePod(func(*corev1.Pod) {}))
	err := d.awaitReady(t.Context(), d.controller, time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "statefulset/db did not become Ready within 1ms") || !strings.Contains(err.Error(), "pod db-0") {
		t.Errorf("got %v", err)
	}
}

func TestASocketLeadsTo(t *testing.T) {
	const sockets = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 1 1
   1: 0700F40A:A16C 0900F40A:1538 01 00000000:00000000 02:00000000 00000000  1001        0 2 2
   2: 0700F40A:A16D 0A00F40A:1538 06 00000000:00000000 03:00000000 00000000     0        0 0 3
   3: 0000000000000000FFFF00000700F40A:A16E 0000000000000000FFFF00000B00F40A:18EB 01 00000000:00000000 02:00000000 00000000  1001 0 4 2
   4: 0700F40A:A16F 0C00F40A:1538 02 00000000:00000000 01:00000000 00000000  1001        0 5 2
`
	for _, x := range []struct {
		to                     string
		established, connected bool
	}{
		{"10.244.0.9", true, true}, {"10.244.0.10", false, true}, {"10.244.0.11", true, true},
		{"10.244.0.12", false, false}, {"10.244.0.7", false, false}, {"0.0.0.0", false, false},
	} {
		there := []netip.Addr{netip.MustParseAddr(x.to)}
		if leadsTo(sockets, there, established) != x.established || leadsTo(sockets, there, connected) != x.connected {
			t.Errorf("%s: established %t, connected %t", x.to, leadsTo(sockets, there, established), leadsTo(sockets, there, connected))
		}
	}
}

func TestLookWithout(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	exited := func(code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
	}
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	spec := corev1.PodSpec{InitContainers: []corev1.Container{{Name: "proxy", RestartPolicy: &always}, {Name: "wait"}, {Name: "migrate"}}, Containers: []corev1.Container{{Name: "api"}}}
	for _, x := range []struct {
		name string
		init []corev1.ContainerStatus
		api  corev1.ContainerStatus
		want evidence.StartWithout
	}{
		{"an init container waits", []corev1.ContainerStatus{{Name: "proxy", State: running}, {Name: "wait", State: running}, {Name: "migrate"}}, corev1.ContainerStatus{Name: "api"},
			evidence.StartWithout{Init: "wait"}},
		{"an init container ends again and again", []corev1.ContainerStatus{{Name: "proxy", State: running}, {Name: "wait", State: exited(0)},
			{Name: "migrate", RestartCount: 2, State: waiting, LastTerminationState: exited(3)}}, corev1.ContainerStatus{Name: "api"},
			evidence.StartWithout{Init: "migrate", InitExits: 3, InitLast: 3}},
		{"the container ends again and again", []corev1.ContainerStatus{{Name: "proxy", State: running}, {Name: "wait", State: exited(0)}, {Name: "migrate", State: exited(0)}},
			corev1.ContainerStatus{Name: "api", RestartCount: 1, State: running, LastTerminationState: exited(1)},
			evidence.StartWithout{Exits: 1, LastExit: 1}},
		{"it runs", []corev1.ContainerStatus{{Name: "proxy", State: running}, {Name: "wait", State: exited(0)}, {Name: "migrate", State: exited(0)}}, corev1.ContainerStatus{Name: "api", State: running},
			evidence.StartWithout{}},
	} {
		o := &outager{TestBed: &TestBed{Container: "api"}}
		var w evidence.StartWithout
		p := &corev1.Pod{Spec: spec, Status: corev1.PodStatus{InitContainerStatuses: x.init, ContainerStatuses: []corev1.ContainerStatus{x.api}}}
		o.lookWithout(p, &w)
		if w.Init != x.want.Init || w.InitExits != x.want.InitExits || w.InitLast != x.want.InitLast || w.Exits != x.want.Exits || w.LastExit != x.want.LastExit {
			t.Errorf("%s: got %+v", x.name, w)
		}
		if !hasBegun(p) {
			t.Errorf("%s: the pod has not begun", x.name)
		}
	}
}
