package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// tellable is what makes it known what a worker does, which nobody can ask.
func tellable(c contract.Contract) string {
	return fmt.Sprintf("Let the worker keep its connection to the %[1]s open, or give it a readiness probe (exec will do) that fails without the %[1]s.", noun(c))
}

// workerRecovers judges a workload that nobody can ask by what is seen of it from outside: it
// runs, and it has a connection to its database again.
func (j Judgement) workerRecovers(c contract.Contract, e evidence.Evidence) Judgement {
	j.Promised = fmt.Sprintf("it runs after each outage, and has a connection to its %s again", noun(c))
	tried, problems := away(c, e)
	j.unknown(problems)
	var seen []string
	unclear, fix := "", tellable(c)
	for _, o := range tried {
		j.Seconds += o.Healed.Sub(o.Began).Seconds()
		where := awayPlace(c, o)
		switch {
		case !o.Unready.IsZero() && o.Ready.IsZero():
			if why := starved(e, o.Healed, o.Healed.Add(within(c))); why != "" {
				unclear, fix = fmt.Sprintf("%s: the pod was not Ready again after the %s was back; %s", where, noun(c), why), whenQuiet
				continue
			}
			j.broken(where, "the pod was not Ready again after the %s was back", noun(c))
			j.tail(podIn(e, o), 5)
		case o.Restarts > 0 && livenessKills(podIn(e, o)):
			unclear, fix = restartedWords(c, o), fixFirst("probes/liveness-survives-outage")
		case o.Connected == nil:
			unclear = where + ": the worker answers no requests, and podproof cannot see whether it has a connection"
		case o.Reconnected.IsZero():
			unclear = fmt.Sprintf("%s: the worker answers no requests, and no connection of it was seen after the %s was back", where, noun(c))
		default:
			how := fmt.Sprintf("%s: %s", o.Kind, seconds(o.Reconnected.Sub(o.Healed).Seconds()))
			if o.Restarts > 0 {
				how += ", by its own exit and a restart"
			}
			seen = append(seen, how)
		}
	}
	if b := j.firstBroken(); b != nil {
		return j.fail(b.Where+": "+b.Message, "Let the worker connect again for as long as it takes, or exit non-zero and be started again.")
	}
	if open, ok := j.untried(c, e); ok {
		return open
	}
	if unclear != "" {
		return j.undecided(unclear, fix)
	}
	return j.pass("Recovery from "+noun(c)+" outages OK", fmt.Sprintf("connected again this long after the %s was back: %s", noun(c), list(seen)))
}
