package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// counted are the connections of the workload's own pod that podproof's proxy counted: open before an outage,
// made in it, and open afterwards.
type counted struct{ before, made, after int }

func ownConnections(e evidence.Evidence, o evidence.Outage) (n counted) {
	pod := podIn(e, o).Name
	if o.Passage == nil || pod == "" {
		return n
	}
	of := func(cs []evidence.Client, count func(evidence.Client) int) (sum int) {
		for _, c := range cs {
			if c.Pod == pod {
				sum += count(c)
			}
		}
		return sum
	}
	open := func(c evidence.Client) int { return c.Open }
	return counted{of(o.Passage.Before, open), of(o.Passage.During, func(c evidence.Client) int { return c.Accepted }), of(o.Passage.After, open)}
}

func (n counted) any() bool { return n.before+n.made+n.after > 0 }

func (n counted) most() int { return max(n.before, n.made, n.after) }

// poolFix is what to change of the workload's connections, in terms of what was counted of them; it is
// empty where none were, and the check's own advice stands.
func poolFix(c contract.Contract, e evidence.Evidence, o evidence.Outage) string {
	n := ownConnections(e, o)
	switch {
	case !n.any():
		return ""
	case n.after == 0:
		return fmt.Sprintf("It had %s to the %s, made %d more while that was slow, and had none afterwards: let the pool connect again when a request finds no connection.",
			count(n.before, "connection"), noun(c), n.made)
	case n.made > n.before:
		return fmt.Sprintf("It had %s to the %s, and made %d more while that was slow: limit the pool's size, and let a request that gets no connection within a second or two be answered with an error.",
			count(n.before, "connection"), noun(c), n.made)
	}
	return fmt.Sprintf("It had %s to the %s, and %d afterwards: those may be dead, or busy with a query that nobody waits for any more. Give each query, and each wait for a "+
		"connection of the pool, a time limit, and replace a connection whose query ran into it.", count(n.before, "connection"), noun(c), n.after)
}

// askMeanwhile is what to do about a workload that is connected with its dependency and did not ask it anything.
func askMeanwhile(c contract.Contract) string {
	switch {
	case !c.Serves():
		return fmt.Sprintf("Let the worker ask its %s something every few seconds, also while it has nothing to do; or leave this check out in the contract (skip), with the reason.", noun(c))
	case c.HTTP.Query == nil:
		return fmt.Sprintf("Let the contract's http.query name a route whose answer comes from the %s.", noun(c))
	}
	return fmt.Sprintf("Let the contract's http.query name a route that asks the %s each time: this one was answered without it, as from a cache.", noun(c))
}
