package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

const waitsFix = "Retry the first connection for as long as it takes, and be not ready meanwhile; or exit non-zero, and let the kubelet start it again."

var waitsForDatabase = Check{
	ID:    "startup/waits-for-database",
	Title: "Started before its database, it waits or is restarted, and comes up once the database is there",
	Why: "After a power cut, or in a new cluster, everything starts at once. A process that is Ready without its database serves errors; " +
		"one that gives up for good needs somebody to deploy it again.",
	Fix:      waitsFix,
	Story:    Reliable,
	Needs:    []evidence.Section{evidence.SectionOutages},
	At:       []Spot{theProgram},
	Judge:    eachDependency(evidence.SectionOutages, waitsFix, judgeWaitsForDatabase),
	Timeline: startsWithout,
}

func judgeWaitsForDatabase(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "never Ready without its database, and Ready once that is, without a deploy"}
	if len(c.Dependencies) > 0 {
		j.Promised = fmt.Sprintf("never Ready without %s, and Ready once that is, without a deploy", c.Dependencies[0])
	}
	if e.Outages == nil || e.Outages.Without == nil {
		return withoutDependency(c, e, evidence.SectionOutages, j)
	}
	if optional(c) {
		return startsAnyway(c, e)
	}
	w, p := e.Outages.Without, e.Outages.Pod
	j.Seconds = w.Waited + w.After
	meanwhile := meanwhileWords(*w, p)
	for _, l := range w.InitLog {
		j.detail("pod "+p.Name+", init container "+w.Init+", log", "%s", said(l.Text, 300))
	}
	switch {
	case !w.Recovered && e.Outages.Unreachable == "":
		return j.neverUp(c, e, meanwhile)
	case unasked(c, e):
		return j.workerWaits(c, e, meanwhile)
	}
	if other, ok := j.isUnused(c, e); ok {
		return other
	}
	if w.BecameReady {
		j.mayBeOptional(c)
		return j.fail("it was Ready without its "+noun(c), fmt.Sprintf("Let the readiness route ask the %s, or start listening only once it was reached.", noun(c)))
	}
	if why := notGivenBack(c, e.Outages); why != "" {
		return j.undecided(fmt.Sprintf("not Ready in the %s without it%s; whether it comes up with it was not seen, since %s", seconds(w.Waited), meanwhile, why), reachable)
	}
	if w.Exits > 0 && w.LastExit == 0 && !livenessKills(p) {
		j.note("pod "+p.Name, "without its %s it ended with exit code 0, which a Job or restartPolicy: OnFailure would take for success", noun(c))
	}
	return j.pass("Start before its "+noun(c)+" OK", fmt.Sprintf("not Ready in the %s without it%s; Ready %s after the %s was there", seconds(w.Waited), meanwhile, seconds(w.After), noun(c)))
}
