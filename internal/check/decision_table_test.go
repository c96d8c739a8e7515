package check

import (
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// tables are the decision tables of the judges that have one, for evidence that gets so far; nil
// for other evidence.
var tables = map[string]func(contract.Contract, evidence.Evidence) []decision{
	"termination/requests-in-flight": func(c contract.Contract, e evidence.Evidence) []decision {
		if e.InFlight == nil || undecidedExit(*e.InFlight, e) != "" {
			return nil
		}
		return fatesOf(flightOf(e)).decisions(Judgement{}, c)
	},
	"termination/refuses-late": func(_ contract.Contract, e evidence.Evidence) []decision {
		if e.InFlight == nil || undecidedExit(*e.InFlight, e) != "" {
			return nil
		}
		return leaveOf(*e.InFlight, containerName(e)).decisions(Judgement{}, e)
	},
	"database/recovers": func(c contract.Contract, e evidence.Evidence) []decision {
		if e.Outages == nil || !c.Serves() {
			return nil
		}
		return recoveryOf(c, e).decisions(Judgement{}, c, e)
	},
	"database/slow": func(c contract.Contract, e evidence.Evidence) []decision {
		if e.Slow == nil {
			return nil
		}
		e.Outages = e.Slow
		return slownessOf(c, e).decisions(Judgement{}, c, e)
	},
}

// All rows of a table are built for each example, so coverage says nothing of which were chosen.
func TestEveryRowHasAnExample(t *testing.T) {
	for _, ch := range Catalogue() {
		table := tables[ch.ID]
		if table == nil {
			continue
		}
		t.Run(ch.ID, func(t *testing.T) {
			shown := map[int]bool{}
			var last []decision
			for _, x := range examples[ch.ID] {
				if len(x.c.Dependencies) > 1 {
					continue // of each there is a table
				}
				rows := table(x.c, x.e)
				if rows == nil {
					continue
				}
				last = rows
				i := chosen(rows)
				shown[i] = true
				if j := ch.Judge(x.c, x.e); j.Status != rows[i].then.Status || j.Seen != rows[i].then.Seen || j.Fix != rows[i].then.Fix {
					t.Errorf("%s: the judge says %s (%s), and its table %s (%s)", x.name, j.Status, j.Seen, rows[i].then.Status, rows[i].then.Seen)
				}
			}
			if len(last) == 0 || !last[len(last)-1].when {
				t.Fatal("the last row of a table holds otherwise, whatever was seen")
			}
			for i, row := range last {
				if !shown[i] {
					t.Errorf("no example leads to row %d: %s, %q", i+1, row.then.Status, row.then.Seen)
				}
			}
		})
	}
}

func TestDecideTakesTheFirstRowThatHolds(t *testing.T) {
	j := Judgement{}
	rows := []decision{{false, j.fail("first", "")}, {true, j.fail("second", "")}, {otherwise, j.fail("third", "")}}
	if got := decide(rows).Seen; got != "second" {
		t.Errorf("got the %s row", got)
	}
}

// A table without a row that holds is a bug, of which judge makes a verdict that decides nothing.
func TestNoRowPassesNothing(t *testing.T) {
	ch := Check{ID: "x", Judge: func(contract.Contract, evidence.Evidence) Judgement {
		return decide([]decision{{false, Judgement{}.pass("OK", "all is well")}})
	}}
	if j := judge(ch, contract.Contract{}, evidence.Evidence{}); j.Status != Inconclusive {
		t.Errorf("%s: %s", j.Status, j.Seen)
	}
}

// The rows of a table are made from one judgement: what one of them adds is not another's.
func TestRowsShareNoFinding(t *testing.T) {
	var j Judgement
	for _, where := range []string{"a", "b", "c"} { // leaves room for a fourth
		j.broken(where, "broken")
	}
	one, other := j.with(Finding{Where: "one"}), j.with(Finding{Where: "other"})
	if one.Findings[3].Where != "one" || other.Findings[3].Where != "other" || len(j.Findings) != 3 {
		t.Errorf("%v, %v, and %v", one.Findings, other.Findings, j.Findings)
	}
}
