package kind

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/exec"
	"sigs.k8s.io/yaml"
)

func TestConfig(t *testing.T) {
	type args struct {
		ExtraArgs []struct{ Name, Value string }
	}
	type patch struct {
		Kind                         string
		FailCgroupV1                 *bool
		PodPidsLimit                 int64
		NodeStatusReportFrequency    string
		ControllerManager, Scheduler args
	}
	for i := range 4 {
		v1, warm := i%2 == 1, i > 1
		t.Run(fmt.Sprintf("cgroup v1 %t, warm %t", v1, warm), func(t *testing.T) {
			c := config(v1, warm)
			if len(c.Nodes) != 1 || c.Nodes[0].Role != v1alpha4.ControlPlaneRole {
				t.Errorf("nodes are %+v, want one control plane", c.Nodes)
			}
			patches := map[string]patch{}
			for _, text := range c.KubeadmConfigPatches {
				var p patch
				if err := yaml.Unmarshal([]byte(text), &p); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				patches[p.Kind] = p
			}
			cc := patches["ClusterConfiguration"]
			for component, a := range map[string]args{"controller manager": cc.ControllerManager, "scheduler": cc.Scheduler} {
				want := "{leader-elect false} {kube-api-qps 1000} {kube-api-burst 2000}"
				if warm && component == "controller manager" {
					want += " {node-monitor-grace-period 240h}"
				}
				if got := fmt.Sprint(a.ExtraArgs); got != "["+want+"]" {
					t.Errorf("the %s's arguments are %s", component, got)
				}
			}
			kubelet := patches["KubeletConfiguration"]
			if told := kubelet.FailCgroupV1 != nil && !*kubelet.FailCgroupV1; told != v1 {
				t.Errorf("the kubelet is told failCgroupV1: false: %t, want %t", told, v1)
			}
			if want := map[bool]string{true: heartbeats.String()}[warm]; kubelet.NodeStatusReportFrequency != want {
				t.Errorf("the kubelet reports a heartbeat every %q, want %q", kubelet.NodeStatusReportFrequency, want)
			}
			if kubelet.PodPidsLimit != 4096 {
				t.Errorf("a pod may have %d processes, want 4096", kubelet.PodPidsLimit)
			}
		})
	}
}

// What podproof is timed beside is given the same settings.
func TestTheBenchsClustersAreAsPodproofs(t *testing.T) {
	b, err := os.ReadFile("../../../hack/bench/kind.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c v1alpha4.Cluster
	if err := yaml.UnmarshalStrict(b, &c); err != nil {
		t.Fatal(err)
	}
	v1alpha4.SetDefaultsCluster(&c)
	if diff := cmp.Diff(config(true, false), &c); diff != "" {
		t.Errorf("hack/bench/kind.yaml gives kind other settings than podproof does (-podproof +bench):\n%s", diff)
	}
}

func TestExplain(t *testing.T) {
	inner := errors.New("exit status 1")
	var lines []string
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("line %d", i))
	}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"another error", inner, "exit status 1"},
		{"no output", &exec.RunError{Command: []string{"docker", "ps", "-a"}, Inner: inner}, "`docker ps -a`: exit status 1"},
		{"wrapped, with output",
			fmt.Errorf("failed to create: %w", &exec.RunError{Command: []string{"docker", "run"}, Output: []byte("no space left\n"), Inner: inner}),
			"`docker run`: exit status 1:\nno space left"},
		{"no node image", &exec.RunError{Command: []string{"docker", "pull", "kindest/node:v1"}, Output: []byte("no such host\n"), Inner: inner},
			"the Docker engine has no node image kindest/node:v1, and cannot pull it; name one that it has, or that a registry within reach has, with --node-image or PODPROOF_NODE_IMAGE, or load it (docker load):\nno such host"},
		{"long output", &exec.RunError{Command: []string{"docker", "run"}, Output: []byte(strings.Join(lines, "\n")), Inner: inner},
			"`docker run`: exit status 1:\n" + strings.Join(lines[8:], "\n")},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := explain(c.err)
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !errors.Is(err, inner) {
				t.Error("the cause is lost")
			}
		})
	}
}

// idleEngine is a Docker engine with no container, in which nothing ever starts.
func idleEngine(t *testing.T) {
	t.Helper()
	m := http.NewServeMux()
	m.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
	m.HandleFunc("/v1.41/containers/json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") })
	m.HandleFunc("/v1.41/events", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	srv := httptest.NewServer(m)
	t.Cleanup(srv.Close)
	t.Setenv("DOCKER_HOST", "tcp://"+srv.Listener.Addr().String())
}

func TestBootedEndsWithOpen(t *testing.T) {
	idleEngine(t)
	k := &Kind{name: "none", owned: true, ended: make(chan struct{})}
	close(k.ended)
	if err := k.Booted(t.Context()); err == nil || !strings.Contains(err.Error(), "nodes did not start") {
		t.Errorf("nodes that never started: %v", err)
	}
}

func TestBootedEndsWithItsContext(t *testing.T) {
	idleEngine(t)
	k := &Kind{name: "none", owned: true, ended: make(chan struct{})}
	cause := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(cause) })
	if err := k.Booted(ctx); !errors.Is(err, cause) {
		t.Errorf("it ended with %v, want %v", err, cause)
	}
}
