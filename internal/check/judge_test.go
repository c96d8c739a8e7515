package check

import (
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func ids(cs []Check) string {
	var out []string
	for _, c := range cs {
		out = append(out, c.ID)
	}
	return strings.Join(out, " ")
}

func TestSelect(t *testing.T) {
	tests := []struct {
		only, skip []string
		want, err  string
	}{
		{only: []string{"identity/*"}, want: "identity/non-root identity/as-declared identity/arbitrary-uid"},
		{only: []string{"build/*"}, skip: []string{"build/succeeds"}, want: "build/dependency-layer-cached build/lockfile-change-rebuilds build/frozen-dependencies build/context-lean build/reproducible"},
		{only: []string{"helth/*"}, err: `no check matches "helth/*"`},
		{skip: []string{"[", "x"}, err: `no check matches "["`},
		{only: []string{"build/*"}, skip: []string{"*/*"}, err: "leave no check"},
	}
	for _, x := range tests {
		got, err := Select(x.only, x.skip)
		switch {
		case x.err != "" && (err == nil || !strings.Contains(err.Error(), x.err)):
			t.Errorf("Select(%v, %v): error %v, want %q", x.only, x.skip, err, x.err)
		case x.err == "" && (err != nil || ids(got) != x.want):
			t.Errorf("Select(%v, %v) = %s, %v; want %s", x.only, x.skip, ids(got), err, x.want)
		}
	}
	if all, err := Select(nil, nil); err != nil || len(all) != len(Catalogue()) {
		t.Errorf("Select() = %s, %v", ids(all), err)
	}
}

func TestWaiver(t *testing.T) {
	c := goodContract()
	c.Waivers = []contract.Waiver{{ID: "identity/non-root", Reason: "until the base image is changed", By: "ops", Until: "2026-03-31"}}
	e := goodEvidence()
	e.Identity.Processes[0].UIDs = []int64{0, 0, 0, 0}
	judged := func(day string) Verdict {
		e.Run.Started, _ = time.Parse(time.RFC3339, day)
		for _, v := range Judge(Catalogue(), c, e) {
			if v.Check.ID == "identity/non-root" {
				return v
			}
		}
		t.Fatal("not judged")
		return Verdict{}
	}
	if v := judged("2026-03-31T23:00:00Z"); v.Status != Waived || v.Waiver == nil {
		t.Errorf("on its last day: %s", v.Status)
	}
	v := judged("2026-04-01T00:00:00Z")
	if v.Status != Fail || !strings.Contains(strings.Join(findingTexts(v.Judgement), "\n"), "ended on 2026-03-31") {
		t.Errorf("a day later: %s %v", v.Status, v.Findings)
	}
}

// A waiver covers what could not be decided, too, and says that it was not.
func TestWaiverOfWhatWasNotDecided(t *testing.T) {
	c := goodContract()
	c.Waivers = []contract.Waiver{{ID: "identity/non-root", Reason: "the node tells nothing", By: "ops", Until: "2026-03-31"}}
	e := goodEvidence()
	e.Identity, e.Missing = nil, map[evidence.Section]string{evidence.SectionIdentity: "the node has no /proc"}
	e.Run.Started = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	v := verdictOn(t, "identity/non-root", c, e)
	if v.Status != Waived || !v.Undecided || !strings.Contains(v.Seen, "no /proc") {
		t.Errorf("%s, undecided %t, seen %q", v.Status, v.Undecided, v.Seen)
	}
	e.Run.Started = e.Run.Started.AddDate(0, 1, 0)
	v = verdictOn(t, "identity/non-root", c, e)
	if v.Status != Inconclusive || !strings.Contains(strings.Join(findingTexts(v.Judgement), "\n"), "ended on 2026-03-31") {
		t.Errorf("after its last day: %s %v", v.Status, v.Findings)
	}
}

func TestContractSkipsChecks(t *testing.T) {
	c, e := goodContract(), goodEvidence()
	c.Skip = []contract.Skip{{ID: "identity/*", Reason: "no HTTP"}}
	e.Identity = nil
	if v := verdictOn(t, "identity/non-root", c, e); v.Status != Skipped || v.Seen != "left out by the contract: no HTTP" {
		t.Errorf("%s: %s", v.Status, v.Seen)
	}
	if left := ids(Without(Catalogue(), c.Skip)); strings.Contains(left, "identity/") || !strings.Contains(left, "startup/ready") {
		t.Errorf("a run collects evidence for %s", left)
	}
	for glob, want := range map[string]string{"identity/*": "", "identity": `did you mean "identity/*"`, "startup/redy": `did you mean "startup/ready"`, "": "empty"} {
		if err := Matches(glob); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", glob, err, want)
		}
	}
}

// The outages that were seen before a run was stopped pass nothing for those that were not.
func TestOutagesThatWereNotTriedPassNothing(t *testing.T) {
	for _, x := range examples["probes/liveness-survives-outage"] {
		if x.want != Pass || x.e.Outages == nil {
			continue
		}
		x.e.Missing = map[evidence.Section]string{evidence.SectionOutages: "stopped while it was tried: SIGTERM"}
		if v := verdictOn(t, "probes/liveness-survives-outage", x.c, x.e); v.Status != Inconclusive {
			t.Errorf("%s: %s", x.name, v.Status)
		}
	}
}

func verdictOn(t *testing.T, id string, c contract.Contract, e evidence.Evidence) Verdict {
	t.Helper()
	for _, v := range Judge(Catalogue(), c, e) {
		if v.Check.ID == id {
			return v
		}
	}
	t.Fatalf("%s was not judged", id)
	return Verdict{}
}

func TestCutOffRunAsksForMoreTime(t *testing.T) {
	e := evidence.Evidence{Run: evidence.Run{CutOff: "--timeout of 1m0s"}, Missing: map[evidence.Section]string{
		evidence.SectionStartup: "stopped while it was tried: --timeout of 1m0s; last seen: no pod was made", evidence.SectionHealth: "it has no Service"}}
	for s, want := range map[evidence.Section]string{evidence.SectionStartup: "--timeout", evidence.SectionHealth: "cause named above"} {
		if j := inconclusive(e, s, ""); !strings.Contains(j.Fix, want) || j.Seen != e.Missing[s] {
			t.Errorf("%s: %s: %s", s, j.Seen, j.Fix)
		}
	}
}

func TestBrokenCheckDecidesNothing(t *testing.T) {
	bad := Check{ID: "x", Judge: func(contract.Contract, evidence.Evidence) Judgement { panic("nil map") }}
	if j := judge(bad, contract.Contract{}, evidence.Evidence{}); j.Status != Inconclusive || !strings.Contains(j.Seen, "nil map") {
		t.Errorf("%+v", j)
	}
	bad.Timeline = func(evidence.Evidence) []Moment { panic("nil map") }
	if ms := story(bad, evidence.Evidence{}); ms != nil {
		t.Errorf("a story of %d moments", len(ms))
	}
}

func TestResult(t *testing.T) {
	of := func(ss ...Status) (vs []Verdict) {
		for _, s := range ss {
			vs = append(vs, Verdict{Judgement: Judgement{Status: s}})
		}
		return vs
	}
	if got := Result(of(Skipped, Skipped)); got != Inconclusive {
		t.Errorf("a run that looked at nothing: %s", got)
	}
	for want, vs := range map[Status][]Verdict{
		Pass:         of(Pass, Waived, Skipped),
		Inconclusive: of(Pass, Inconclusive, Pass),
		Fail:         of(Inconclusive, Fail, Inconclusive),
	} {
		if got := Result(vs); got != want {
			t.Errorf("%v: %s, want %s", vs, got, want)
		}
	}
}
