package pipeline

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

// What is done to pods by others spoils the trials that stand on them, whatever those saw, and no others.
func TestTrialsWhosePodsAreTakenAway(t *testing.T) {
	drained := func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "EvictionByEvictionAPI"}}
	}
	deleted := func(p *corev1.Pod) { now := metav1.Now(); p.DeletionTimestamp = &now }
	for name, c := range map[string]struct {
		trial     string
		needs     trial.Need
		of        string // the label of the pod that goes
		elsewhere bool   // it is in a namespace of a trial's own
		how       func(*corev1.Pod)
		spoilt    bool
	}{
		"nothing":                            {trial: "termination", of: "termination", how: func(*corev1.Pod) {}},
		"its own pod is evicted":             {trial: "termination", of: "termination", how: drained, spoilt: true},
		"its own pod is deleted":             {trial: "termination", of: "termination", how: deleted, spoilt: true},
		"another trial's pod is evicted":     {trial: "termination", of: "required-env", how: drained},
		"a dependency or the workload":       {trial: "health", how: drained, spoilt: true},
		"a pod that its controller replaces": {trial: "health", how: deleted},
		"the agent, which it needs":          {trial: "requests-in-flight", needs: trial.NeedAgent, of: "agent", how: drained, spoilt: true},
		"the agent, deleted":                 {trial: "requests-in-flight", needs: trial.NeedAgent, of: "agent", how: deleted, spoilt: true},
		"the agent, which it does not need":  {trial: "termination", of: "agent", how: drained},
		"a dependency elsewhere":             {trial: "outages", needs: trial.NeedAgent, elsewhere: true, how: drained, spoilt: true},
		"the proxy, by which it goes away":   {trial: "frozen", of: "proxy", how: drained, spoilt: true},
		"the proxy of other trials":          {trial: "health", of: "proxy", how: drained},
		"the end of a namespace":             {trial: "frozen", of: "frozen", elsewhere: true, how: deleted},
		"a dependency that goes on":          {trial: "outages", how: drained, spoilt: true},
		"a dependency that is elsewhere":     {trial: "health", elsewhere: true, how: drained},
	} {
		for _, parts := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				client := fake.NewClientset()
				r := &run{place: place{Cluster: &fakeCluster{nodes: &testNodes{}}, applier: &workload.Applier{Client: client}}, bench: &trial.TestBed{}}
				for _, ns := range []string{"shop", "shop-outage"} {
					o, err := workload.Observe(t.Context(), client, ns, func(s string) string { return s }, func(string) {})
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(o.Stop)
					r.place.observers = append(r.place.observers, o)
				}
				i, ns := 0, "shop"
				if c.elsewhere {
					i, ns = 1, "shop-outage"
				}
				x := trial.Trial{ID: c.trial, TakesAway: c.trial == "outages" || c.trial == "frozen", Needs: c.needs, Parts: parts, Run: func(ctx context.Context, _ *trial.TestBed) (trial.Seen, error) {
					p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: ns, UID: "1"}}
					if c.of != "" {
						p.Labels = map[string]string{workload.TrialLabel: c.of}
					}
					c.how(p)
					if err := client.Tracker().Add(p); err != nil {
						t.Error(err)
					}
					err := r.place.observers[i].Wait(ctx, func(*corev1.Pod) bool { return true }, func(ps []*workload.Observed) (bool, string, error) { return len(ps) > 0, "", nil })
					return func(e *evidence.Evidence) { e.Run.ID = "seen" }, err
				}}
				err := r.try(x)(t.Context())
				if (err != nil) != c.spoilt || (r.saw.e.Run.ID == "seen") == c.spoilt {
					t.Errorf("the error is %v, and the evidence is written: %t", err, r.saw.e.Run.ID != "")
				}
				if err != nil && (!strings.Contains(err.Error(), "pod p was") || !strings.Contains(err.Error(), "not the image's doing")) {
					t.Errorf("it says %v", err)
				}
			})
		}
	}
}

// While the API server is not heard, moments are missed, by which some trials judge; the others are whole.
func TestTrialsThatMissMoments(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer server.Close()
	applier, err := workload.NewApplier(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := applier.Client.CoreV1().Pods("shop").Watch(t.Context(), metav1.ListOptions{}); err == nil {
		t.Fatal("the API server is there")
	}
	r := &run{place: place{applier: applier}}
	for _, x := range trial.List {
		lost := x.ID == trial.Rollouts.ID || x.ID == trial.Outages.ID || x.ID == trial.Frozen.ID || x.ID == trial.Slow.ID
		if why := r.disturbed(began, x); (why != nil) != lost {
			t.Errorf("%s: %v", x.ID, why)
		}
	}
	if r.disturbed(began, trial.Trial{}) == nil {
		t.Error("a start is not measured without it")
	}
}

// A run whose token ends, or whose API server goes away, says so and ends with what it knows by then.
func TestARunThatLosesItsAPIServer(t *testing.T) {
	was, wasAway := deniedFor, awayFor
	deniedFor, awayFor = 0, 0
	t.Cleanup(func() { deniedFor, awayFor = was, wasAway })
	for code, want := range map[int32]string{http.StatusUnauthorized: "has not accepted this run's credentials since", http.StatusServiceUnavailable: "has not answered since"} {
		ref, _ := pushed(t)
		c := somebodys(t)
		c.api.unready["api"] = true
		c.api.applied = func(path string) {
			if strings.HasSuffix(path, "/deployments/api") {
				c.api.fails.Store(code)
			}
		}
		before := c.api.paths()
		o, tell := options(t, c, "startup/ready", "image/user-non-root", "security/read-only-root")
		o.Existing, o.Namespace, o.Image, o.Kubeconfig = "fake-1", "mine", ref, "/etc/kubeconfig"
		r, err := Verify(t.Context(), o)
		if err != nil || r.Evidence.Image == nil || r.Evidence.Startup != nil {
			t.Fatalf("%d: the image is %v, the start %v (%v)", code, r.Evidence.Image, r.Evidence.Startup, err)
		}
		for _, s := range []evidence.Section{evidence.SectionStartup, evidence.SectionReadOnlyRoot} {
			if why := r.Evidence.Missing[s]; !strings.Contains(why, want) {
				t.Errorf("%d: %s is missing because %q", code, s, why)
			}
		}
		if !strings.Contains(r.Evidence.Run.CutOff, want) {
			t.Errorf("%d: cut off by %q", code, r.Evidence.Run.CutOff)
		}
		command := "podproof clean --cluster fake:fake-1 --kubeconfig /etc/kubeconfig -n mine " + r.Evidence.Run.ID
		if !lineWith(tell.noted, "Cleaning up left podproof's objects in namespace mine behind", command) {
			t.Errorf("%d: noted is %q", code, tell.noted)
		}
		c.api.fails.Store(0)
		c.api.applied = nil
		if err := CleanCluster(t.Context(), o, []string{r.Evidence.Run.ID}, func(string) {}); err != nil || !slices.Equal(before, c.api.paths()) {
			t.Errorf("%d: cleaned (%v), and there are %q", code, err, c.api.paths())
		}
		if n := left(t, o); n != 0 {
			t.Errorf("%d: %d ledgers of what is gone", code, n)
		}
	}
}

func TestWhatIsLeftIsSaidWithTheWayToRemoveIt(t *testing.T) {
	for _, c := range []struct {
		owned, pulls bool
		want         string
	}{{true, false, "the next run, or `podproof clean`"}, {false, false, "podproof clean abc\n"}, {false, true, "podproof clean --cluster fake:fake-1 abc\n"}} {
		o := newCluster(t, c.owned)
		o.pulls = c.pulls
		r := &run{Options: Options{Providers: o.alone(), Provider: "fake"}, place: place{Cluster: o}, ledger: &ledger.Ledger{ID: "abc", Made: ledger.Made{Namespaces: []string{"podproof-abc", "podproof-abc-frozen"}}}}
		got := r.leftText(context.DeadlineExceeded)
		if !strings.Contains(got, c.want) || !c.owned && !strings.Contains(got, "left namespace podproof-abc, podproof-abc-frozen behind") {
			t.Errorf("owned %t, pulls %t: %s", c.owned, c.pulls, got)
		}
	}
}

func TestHowLongARunGoesOnUnheard(t *testing.T) {
	r := &run{}
	if r.unheard(time.Now()) != "" {
		t.Error("a run without a cluster ends")
	}
	if deniedFor < time.Minute || awayFor < 2*time.Minute {
		t.Error("a token that is read again, or a control plane that is restarted, comes too late")
	}
}
