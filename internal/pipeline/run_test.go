package pipeline

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/subject"
)

// whole is a run with everything that a contract can ask for.
func whole(t *testing.T, only ...string) *run {
	t.Helper()
	selected, err := check.Select(only, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"Dockerfile", "main.go"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := contract.Contract{
		Image:    "shop.example/app:1",
		Build:    &contract.Build{Context: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), SourceFile: "main.go", Reproducible: true},
		Workload: "deployment/api", Dependencies: []string{"statefulset/postgres"},
		Env: contract.Env{Required: []string{"TOKEN"}}, Identity: contract.Identity{ArbitraryUID: true},
	}
	return &run{Options: Options{Selected: selected}, place: place{Cluster: &fakeCluster{owned: true}}, plan: subject.Subject{Contract: c}, subject: subject.Subject{Contract: c}}
}

// fakeCluster is one that is never opened.
type fakeCluster struct {
	cluster.Cluster
	owned bool
}

func (c *fakeCluster) About() cluster.Facts { return cluster.Facts{Provider: "fake", Owned: c.owned} }

func ids(steps []step) string {
	var out []string
	for _, s := range steps {
		out = append(out, s.id)
	}
	return strings.Join(out, " ")
}

// A step that names an unknown one would not wait for anything.
func TestStepsNameStepsThatExist(t *testing.T) {
	steps := whole(t).steps()
	known := map[string]bool{}
	for _, s := range steps {
		for _, a := range s.after {
			if !known[a] {
				t.Errorf("%s comes after %s, which no step before it is called", s.id, a)
			}
		}
		if known[s.id] {
			t.Errorf("two steps are called %s", s.id)
		}
		known[s.id] = true
	}
}

// Every part of the evidence that a check looks at is collected by a step.
func TestStepsCollectWhatChecksNeed(t *testing.T) {
	collected := map[string]bool{}
	for _, s := range whole(t).steps() {
		for _, section := range s.sections {
			collected[string(section)] = true
		}
	}
	for _, c := range check.Catalogue() {
		for _, section := range c.Needs {
			if !collected[string(section)] {
				t.Errorf("%s needs %s, which is in no step's sections (%s)", c.ID, section, slices.Sorted(maps.Keys(collected)))
			}
		}
	}
}

func TestStepsDoNoMoreThanTheChecksNeed(t *testing.T) {
	for _, c := range []struct {
		name   string
		only   string
		change func(*run)
		want   string
	}{
		{"the image alone", "image/*", nil, "build save inspect"},
		{"an image that is there", "image/*", func(r *run) { r.Image, r.plan.Contract.Build = "app:2", nil }, "save inspect"},
		{"the build alone", "build/*", nil, "build context rebuild lock-rebuild reproduction"},
		{"nobody promised reproducible builds", "build/*", func(r *run) { r.plan.Contract.Build.Reproducible = false }, "build context rebuild lock-rebuild"},
		{"the build and no other", "build/succeeds", nil, "build"},
		{"what the build takes", "build/frozen-dependencies", nil, "build context"},
		{"one rebuild", "build/lockfile-change-rebuilds", nil, "build context lock-rebuild"},
		{"one trial", "termination/exit-zero", nil, "build save cluster node dns boot node-agent load other-images dependencies startup termination"},
		{"all ways to end", "termination/*", nil, "build save cluster node dns boot node-agent load other-images agent-image agent dependencies startup ready termination early-termination responses requests-in-flight frozen"},
		{"a cluster that is there", "termination/*", func(r *run) { r.place.Cluster = &fakeCluster{} }, "build save node dns node-agent load other-images agent-image agent dependencies startup ready termination early-termination responses requests-in-flight frozen"},
		{"no variable is required", "config/*", func(r *run) { r.plan.Contract.Env.Required = nil }, "build save cluster node dns boot node-agent load other-images agent-image agent dependencies startup ready identity responses"},
		{"no Dockerfile", "*/*", func(r *run) { r.plan.Contract.Build.Dockerfile = "none" }, "build"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := whole(t, c.only)
			if c.change != nil {
				c.change(r)
			}
			if diff := cmp.Diff(c.want, ids(r.steps())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTitle(t *testing.T) {
	for image, want := range map[string]string{
		"reactbin-api-prod:latest":     "reactbin-api-prod",
		"shop.example:5000/team/app:1": "app",
		"app@sha256:0a1b":              "app",
		"app:1@sha256:0a1b":            "app",
	} {
		r := &run{Options: Options{Image: image}}
		if got := r.title(); got != want {
			t.Errorf("%s is called %q, want %q", image, got, want)
		}
	}
}

// What takes as long as the image is big, and what the build does, is bounded by the run alone.
func TestEachTrialHasABound(t *testing.T) {
	free := map[string]bool{"build": true, "context": true, "rebuild": true, "lock-rebuild": true, "reproduction": true,
		"save": true, "inspect": true, "load": true, "other-images": true}
	r := whole(t)
	r.plan.Contract.Startup.Within, r.plan.Contract.Termination.Within = contract.Duration(30*time.Second), contract.Duration(30*time.Second)
	steps := r.steps()
	for _, s := range steps {
		if free[s.id] != (s.within == 0) {
			t.Errorf("%s may take %s", s.id, s.within)
		}
	}
	if most := longest(steps); most < 5*time.Minute || most > time.Hour {
		t.Errorf("the run may take %s", most)
	}
	if got := longest([]step{{id: "c", after: []string{"a", "x"}, behind: []string{"b"}, within: 1}, {id: "a", within: 2}, {id: "b", within: 4}, {id: "d", within: 3}}); got != 5 {
		t.Errorf("steps that wait for each other take %d", got)
	}
	if got := endsWithin(steps, time.Minute); !strings.Contains(got, "within 1m0s") {
		t.Error(got)
	}
}

// Nothing that only requests can carry out is tried of a worker, nor told to be.
func TestWorkersAreNotAsked(t *testing.T) {
	r := whole(t)
	r.plan.Contract.HTTP, r.plan.Contract.GRPC = contract.HTTP{}, nil
	r.subject = r.plan
	asked := 0
	for _, s := range r.steps() {
		if slices.Contains([]string{"agent-image", "agent", "health", "responses", "requests-in-flight", "rollouts"}, s.id) {
			asked++
			if err := s.run(t.Context()); err != nil || s.name != "" {
				t.Errorf("%s, told as %q: %v", s.id, s.name, err)
			}
		}
	}
	if asked != 6 {
		t.Errorf("%d steps that ask", asked)
	}
}
