package check

import (
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// notReadyAsVariant is the judgement when the changed pod did not get Ready. It is the change's
// doing only where the unchanged ones did.
func (j Judgement) notReadyAsVariant(v evidence.Variant, cause string, e evidence.Evidence) Judgement {
	t := troubleOf(v.Pod)
	switch {
	case t.untried:
		return j.undecided(t.seen, t.fix)
	case e.Startup == nil || !e.Startup.Ready:
		return j.undecided("the workload's own pods did not become Ready either", fixFirst("startup/ready"))
	}
	for _, l := range v.Pod.Log {
		if strings.Contains(strings.ToLower(l.Text), cause) {
			j.broken("pod "+v.Pod.Name+", log", "%s", said(l.Text, 300))
		}
	}
	seen := fmt.Sprintf("not Ready after %s: %s", seconds(v.Seconds), t.seen)
	if len(j.Findings) > 0 {
		return j.fail(seen, "")
	}
	j.tail(v.Pod, 5)
	if s := underTest(v.Pod, containerName(e)); s == nil || s.State.Running == nil || v.Pod.Status.StartTime == nil {
		return j.fail(seen, "")
	}
	began := v.Pod.Status.StartTime.Time
	return j.late(e, began, lasting(began, v.Seconds), seen, "")
}
