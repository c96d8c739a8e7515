package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
)

// advise makes advice of a broken promise that the contract's profile does not ask for: it breaks
// nothing, and does not count as kept either.
func advise(v *Verdict, c contract.Contract) {
	if v.Status != Fail {
		return
	}
	asked := askedBy(*v)
	if c.Asks(asked) {
		return
	}
	fix := v.Fix
	if fix == "" {
		fix = v.Check.Fix
	}
	v.Judgement = v.skip(fmt.Sprintf("under the profile %s this breaks nothing: %s. %s", c.ProfileName(), strings.TrimSuffix(v.Seen, "."), fix)).until("profile: " + asked + " in the contract")
	v.Advice = true
	for i := range v.Findings {
		v.Findings[i].Note = true
	}
}

// askedBy is the first profile that asks for what is broken.
func askedBy(v Verdict) string {
	least := ""
	rank := func(profile string) int { return slices.Index(contract.Profiles, profile) }
	for _, f := range v.Findings {
		if f.Note {
			continue
		}
		by := f.profile
		if rank(by) < rank(v.Check.Profile) {
			by = v.Check.Profile
		}
		if least == "" || rank(by) < rank(least) {
			least = by
		}
		if rank(by) < 0 {
			return contract.ProfileBaseline
		}
	}
	switch {
	case least != "":
		return least
	case v.Check.Profile != "":
		return v.Check.Profile
	}
	return contract.ProfileBaseline
}

// asks tells whether something is broken that the contract's profile asks for. What is left undecided
// beside mere advice stays undecided.
func (j *Judgement) asks(c contract.Contract) bool {
	return slices.ContainsFunc(j.Findings, func(f Finding) bool { return !f.Note && c.Asks(f.profile) })
}

// onlyFor marks the last finding as one that a profile asks for, and those before it do not.
func (j *Judgement) onlyFor(profile string) {
	j.Findings[len(j.Findings)-1].profile = profile
}

// Stands says under which profiles a promise that is broken breaks a run.
func (c Check) Stands() string {
	text := "Broken, it breaks a run under each profile."
	switch c.Profile {
	case contract.ProfileRecommended:
		text = "Broken, it breaks a run under the profiles recommended, which is the usual one, and strict; under baseline it is advice."
	case contract.ProfileStrict:
		text = "Broken, it breaks a run under the profile strict; else it is advice."
	}
	if c.Opinion != "" {
		text += " " + c.Opinion
	}
	return text
}
