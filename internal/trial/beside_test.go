package trial

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
)

// nodeless is a bench of a cluster whose nodes may not be touched, with a pod of the workload.
func nodeless(t *testing.T, l life, change ...func(*corev1.PodTemplateSpec)) (*kubelet, *TestBed) {
	t.Helper()
	k := newKubelet(t, l)
	b := k.bench(template(change...))
	b.Node, b.ImageUser = nil, "1001"
	k.start(b, "api-1")
	return k, b
}

func forbidden(why string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "podproof-identity", errors.New(why))
}

// Podproof looks from a container of its own, in a pod that it makes for that and removes again: the
// workload's pods stay as they are.
func TestIdentityFromBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, b := nodeless(t, life{ready: 3 * time.Second})
		b.Trial, b.Redact = Identity.ID, strings.NewReplacer("hunter2", "[masked]").Replace
		k.ops["processes"] = func(args ...string) (string, error) {
			if len(args) != 1 || args[0] != k.pods["podproof-identity"].id {
				t.Errorf("asked for the processes of %q", args)
			}
			return read(status, "/api\037--key=hunter2\037"), nil
		}
		id, err := readIdentity(t.Context(), b.as(t, Identity))
		if err != nil {
			t.Fatal(err)
		}
		want := api(nil)
		want.Command = []string{"/api", "--key=[masked]"}
		if diff := cmp.Diff([]evidence.Process{want}, id.Processes); diff != "" || id.Source != evidence.SourceEphemeral || id.Pod != "podproof-identity" || id.Seconds < 4 {
			t.Errorf("%+v (-want +got):\n%s", id, diff)
		}
		if got := k.besides(); !slices.Equal(got, []string{"podproof-identity"}) {
			t.Errorf("a container was added to %q", got)
		}
		if left := k.there(); !slices.Equal(left, []string{"api-1"}) {
			t.Errorf("left are %q", left)
		}
		no, yes, uid := false, true, int64(1001)
		c := corev1.EphemeralContainer{TargetContainerName: "api", EphemeralContainerCommon: corev1.EphemeralContainerCommon{
			Name: "podproof-look-1", Image: "agent:1", ImagePullPolicy: corev1.PullIfNotPresent,
			Args: []string{"agent", "look", "attend", k.pods["podproof-identity"].id, "600"}, TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			SecurityContext: &corev1.SecurityContext{RunAsUser: &uid, RunAsNonRoot: &yes, AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
				Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		}}
		if diff := cmp.Diff([]corev1.EphemeralContainer{c}, k.beside.made); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// What the cluster refuses is told with what would help, and what the status says remains.
func TestAClusterThatLetsNobodyLook(t *testing.T) {
	for name, c := range map[string]struct {
		refuse error
		want   string
	}{
		"no right":      {forbidden(`User "ci" cannot patch resource "pods/ephemeralcontainers" in API group ""`), "lacks the right to `patch` pods/ephemeralcontainers"},
		"admission":     {forbidden(`violates PodSecurity "restricted:latest": hunter2`), `Let the namespace's policy admit`},
		"no such thing": {apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "x"), "this cluster has none"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, b := nodeless(t, life{})
				b.Trial, b.Redact = Identity.ID, strings.NewReplacer("hunter2", "[masked]").Replace
				k.beside.refuse = func(corev1.EphemeralContainer) error { return c.refuse }
				id, err := readIdentity(t.Context(), b.as(t, Identity))
				if err != nil || id.Source != evidence.SourceStatus || len(id.Processes) > 0 || !strings.Contains(id.Unseen, c.want) || strings.Contains(id.Unseen, "hunter2") {
					t.Errorf("got %+v (%v)", id, err)
				}
				b.Trial, b.agent = Resources.ID, answers(fine).attach
				if r, err := measure(t.Context(), b.as(t, Resources)); err == nil || r != nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %+v (%v)", r, err)
				}
				if left := k.there(); !slices.Equal(left, []string{"api-1"}) {
					t.Errorf("left are %q", left)
				}
			})
		})
	}
}

func TestAContainerBesideThatDoesNotRun(t *testing.T) {
	waits := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "it says hunter2"}}
	}
	for name, c := range map[string]struct {
		life   life
		change func(*kubelet, *TestBed)
		want   string
	}{
		"no image":             {life{}, func(_ *kubelet, b *TestBed) { b.AgentImage = "" }, "podproof's own image is not in the cluster"},
		"its image is missing": {life{}, func(k *kubelet, _ *TestBed) { k.beside.state = waits("ErrImagePull") }, "did not run: the image cannot be pulled (ErrImagePull): it says [masked]"},
		"it has ended": {life{}, func(k *kubelet, _ *TestBed) {
			k.beside.state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Message: "no process of container c2 is in sight"}}
		}, "exit code 3. no process of container c2 is in sight"},
		"it takes for ever": {life{}, func(k *kubelet, _ *TestBed) { k.beside.state = waits("ContainerCreating") }, "did not run within 1m0s"},
		"the other ends":    {life{ends: 30 * time.Second}, func(k *kubelet, _ *TestBed) { k.beside.state = waits("ContainerCreating") }, "container api ended meanwhile, with exit code 0"},
		"the other crashes": {life{}, func(k *kubelet, _ *TestBed) {
			k.life = func(*corev1.Pod) life { return life{ends: time.Second, never: true, code: 1} }
		}, "no container of the trial's own pod runs"},
		"nobody is in sight": {life{}, func(k *kubelet, _ *TestBed) { k.ops["processes"] = func(...string) (string, error) { return "", nil } }, "had no process when /proc was read beside it"},
		"/proc is shut": {life{}, func(k *kubelet, _ *TestBed) {
			k.ops["processes"] = func(...string) (string, error) { return "", errors.New("shut") }
		}, "reading /proc beside the container: shut"},
		"the API server is away": {life{}, func(k *kubelet, _ *TestBed) {
			k.beside.refuse = func(corev1.EphemeralContainer) error { return errors.New("connection refused") }
		}, "adding podproof's own container to its pod: connection refused"},
		"it is overloaded": {life{}, func(k *kubelet, _ *TestBed) {
			k.beside.refuse = func(corev1.EphemeralContainer) error { return apierrors.NewTooManyRequests("later", 1) }
		}, "adding podproof's own container to its pod: later"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, b := nodeless(t, life{})
				if c.life != (life{}) {
					k.life = func(*corev1.Pod) life { return c.life }
				}
				b.Trial, b.Redact = Identity.ID, strings.NewReplacer("hunter2", "[masked]").Replace
				c.change(k, b)
				id, err := readIdentity(t.Context(), b.as(t, Identity))
				if err == nil || id != nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %+v, %v", id, err)
				}
				if left := k.there(); slices.Contains(left, "podproof-identity") {
					t.Errorf("left are %q", left)
				}
			})
		})
	}
}

// It runs as the target's own user: as that is told, or as it turns out.
func TestAsWhomPodproofLooks(t *testing.T) {
	root, other := with("Uid:\t1001\t1001\t1001\t1001", "Uid:\t0\t0\t0\t0"), with("Uid:\t1001\t1001\t1001\t1001", "Uid:\t999\t999\t999\t999")
	security := func(s corev1.SecurityContext) func(*corev1.PodTemplateSpec) {
		return func(t *corev1.PodTemplateSpec) { t.Spec.Containers[0].SecurityContext = &s }
	}
	never := func(corev1.EphemeralContainer) error { return nil }
	noRoot := func(c corev1.EphemeralContainer) error {
		if *c.SecurityContext.RunAsUser == 0 {
			return forbidden("no root here")
		}
		return nil
	}
	for name, c := range map[string]struct {
		image    string
		template func(*corev1.PodTemplateSpec)
		reported *corev1.ContainerUser
		status   string
		refuse   func(corev1.EphemeralContainer) error
		want     []int64
	}{
		"the image's": {"1001:0", nil, nil, status, never, []int64{1001}},
		"the pod's": {"7", func(t *corev1.PodTemplateSpec) {
			t.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1001))}
		}, nil, status, never, []int64{1001}},
		"the container's":             {"7", security(corev1.SecurityContext{RunAsUser: new(int64(1001)), RunAsGroup: new(int64(5))}), nil, status, never, []int64{1001}},
		"the runtime's":               {"7", nil, &corev1.ContainerUser{Linux: &corev1.LinuxContainerUser{UID: 1001, GID: 1}}, status, never, []int64{1001}},
		"a name's":                    {"app", nil, nil, status, never, []int64{AgentUID, 1001}},
		"root's":                      {"", security(corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN"}}}), nil, root, never, []int64{0}},
		"root's, which drops it":      {"root", nil, nil, other, never, []int64{0, 999}},
		"root's, and root is refused": {"", nil, nil, root, noRoot, []int64{AgentUID}},
		"it changes for ever":         {"7", nil, nil, with("Uid:\t1001\t1001\t1001\t1001", "Uid:\t8\t8\t8\t8"), never, []int64{7, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var change []func(*corev1.PodTemplateSpec)
				if c.template != nil {
					change = append(change, c.template)
				}
				k, b := nodeless(t, life{}, change...)
				b.ImageUser, k.beside.refuse = c.image, c.refuse
				k.ops["processes"] = func(...string) (string, error) { return read(c.status, "/api\037"), nil }
				e, err := b.ending(t.Context(), "x")
				if err != nil {
					t.Fatal(err)
				}
				defer e.release(t.Context())
				e.now = e.now.DeepCopy() // it is the watch's as well
				e.now.Status.ContainerStatuses[0].User = c.reported
				if _, err := b.lookInto(t.Context(), e.now); err != nil {
					t.Fatal(err)
				}
				var got []int64
				for _, m := range k.beside.made {
					s := m.SecurityContext
					got = append(got, *s.RunAsUser)
					if asRoot := *s.RunAsUser == 0; *s.RunAsNonRoot == asRoot || *s.AllowPrivilegeEscalation || s.Privileged != nil ||
						!asRoot && s.Capabilities.Drop[0] != "ALL" {
						t.Errorf("its rights are %+v", s)
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("it looked as %d, want %d", got, c.want)
				}
			})
		})
	}
}

func TestResourcesFromBeside(t *testing.T) {
	// from is what is measured where the group is in sight or not, and the writes are told so.
	from := func(t *testing.T, summed, wrote string, unknown error) (*evidence.Resources, error) {
		k, b := nodeless(t, life{})
		b.Trial, b.agent = Resources.ID, answers(fine).attach
		use := working()
		k.ops["usage"] = func(...string) (string, error) {
			out, err := use()
			return out + summed, err
		}
		k.ops["writes"] = func(...string) (string, error) { return wrote, unknown }
		r, err := measure(t.Context(), b.as(t, Resources))
		if got, left := k.besides(), k.there(); !slices.Equal(got, []string{"podproof-resources"}) || !slices.Equal(left, []string{"api-1"}) {
			t.Errorf("a container was added to %q, and left are %q", got, left)
		}
		return r, err
	}
	synctest.Test(t, func(t *testing.T) {
		r, err := from(t, "", "mount\t/\n7\t/app/cache\nunread\t/secret\n", nil)
		if err != nil || r.Pod != "podproof-resources" || r.Source != evidence.SourceEphemeral || r.Summed || r.Idle.Memory != 4000 || r.Loaded.Window != 2 || r.Requests < 350 || len(r.Writes) != 1 || r.WritesUnknown != "" {
			t.Errorf("got %+v (%v)", r, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, err := from(t, "summed\n", "mount\t/\nunread\t/secret\n", nil)
		if err != nil || !r.Summed || r.Idle.Memory != 4000 || r.WritesUnknown != "it may write into /secret, which podproof cannot read from beside it" {
			t.Errorf("got %+v (%v)", r, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, err := from(t, "", "", errors.New("cannot be entered by UID 7"))
		if err != nil || !strings.HasSuffix(r.WritesUnknown, "from beside it: cannot be entered by UID 7") {
			t.Errorf("got %+v (%v)", r, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // killed under load
		k, b := nodeless(t, life{})
		k.life = func(p *corev1.Pod) life {
			if p.Name == "api-1" {
				return life{}
			}
			return life{ends: 4 * time.Second, code: 137}
		}
		b.Trial, b.agent = Resources.ID, answers(fine).attach
		use, began := working(), time.Now()
		k.ops["usage"] = func(...string) (string, error) {
			if time.Since(began) > 4*time.Second {
				return "", errors.New("container not running")
			}
			return use()
		}
		r, err := measure(t.Context(), b.as(t, Resources))
		if err != nil || r.Ended == nil || r.Ended.ExitCode != 137 {
			t.Errorf("got %+v (%v)", r, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // what is not Ready is not measured
		k, b := nodeless(t, life{})
		k.life = func(*corev1.Pod) life { return life{never: true} }
		b.Trial = Resources.ID
		if r, err := measure(t.Context(), b.as(t, Resources)); err == nil || r != nil || !strings.Contains(err.Error(), "did not become Ready") {
			t.Errorf("got %+v (%v)", r, err)
		}
	})
}

// The end of a stream from the same PID namespace is that of the processes, where the kubelet agrees.
func TestTerminationFromBeside(t *testing.T) {
	for name, c := range map[string]struct {
		breaks time.Duration
		refuse error
		source string
	}{
		"it looks on":       {0, nil, evidence.SourceEphemeral},
		"its stream breaks": {2 * time.Second, nil, "watch"},
		"it may not":        {0, forbidden("no"), "watch"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, b := nodeless(t, life{stops: 8500 * time.Millisecond})
				k.beside.breaks = c.breaks
				k.beside.refuse = func(corev1.EphemeralContainer) error { return c.refuse }
				got, err := terminate(t.Context(), b)
				if err != nil || !got.WasReady || !got.Exited || got.ExitSource != c.source || got.ExitExact() != (c.source == evidence.SourceEphemeral) {
					t.Fatalf("got %+v (%v)", got, err)
				}
				if looked := c.refuse == nil; looked != (got.PID1 != nil) || looked && (got.PID1.PID != 1 || got.PID1.Command[0] != "/api") {
					t.Errorf("PID 1 is %+v", got.PID1)
				}
				if off := got.Seconds - 8.5; off < 0 || off > 2 || got.ExitExact() && off > 0.1 {
					t.Errorf("it ended after %.3f s", got.Seconds)
				}
				if left := k.there(); !slices.Equal(left, []string{"api-1"}) {
					t.Errorf("left are %q", left)
				}
			})
		})
	}
}

// A process without a probe is given its time to come up, where nobody sees it listen.
func TestAProcessWithoutAProbeFromBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, b := nodeless(t, life{}, func(t *corev1.PodTemplateSpec) { t.Spec.Containers[0].ReadinessProbe = nil })
		began := time.Now()
		got, err := terminate(t.Context(), b)
		if err != nil || !got.WasReady || got.Deleted.Sub(began) < listenWithin {
			t.Errorf("after %s: %+v (%v)", got.Deleted.Sub(began), got, err)
		}
	})
}

// Podproof's own container is told to end when the other is, and before a sleep of that one's.
func TestTheStopSignalFromBeside(t *testing.T) {
	sleeps := func(h *corev1.LifecycleHandler) func(*corev1.PodTemplateSpec) {
		return func(t *corev1.PodTemplateSpec) { t.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: h} }
	}
	for name, c := range map[string]struct {
		change func(*corev1.PodTemplateSpec)
		told   time.Duration
		want   time.Duration
	}{
		"at once":             {sleeps(nil), 300 * time.Millisecond, 300 * time.Millisecond},
		"after a sleep":       {sleeps(&corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 4}}), 300 * time.Millisecond, 4300 * time.Millisecond},
		"after nobody knows":  {sleeps(&corev1.LifecycleHandler{Exec: &corev1.ExecAction{}}), 300 * time.Millisecond, -1},
		"by another clock":    {sleeps(nil), -time.Hour, -1},
		"by a clock of later": {sleeps(nil), time.Hour, -1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, b := nodeless(t, life{}, c.change)
				since := time.Now()
				k.beside.told = since.Add(c.told)
				time.Sleep(500 * time.Millisecond)
				s := &beside{bench: b, pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "api-1", Namespace: "shop"}}, name: "podproof-look-1"}
				at, ok := <-s.watchSignal(t.Context(), since)
				if ok != (c.want >= 0) || ok && (at.Sub(since) != c.want || time.Now().Before(at)) {
					t.Errorf("%s after the deletion, %t", at.Sub(since), ok)
				}
			})
		})
	}
}

// Whoever looks on tells the requests in flight when the signal came.
func TestRequestsInFlightFromBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, b := nodeless(t, life{stops: 6 * time.Second})
		b.Asked.Upload, b.agent = &Route{Method: "POST", Path: "/"}, answers(fine).attach
		got, err := terminateInFlight(t.Context(), b)
		if err != nil || got.ExitSource != evidence.SourceEphemeral || got.Signalled.IsZero() || got.Signalled.Sub(got.Deleted) > time.Second || got.Released.Sub(got.Signalled) > firstHeld+time.Second {
			t.Errorf("got %+v (%v)", got, err)
		}
		if got := k.besides(); !slices.Equal(got, []string{"podproof-termination"}) {
			t.Errorf("a container was added to %q", got)
		}
	})
}

// The agent's own sockets show pods where an address is translated before a connection is made.
func TestUnreachedByTheAgentsSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := rolling(t, k, 2)
		b.Node, b.looks = nil, k.looks
		r := &roller{TestBed: b, plan: agent.Plan{}}
		ps := b.Observer.Pods(podsOf(b.Subject))
		for name, c := range map[string]struct {
			says string
			err  error
			want []string
			seen bool
		}{
			"each has one":          {ps[0].Status.PodIP + ":8000\n10.96.0.1:443\n" + ps[1].Status.PodIP + ":8000\n", nil, nil, true},
			"one has none":          {ps[1].Status.PodIP + ":8000\n", nil, []string{ps[0].Name}, true},
			"they are translated":   {"10.96.0.2:80\n10.96.0.2:80\n", nil, nil, false},
			"the agent is away":     {ps[1].Status.PodIP + ":8000\n", errors.New("away"), nil, false},
			"it says another thing": {"nobody\n", nil, nil, false},
		} {
			k.ops["remotes"] = func(...string) (string, error) { return c.says, c.err }
			missed, seen := r.unreachedBySockets(t.Context(), r.living())
			if !slices.Equal(missed, c.want) || seen != c.seen || !slices.Equal(r.unreached(t.Context(), r.living()), c.want) {
				t.Errorf("%s: %q, %t", name, missed, seen)
			}
		}
	})
}
