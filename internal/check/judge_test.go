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

func TestCutOffRunAsksForMoreTime(t *testing.T) {
	e := evidence.Evidence{Run: evidence.Run{CutOff: "the run took longer than --timeout 1m0s"}, Missing: map[evidence.Section]string{
		evidence.SectionStartup: "the run took longer than --timeout 1m0s; last seen: no pod was made", evidence.SectionHealth: "it has no Service"}}
	for s, want := range map[evidence.Section]string{evidence.SectionStartup: "--timeout", evidence.SectionHealth: "what was in the way"} {
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
