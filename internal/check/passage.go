package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// how tells, for the curious, by what the outages were made, and what was counted in them.
func (j *Judgement) how(c contract.Contract, e evidence.Evidence) {
	if why := e.Outages.Unproxied; why != "" {
		j.detail("how", "the %s was taken away on its node, since podproof's proxy cannot stand in front of it: %s", noun(c), said(why, 200))
	}
	for _, o := range e.Outages.Trials {
		if o.Passage != nil && problem(c, e, o) == "" && o.Unfit == "" {
			j.detail(awayPlace(c, o), "podproof's proxy in front of it counted %s", passageWords(*o.Passage))
		}
	}
}

// passageWords say what the proxy counted.
func passageWords(p evidence.Passage) string {
	open := func(cs []evidence.Client) string {
		n := 0
		for _, c := range cs {
			n += c.Open
		}
		return count(n, "connection")
	}
	accepted, bytes := 0, int64(0)
	for _, c := range p.During {
		accepted, bytes = accepted+c.Accepted, bytes+c.Sent+c.Received
	}
	words := fmt.Sprintf("%s before", open(p.Before))
	if p.Ended > 0 {
		words += fmt.Sprintf(", of which it ended %d", p.Ended)
	}
	if accepted > 0 || bytes > 0 {
		words += fmt.Sprintf(", %d new ones and %d bytes meanwhile", accepted, bytes)
	}
	if p.Resets > 0 {
		words += fmt.Sprintf(", %d attempts refused", p.Resets)
	}
	return words + fmt.Sprintf(", and %s afterwards", open(p.After))
}
