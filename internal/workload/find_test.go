package workload

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/contract"
)

const zoo = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api, tier: web}}
    spec:
      containers:
        - {name: api, image: app:1}
        - {name: proxy, image: proxy:1}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: postgres}
spec:
  selector: {matchLabels: {app: postgres}}
  template:
    metadata: {labels: {app: postgres}}
    spec: {containers: [{name: postgres, image: "postgres:16"}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {initContainers: [{name: init, image: "postgres:16"}], containers: [{name: agent, image: "agent:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: lone, labels: {app: lone}}
spec: {containers: [{name: lone, image: "lone:1"}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: idle}
spec:
  replicas: 0
  selector: {matchLabels: {app: idle}}
  template:
    metadata: {labels: {app: idle}}
    spec: {containers: [{name: idle, image: "app:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8000}]}
---
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: api, tier: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: back}
spec: {selector: {app: api, tier: back}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: by-hand}
spec: {ports: [{port: 80}]}
`

func controllers(t *testing.T, body string) []Controller {
	t.Helper()
	rs, err := Controllers(parse(t, body))
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestRunners(t *testing.T) {
	var got []string
	for _, r := range controllers(t, zoo) {
		got = append(got, fmt.Sprint(r, " ", r.Replicas, " ", r.Selector, " ", r.Template.Spec.Containers[0].Image))
	}
	want := []string{
		"deployment/api 3 app=api app:1",
		"statefulset/postgres 1 app=postgres postgres:16",
		"daemonset/agent 1 app=agent agent:1",
		"pod/lone 1 app=lone lone:1",
		"deployment/idle 0 app=idle app:1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOwns(t *testing.T) {
	rs := controllers(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {selector: {matchExpressions: [{key: app, operator: In, values: [api, web]}, {key: old, operator: DoesNotExist}]}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: lone}, spec: {containers: []}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: none}, spec: {}}
`)
	for _, c := range []struct {
		pod    corev1.Pod
		owners string
	}{
		{corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "api-1", Labels: map[string]string{"app": "web"}}}, "deployment/api"},
		{corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "api-2", Labels: map[string]string{"app": "web", "old": ""}}}, ""},
		{corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "api-3"}}, ""},
		{corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "lone"}}, "pod/lone"},
	} {
		var owners []string
		for _, r := range rs {
			if r.Owns(&c.pod) {
				owners = append(owners, r.String())
			}
		}
		if got := strings.Join(owners, " "); got != c.owners {
			t.Errorf("pod %s is of %q, want %q", c.pod.Name, got, c.owners)
		}
	}
}

func TestASelectorThatIsNone(t *testing.T) {
	_, err := Controllers(parse(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {selector: {matchExpressions: [{key: app, operator: Is}]}}}"))
	if err == nil || !strings.Contains(err.Error(), "m.yaml:1: deployment/api") {
		t.Errorf("%v, want one that names the object", err)
	}
}

func TestJobs(t *testing.T) {
	jobs, err := Jobs(parse(t, `{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {template: {spec: {restartPolicy: Never, initContainers: [{name: i, image: "init:1"}], containers: [{name: a, image: "app:1"}]}}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: later}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: a, image: "app:2"}]}}}}
`))
	if err != nil || len(jobs) != 1 || jobs[0].String() != "job/migrate" {
		t.Fatalf("%v, %v", jobs, err)
	}
	if diff := cmp.Diff([]string{"init:1", "app:1"}, Images(jobs)); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"batch.kubernetes.io/job-name": "migrate"}}}
	if !jobs[0].Owns(pod) {
		t.Error("its pod is not its own")
	}
}

func TestFind(t *testing.T) {
	rs := controllers(t, zoo)
	if r, ok := Find(rs, contract.Object{Kind: "statefulset", Name: "postgres"}); !ok || r.String() != "statefulset/postgres" {
		t.Errorf("found %v (%t)", r, ok)
	}
	if _, ok := Find(rs, contract.Object{Kind: "deployment", Name: "postgres"}); ok {
		t.Error("found a deployment of a StatefulSet's name")
	}
}

func TestContainerOf(t *testing.T) {
	rs := controllers(t, zoo)
	api, postgres := rs[0], rs[1]
	for _, c := range []struct {
		name  string
		of    Controller
		image string
		want  int
	}{
		{"the only one", postgres, "another:1", 0},
		{"the first", api, "app:1", 0},
		{"the second", api, "proxy:1", 1},
		{"by its full name", api, "docker.io/library/proxy:1", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := ContainerOf(c.of, c.image); err != nil || got != c.want {
				t.Errorf("container %d (%v), want %d", got, err, c.want)
			}
		})
	}
	_, err := ContainerOf(api, "another:1")
	var wrong *ManifestError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "api (app:1), proxy (proxy:1)") {
		t.Errorf("none of them gives %v, want an error that names them", err)
	}
}

// A pod of a StatefulSet's template alone has no volumes for its claims, and is refused.
func TestPodSpecHasVolumesForClaims(t *testing.T) {
	rs, err := Controllers(parse(t, `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      volumes: [{name: config, configMap: {name: api}}, {name: cache, hostPath: {path: /cache}}]
      containers: [{name: api, image: "app:1", volumeMounts: [{name: data, mountPath: /data}]}]
  volumeClaimTemplates:
    - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
    - {metadata: {name: cache}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range rs[0].PodSpec().Volumes {
		got = append(got, fmt.Sprintf("%s, emptyDir %t", v.Name, v.EmptyDir != nil))
	}
	if diff := cmp.Diff([]string{"config, emptyDir false", "data, emptyDir true", "cache, emptyDir true"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(rs[0].Template.Spec.Volumes); n != 2 {
		t.Errorf("the template itself has %d volumes now", n)
	}
}

func TestServices(t *testing.T) {
	objects := parse(t, zoo)
	for i, want := range map[int]string{0: "web front", 1: ""} {
		r := controllers(t, zoo)[i]
		services, err := Services(objects, r)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range services {
			got = append(got, s.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s has the Services %q, want %q", r, got, want)
		}
	}
}

func TestImagesOnceEach(t *testing.T) {
	want := []string{"app:1", "proxy:1", "postgres:16", "agent:1", "lone:1"}
	if diff := cmp.Diff(want, Images(controllers(t, zoo))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
