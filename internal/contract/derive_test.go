package contract

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

// asks is a probe over HTTP.
func asks(path, port string) *ProbeFact {
	return &ProbeFact{Protocol: ProtocolHTTP, Path: path, Port: port}
}

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
					Liveness:   asks("/live", "web"),
					Startup:    asks("/start", "web"),
					Readiness:  asks("/ready", "web"),
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
		Image: "reactbin-api-prod", Workload: "deployment/api", Dependencies: []Dependency{{Object: "statefulset/postgres", Kind: "postgres"}},
		HTTP:        HTTP{Port: 8000, Health: "/live", Longest: Duration(45 * time.Second / 4)},
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
		{"dependencies[0].kind", "postgres", "the image postgres:16-alpine of statefulset/postgres"},
		{"http.health", "/live", "the liveness probe of deployment/api"},
		{"http.port", "8000", "the liveness probe of deployment/api"},
		{"identity.uid", "1001", "runAsUser of deployment/api"},
		{"identity.gid", "1001", "runAsGroup of deployment/api"},
		{"startup.within", "30s", "podproof's default"},
		{"startup.stream", "any", "podproof's default"},
		{"termination.within", "45s", "terminationGracePeriodSeconds of deployment/api"},
		{"http.longest", "11.25s", "a quarter of the time in which it ends, at least 5s"},
		{"termination.exitCodes", "0", "podproof's default"},
	}
	if !reflect.DeepEqual(derived, wantFrom) {
		t.Errorf("got  %v\nwant %v", derived, wantFrom)
	}
}

// A worker that runs beside the workload is nobody's dependency; what a Service leads to may be one.
func TestDeriveNoWorkerAsADependency(t *testing.T) {
	f := reactbin()
	f.Workloads = append(f.Workloads,
		WorkloadFacts{Object: Object{"deployment", "load"}, Containers: []ContainerFacts{{Image: "shop/load:1"}}},
		WorkloadFacts{Object: Object{"deployment", "mail"}, Containers: []ContainerFacts{{Image: "shop/mail:1"}}, Services: []ServicePortFact{{Service: "mail", Number: 80, Target: "80"}}})
	c, derived, err := Derive(Contract{Image: "reactbin-api-prod"}, f)
	if err != nil || !reflect.DeepEqual(c.InCluster(), []string{"statefulset/postgres", "deployment/mail"}) ||
		derived[1].From != "the other workloads of the manifests but those that serve no port: deployment/load" {
		t.Errorf("%v, %v, %v", c.InCluster(), derived, err)
	}
}

func TestDeriveNeverOverrides(t *testing.T) {
	full := Contract{
		Image: "reactbin-api-prod", Workload: "deployment/api", Dependencies: []Dependency{},
		HTTP: HTTP{Port: 1, Health: "/h", Longest: 1}, Identity: Identity{UID: ptr(int64(0)), GID: ptr(int64(0))},
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
	if err != nil || c.Image != "api:1" || c.Workload != "deployment/api" || !reflect.DeepEqual(c.HTTP, HTTP{}) {
		t.Fatalf("%+v, %v", c, err)
	}
	f.Image = img
	c, _, err = Derive(c, f)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c.HTTP, HTTP{Port: 7000, Health: "/from-healthcheck", Longest: Duration(7500 * time.Millisecond)}) || *c.Identity.UID != 1001 || c.Identity.GID != nil {
		t.Errorf("%+v", c)
	}
}

func TestDeriveHTTP(t *testing.T) {
	service := func(target, name string) []ServicePortFact {
		return []ServicePortFact{{Service: "api", Name: name, Number: 80, Target: target}}
	}
	for _, tt := range []struct {
		name     string
		k        ContainerFacts
		services []ServicePortFact
		img      ImageFacts
		want     HTTP
	}{
		{"startup probe", ContainerFacts{Startup: asks("/s", "80"), Readiness: asks("/r", "81")}, nil, ImageFacts{}, HTTP{Port: 80, Health: "/s"}},
		{"readiness probe", ContainerFacts{Readiness: asks("/r", "81")}, nil, ImageFacts{}, HTTP{Port: 81, Health: "/r"}},
		{"only port", ContainerFacts{Ports: []PortFact{{"", 8080}}}, nil, ImageFacts{ExposedPorts: []string{"1/tcp"}}, HTTP{Port: 8080}},
		{"port named http", ContainerFacts{Ports: []PortFact{{"grpc", 1}, {"http", 2}}}, nil, ImageFacts{}, HTTP{Port: 2}},
		{"a worker, whose base image has EXPOSE", ContainerFacts{Liveness: &ProbeFact{}}, nil, ImageFacts{ExposedPorts: []string{"8000/tcp"}}, HTTP{}},
		{"EXPOSE, and a Service that leads nowhere known", ContainerFacts{}, service("web", ""), ImageFacts{ExposedPorts: []string{"53/udp", "8000/tcp"}}, HTTP{Port: 8000}},
		{"many ports, no route", ContainerFacts{Ports: []PortFact{{"a", 1}, {"b", 2}}}, nil, ImageFacts{}, HTTP{}},
		{"many ports, and a Service", ContainerFacts{Ports: []PortFact{{"a", 1}, {"b", 2}}}, service("b", ""), ImageFacts{}, HTTP{Port: 2}},
		{"many ports of a Service", ContainerFacts{Ports: []PortFact{{"grpc", 1}, {"web", 2}}}, append(service("grpc", "grpc"), service("web", "http")...), ImageFacts{}, HTTP{Port: 2}},
		{"a Service's port of TLS before that of HTTP", ContainerFacts{Ports: []PortFact{{"https", 8443}, {"http", 8080}}},
			[]ServicePortFact{{Service: "api", Name: "https", Number: 443, Target: "https"}, {Service: "api", Name: "http", Number: 80, Target: "http"}}, ImageFacts{}, HTTP{Port: 8080}},
		{"a Service of TLS alone", ContainerFacts{Ports: []PortFact{{"https", 8443}}}, []ServicePortFact{{Service: "api", Name: "https", Number: 443, Target: "https"}}, ImageFacts{}, HTTP{Port: 8443, Scheme: SchemeHTTPS}},
		{"TLS that ends in front of the pod", ContainerFacts{Ports: []PortFact{{"http", 8080}}}, []ServicePortFact{{Service: "api", Name: "https", Number: 443, Target: "http"}}, ImageFacts{}, HTTP{Port: 8080}},
		{"an internal Service before the one for all", ContainerFacts{Ports: []PortFact{{"http-internal", 3090}, {"http", 3080}}},
			append(service("http-internal", "http-internal"), service("http", "http")...), ImageFacts{}, HTTP{Port: 3080}},
		{"a management port", ContainerFacts{Ports: []PortFact{{"http", 8000}, {"management", 9000}}, Readiness: asks("/ready", "management")}, service("http", ""), ImageFacts{},
			HTTP{Port: 8000, Health: "/ready", HealthPort: 9000}},
		{"a port that several are asked on", ContainerFacts{Ports: []PortFact{{"http", 8000}, {"management", 9000}}, Readiness: asks("/ready", "management")}, append(service("http", ""), service("9000", "m")...), ImageFacts{},
			HTTP{Port: 9000, Health: "/ready"}},
		{"a Service by number alone", ContainerFacts{}, service("8000", ""), ImageFacts{}, HTTP{Port: 8000}},
		{"HTTPS and a Host", ContainerFacts{Liveness: &ProbeFact{Protocol: ProtocolHTTPS, Path: "/h", Port: "443", Header: map[string]string{"Host": "shop.example"}}}, nil, ImageFacts{},
			HTTP{Port: 443, Health: "/h", Scheme: SchemeHTTPS, Header: map[string]string{"Host": "shop.example"}}},
		{"TCP probe", ContainerFacts{Ports: []PortFact{{"a", 1}, {"b", 2}}, Readiness: &ProbeFact{Protocol: ProtocolTCP, Port: "b"}}, nil, ImageFacts{}, HTTP{Port: 2}},
		{"Python HEALTHCHECK", ContainerFacts{}, nil, ImageFacts{Healthcheck: []string{"CMD", "python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/api/v1/health?deep=1')"}}, HTTP{Port: 8000, Health: "/api/v1/health?deep=1"}},
		{"HEALTHCHECK with its own client", ContainerFacts{}, nil, ImageFacts{Healthcheck: []string{"CMD", "/reactbin", "healthcheck"}}, HTTP{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.k.Image = "a"
			c, _, err := Derive(Contract{}, Facts{Image: tt.img, Workloads: []WorkloadFacts{{Object: Object{"pod", "a"}, Containers: []ContainerFacts{tt.k}, Services: tt.services}}})
			if tt.want.Port != 0 {
				tt.want.Longest = Duration(7500 * time.Millisecond)
			}
			if err != nil || !reflect.DeepEqual(c.HTTP, tt.want) || c.GRPC != nil {
				t.Errorf("got %+v, want %+v, %v", c.HTTP, tt.want, err)
			}
			if c.Serves() != (tt.want.Port != 0) {
				t.Errorf("serves: %t", c.Serves())
			}
		})
	}
}

func TestDeriveGRPC(t *testing.T) {
	k := ContainerFacts{Image: "a", Ports: []PortFact{{"grpc", 50051}}, Readiness: &ProbeFact{Protocol: ProtocolGRPC, Port: "50051", Service: "shop.v1.Shop"}}
	c, _, err := Derive(Contract{}, Facts{Workloads: []WorkloadFacts{{Object: Object{"pod", "a"}, Containers: []ContainerFacts{k}}}})
	want := Endpoint{Protocol: ProtocolGRPC, Port: 50051, Service: "shop.v1.Shop"}
	if err != nil || !c.Serves() || !reflect.DeepEqual(c.HealthEndpoint(), want) || !reflect.DeepEqual(c.LoadEndpoint(), want) {
		t.Errorf("%+v, %+v, %v", c.HealthEndpoint(), c.LoadEndpoint(), err)
	}
	// A health route beside it is what a load can ask for.
	k.Liveness = asks("/health", "8000")
	c, _, err = Derive(Contract{}, Facts{Workloads: []WorkloadFacts{{Object: Object{"pod", "a"}, Containers: []ContainerFacts{k}}}})
	if err != nil || c.HealthEndpoint().Path != "/health" || c.GRPC != nil {
		t.Errorf("%+v, %v", c.HealthEndpoint(), err)
	}
}

func TestEndpoints(t *testing.T) {
	header := map[string]string{"Host": "shop.example"}
	for _, tt := range []struct {
		name         string
		c            Contract
		health, load Endpoint
	}{
		{"one port", Contract{HTTP: HTTP{Port: 80, Health: "/health", Scheme: SchemeHTTPS, Header: header}},
			Endpoint{ProtocolHTTPS, 80, "/health", header, ""}, Endpoint{ProtocolHTTPS, 80, "/health", header, ""}},
		{"no route", Contract{HTTP: HTTP{Port: 80}}, Endpoint{ProtocolHTTP, 80, "/", map[string]string{}, ""}, Endpoint{ProtocolHTTP, 80, "/", map[string]string{}, ""}},
		{"a management port", Contract{HTTP: HTTP{Port: 80, Health: "/health", HealthPort: 81}},
			Endpoint{ProtocolHTTP, 81, "/health", map[string]string{}, ""}, Endpoint{ProtocolHTTP, 80, "/", map[string]string{}, ""}},
		{"a management port and a query", Contract{HTTP: HTTP{Port: 80, Health: "/health", HealthPort: 81, Query: &Route{Path: "/items", Header: header}}},
			Endpoint{ProtocolHTTP, 81, "/health", map[string]string{}, ""}, Endpoint{ProtocolHTTP, 80, "/items", header, ""}},
		{"a query that writes", Contract{HTTP: HTTP{Port: 80, Health: "/health", HealthPort: 81, Query: &Route{Path: "/items", Body: "{}"}}},
			Endpoint{ProtocolHTTP, 81, "/health", map[string]string{}, ""}, Endpoint{ProtocolHTTP, 80, "/", map[string]string{}, ""}},
	} {
		if got := tt.c.HealthEndpoint(); !reflect.DeepEqual(got, tt.health) {
			t.Errorf("%s: health %+v", tt.name, got)
		}
		if got := tt.c.LoadEndpoint(); !reflect.DeepEqual(got, tt.load) {
			t.Errorf("%s: load %+v", tt.name, got)
		}
	}
}

func TestCommandProbe(t *testing.T) {
	for command, want := range map[string]*ProbeFact{
		"curl -f http://localhost:8000/ready":      {Protocol: ProtocolHTTP, Port: "8000", Path: "/ready"},
		"curl -kf https://127.0.0.1:8443":          {Protocol: ProtocolHTTPS, Port: "8443", Path: "/"},
		"podcli check http localhost:9898/healthz": {Protocol: ProtocolHTTP, Port: "9898", Path: "/healthz"},
		"/bin/grpc_health_probe -addr=:50051":      {Protocol: ProtocolGRPC, Port: "50051"},
		"pg_isready -h localhost:5432":             nil,
		"curl -f http://postgres:8000/ready":       nil,
		"cat /tmp/healthy":                         nil,
	} {
		if got := CommandProbe(strings.Fields(command)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", command, got, want)
		}
	}
}

// A start may take as long as the startup probe allows: what is longer than podproof's own
// default is no mistake of the image's.
func TestDeriveStartupFromItsProbe(t *testing.T) {
	for budget, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 20 * time.Second: 30 * time.Second, 150 * time.Second: 150 * time.Second} {
		k := ContainerFacts{Image: "a", StartupBudget: budget}
		c, _, err := Derive(Contract{}, Facts{Workloads: []WorkloadFacts{{Object: Object{"pod", "a"}, Containers: []ContainerFacts{k}}}})
		if err != nil || c.Startup.Within.Std() != want {
			t.Errorf("%s: %s, %v", budget, c.Startup.Within, err)
		}
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
		{"USER with group, which the kubelet does not take", "10:20", nil, nil, ptr(int64(10)), nil},
		{"USER alone", "10", nil, nil, ptr(int64(10)), nil},
		{"USER by name", "app:app", nil, nil, nil, nil},
		{"root", "0:0", nil, nil, ptr(int64(0)), nil},
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
	web := []WorkloadFacts{two[1], {Object: Object{"deployment", "web"}, Containers: []ContainerFacts{{Image: "shop/web:1"}}}}
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
		{"two workloads", Contract{}, Facts{Workloads: web},
			"the manifests hold 2 workloads; say which with `workload:` in the contract, one of: deployment/api, deployment/web"},
		{"two workloads, and no contract to say it in", Contract{unwritten: true}, Facts{Workloads: web},
			"the manifests hold 2 workloads; say which with `workload:` in a podproof.yaml, which `podproof init` writes, one of: deployment/api, deployment/web"},
		{"none runs the image", Contract{Image: "other"}, Facts{Workloads: two},
			"no workload of the manifests runs other; say which with `workload:` in the contract, one of: statefulset/postgres, deployment/api"},
		{"nearly the image", Contract{Image: "shop/wbe:1"}, Facts{Workloads: web},
			"no workload of the manifests runs shop/wbe:1, though one runs shop/web:1; say which with `workload:` in the contract, one of: deployment/api, deployment/web"},
		{"both run the image", Contract{Image: "a"}, Facts{Workloads: append(pod(ports), pod(ports)...)},
			"2 workloads of the manifests run a; say which with `workload:` in the contract, one of: pod/a, pod/a"},
		{"unknown workload", Contract{Workload: "deployment/apii"}, Facts{Workloads: two},
			"workload is deployment/apii, but the manifests hold no such object; they hold statefulset/postgres, deployment/api; did you mean deployment/api?"},
		{"unknown dependency", Contract{Workload: "deployment/api", Dependencies: Needs("pod/x")}, Facts{Workloads: two},
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

func TestAlike(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"api", "docker.io/library/api:1.4"}: true, {"shop/api:1", "registry.example:5000/shop/api@sha256:" + strings.Repeat("a", 64)}: true,
		{"shop/api", "shop/api-prod"}: false, {"api", "shop/api"}: false, {"Not A Name", "Not A Name"}: true, {"Not A Name", "api"}: false,
	} {
		if got := Alike(pair[0], pair[1]); got != want {
			t.Errorf("%q: %t, want %t", pair, got, want)
		}
	}
}
