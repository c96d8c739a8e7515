package trial

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/streaming/pkg/httpstream/wsstream"

	"podproof.dev/podproof/internal/workload"
)

func TestTheAgentIsStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{after: 2 * time.Second})
		b := k.bench(template())
		if err := b.StartAgent(t.Context(), "agent:1", 30*time.Second); err != nil {
			t.Fatal(err)
		}
		p, err := k.client.CoreV1().Pods("shop").Get(t.Context(), agentName, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c := p.Spec.Containers[0]
		if c.Image != "agent:1" || *p.Spec.SecurityContext.RunAsUser != AgentUID || *p.Spec.ActiveDeadlineSeconds != 1920 || p.Labels[workload.RunLabel] != "r1" || podsOf(b.Subject)(p) {
			t.Errorf("got %+v", p.Spec)
		}
		if err := b.StartAgent(t.Context(), "agent:1", 0); err == nil || !strings.Contains(err.Error(), "creating the trial's pod podproof-agent") {
			t.Errorf("there are two: %v", err)
		}
	})
	for name, c := range map[string]struct {
		life life
		want string
		took time.Duration
	}{
		"its image is missing": {life{waits: "ErrImageNeverPull"}, "podproof's agent did not start, which sends the requests from inside the cluster: pod podproof-agent, container agent: the image is not on the node", 0},
		"it is never started":  {life{waits: "ContainerCreating"}, "agent waiting: ContainerCreating", startWithin},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newKubelet(t, c.life).bench(template())
				began := time.Now()
				err := b.StartAgent(t.Context(), "agent:1", time.Second)
				if took := time.Since(began).Round(time.Second); err == nil || !strings.Contains(err.Error(), c.want) || took != c.took {
					t.Errorf("after %s: %v", took, err)
				}
			})
		})
	}
}

// execServer plays the API server's exec of the agent, which says back what it is told, and ends as it is told.
func execServer(t *testing.T, said string, end metav1.Status) *TestBed {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); r.Method != http.MethodGet || r.URL.Path != "/api/v1/namespaces/shop/pods/podproof-agent/exec" || q.Get("container") != "agent" || strings.Join(q["command"], " ") != "/podproof agent attach" {
			t.Errorf("asked for %s %s", r.Method, r.URL)
		}
		conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{"v5.channel.k8s.io": {Binary: true,
			Channels: []wsstream.ChannelType{wsstream.ReadChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.ReadChannel}}})
		_, streams, err := conn.Open(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.Copy(streams[1], streams[0])
		_, _ = io.WriteString(streams[2], said)
		_ = json.NewEncoder(streams[3]).Encode(end)
	}))
	t.Cleanup(server.Close)
	config := &rest.Config{Host: server.URL}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return &TestBed{REST: config, Applier: &workload.Applier{Client: client}, AgentNamespace: "shop"}
}

func TestTheAgentIsAttachedToOverTheAPIServer(t *testing.T) {
	var out bytes.Buffer
	b := execServer(t, "a warning", metav1.Status{Status: metav1.StatusSuccess})
	if err := b.attach(t.Context(), strings.NewReader("plan\n"), &out); err != nil || out.String() != "plan\n" {
		t.Errorf("it said %q, %v", out.String(), err)
	}
	fails := metav1.Status{Status: metav1.StatusFailure, Message: "command terminated"}
	err := execServer(t, " no such socket \n", fails).attach(t.Context(), strings.NewReader(""), io.Discard)
	if err == nil || !strings.HasSuffix(err.Error(), "command terminated: no such socket") {
		t.Errorf("got %v", err)
	}
	err = execServer(t, "", fails).attach(t.Context(), strings.NewReader(""), io.Discard)
	if err == nil || strings.HasSuffix(err.Error(), ": ") {
		t.Errorf("got %v", err)
	}
}

// A pod that ended by itself has a container that does not run.
func TestBegan(t *testing.T) {
	b := &TestBed{Container: "api"}
	for name, c := range map[string]struct {
		state corev1.ContainerState
		want  bool
	}{
		"it waits": {corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}, false},
		"it runs":  {corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, true},
		"it ended": {corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}, true},
	} {
		p := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "api", State: c.state}}}}
		if b.began(p) != c.want || hasBegun(p) != c.want {
			t.Errorf("%s: %t, %t", name, b.began(p), hasBegun(p))
		}
	}
	if p := (&corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{RestartCount: 1}}}}); !hasBegun(p) {
		t.Error("what was restarted has begun")
	}
}
