package report

import "fmt"

// A folding is a reason that several promises could not be checked for.
type folding struct {
	seen, fix string
	verdicts  []Verdict
}

// fold collects the reasons that more than one verdict gives; a cluster that did not start
// is told once.
func fold(vs []Verdict) []folding {
	var all, shared []folding
	place := map[[2]string]int{}
	for _, v := range vs {
		key := [2]string{v.Seen, v.Fix}
		i, ok := place[key]
		if !ok {
			i = len(all)
			place[key] = i
			all = append(all, folding{seen: v.Seen, fix: v.Fix})
		}
		all[i].verdicts = append(all[i].verdicts, v)
	}
	for _, f := range all {
		if len(f.verdicts) > 1 {
			shared = append(shared, f)
		}
	}
	return shared
}

func isFolded(fs []folding, id string) bool {
	for _, f := range fs {
		for _, v := range f.verdicts {
			if v.ID == id {
				return true
			}
		}
	}
	return false
}

func (p *page) foldedBlock(f folding) {
	p.line(0, yellow, fmt.Sprintf("INCONCLUSIVE %d promises, for one reason", len(f.verdicts)))
	p.labelled(4, label("promises"), plain, ids(f.verdicts))
	p.labelled(4, label("because"), plain, f.seen)
	if f.fix != "" {
		p.labelled(4, label("what to do"), plain, f.fix)
	}
	for _, v := range f.verdicts {
		p.findings(v, v.untold(v.Findings))
	}
}
