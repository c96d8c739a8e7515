package contract

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

func reactbin() Facts {
	return Facts{
		Image: ImageFacts{
			User:         "1001:1002",
			ExposedPorts: []string{"9000/tcp", "53/udp"},
			Healthcheck:  []string{"CMD-SHELL", "wget -q 'http://localhost:7000/from-healthcheck' || exit 1"},
		},
		Workloads: []WorkloadFacts{
			{Object: Object{"statefulset", "postgres"}, Containers: []ContainerFacts{{Name: "postgres", Image: "postgres:16-alpine"}}},
			{
				Object:       Object{"deployment", "api"},
				GraceSeconds: ptr(int64(45)),
				Containers: []ContainerFacts{{
					Name: "api", Image: "docker.io/library/reactbin-api-prod:latest",
					Ports:      []PortFact{{"web", 8000}, {"metrics", 9100}},
					Liveness:   &ProbeFact{"/live", "web"},
					Startup:    &ProbeFact{"/start", "web"},
					Readiness:  &ProbeFact{"/ready", "web"},
					RunAsUser:  ptr(int64(1001)),
					RunAsGroup: ptr(int64(1001)),
				}},
			},
			{Object: Object{"daemonset", "logs"}, Containers: []ContainerFacts{{Name: "logs", Image: "logs"}}},
		},
	}
}

func TestDeriveFillsWhatIsEmpty(t *testing.T) {
	got, derived, err := Derive(Contract{Image: "reactbin-api-prod"}, reactbin())
	if err != nil {
		t.Fatal(err)
	}
	want := Contract{
		Image: "reactbin-api-prod", Workload: "deployment/api", Dependencies: []string{"statefulset/postgres"},
		HTTP:        HTTP{Port: 8000, Health: "/live"},
		Identity:    Identity{UID: ptr(int64(1001)), GID: ptr(int64(1001))},
		Startup:     Startup{Within: Duration(30 * time.Second), Stream: StreamAny},
		Termination: Termination{Duration(45 * time.Second), []int32{0}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	wantFrom := []Derived{
		{"workload", "deployment/api", "the manifests: it runs reactbin-api-prod"},
		{"dependencies", "statefulset/postgres", "the other workloads of the manifests"},
		{"http.health", "/live", "the liveness probe of deployment/api"},
		{"http.port", "8000", "the liveness probe of deployment/api"},
		{"identity.uid", "1001", "runAsUser of deployment/api"},
		{"identity.gid", "1001", "runAsGroup of deployment/api"},
		{"startup.within", "30s", "podproof's default"},
		{"startup.stream", "any", "podproof's default"},
		{"termination.within", "45s", "terminationGracePeriodSeconds of deployment/api"},
		{"termination.exitCodes", "0", "podproof's default"},
	}
	if !reflect.DeepEqual(derived, wantFrom) {
		t.Errorf("got  %v\nwant %v", derived, wantFrom)
	}
}

func TestDeriveNeverOverrides(t *testing.T) {
	full := Contract{
		Image: "reactbin-api-prod", Workload: "deployment/api", Dependencies: []string{},
		HTTP: HTTP{Port: 1, Health: "/h"}, Identity: Identity{UID: ptr(int64(0)), GID: ptr(int64(0))},
		Startup:     Startup{Within: Duration(time.Second), Stream: StreamStdout},
		Termination: Termination{Duration(time.Second), []int32{7}},
	}
	got, derived, err := Derive(full, reactbin())
	if err != nil || len(derived) > 0 || !reflect.DeepEqual(got, full) {
		t.Errorf("%+v, %v, %v", got, derived, err)
	}
}

func TestDeriveFromNothing(t *testing.T) {
	got, _, err := Derive(Contract{}, Facts{})
	want := Contract{
		Startup:     Startup{Within: Duration(30 * time.Second), Stream: StreamAny},
		Termination: Termination{Duration(30 * time.Second), []int32{0}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

// The image's configuration is known later than the manifests.
func TestDeriveTwice(t *testing.T) {
	f := reactbin()
	f.Workloads = []WorkloadFacts{{Object: Object{"deployment", "api"}, Containers: []ContainerFacts{{Image: "api:1"}}}}
	img := f.Image
	f.Image = ImageFacts{}
	c, _, err := Derive(Contract{}, f)
	if err != nil || c.Image != "api:1" || c.Workload != "deployment/api" || c.HTTP != (HTTP{}) {
		t.Fatalf("%+v, %v", c, err)
	}
	f.Image = img
	c, _, err = Derive(c, f)
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP != (HTTP{Port: 7000, Health: "/from-healthcheck"}) || *c.Identity.UID != 1001 || *c.Identity.GID != 1002 {
		t.Errorf("%+v", c)
	}
}

func TestDeriveHTTP(t *testing.T) {
	for _, tt := range []struct {
		name string
		k    ContainerFacts
		img  ImageFacts
		want HTTP
	}{
		{"startup probe", ContainerFacts{Startup: &ProbeFact{"/s", "80"}, Readiness: &ProbeFact{"/r", "81"}}, ImageFacts{}, HTTP{Port: 80, Health: "/s"}},
		{"readiness probe", ContainerFacts{Readiness: &ProbeFact{"/r", "81"}}, ImageFacts{}, HTTP{Port: 81, Health: "/r"}},
		{"only port", ContainerFacts{Ports: []PortFact{{"", 8080}}}, ImageFacts{ExposedPorts: []string{"1/tcp"}}, HTTP{Port: 8080, Health: ""}},
		{"port named http", ContainerFacts{Ports: []PortFact{{"grpc", 1}, {"http", 2}}}, ImageFacts{}, HTTP{Port: 2, Health: ""}},
		{"EXPOSE", ContainerFacts{}, ImageFacts{ExposedPorts: []string{"53/udp", "8000/tcp"}}, HTTP{Port: 8000, Health: ""}},
		{"many ports, no route", ContainerFacts{Ports: []PortFact{{"a", 1}, {"b", 2}}}, ImageFacts{}, HTTP{}},
		{"Python HEALTHCHECK", ContainerFacts{}, ImageFacts{Healthcheck: []string{"CMD", "python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/api/v1/health?deep=1')"}}, HTTP{Port: 8000, Health: "/api/v1/health?deep=1"}},
		{"HEALTHCHECK with its own client", ContainerFacts{}, ImageFacts{Healthcheck: []string{"CMD", "/reactbin", "healthcheck"}}, HTTP{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.k.Image = "a"
			c, _, err := Derive(Contract{}, Facts{Image: tt.img, Workloads: []WorkloadFacts{{Object: Object{"pod", "a"}, Containers: []ContainerFacts{tt.k}}}})
			if err != nil || c.HTTP != tt.want {
				t.Errorf("%+v, %v", c.HTTP, err)
			}
		})
	}
}

func TestDeriveIdentity(t *testing.T) {
	for _, tt := range []struct {
		name       string
		user       string
		runAsUser  *int64
		runAsGroup *int64
		uid, gid   *int64
	}{
		{"USER with group", "10:20", nil, nil, ptr(int64(10)), ptr(int64(20))},
		{"USER alone", "10", nil, nil, ptr(int64(10)), nil},
		{"USER by name", "app:app", nil, nil, nil, nil},
		{"root", "0:0", nil, nil, ptr(int64(0)), ptr(int64(0))},
		{"runAsUser drops USER's group", "10:20", ptr(int64(30)), nil, ptr(int64(30)), nil},
		{"runAsGroup with USER", "10:20", nil, ptr(int64(40)), ptr(int64(10)), ptr(int64(40))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := WorkloadFacts{Object: Object{"pod", "a"}, Containers: []ContainerFacts{{Image: "a", RunAsUser: tt.runAsUser, RunAsGroup: tt.runAsGroup}}}
			c, _, err := Derive(Contract{}, Facts{Image: ImageFacts{User: tt.user}, Workloads: []WorkloadFacts{w}})
			if err != nil || !reflect.DeepEqual(c.Identity, Identity{UID: tt.uid, GID: tt.gid}) {
				t.Errorf("%+v, %v", c.Identity, err)
			}
		})
	}
}

func TestDeriveSaysWhatItCannotSettle(t *testing.T) {
	two := reactbin().Workloads[:2]
	ports := ContainerFacts{Name: "api", Image: "a", Ports: []PortFact{{"a", 1}, {"b", 2}}}
	pod := func(ks ...ContainerFacts) []WorkloadFacts {
		return []WorkloadFacts{{Object: Object{"pod", "a"}, Containers: ks}}
	}
	for _, tt := range []struct {
		name string
		c    Contract
		f    Facts
		want string
	}{
		{"two workloads", Contract{}, Facts{Workloads: two},
			"the manifests hold 2 workloads; say which with `workload:` in the contract, one of: statefulset/postgres, deployment/api"},
		{"none runs the image", Contract{Image: "other"}, Facts{Workloads: two},
			"no workload of the manifests runs other; say which with `workload:` in the contract, one of: statefulset/postgres, deployment/api"},
		{"both run the image", Contract{Image: "a"}, Facts{Workloads: append(pod(ports), pod(ports)...)},
			"2 workloads of the manifests run a; say which with `workload:` in the contract, one of: pod/a, pod/a"},
		{"unknown workload", Contract{Workload: "deployment/apii"}, Facts{Workloads: two},
			"workload is deployment/apii, but the manifests hold no such object; they hold statefulset/postgres, deployment/api; did you mean deployment/api?"},
		{"unknown dependency", Contract{Workload: "deployment/api", Dependencies: []string{"pod/x"}}, Facts{Workloads: two},
			"dependencies is pod/x, but the manifests hold no such object; they hold statefulset/postgres, deployment/api"},
		{"two containers", Contract{}, Facts{Workloads: pod(ports, ContainerFacts{Image: "b"})},
			"pod/a has 2 containers; say which with `image:` in the contract, one of: a, b"},
		{"two other containers", Contract{Image: "c"}, Facts{Workloads: pod(ports, ContainerFacts{Image: "b"})},
			"pod/a has 2 containers, and none of them runs c; say which with `image:` in the contract, one of: a, b"},
		{"two ports", Contract{HTTP: HTTP{Health: "/h"}}, Facts{Workloads: pod(ports)},
			"the container api of pod/a declares 2 ports; say which with `http.port:` in the contract, one of: 1, 2"},
		{"two exposed ports", Contract{HTTP: HTTP{Health: "/h"}}, Facts{Image: ImageFacts{ExposedPorts: []string{"1/tcp", "2"}}},
			"the image exposes 2 ports; say which with `http.port:` in the contract, one of: 1, 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Derive(tt.c, tt.f)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			var a *AmbiguousError
			var u *UnknownObjectError
			if !errors.As(err, &a) && !errors.As(err, &u) {
				t.Errorf("an untyped error: %#v", err)
			}
		})
	}
}

func TestSameImage(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"api", "docker.io/library/api:latest", true},
		{"api:1", "api:2", false},
		{"Not A Name", "Not A Name", true},
		{"Not A Name", "api", false},
	} {
		if got := SameImage(tt.a, tt.b); got != tt.want {
			t.Errorf("SameImage(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"healht": "health", "PORT": "port", "p": "", "xyz": ""} {
		if got := Nearest(word, []string{"port", "health"}); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
