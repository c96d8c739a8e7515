package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDoubts(t *testing.T) {
	grace := int64(20)
	facts := func() Facts {
		return Facts{Workloads: []WorkloadFacts{{Object: Object{"deployment", "api"}, GraceSeconds: &grace,
			Services:   []ServicePortFact{{Service: "api", Number: 80, Target: "9000"}},
			Containers: []ContainerFacts{{Name: "api", Image: "app:1", Ports: []PortFact{{"http", 8000}}, Env: []string{"DATABASE_URL"}}}}},
			Image: ImageFacts{ExposedPorts: []string{"7000/tcp"}, Env: []string{"PATH"}}}
	}
	day := time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		c      Contract
		change func(*Facts)
		want   []string
	}{
		{name: "nothing is said", c: Contract{}},
		{name: "all fits", c: Contract{HTTP: HTTP{Port: 8000, HealthPort: 9000}, Termination: Termination{Within: Duration(20 * time.Second)}, Env: Env{Required: []string{"DATABASE_URL", "PATH"}},
			Waivers: []Waiver{{ID: "a/b", By: "ops", Until: "2026-04-01"}}}},
		{name: "a port that the image exposes", c: Contract{HTTP: HTTP{Port: 7000}}},
		{name: "a port that nothing names", c: Contract{HTTP: HTTP{Port: 9999}},
			want: []string{"http.port is 9999, which is not a port that deployment/api or its Services declare; those are 7000, 8000, 9000"}},
		{name: "nothing names any port", c: Contract{HTTP: HTTP{Port: 9999}},
			change: func(f *Facts) {
				f.Workloads[0].Services, f.Workloads[0].Containers[0].Ports, f.Image.ExposedPorts = nil, nil, nil
			}},
		{name: "more time than the kubelet gives", c: Contract{Termination: Termination{Within: Duration(90 * time.Second)}},
			want: []string{"termination.within is 1m30s, and the kubelet kills a container that has not exited after terminationGracePeriodSeconds, 20s of deployment/api: raise that, or lower termination.within"}},
		{name: "more time than Kubernetes' default", c: Contract{Termination: Termination{Within: Duration(31 * time.Second)}}, change: func(f *Facts) { f.Workloads[0].GraceSeconds = nil },
			want: []string{"termination.within is 31s, and the kubelet kills a container that has not exited after terminationGracePeriodSeconds, 30s of deployment/api: raise that, or lower termination.within"}},
		{name: "a waiver that ended", c: Contract{Waivers: []Waiver{{ID: "a/b", By: "ops", Until: "2026-03-31"}}},
			want: []string{"the waiver of a/b by ops ended on 2026-03-31, so it waives nothing"}},
		{name: "a variable with a slip", c: Contract{Env: Env{Required: []string{"DATABSE_URL"}}},
			want: []string{"env.required names DATABSE_URL, which no manifest sets for deployment/api; did you mean DATABASE_URL?"}},
		{name: "a variable that may come from elsewhere", c: Contract{Env: Env{Required: []string{"TOKEN"}}}, change: func(f *Facts) { f.Workloads[0].Containers[0].EnvElsewhere = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := facts()
			if c.change != nil {
				c.change(&f)
			}
			c.c.Workload = "deployment/api"
			if diff := cmp.Diff(c.want, Doubts(c.c, f, day)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestChooseImage(t *testing.T) {
	all := []WorkloadFacts{
		{Object: Object{"deployment", "backend"}, Containers: []ContainerFacts{{Image: "ghcr.io/a/podinfo:6.5"}}},
		{Object: Object{"deployment", "cache"}, Containers: []ContainerFacts{{Image: "redis:7"}}},
		{Object: Object{"deployment", "old"}, Containers: []ContainerFacts{{Image: "web:1"}}},
		{Object: Object{"deployment", "new"}, Containers: []ContainerFacts{{Image: "web:2"}}},
	}
	for named, want := range map[string]string{
		"ghcr.io/a/podinfo:6.5": "ghcr.io/a/podinfo:6.5", "ghcr.io/a/podinfo:pr-7": "ghcr.io/a/podinfo:6.5", "docker.io/library/redis:7": "redis:7",
		"web:2": "web:2", "web:3": "", "other": "", "UPPER": "",
		"registry.example/a/podinfo:dev": "ghcr.io/a/podinfo:6.5", "podinfo:dev": "ghcr.io/a/podinfo:6.5",
	} {
		if got := ChooseImage(named, all); got != want {
			t.Errorf("%s chooses %q, want %q", named, got, want)
		}
	}
}

// One beside its database alone is meant by whatever name its image has.
func TestChooseImageBesideADatabase(t *testing.T) {
	db := WorkloadFacts{Object: Object{"statefulset", "db"}, Containers: []ContainerFacts{{Image: "postgres:16"}}}
	api := WorkloadFacts{Object: Object{"deployment", "api"}, Containers: []ContainerFacts{{Image: "shop/api:1"}}}
	for want, all := range map[string][]WorkloadFacts{"shop/api:1": {db, api}, "": {db, api, {Object: Object{"deployment", "web"}, Containers: []ContainerFacts{{Image: "shop/web:1"}}}}} {
		if got := ChooseImage("backend:dev", all); got != want {
			t.Errorf("it chooses %q, want %q", got, want)
		}
	}
}

func TestABuildAboveItsRepository(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "repo", ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	for context, doubtful := range map[string]bool{".": false, "..": true, "api": false, "/": true} {
		c := Contract{dir: filepath.Join(dir, "repo"), Build: &Build{Context: context}}
		got := Doubts(c, Facts{}, time.Now())
		if doubtful != (len(got) == 1 && strings.HasPrefix(got[0], "build.context is "+context+", which is above this repository ("+c.dir+")")) || len(got) > 1 {
			t.Errorf("%s: %q", context, got)
		}
	}
}

// What its manifest scales to nothing is there for nobody, unless the contract says so.
func TestAnIdleWorkloadIsNoDependency(t *testing.T) {
	f := Facts{Workloads: []WorkloadFacts{
		{Object: Object{"deployment", "api"}, Containers: []ContainerFacts{{Image: "app:1"}}},
		{Object: Object{"deployment", "idle"}, Idle: true, Containers: []ContainerFacts{{Image: "idle:1"}}},
		{Object: Object{"statefulset", "db"}, Containers: []ContainerFacts{{Image: "db:1"}}},
	}}
	for _, given := range [][]string{nil, {"deployment/idle"}} {
		want := given
		if want == nil {
			want = []string{"statefulset/db"}
		}
		c, _, err := Derive(Contract{Image: "app:1", Dependencies: Needs(given...)}, f)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, c.InCluster()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
