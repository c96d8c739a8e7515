package check

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// inFiles is evidence of a run whose manifest and Dockerfile podproof has read.
func inFiles(e evidence.Evidence) evidence.Evidence {
	if e.Workload != nil {
		w := *e.Workload
		spec := "spec.template.spec."
		if w.Kind == "Pod" {
			spec = "spec."
		}
		w.Source = &evidence.Source{File: "k8s/api.yaml", Line: 3, Lines: map[string]int{
			"spec.strategy": 10, spec + "securityContext": 15, spec + "securityContext.runAsUser": 16,
			spec + "terminationGracePeriodSeconds": 19, spec + "containers[api]": 20, spec + "containers[api].command": 22,
			spec + "containers[api].readinessProbe": 30, spec + "containers[api].livenessProbe": 35, spec + "containers[api].securityContext": 40,
			spec + "containers[api].securityContext.capabilities": 42, spec + "containers[api].image": 21, spec + "containers[api].lifecycle.preStop": 46}}
		e.Workload = &w
	}
	b := evidence.Build{}
	if e.Build != nil {
		b = *e.Build
	}
	if len(b.Instructions) == 0 {
		b.Instructions = []evidence.Instruction{
			{Line: 1, Stage: "builder", Text: "FROM golang:1.26 AS builder"}, {Line: 2, Stage: "builder", Text: "USER 5"},
			{Line: 4, Stage: "stage-1", Text: "FROM scratch"}, {Line: 5, Stage: "stage-1", Text: "COPY --from=builder /shop /shop"},
			{Line: 6, Stage: "stage-1", Text: "USER 1001:1001"}, {Line: 7, Stage: "stage-1", Text: `cmd ["/shop"]`}}
	}
	e.Build = &b
	return e
}

// Whoever meets a broken promise on a page of code is taken to the line where it is mended. There is no exception:
// a promise is kept in a manifest or in a Dockerfile.
func TestEachBrokenPromiseHasAPlace(t *testing.T) {
	for _, ch := range Catalogue() {
		if len(ch.At) == 0 {
			t.Errorf("%s names no place in the user's files", ch.ID)
		}
		for _, x := range examples[ch.ID] {
			if x.want == Pass || x.want == Skipped {
				continue
			}
			c, e := x.c, inFiles(x.e)
			if c.Build == nil {
				c.Build = &contract.Build{Context: "api", Dockerfile: "api/Dockerfile.prod"}
			}
			for _, v := range Judge([]Check{ch}, c, e) {
				if v.Check.ID != ch.ID || v.Status != Fail && v.Status != Inconclusive {
					continue
				}
				if v.Status == Inconclusive && e.Workload == nil {
					continue // nobody knows what would run the image
				}
				if v.Location == nil || v.Location.File == "" || v.Location.Line == 0 {
					t.Errorf("%s/%s: at %+v", ch.ID, x.name, v.Location)
				}
				for _, f := range v.Findings {
					if !f.Note && f.Location == nil {
						t.Errorf("%s/%s: %s is nowhere", ch.ID, x.name, f.Where)
					}
				}
			}
		}
	}
}

func TestWhereAPromiseIsMended(t *testing.T) {
	notFound := pods(func(p *evidence.Pod) {
		p.Status.ContainerStatuses[0].Ready = false
		p.Events = append(p.Events, event(20, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404"))
	})
	restarted := with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].Events = []evidence.Event{event(20, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
	})
	manifest := func(line int, field string) Location {
		return Location{File: "k8s/api.yaml", Line: line, Object: "deployment/api", Field: "spec.template.spec." + field}
	}
	program := manifest(20, "containers[api]")
	program.About = inProgram
	example := func(id, name string) evidence.Evidence {
		for _, x := range examples[id] {
			if x.name == name {
				return x.e
			}
		}
		t.Fatalf("%s has no example %q", id, name)
		panic("unreached")
	}
	runAs := func(user *int64) evidence.Evidence {
		e := process(func(p *evidence.Process) { p.UIDs = []int64{0, 0, 0, 0} })
		e.Workload.Template.Spec.SecurityContext.RunAsUser = user
		return e
	}
	strategy := manifest(10, "")
	strategy.Field = "spec.strategy"
	for _, x := range []struct {
		name, id string
		c        contract.Contract
		e        evidence.Evidence
		want     Location
	}{
		{"a program that does not hear SIGTERM", "termination/exit-zero", goodContract(), ended(137, 30.2, "/shop"),
			Location{File: "api/Dockerfile.prod", Line: 7}},
		{"one whose command the manifest has", "termination/exit-zero", goodContract(), func() evidence.Evidence {
			e := ended(137, 30.2, "/shop")
			e.Workload.Template.Spec.Containers[0].Command = []string{"sh", "-c", "/shop"}
			return e
		}(), manifest(22, "containers[api].command")},
		{"one whose Dockerfile is not known", "termination/exit-zero", contractWith(func(c *contract.Contract) { c.Build = nil }), ended(137, 30.2, "/shop"), program},
		{"a field that is not there", "resources/limits", goodContract(), container(func(k *corev1.Container) { k.Resources.Limits = nil }),
			manifest(20, "containers[api].resources.limits.memory")},
		{"a rule of Pod Security that the container breaks", "security/restricted", goodContract(), example("security/restricted", "keeps capabilities"),
			manifest(42, "containers[api].securityContext.capabilities")},
		{"one that the container does not keep", "security/restricted", goodContract(), example("security/restricted", "may escalate"),
			manifest(40, "containers[api].securityContext.allowPrivilegeEscalation")},
		{"one that the pod breaks", "security/restricted", goodContract(), example("security/restricted", "host network"), manifest(3, "hostNetwork")},
		{"root by the manifest", "identity/non-root", goodContract(), runAs(ptr(int64(0))), manifest(16, "securityContext.runAsUser")},
		{"root by the image", "identity/non-root", goodContract(), runAs(nil), Location{File: "api/Dockerfile.prod", Line: 6}},
		{"root by the command", "identity/non-root", goodContract(), runAs(ptr(int64(1001))), Location{File: "api/Dockerfile.prod", Line: 7}},
		{"a user that is the pod's", "identity/as-declared", goodContract(), example("identity/as-declared", "another user"), manifest(16, "securityContext.runAsUser")},
		{"capabilities that are the container's", "identity/as-declared", goodContract(), example("identity/as-declared", "capabilities kept"),
			manifest(42, "containers[api].securityContext.capabilities")},
		{"an image that may not be root", "startup/ready", goodContract(), pods(waits("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")),
			manifest(40, "containers[api].securityContext.runAsUser")},
		{"an image's name", "startup/ready", goodContract(), pods(waits("InvalidImageName", "couldn't parse image name")), manifest(21, "containers[api].image")},
		{"a probe of a path that is not there", "startup/ready", goodContract(), notFound, manifest(30, "containers[api].readinessProbe")},
		{"all pods taken away at once", "rollout/no-lost-requests", goodContract(), example("rollout/no-lost-requests", "Recreate"), strategy},
		{"a process that is killed for its memory", "resources/limits", goodContract(), example("resources/limits", "killed for its memory"),
			manifest(20, "containers[api].resources.limits.memory")},
		{"a debug mode by the manifest", "image/no-dev-server", goodContract(), container(func(k *corev1.Container) {
			k.Env = append(k.Env, corev1.EnvVar{Name: "FLASK_DEBUG", Value: "1"})
		}), manifest(20, "containers[api].env[FLASK_DEBUG]")},
		{"an argument of the commit", "build/dependency-layer-cached", goodContract(), example("build/dependency-layer-cached", "a build argument of the commit above the install"),
			Location{File: "api/Dockerfile.prod", Line: 2}},
		{"a stop hook that fails", "termination/exit-zero", goodContract(), example("termination/exit-zero", "a hook without its program"),
			manifest(46, "containers[api].lifecycle.preStop")},
		{"a restart by the liveness probe", "database/slow", queried, example("database/slow", "is restarted by its liveness probe"), manifest(35, "containers[api].livenessProbe")},
		{"one of a program that ends", "database/slow", queried, example("database/slow", "ends by itself"), program},
		{"a restart in an outage", "probes/liveness-survives-outage", goodContract(), example("probes/liveness-survives-outage", "ends by itself"), program},
		{"a liveness probe that fails", "probes/declared", goodContract(), restarted, manifest(35, "containers[api].livenessProbe")},
		{"a probe that lies", "probes/readiness-tells-the-truth", goodContract(), func() evidence.Evidence {
			for _, x := range examples["probes/readiness-tells-the-truth"] {
				if x.want == Fail {
					return x.e
				}
			}
			panic("no example")
		}(), manifest(30, "containers[api].readinessProbe")},
		{"a USER", "image/user-non-root", goodContract(), image(func(i *evidence.Image) { i.Config.User = "0" }),
			Location{File: "api/Dockerfile.prod", Line: 6}},
	} {
		t.Run(x.name, func(t *testing.T) {
			for _, v := range Judge(Catalogue(), x.c, inFiles(x.e)) {
				if v.Check.ID == x.id && (v.Status != Fail || v.Location == nil || *v.Location != x.want) {
					t.Errorf("%s at %+v\nwant %+v", v.Status, v.Location, x.want)
				}
			}
		})
	}
}

// Of several findings the place is that of the one that the reader is told, and that nobody accepts.
func TestThePlaceIsThatOfWhatWasSeen(t *testing.T) {
	at := func(line int) *Location { return &Location{File: "k8s/api.yaml", Line: line} }
	field := func(name string) *Location { return &Location{Object: "deployment/api", Field: name} }
	accepted := &contract.Waiver{}
	for _, x := range []struct {
		name, seen string
		status     Status
		findings   []Finding
		want       Location
	}{
		{"an excused one before it", "frozen: restarted once", Fail, []Finding{{Where: "slow", Message: "restarted once", Location: at(1)}, {Where: "frozen", Message: "restarted once", Location: at(2)}}, *at(2)},
		{"what was seen tells its message alone", "in all: no limit", Fail, []Finding{{Where: "a", Message: "no request", Location: at(1)}, {Where: "b", Message: "no limit", Location: at(2)}}, *at(2)},
		{"none is told", "two fields", Fail, []Finding{{Where: "a", Message: "one", Location: at(1)}, {Where: "b", Message: "other", Location: at(2)}}, *at(1)},
		{"one that is accepted", "a: one", Fail, []Finding{{Where: "a", Message: "one", Location: at(1), Waiver: accepted}, {Where: "b", Message: "other", Location: at(2)}}, *at(2)},
		{"all are", "a: one", Waived, []Finding{{Where: "a", Message: "one", Location: at(1), Waiver: accepted}}, *at(1)},
		{"a note", "a: one", Fail, []Finding{{Where: "a", Message: "one", Location: at(1), Note: true}, {Where: "b", Message: "other", Location: at(2)}}, *at(2)},
		{"a field of what was piped", "a: one", Fail, []Finding{{Where: "b", Message: "other", Location: field("spec.replicas")}, {Where: "a", Message: "one", Location: field("spec.strategy")}}, *field("spec.strategy")},
	} {
		t.Run(x.name, func(t *testing.T) {
			v := Verdict{Judgement: Judgement{Status: x.status, Seen: x.seen, Findings: x.findings}}
			locate(&v, contract.Contract{}, evidence.Evidence{})
			if v.Location == nil || *v.Location != x.want {
				t.Errorf("at %+v, want %+v", v.Location, x.want)
			}
		})
	}
}

// The place of a finding is told after its fingerprint is taken, so that a waiver of it goes on.
func TestPlacesChangeNoFingerprint(t *testing.T) {
	e := container(func(k *corev1.Container) { k.Resources.Limits = nil })
	of := func(e evidence.Evidence) string {
		for _, v := range Judge(Catalogue(), goodContract(), e) {
			if v.Check.ID == "resources/limits" {
				return v.Findings[0].Fingerprint
			}
		}
		return ""
	}
	moved := inFiles(e)
	moved.Workload.Source.Lines = nil
	if a, b := of(inFiles(e)), of(moved); a != b || a == "" {
		t.Errorf("%s, and without lines %s", a, b)
	}
}

func TestTheNearestLine(t *testing.T) {
	s := evidence.Source{Line: 3, Lines: map[string]int{"spec": 5, "spec.volumes[a.b]": 8, "spec.volumes": 7}}
	for field, want := range map[string]int{
		"spec.volumes[a.b].emptyDir": 8, "spec.volumes[c.d].emptyDir": 7, "spec.volumes": 7, "spec.replicas": 5, "kind": 3, "": 3,
	} {
		if got := lineIn(s, field); got != want {
			t.Errorf("%s: line %d, want %d", field, got, want)
		}
	}
}
