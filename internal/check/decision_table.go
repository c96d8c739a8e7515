package check

// A decision is one row of a decision table: the judgement, and when it holds. Rows are tried in
// their order.
//
// All of a table is built before one row is chosen, so a row's words must also be safe to build
// where it does not hold, and a row adds findings by Judgement.with alone.
type decision struct {
	when bool
	then Judgement
}

// otherwise is the condition of a table's last row.
const otherwise = true

// decide is the judgement of the first row that holds.
func decide(table []decision) Judgement { return table[chosen(table)].then }

func chosen(table []decision) int {
	for i, d := range table {
		if d.when {
			return i
		}
	}
	panic("no row of the table holds, not even the last")
}

// with is the judgement with more findings. It shares none of them with the one it is made from.
func (j Judgement) with(more ...Finding) Judgement {
	j.Findings = append(j.Findings[:len(j.Findings):len(j.Findings)], more...)
	return j
}
