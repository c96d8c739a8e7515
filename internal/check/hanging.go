package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// hanging finds the requests that nobody answered while the database was away. Where the node
// was short of CPU meanwhile, it returns that instead.
func (j *Judgement) hanging(c contract.Contract, e evidence.Evidence, o evidence.Outage, where string) (excuse string) {
	slowest := map[string]evidence.Request{}
	for _, r := range o.Requests {
		if s, ok := slowest[r.Stream]; r.Start.Before(o.Healed) && (!ok || r.End > s.End) {
			slowest[r.Stream] = r
		}
	}
	for _, stream := range []string{evidence.StreamHealth, evidence.StreamReady, evidence.StreamQuery} {
		r, ok := slowest[stream]
		if !ok {
			continue
		}
		words := ""
		switch {
		case r.Failure == evidence.FailureTimeout:
			words = "was not answered at all: " + requestWords(r)
		case o.Away.IsZero(), r.End < (HangsAfter + hangMargin).Seconds(): // without that time it was not known to matter
			if r.End > 1 {
				j.detail(where, "the slowest answer of the %s route: %s", stream, requestWords(r))
			}
			continue
		case r.Ended().After(o.Healed):
			words = fmt.Sprintf("hung for %s, until the %s was back", seconds(r.End), noun(c))
		default:
			words = fmt.Sprintf("was answered only after %s: %s", seconds(r.End), failureWords(r))
		}
		words = fmt.Sprintf("a request to the %s route %s", stream, words)
		if why := starved(e, r.Start, r.Ended()); why != "" && !ranBeside(o, r) {
			excuse = words + "; " + why
			continue
		}
		j.broken(where, "%s", words)
	}
	return excuse
}

// ranBeside tells whether the process had its chance to run while a request hung for long: other
// requests were answered at once meanwhile.
func ranBeside(o evidence.Outage, hung evidence.Request) bool {
	const crowd = 10
	return hung.End >= 2*HangsAfter.Seconds() && repliesBetween(o.Requests, "", hung.Start, hung.Ended()).prompt >= crowd
}
