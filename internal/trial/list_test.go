package trial

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// A trial says all of itself, and waits for none that is not there.
func TestList(t *testing.T) {
	known := map[string]Trial{}
	for _, x := range List {
		if _, twice := known[x.ID]; twice || x.ID == "" {
			t.Errorf("two trials are called %q", x.ID)
		}
		known[x.ID] = x
		for name, wrong := range map[string]bool{
			"fills no section":                   len(x.Sections) == 0,
			"has no bound":                       x.Within == nil || x.Within(Limits{Start: time.Second, End: time.Second}) < Look,
			"cannot be made":                     x.Run == nil,
			"says how it begins or ends, alone":  (x.Doing == "") != (x.Done == ""),
			"asks who cannot be asked":           x.Needs.Has(NeedServing) && !x.Needs.Has(NeedAgent),
			"waits for all, and names some":      x.Last && len(x.Behind) > 0,
			"is followed by others, being last":  x.Last && x.ID != List[len(List)-1].ID,
			"has an ID that is no label's value": strings.ToLower(x.ID) != x.ID || len(x.ID) > 63,
		} {
			if wrong {
				t.Errorf("%s %s", x.ID, name)
			}
		}
	}
	for _, x := range List {
		for _, b := range x.Behind {
			if _, ok := known[b]; !ok || b == x.ID {
				t.Errorf("%s waits for %s", x.ID, b)
			}
		}
	}
}

// A rollout replaces the workload's own pods under those that look at them.
func TestRolloutsWaitForThoseThatLookAtThePods(t *testing.T) {
	looks := regexp.MustCompile(`b\.(?:runningPod|readyPod)\(\)`)
	id := regexp.MustCompile(`ID: +"([a-z-]+)",`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := id.FindSubmatch(text)
		if m == nil || strings.HasSuffix(file, "_test.go") || !looks.Match(text) {
			continue
		}
		found++
		if !slices.Contains(Rollouts.Behind, string(m[1])) {
			t.Errorf("%s looks at the workload's own pods: add it to Behind of Rollouts, which replaces them", m[1])
		}
	}
	if found < 4 {
		t.Errorf("%d trials look at the workload's own pods", found)
	}
}

func TestSections(t *testing.T) {
	for _, x := range List {
		for _, s := range x.Sections {
			if !slices.Contains(Sections(x.Needs), s) {
				t.Errorf("%s is not among those with the needs of %s", s, x.ID)
			}
		}
	}
	if got := Sections(NeedAgent); slices.Contains(got, evidence.SectionTermination) || !slices.Contains(got, evidence.SectionOutageTermination) {
		t.Errorf("the agent is needed for %v", got)
	}
	seen, err := sees(func(context.Context, *TestBed) (int, error) { return 7, nil }, func(e *evidence.Evidence, n int) { e.Steps = make([]evidence.Step, n) })(t.Context(), nil)
	var e evidence.Evidence
	if seen(&e); err != nil || len(e.Steps) != 7 {
		t.Errorf("%v: wrote %d", err, len(e.Steps))
	}
}

func TestTrialsAreAskedForByTheContract(t *testing.T) {
	yes := true
	rich := contract.Contract{Env: contract.Env{Required: []string{"TOKEN"}}, Identity: contract.Identity{ArbitraryUID: true}, Dependencies: contract.Needs("statefulset/db")}
	for id, c := range map[string]struct{ asks, poor contract.Contract }{
		RequiredEnv.ID: {rich, contract.Contract{}}, MalformedEnv.ID: {rich, contract.Contract{}}, ArbitraryUID.ID: {rich, contract.Contract{}},
		Outages.ID: {rich, contract.Contract{}}, Frozen.ID: {rich, contract.Contract{}}, Slow.ID: {rich, contract.Contract{}},
	} {
		x := List[slices.IndexFunc(List, func(x Trial) bool { return x.ID == id })]
		if !x.Asked(c.asks, corev1.Container{}) || x.Asked(c.poor, corev1.Container{}) {
			t.Errorf("%s is not asked for by what its contract says", id)
		}
	}
	if !ReadOnlyRoot.Asked(rich, corev1.Container{}) || ReadOnlyRoot.Asked(rich, corev1.Container{SecurityContext: &corev1.SecurityContext{ReadOnlyRootFilesystem: &yes}}) {
		t.Error("a root that is read-only already is tried again")
	}
}

func TestLimits(t *testing.T) {
	l := Limits{Start: 10 * time.Second, End: 20 * time.Second, Longest: time.Second, Jobs: time.Minute, Required: 2, Replicas: 1}
	for _, c := range []struct {
		trial Trial
		want  time.Duration
	}{
		{Identity, Look + 30*time.Second},
		{Health, Look + 10*time.Second},
		{Termination, Look + 90*time.Second},
		{InFlight, Look + 123*time.Second},
		{RequiredEnv, Look + 70*time.Second},
		{MalformedEnv, Look + 150*time.Second},
		{Rollouts, Look + 180*time.Second},
		{Outages, Look + 4*90*time.Second + time.Minute},
		{Frozen, Look + 3*90*time.Second + time.Minute},
		{Slow, Look + 3*90*time.Second + time.Minute},
	} {
		if got := c.trial.Within(l); got != c.want {
			t.Errorf("%s may take %s, want %s", c.trial.ID, got, c.want)
		}
	}
}

func TestWhatWasCutOffIsLeftOut(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	half := []evidence.Rollout{{Kind: "restart", Requests: make([]evidence.Request, 9)}, {Kind: "eviction", Finished: true}}
	if got := wholeRollouts(ctx, half); len(got) != 1 || got[0].Kind != "restart" || len(wholeRollouts(t.Context(), half)) != 2 {
		t.Errorf("a rollout that was cut off counts: %+v", got)
	}
	whole := func(ctx context.Context, o evidence.Outages, err error) OutageResult {
		r := OutageResult{Outages: &o}
		r.whole(ctx, err)
		return r
	}
	two := evidence.Outages{Without: &evidence.StartWithout{}, Trials: []evidence.Outage{{Kind: "restarted"}, {Kind: "refused"}}}
	if got := whole(ctx, two, errors.New("cut off")); len(got.Outages.Trials) != 1 || got.Outages.Without == nil || !got.cut {
		t.Errorf("an outage that was cut off counts: %+v", got)
	}
	if got := whole(ctx, evidence.Outages{Without: &evidence.StartWithout{}}, errors.New("cut off")); got.Outages != nil {
		t.Errorf("a start that was cut off counts: %+v", got)
	}
	if got := whole(t.Context(), two, errors.New("it went wrong by itself")); len(got.Outages.Trials) != 2 || got.cut {
		t.Errorf("an outage that was not cut off does not count: %+v", got)
	}
}

// Two trials end in one section, the brief ones first, whichever is over first.
func TestOutagesOfTwoTrials(t *testing.T) {
	brief := func() *evidence.Outages {
		return &evidence.Outages{Without: &evidence.StartWithout{}, Trials: []evidence.Outage{{Kind: "restarted"}}}
	}
	long := func() *evidence.Outages { return &evidence.Outages{Trials: []evidence.Outage{{Kind: "frozen"}}} }
	for _, order := range [][]*evidence.Outages{{brief(), long()}, {long(), nil, brief()}} {
		var o *evidence.Outages
		for _, more := range order {
			o = joined(o, more)
		}
		if o.Without == nil || len(o.Trials) != 2 || o.Trials[0].Kind != "restarted" || o.Trials[1].Kind != "frozen" {
			t.Errorf("got %+v", o)
		}
	}
}

// An outage's namespace that refuses an object ends that trial alone, and the namespace is given up.
func TestElsewhereThatRefuses(t *testing.T) {
	ended := false
	there := &TestBed{Namespace: "shop-outage", End: func(context.Context) { ended = true }}
	b := &TestBed{Elsewhere: func(context.Context, string, string) (*TestBed, Copy, error) {
		return there, Copy{}, errors.New("no such quota")
	}}
	if _, err := b.takeOne(t.Context(), 0, Taken{Name: "statefulset/db", Controller: &workload.Controller{}}, OutageSpec{}); err == nil || ended {
		t.Errorf("a namespace that was not made: %v, ended: %t", err, ended)
	}
	wrong := &workload.ManifestError{Problems: []string{"all.yaml:3: service/api: provided port is already allocated"}}
	err := ofTheTrial(wrong, "shop-outage")
	if errors.As(err, new(*workload.ManifestError)) || !strings.Contains(err.Error(), "namespace shop-outage") || !strings.Contains(err.Error(), "already allocated") {
		t.Errorf("got %v", err)
	}
	other := errors.New("the watch broke")
	if got := ofTheTrial(other, "shop-outage"); got != other {
		t.Errorf("got %v", got)
	}
}
