package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var waitsForDatabase = Check{
	ID:    "startup/waits-for-database",
	Title: "Started before its database, it waits or is restarted, and comes up once the database is there",
	Why: "After a power cut, or in a new cluster, everything starts at once. A process that is Ready without its database serves errors; " +
		"one that gives up for good needs somebody to deploy it again.",
	Fix:      "Retry the first connection for as long as it takes, and be not ready meanwhile; or exit non-zero, and let the kubelet start it again.",
	Story:    Reliable,
	Needs:    []evidence.Section{evidence.SectionOutages},
	Judge:    judgeWaitsForDatabase,
	Timeline: func(e evidence.Evidence) []Moment { return withoutMoments(e.Outages) },
}

func judgeWaitsForDatabase(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "never Ready without its database, and Ready once that is, without a deploy"}
	if len(c.Dependencies) > 0 {
		j.Promised = fmt.Sprintf("never Ready without %s, and Ready once that is, without a deploy", c.Dependencies[0])
	}
	if e.Outages == nil || e.Outages.Without == nil {
		return withoutDependency(c, e, evidence.SectionOutages, j)
	}
	w := e.Outages.Without
	j.Seconds = w.Waited + w.After
	meanwhile := fmt.Sprintf("not Ready in the %s without it", seconds(w.Waited))
	killed := livenessKills(e.Outages.Pod)
	switch {
	case w.Exits > 0 && killed:
		meanwhile += fmt.Sprintf(" (its liveness probe had it restarted %s)", times(w.Exits))
	case w.Exits > 0:
		meanwhile += fmt.Sprintf(" (its container ended %s, with exit code %d)", times(w.Exits), w.LastExit)
	}
	switch {
	case w.BecameReady:
		return j.fail("it was Ready without its database", "Let the readiness route ask the database, or start listening only once it was reached.")
	case !w.Recovered:
		j.tail(e.Outages.Pod, 8)
		return j.late(e, w.Up, lasting(w.Up, w.After), fmt.Sprintf("%s, and not Ready %s after the database was", meanwhile, seconds(w.After)), "")
	}
	if w.Exits > 0 && w.LastExit == 0 && !killed {
		j.note("pod "+e.Outages.Pod.Name, "without its database it ended with exit code 0, which a Job or restartPolicy: OnFailure would take for success")
	}
	return j.pass("Start before its database OK", fmt.Sprintf("%s; Ready %s after the database was", meanwhile, seconds(w.After)))
}
