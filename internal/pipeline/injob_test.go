package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/workload"
)

// What a run makes as the pod of a Job is owned by that, what an earlier pod of it left is removed first,
// and the Job's own pods are no pods of others.
func TestARunThatIsAJob(t *testing.T) {
	ref, _ := pushed(t)
	for in, owned := range map[string]bool{"mine": true, "elsewhere": false} {
		c := somebodys(t)
		anchor := func(run, uid string) string {
			path := "/api/v1/namespaces/mine/configmaps/podproof-" + run
			c.api.put("ADDED", path, c.api.parse(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"podproof-`+run+`","namespace":"mine","labels":{"podproof.dev/run":"`+run+`"},`+
				`"ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"podproof","uid":"`+uid+`"}]}}`))
			return path
		}
		earlier, others := anchor("earlier", "job-1"), anchor("others", "job-2")
		own := "/api/v1/namespaces/mine/pods/podproof-x7k2p"
		if owned { // elsewhere it is a pod of others, as nothing says otherwise
			c.api.put("ADDED", own, c.api.parse(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"podproof-x7k2p","namespace":"mine","labels":{"batch.kubernetes.io/controller-uid":"job-1"}},"spec":{"containers":[{"name":"mesh","image":"mesh:1"},{"name":"podproof","image":"registry.example/podproof:1"}]},"status":{"phase":"Running"}}`))
		}
		o, tell := options(t, c, "startup/ready", "termination/exit-zero")
		o.Existing, o.Namespace, o.Image = "fake-1", "mine", ref
		if owned {
			o.AgentImage = ""
		}
		o.Job = &workload.InJob{Name: "podproof", Namespace: in, UID: "job-1"}
		if _, err := Verify(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if gone := c.api.get(earlier) == nil; gone != owned || c.api.get(others) == nil || owned && c.api.get(own) == nil {
			t.Errorf("in %s: there are %q", in, c.api.paths())
		}
		if said := slices.ContainsFunc(tell.noted, func(s string) bool { return strings.Contains(s, "which an earlier pod of this Job left") }); said != owned {
			t.Errorf("in %s: said %q", in, tell.noted)
		}
		anchors, held := 0, 0
		for _, l := range c.api.log {
			if l.Type != "ADDED" || l.path == earlier || l.path == others {
				continue
			}
			if strings.HasPrefix(l.path, "/api/v1/namespaces/mine/configmaps/podproof-") {
				refs := l.Object.GetOwnerReferences()
				if owned != (len(refs) == 1 && refs[0].Kind == "Job" && refs[0].UID == "job-1" && !*refs[0].Controller && !*refs[0].BlockOwnerDeletion) {
					t.Errorf("in %s: %s belongs to %+v", in, l.path, refs)
				}
				anchors++
			}
			held += len(l.Object.GetFinalizers())
		}
		if anchors != 1 || owned != (held == 0) {
			t.Errorf("in %s: %d anchors, and %d finalizers", in, anchors, held)
		}
	}
}

// Told to stop, as by a drain or at the Job's deadline, a run removes what it made. Until then all of it belongs to the
// Job, so that one that is killed leaves nothing else.
func TestAJobThatIsToldToStop(t *testing.T) {
	ref, _ := pushed(t)
	c := somebodys(t)
	before := c.api.paths()
	o, _ := options(t, c, "startup/ready", "termination/exit-zero")
	o.Existing, o.Namespace, o.Image = "fake-1", "mine", ref
	o.Job = &workload.InJob{Name: "podproof", Namespace: "mine", UID: "job-1"}
	stopped := &Stopped{By: "SIGTERM"}
	ctx, stop := context.WithCancelCause(t.Context())
	o.Tell = &stopping{notes: &notes{}, at: "Stopping a pod with SIGTERM", stop: func() { stop(stopped) }}
	if r, err := Verify(ctx, o); !errors.Is(err, stopped) {
		t.Fatalf("missing: %v (%v)", r.Evidence.Missing, err)
	}
	if after := c.api.paths(); !slices.Equal(before, after) {
		t.Errorf("there are %q, and there were %q", after, before)
	}
	made := 0
	for _, l := range c.api.log {
		controllers := strings.Contains(l.path, "/pods/") && !strings.Contains(l.path, "/pods/podproof-")
		if l.Type == "ADDED" && strings.Contains(l.path, "/namespaces/mine/") && !slices.Contains(before, l.path) && !controllers {
			made++
			if len(l.Object.GetOwnerReferences()) != 1 || len(l.Object.GetFinalizers()) > 0 {
				t.Errorf("%s belongs to %+v, and is held by %q", l.path, l.Object.GetOwnerReferences(), l.Object.GetFinalizers())
			}
		}
	}
	if made < 5 {
		t.Errorf("it made %d objects before it was stopped: %q", made, c.api.changes("POST"))
	}
}

// What a killed pod of a Job left, its sidecar removes, and nothing of others'.
func TestASweptJob(t *testing.T) {
	c := somebodys(t)
	for run, uid := range map[string]string{"own": "job-1", "others": "job-2", "nobodys": ""} {
		owner := ""
		if uid != "" {
			owner = `,"ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"podproof","uid":"` + uid + `"}]`
		}
		for _, name := range []string{"podproof-" + run, "podproof-" + run + "-result"} {
			c.api.put("ADDED", "/api/v1/namespaces/mine/configmaps/"+name, c.api.parse(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"`+name+`","namespace":"mine","labels":{"podproof.dev/run":"`+run+`"}`+owner+`}}`))
		}
	}
	o, _ := options(t, c, "startup/ready")
	o.Existing, o.Job = "fake-1", &workload.InJob{Name: "podproof", Namespace: "mine", UID: "job-1"}
	var said []string
	if err := SweepJob(t.Context(), o, func(s string) { said = append(said, s) }); err != nil || len(said) != 1 {
		t.Errorf("said %q (%v)", said, err)
	}
	if got, want := c.api.changes("DELETE"), []string{"/api/v1/namespaces/mine/configmaps/podproof-own"}; !slices.Equal(got, want) {
		t.Errorf("deleted were %q, want %q", got, want)
	}
}
