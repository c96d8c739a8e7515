package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/exec"
	"sigs.k8s.io/yaml"
)

func TestConfigPatchesTheKubeletOnCgroupV1Only(t *testing.T) {
	type args struct {
		ExtraArgs []struct{ Name, Value string }
	}
	type patch struct {
		Kind                         string
		FailCgroupV1                 *bool
		ControllerManager, Scheduler args
	}
	for _, v1 := range []bool{false, true} {
		t.Run(fmt.Sprintf("cgroup v1 %t", v1), func(t *testing.T) {
			c := config(Options{CgroupV1: v1})
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
				if got := fmt.Sprint(a.ExtraArgs); got != "[{leader-elect false} {kube-api-qps 1000} {kube-api-burst 2000}]" {
					t.Errorf("the %s's arguments are %s", component, got)
				}
			}
			kubelet, patched := patches["KubeletConfiguration"]
			if patched != v1 {
				t.Errorf("the kubelet is patched: %t, want %t", patched, v1)
			}
			if v1 && (kubelet.FailCgroupV1 == nil || *kubelet.FailCgroupV1) {
				t.Error("the kubelet is not told failCgroupV1: false")
			}
		})
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

func TestAwaitBootEndsWithCreate(t *testing.T) {
	k := &Kind{booted: make(chan struct{}), ended: make(chan struct{})}
	close(k.ended)
	if err := k.AwaitBoot(t.Context()); err == nil {
		t.Error("nodes that never started are said to run")
	}
}

func TestAwaitBootEndsWithItsContext(t *testing.T) {
	k := &Kind{booted: make(chan struct{}), ended: make(chan struct{})}
	cause := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := k.AwaitBoot(ctx); !errors.Is(err, cause) {
		t.Errorf("it ended with %v, want %v", err, cause)
	}
}
