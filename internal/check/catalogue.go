package check

import (
	"fmt"
	"slices"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// Catalogue returns every check, in the order in which they are reported.
func Catalogue() []Check {
	return []Check{
		startupReady,
		startupTime,
		startupLogs,
		waitsForDatabase,
		healthAnswers,
		probesDeclared,
		readinessTellsTheTruth,
		livenessSurvivesOutage,
		databaseRecovers,
		databaseSlow,
		terminationExitZero,
		terminationDuringStartup,
		requestsInFlight,
		refusesLate,
		exitUnderOutage,
		noLostRequests,
		scaleDown,
		missingEnvFails,
		malformedEnvFails,
		resourcesLimits,
		signalPath,
		imagePlatform,
		configComplete,
		identityNonRoot,
		identityAsDeclared,
		arbitraryUID,
		securityRestricted,
		readOnlyRoot,
		securityNoToken,
		secretsStaySecret,
		staysClean,
		userNonRoot,
		noDevDependencies,
		noDevServer,
		noSecretsInHistory,
		noSecretsInLayers,
		noSourceLeaks,
		noSetuid,
		noWorldWritable,
		sizeBudget,
		buildSucceeds,
		dependencyLayerCached,
		lockfileChangeRebuilds,
		frozenDependencies,
		contextLean,
		buildReproducible,
	}
}

// Select returns the checks whose IDs match a glob of only (all when it is empty)
// and none of skip. A glob is as in path.Match; "image/*" is a group.
// A glob that matches nothing is an error: it is a typing mistake that would pass silently.
func Select(only, skip []string) ([]Check, error) {
	all := Catalogue()
	for _, g := range append(append([]string{}, only...), skip...) {
		if !matchesAny(all, g) {
			return nil, noMatch(all, g)
		}
	}
	var out []Check
	for _, c := range all {
		if (len(only) == 0 || matches(only, c.ID)) && !matches(skip, c.ID) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("--only and --skip together leave no check to run")
	}
	return out, nil
}

// Judge runs the selected checks over the evidence, and applies the contract's waivers.
// Checks of the catalogue that are not selected are reported as skipped.
func Judge(selected []Check, c contract.Contract, e evidence.Evidence) []Verdict {
	chosen := map[string]bool{}
	for _, s := range selected {
		chosen[s.ID] = true
	}
	var out []Verdict
	for _, ch := range Catalogue() {
		ch = ch.Worded(c)
		v := Verdict{Check: ch}
		switch left := leftOut(c.Skip, ch.ID); {
		case !chosen[ch.ID]:
			v.Judgement = Judgement{}.skip("not selected for this run")
		case left != nil:
			v.Judgement = Judgement{}.skip("left out by the contract: " + left.Reason).until("no skip of it in the contract")
		default:
			v.Judgement = judge(ch, c, e)
			advise(&v, c)
			if v.Status != Skipped || v.Advice {
				v.Timeline = story(ch, e)
			}
		}
		if v.Fix == "" {
			v.Fix = ch.Fix
		}
		fingerprint(&v)
		waive(&v, c.Waivers, e.Run.Started)
		locate(&v, c, e)
		out = append(out, v)
	}
	return out
}

// judge turns a bug of a check into "inconclusive": never into a pass, nor into a crash
// that would hide the other verdicts.
func judge(ch Check, c contract.Contract, e evidence.Evidence) (j Judgement) {
	defer func() {
		if p := recover(); p != nil {
			j = Judgement{Status: Inconclusive, Seen: fmt.Sprintf("this check itself broke (%v): a bug in podproof, please report it with the evidence file", p)}
		}
	}()
	j = ch.Judge(c, e)
	for _, s := range []evidence.Section{evidence.SectionOutages, evidence.SectionSlow} {
		if j.Status == Pass && slices.Contains(ch.Needs, s) && e.Missing[s] != "" {
			// The outages that were not tried might break the promise that the others left whole.
			return inconclusive(e, s, j.Promised)
		}
	}
	return j
}

// story is the timeline of a check's trial. A bug of it hides no verdict.
func story(ch Check, e evidence.Evidence) (ms []Moment) {
	defer func() {
		if p := recover(); p != nil {
			ms = nil
		}
	}()
	if ch.Timeline == nil {
		return nil
	}
	return ch.Timeline(e)
}

// Result is the verdict on the whole run: Fail when a promise is broken, else Inconclusive
// when one could not be decided or none was looked at, else Pass.
func Result(vs []Verdict) Status {
	decided, open := false, false
	for _, v := range vs {
		switch v.Status {
		case Fail:
			return Fail
		case Inconclusive:
			open = true
		case Pass, Waived:
			decided = true
		}
	}
	if open || !decided {
		return Inconclusive
	}
	return Pass
}
