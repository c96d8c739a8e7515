package trial

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// measured makes the trial on a node whose agent answers "usage" and "writes" so.
func measured(t *testing.T, a answers, usage, writes func() (string, error), change func(*kubelet, *TestBed)) (*evidence.Resources, error) {
	t.Helper()
	k := newKubelet(t, life{})
	b := k.bench(template())
	k.start(b, "api-1")
	k.ops["usage"] = func(args ...string) (string, error) {
		if args[0] != "c1" {
			t.Errorf("the usage of %q is read", args)
		}
		return usage()
	}
	k.ops["writes"] = func(...string) (string, error) { return writes() }
	b.agent = a.attach
	if change != nil {
		change(k, b)
	}
	return measure(t.Context(), b.as(t, Resources))
}

func wrote() (string, error) { return "7\t/app/cache\n", nil }

// working is a container that has half a CPU, and is held back a tenth of the time.
func working() func() (string, error) {
	began := time.Now()
	return func() (string, error) {
		us := time.Since(began).Microseconds()
		return fmt.Sprintf("5000\n1000\n%d\n%d\n", us/2, us/10), nil
	}
}

func TestAContainerIsMeasuredIdleAndUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := measured(t, fine, working(), wrote, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range []evidence.Usage{r.Idle, r.Loaded} {
			if u.Memory != 4000 || u.Window != 2 || u.CPU < 0.49 || u.CPU > 0.51 || u.Throttled < 0.19 || u.Throttled > 0.21 {
				t.Errorf("got %+v", u)
			}
		}
		if r.Pod != "api-1" || r.Requests < 350 || r.Requests > 420 || r.Ended != nil || r.Unserved != "" || len(r.Writes) != 1 || r.Seconds < 4 {
			t.Errorf("got %+v", r)
		}
	})
}

// Whoever serves nobody is measured idle; errors are no load.
func TestAContainerIsMeasuredWithoutALoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := measured(t, fine, working(), wrote, func(_ *kubelet, b *TestBed) { b.Asked.Load.Port = 0 })
		if err != nil || r.Idle.Window != 2 || r.Loaded.Window != 0 || r.Unserved != "" || len(r.Writes) != 1 {
			t.Errorf("got %+v (%v)", r, err)
		}
		r, err = measured(t, always(500), working(), wrote, nil)
		if err != nil || r.Idle.Window != 2 || r.Loaded.Window != 0 || !strings.Contains(r.Unserved, "was answered 500") || len(r.Writes) != 1 {
			t.Errorf("got %+v (%v)", r, err)
		}
		r, err = measured(t, fine, working(), func() (string, error) { return "", errors.New("no upper directory") }, nil)
		if err != nil || !strings.Contains(r.WritesUnknown, "no upper directory on the node") || r.Writes != nil {
			t.Errorf("got %+v (%v)", r, err)
		}
	})
}

// What had ended before is not told.
func TestAContainerThatWasRestartedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := measured(t, fine, working(), wrote, func(k *kubelet, _ *TestBed) {
			k.change("api-1", func(p *corev1.Pod) {
				s := &p.Status.ContainerStatuses[0]
				s.RestartCount, s.LastTerminationState.Terminated = 1, &corev1.ContainerStateTerminated{ExitCode: 1}
			})
			synctest.Wait()
		})
		if err != nil || r.Ended != nil {
			t.Errorf("got %+v (%v)", r, err)
		}
	})
}

// A container that ends while it is measured is told with how it ended.
func TestAContainerThatEndsWhileItIsMeasured(t *testing.T) {
	for name, c := range map[string]struct{ usage, writes func() (string, error) }{
		"before it is read":   {func() (string, error) { return "gone", nil }, wrote},
		"before its writes":   {nil, func() (string, error) { return "gone", nil }},
		"with no error of it": {nil, wrote},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.usage == nil {
					c.usage = working()
				}
				r, err := measured(t, fine, c.usage, c.writes, func(k *kubelet, _ *TestBed) {
					time.AfterFunc(3*time.Second, func() {
						k.change("api-1", func(p *corev1.Pod) {
							s := &p.Status.ContainerStatuses[0]
							s.RestartCount, s.LastTerminationState.Terminated = 1, &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}
						})
					})
				})
				if err != nil || r.Ended == nil || r.Ended.Reason != "OOMKilled" {
					t.Errorf("got %+v (%v)", r, err)
				}
			})
		})
	}
}

func TestAContainerThatCannotBeMeasured(t *testing.T) {
	for name, c := range map[string]struct {
		usage  func() (string, error)
		change func(*kubelet, *TestBed)
		want   string
	}{
		"it is gone, and nobody knows why": {func() (string, error) { return "gone", nil }, nil, "container api was gone from node worker"},
		"no node, and no image":            {working(), func(_ *kubelet, b *TestBed) { b.Node, b.AgentImage = nil, "" }, "podproof's own image is not in the cluster"},
		"not Ready": {working(), func(k *kubelet, b *TestBed) {
			k.ready("api-1", false)
			time.Sleep(time.Second)
		}, "no pod of deployment/api is Ready"},
		"no control group": {func() (string, error) { return "", errors.New("no such file") }, nil, "reading the container's control group: no such file"},
		"nonsense":         {func() (string, error) { return "1 2", nil }, nil, "expected four numbers"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, err := measured(t, fine, c.usage, wrote, c.change)
				if err == nil || r != nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %+v, %v", r, err)
				}
			})
		})
	}
}
