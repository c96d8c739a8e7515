package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

const slowFix = "Let the liveness route ask nothing of the database, and give connecting and queries time limits after which their connection is " +
	"replaced. Requests may be slow meanwhile, and the pod not Ready."

var databaseSlow = Check{
	ID:    "database/slow",
	Title: "While the database is slow nothing restarts the pod, and once it is fast again all is as before",
	Why: "A database in another region, behind an overloaded network, or busy with a backup takes longer for each answer. A liveness probe " +
		"that waits for it restarts all pods at once, and their new connections make it slower still.",
	Fix:   slowFix,
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionSlow},
	At:    []Spot{inContainer("livenessProbe")},
	Judge: eachDependency(evidence.SectionSlow, slowFix, judgeDatabaseSlow),

	Timeline: func(e evidence.Evidence) []Moment {
		return takenMoments(e, func(t evidence.Taken) *evidence.Outages { return t.Slow })
	},
}

func judgeDatabaseSlow(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: fmt.Sprintf("no restart while each round trip to the %s takes 200 ms, and then 2 s; Ready, and queries answered, when it is fast again", noun(c))}
	if optional(c) {
		j.Promised = fmt.Sprintf("Ready all the while, and no restart, while each round trip to the optional %s takes 200 ms, and then 2 s", noun(c))
	}
	if e.Slow == nil {
		return withoutDependency(c, e, evidence.SectionSlow, j)
	}
	if why := e.Slow.Unreachable; why != "" {
		return j.undecided(fmt.Sprintf("the %s was not made slow, since it could not be reached: %s", noun(c), said(why, 200)), reachable)
	}
	e.Outages = e.Slow // what is asked of an outage is asked of these
	s := slownessOf(c, e)
	j.Findings, j.Seconds = s.Findings, s.Seconds
	return decide(s.decisions(j, c, e))
}

// slowness is how the workload bore a database that was slow.
type slowness struct {
	Judgement
	tried []evidence.Outage
	// broken is the first promise that was, fix what to change where it is not the check's own, and
	// excuse what a node that was short of CPU may have cost.
	broken, fix, excuse string
	blamed              evidence.Outage
	unreached           []string // kinds of which nothing shows that they reached the workload
	idle                counted  // the workload's own connections while nothing reached it
	unclear             string   // what is not known of a worker
	gets                []string // what got slow, for a person
}

func slownessOf(c contract.Contract, e evidence.Evidence) slowness {
	tried, problems := away(c, e)
	s := slowness{tried: tried}
	s.unknown(problems)
	s.how(c, e)
	for _, o := range tried {
		s.Seconds += o.Healed.Sub(o.Began).Seconds()
		s.gets = append(s.gets, s.slowed(c, o))
		if !slowReached(e, o) {
			s.unreached = append(s.unreached, o.Kind)
			if own := ownConnections(e, o); own.any() {
				s.idle = own
			}
		}
		s.bore(c, e, o)
	}
	return s
}

// bore takes down a restart, and what was not as before when the database was fast again.
func (s *slowness) bore(c contract.Contract, e evidence.Evidence, o evidence.Outage) {
	limit := within(c)
	busy := starved(e, o.Healed, o.Healed.Add(limit))
	late, own := "", false
	if c.Serves() && unanswerable(o, queryStream(c)) == "" {
		if _, asked := firstAnswer(o, queryStream(c)); asked {
			late, own = lateAnswer(c, o, queryStream(c), limit)
		}
	}
	switch {
	case wasRestarted(e, o):
		fix := ""
		if !livenessKills(podIn(e, o)) {
			fix = "Let the process go on while its " + noun(c) + " is slow: catch what a time limit raises, answer 503 meanwhile, and try again."
		}
		s.add(c, e, o, s.restart(e, o), fix, restartExcuse(c, e, o))
	case late != "" && own:
		s.add(c, e, o, late, poolFix(c, e, o), "")
	case late != "":
		s.add(c, e, o, late, poolFix(c, e, o), busy)
	case !o.Unready.IsZero() && o.Ready.IsZero():
		s.add(c, e, o, fmt.Sprintf("the pod was not Ready again after the %s was fast again", noun(c)), poolFix(c, e, o), busy)
	case optional(c) && !o.Unready.IsZero():
		words, no := unreadyWords(o)
		if no {
			busy = ""
		}
		s.add(c, e, o, words, stayReady(c), busy)
	case !c.Serves() && o.Connected != nil && *o.Connected && o.Reconnected.IsZero():
		s.unclear = fmt.Sprintf("%s: the worker answers no requests, and no connection of it was seen after the %s was fast again", awayPlace(c, o), noun(c))
	}
}

func (s *slowness) add(c contract.Contract, e evidence.Evidence, o evidence.Outage, what, fix, excuse string) {
	where := awayPlace(c, o)
	at := programPlace(e, where)
	if wasRestarted(e, o) {
		at = restartPlace(e, o, where)
	}
	s.brokenAt(at, "%s", what)
	switch {
	case excuse != "":
		s.excuse = where + ": " + what + "; " + excuse
	case s.broken == "":
		s.broken, s.fix, s.blamed = where+": "+what, fix, o
	}
}

// decisions are what the times in which the database was slow lead to.
func (s slowness) decisions(j Judgement, c contract.Contract, e evidence.Evidence) []decision {
	var tail Judgement
	if s.broken != "" {
		tail.tail(podIn(e, s.blamed), 5)
	}
	untried, fix := s.untriedWords(c, e)
	probe, asked, budget := outagePod(e), 0.0, 0.0
	if probe != nil && probe.LivenessProbe != nil {
		budget = evidence.ProbeBudget(probe.LivenessProbe).Seconds()
		for _, o := range s.tried {
			if o.Kind == evidence.OutageSlow2s {
				asked = livenessAsked(podIn(e, o), probe, o).Seconds()
			}
		}
	}
	return []decision{
		{s.broken != "", j.fail(s.broken, s.fix).with(tail.Findings...)},
		{s.excuse != "", j.undecided(s.excuse, whenQuiet)},
		{untried != "", j.undecided(untried, fix)},
		{len(s.unreached) > 0 && s.idle.any(), j.undecided(fmt.Sprintf("the workload did not ask the %s while that was slow (%s): podproof's proxy in front of it counted %s of its pod's and no byte over them, and no answer took longer",
			e.Outages.Dependency, list(s.unreached), count(s.idle.most(), "connection")), askMeanwhile(c))},
		{len(s.unreached) > 0, j.undecided(fmt.Sprintf("nothing shows that the workload asked the %s while that was slow (%s): podproof's proxy in front of it passed on no byte of its pod's, and no answer took longer",
			e.Outages.Dependency, list(s.unreached)), elsewhere(c, e))},
		{s.unclear != "", j.undecided(s.unclear, tellable(c))},
		{probe == nil, j.undecided(fmt.Sprintf("the container was not seen while the %s was slow, so its liveness probe is not known", noun(c)), incomplete)},
		{asked < budget, j.undecided(fmt.Sprintf("no restart, but the liveness probe gives up after %s and was asked for %s while the %s was slow", seconds(budget), seconds(asked), noun(c)), runAgain)},
		{otherwise, j.pass("A slow "+noun(c)+" OK", "no restart, and as before afterwards; "+strings.Join(s.gets, "; "))},
	}
}

// untriedWords say what was not tried, and what to do about it; they are empty where all was.
func (s slowness) untriedWords(c contract.Contract, e evidence.Evidence) (why, fix string) {
	missing := slices.DeleteFunc([]string{evidence.OutageSlow200ms, evidence.OutageSlow2s}, func(kind string) bool {
		return slices.ContainsFunc(s.tried, func(o evidence.Outage) bool { return o.Kind == kind })
	})
	if len(missing) == 0 {
		return "", ""
	}
	_, problems := away(c, e)
	switch {
	case e.Outages.Unproxied != "":
		return fmt.Sprintf("podproof's proxy, which makes a %s slow, cannot stand in front of %s: %s", noun(c), e.Outages.Dependency, said(e.Outages.Unproxied, 200)),
			"Let a Service of the manifests with TCP ports lead to it, by which the workload names it; or leave this check out in the contract (skip), with the reason."
	case len(problems) > 0:
		return "not all could be tried; " + problems[0], runAgain
	case e.Missing[evidence.SectionSlow] != "":
		return "not all could be tried: " + e.Why(evidence.SectionSlow), fixOf(e, evidence.SectionSlow)
	}
	return list(missing) + " was not tried", "See startup/ready and startup/waits-for-database, then run podproof again, and let it finish."
}

// slowReached tells whether something shows that the workload asked the database while that was slow:
// bytes of its pod's that passed, what it did, or answers that took longer.
func slowReached(e evidence.Evidence, o evidence.Outage) bool {
	if noticed(o) || o.Restarts > 0 || worse(o, evidence.StreamQuery) || worse(o, evidence.StreamReady) {
		return true
	}
	if o.Passage != nil {
		for _, c := range o.Passage.During {
			if c.Pod != "" && c.Pod == podIn(e, o).Name && c.Sent+c.Received > 0 {
				return true
			}
		}
	}
	return slices.ContainsFunc([]string{evidence.StreamQuery, evidence.StreamReady}, func(stream string) bool {
		before, meanwhile := typical(o, stream)
		return meanwhile.n > 0 && before.n > 0 && meanwhile.seconds > before.seconds+0.1
	})
}

// slowed says what a slow database did, and notes what it did to each route.
func (s *slowness) slowed(c contract.Contract, o evidence.Outage) string {
	where := awayPlace(c, o)
	words := fmt.Sprintf("%s, for %s", awayWords(o), seconds(o.Healed.Sub(o.Began).Seconds()))
	for _, stream := range []string{evidence.StreamHealth, evidence.StreamReady, evidence.StreamQuery} {
		before, meanwhile := typical(o, stream)
		if meanwhile.n == 0 {
			continue
		}
		text := fmt.Sprintf("an answer of the %s route took %.2f s", stream, meanwhile.seconds)
		if before.n > 0 {
			text += fmt.Sprintf(" (%.2f s before)", before.seconds)
		}
		if meanwhile.failed > 0 {
			text += fmt.Sprintf(", and %d of %s came to nothing", meanwhile.failed, count(meanwhile.n, "request"))
		}
		s.detail(where, "%s", text)
		if stream == evidence.StreamQuery {
			words += ": " + text
		}
	}
	if noticed(o) {
		words += fmt.Sprintf(", not Ready for the first time %s it began", afterWords(o.Began, o.Unready))
	}
	return words
}
