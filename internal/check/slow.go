package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var databaseSlow = Check{
	ID:    "database/slow",
	Title: "While the database is slow nothing restarts the pod, and once it is fast again all is as before",
	Why: "A database in another region, behind an overloaded network, or busy with a backup takes longer for each answer. A liveness probe " +
		"that waits for it restarts all pods at once, and their new connections make it slower still.",
	Fix: "Let the liveness route ask nothing of the database, and give connecting and queries time limits after which their connection is " +
		"replaced. Requests may be slow meanwhile, and the pod not Ready.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionSlow},
	Judge: judgeDatabaseSlow,

	Timeline: func(e evidence.Evidence) []Moment { return outageMoments(e.Slow) },
}

func judgeDatabaseSlow(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "no restart while each round trip to the database takes 200 ms, and then 2 s; Ready, and queries answered, when it is fast again"}
	if e.Slow == nil {
		return withoutDependency(c, e, evidence.SectionSlow, j)
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
	unclear             string   // what is not known of a worker
	gets                []string // what got slow, for a person
}

func slownessOf(c contract.Contract, e evidence.Evidence) slowness {
	tried, problems := away(e)
	s := slowness{tried: tried}
	s.unknown(problems)
	s.how(e)
	for _, o := range tried {
		s.Seconds += o.Healed.Sub(o.Began).Seconds()
		s.gets = append(s.gets, s.slowed(o))
		if !slowReached(e, o) {
			s.unreached = append(s.unreached, o.Kind)
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
			late, own = lateAnswer(o, queryStream(c), limit)
		}
	}
	switch {
	case wasRestarted(e, o):
		fix := ""
		if !livenessKills(podIn(e, o)) {
			fix = "Let the process go on while its database is slow: catch what a time limit raises, answer 503 meanwhile, and try again."
		}
		s.add(o, s.restart(e, o), fix, restartExcuse(c, e, o))
	case late != "" && own:
		s.add(o, late, "", "")
	case late != "":
		s.add(o, late, "", busy)
	case !o.Unready.IsZero() && o.Ready.IsZero():
		s.add(o, "the pod was not Ready again after the database was fast again", "", busy)
	case !c.Serves() && o.Connected != nil && *o.Connected && o.Reconnected.IsZero():
		s.unclear = awayPlace(o) + ": the worker answers no requests, and no connection of it was seen after the database was fast again"
	}
}

func (s *slowness) add(o evidence.Outage, what, fix, excuse string) {
	where := awayPlace(o)
	s.Judgement.broken(where, "%s", what)
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
	untried, fix := s.untriedWords(e)
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
		{len(s.unreached) > 0, j.undecided(fmt.Sprintf("nothing shows that the workload asked the %s while that was slow (%s): podproof's proxy in front of it passed on no byte of its pod's, and no answer took longer",
			e.Outages.Dependency, list(s.unreached)), elsewhere(e))},
		{s.unclear != "", j.undecided(s.unclear, askable)},
		{probe == nil, j.undecided("the container was not seen while the database was slow, so its liveness probe is not known", incomplete)},
		{asked < budget, j.undecided(fmt.Sprintf("no restart, but the liveness probe gives up after %s and was asked for %s while the database was slow", seconds(budget), seconds(asked)), runAgain)},
		{otherwise, j.pass("A slow database OK", "no restart, and as before afterwards; "+strings.Join(s.gets, "; "))},
	}
}

// untriedWords say what was not tried, and what to do about it; they are empty where all was.
func (s slowness) untriedWords(e evidence.Evidence) (why, fix string) {
	missing := slices.DeleteFunc([]string{evidence.OutageSlow200ms, evidence.OutageSlow2s}, func(kind string) bool {
		return slices.ContainsFunc(s.tried, func(o evidence.Outage) bool { return o.Kind == kind })
	})
	if len(missing) == 0 {
		return "", ""
	}
	_, problems := away(e)
	switch {
	case e.Outages.Unproxied != "":
		return fmt.Sprintf("podproof's proxy, which makes a database slow, cannot stand in front of %s: %s", e.Outages.Dependency, said(e.Outages.Unproxied, 200)),
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

// pace is how long a stream's answers took, in the middle of them.
type pace struct {
	n, failed int
	seconds   float64
}

// typical are a stream's answers before the database was slow, and meanwhile.
func typical(o evidence.Outage, stream string) (before, meanwhile pace) {
	var a, b []float64
	for _, r := range o.Requests {
		switch {
		case r.Stream != stream || r.Start.After(o.Healed):
		case r.Ended().Before(o.Began):
			a = append(a, r.End)
		case r.Start.Before(latest(o.Began, o.Away)):
		default:
			b = append(b, r.End)
			if r.Failure != "" || r.Status >= 400 {
				meanwhile.failed++
			}
		}
	}
	slices.Sort(a)
	slices.Sort(b)
	before.n, meanwhile.n = len(a), len(b)
	if before.n > 0 {
		before.seconds = a[before.n/2]
	}
	if meanwhile.n > 0 {
		meanwhile.seconds = b[meanwhile.n/2]
	}
	return before, meanwhile
}

// slowed says what a slow database did, and notes what it did to each route.
func (s *slowness) slowed(o evidence.Outage) string {
	where := awayPlace(o)
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
