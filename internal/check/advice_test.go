package check

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// What a profile does not ask for is told, and breaks nothing; what it asks for stays broken.
func TestAdvice(t *testing.T) {
	noExpose := config(func(c *evidence.ImageConfig) { c.ExposedPorts = nil })
	noLabel := func(c contract.Contract) contract.Contract { c.ImageConfig.Labels = []string{"none.such"}; return c }
	wrongPort := config(func(c *evidence.ImageConfig) { c.ExposedPorts = []string{"1/tcp"} })
	unlimited := with(func(e *evidence.Evidence) { containerOf(*e.Workload).Resources = corev1.ResourceRequirements{} })
	ended := with(func(e *evidence.Evidence) {
		containerOf(*e.Workload).Resources = corev1.ResourceRequirements{}
		e.Resources.Ended = &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}
	})
	pinned := func(c contract.Contract) contract.Contract { c.ImageConfig.PinnedBase = true; return c }
	unbuilt := config(func(c *evidence.ImageConfig) { c.ExposedPorts = nil })
	unbuilt.Build = nil
	unmeasured := with(func(e *evidence.Evidence) {
		containerOf(*e.Workload).Resources = corev1.ResourceRequirements{}
		e.Resources = nil
	})
	unserved := with(func(e *evidence.Evidence) {
		containerOf(*e.Workload).Resources = corev1.ResourceRequirements{}
		e.Resources.Requests = 0
	})
	for _, x := range []struct {
		name, id string
		c        contract.Contract
		e        evidence.Evidence
		breaks   string // the profiles under which it does
		says     string // empty: under the others it is undecided
	}{
		{"no EXPOSE", "image/config-complete", goodContract(), noExpose, "strict", "under the profile PROFILE this breaks nothing: no EXPOSE. Write EXPOSE 8000"},
		{"no EXPOSE beside a label that is promised", "image/config-complete", noLabel(goodContract()), noExpose, "baseline recommended strict", ""},
		{"an EXPOSE that is not so", "image/config-complete", goodContract(), wrongPort, "baseline recommended strict", ""},
		{"no requests and no limit", "resources/limits", goodContract(), unlimited, "recommended strict", "resources.requests.cpu is not set"},
		{"no EXPOSE beside a base of which nothing is known", "image/config-complete", pinned(goodContract()), unbuilt, "strict", ""},
		{"no requests, and nothing was measured", "resources/limits", goodContract(), unmeasured, "recommended strict", ""},
		{"no requests, and nobody was served", "resources/limits", goodContract(), unserved, "recommended strict", ""},
		{"an end beside that", "resources/limits", goodContract(), ended, "baseline recommended strict", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			for _, profile := range contract.Profiles {
				x.c.Profile = profile
				selected, err := Select([]string{x.id}, nil)
				if err != nil {
					t.Fatal(err)
				}
				vs := Judge(selected, x.c, x.e)
				v := vs[slices.IndexFunc(vs, func(v Verdict) bool { return v.Check.ID == x.id })]
				if breaks := slices.Contains(strings.Fields(x.breaks), profile); breaks != (v.Status == Fail) || v.Advice != (!breaks && x.says != "") || !breaks && x.says == "" && v.Status != Inconclusive {
					t.Errorf("%s: %s (advice: %t): %s", profile, v.Status, v.Advice, v.Seen)
				}
				if !v.Advice {
					continue
				}
				if v.Status != Skipped || !strings.Contains(v.Seen, strings.ReplaceAll(x.says, "PROFILE", profile)) || v.Enabling != "profile: "+strings.Fields(x.breaks)[0]+" in the contract" || v.firstBroken() != nil {
					t.Errorf("%s: %+v", profile, v.Judgement)
				}
			}
		})
	}
}

// A check as a whole is advice before its profile, whatever its findings are.
func TestAdviceOfAWholeCheck(t *testing.T) {
	for _, x := range []struct {
		check  Check
		j      Judgement
		breaks string
	}{
		{Check{Profile: contract.ProfileRecommended}, Judgement{Status: Fail}, "recommended strict"},
		{Check{Profile: contract.ProfileRecommended}, Judgement{Status: Fail, Findings: []Finding{{}, {Note: true}}}, "recommended strict"},
		{Check{Profile: contract.ProfileRecommended}, Judgement{Status: Fail, Findings: []Finding{{profile: contract.ProfileStrict}}}, "strict"},
		{Check{}, Judgement{Status: Fail, Findings: []Finding{{Note: true, profile: contract.ProfileStrict}}}, "baseline recommended strict"},
	} {
		for _, profile := range contract.Profiles {
			v := Verdict{Check: x.check, Judgement: x.j}
			v.Findings = slices.Clone(v.Findings)
			advise(&v, contract.Contract{Profile: profile})
			if want := slices.Contains(strings.Fields(x.breaks), profile); want == v.Advice {
				t.Errorf("%+v under %s: advice %t", x.j, profile, v.Advice)
			}
		}
	}
	v := Verdict{Judgement: Judgement{Status: Inconclusive}, Check: Check{Profile: contract.ProfileStrict}}
	if advise(&v, contract.Contract{}); v.Advice {
		t.Error("what is undecided is no advice")
	}
}

func TestEachCheckSaysWhereItStands(t *testing.T) {
	for _, c := range Catalogue() {
		if c.Profile != "" && !slices.Contains(contract.Profiles, c.Profile) {
			t.Errorf("%s: there is no profile %q", c.ID, c.Profile)
		}
	}
	for profile, want := range map[string]string{"": "under each profile", contract.ProfileRecommended: "under baseline it is advice", contract.ProfileStrict: "under the profile strict; else it is advice"} {
		if got := (Check{Profile: profile, Opinion: "But."}).Stands(); !strings.Contains(got, want) || !strings.HasSuffix(got, " But.") {
			t.Errorf("%q: %s", profile, got)
		}
	}
}
