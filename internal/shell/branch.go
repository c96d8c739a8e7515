package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// and is "X && Y": where X asks something, both answers are ways to go on; where it does
// something, its failure is no way that anybody means.
func (r *reader) and(c *syntax.BinaryCmd, p way, at place) []way {
	if q, ok := r.asks(c.X, p); ok {
		return append(r.stmt(c.Y, []way{p.on(q.yes)}, at), p.on(q.no))
	}
	before := p
	out := r.stmt(c.X, []way{p}, at)
	asked := questions(c.X)
	for i := range out {
		if asked {
			out[i].last, out[i].background = before.last, before.background
		}
	}
	yes := slices.Clone(out)
	for i := range yes {
		yes[i].maybe = yes[i].maybe || asked
	}
	yes = r.stmt(c.Y, yes, at)
	for i := range out {
		out[i].failed = out[i].failed || !asked
	}
	return joined(before, yes, out)
}

// or is "X || Y".
func (r *reader) or(c *syntax.BinaryCmd, p way, at place) []way {
	if q, ok := r.asks(c.X, p); ok {
		return append(r.stmt(c.Y, []way{p.on(q.no)}, at), p.on(q.yes))
	}
	asked := questions(c.X)
	yes := r.stmt(c.X, []way{p}, at)
	for i := range yes {
		if asked {
			yes[i].last, yes[i].background = p.last, p.background
		}
	}
	no := p
	no.maybe = true
	no.failed = p.failed || !asked
	return joined(p, r.stmt(c.Y, []way{no}, at), yes)
}

// joined are the ways behind a branch that may be taken, and behind the other one. Where the
// branch changes nothing, it was none.
func joined(before way, taken, rest []way) []way {
	taken = slices.DeleteFunc(slices.Clone(taken), func(p way) bool {
		return slices.ContainsFunc(rest, func(o way) bool { return o.last == p.last && o.background == p.background })
	})
	return append(rest, taken...)
}

// on is the way under further conditions.
func (p way) on(conditions []Condition) way {
	p.when = slices.Concat(p.when, conditions)
	return p
}

// questions tells whether a command only looks at something: its failure is an answer.
func questions(s *syntax.Stmt) bool {
	switch c := s.Cmd.(type) {
	case *syntax.TestClause, *syntax.ArithmCmd:
		return true
	case *syntax.BinaryCmd:
		return questions(c.Y)
	case *syntax.CallExpr:
		if len(c.Args) == 0 {
			return true
		}
		name, _ := literal(c.Args[0])
		return looks[base(name)]
	}
	return false
}

var looks = words("[ test command type which hash grep pgrep pidof id getent kill mountpoint ls stat cmp diff")

func words(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}

// branch is an if with its elifs and its else.
func (r *reader) branch(c *syntax.IfClause, p way, at place) []way {
	if at.depth++; at.depth > deepest {
		return []way{p}
	}
	yes, no, known := p, p, false
	if n := len(c.Cond); n > 0 {
		r.condition(c.Cond, p, at)
		var q question
		if q, known = r.asks(c.Cond[n-1], p); known && n == 1 {
			yes, no = p.on(q.yes), p.on(q.no)
		} else {
			known = false
		}
	}
	if !known {
		yes.maybe = true
	}
	then := r.run(c.Then, []way{yes}, at)
	if c.Else == nil {
		return both(known, p, then, []way{no})
	}
	if !known {
		no.maybe = true
	}
	var other []way
	if len(c.Else.Cond) == 0 { // else, and no elif
		other = r.run(c.Else.Then, []way{no}, at)
	} else {
		other = r.branch(c.Else, no, at)
	}
	return both(known, p, then, other)
}

// both joins the ways behind the two sides of an if. Where neither side ends nor serves, the text
// goes on as before.
func both(known bool, before way, then, other []way) []way {
	if quiet(before, then) && quiet(before, other) {
		before.lost = before.lost || slices.ContainsFunc(slices.Concat(then, other), func(p way) bool { return p.lost || p.shifted != before.shifted })
		return []way{before}
	}
	if known {
		return append(then, other...)
	}
	return joined(before, then, other)
}

// quiet tells that a side of a branch goes on to what follows, and serves nothing.
func quiet(before way, side []way) bool {
	return len(side) == 1 && side[0].last == before.last && side[0].background == before.background && len(side[0].when) <= len(before.when)+1
}

// condition looks at the commands of a condition, which serve nothing unless they become the process.
func (r *reader) condition(stmts []*syntax.Stmt, p way, at place) {
	at.asked = true
	r.run(stmts, []way{p}, at)
}

// cases is a case; where the word is an argument, and the patterns are plain, the branches are conditions.
func (r *reader) cases(c *syntax.CaseClause, p way, at place) []way {
	argument, known := r.argument(c.Word, p)
	var out []way
	var before []string
	all, quietly := false, true
	for _, item := range c.Items {
		var patterns []string
		for _, w := range item.Patterns {
			pattern, plain := literal(w)
			known = known && plain
			patterns = append(patterns, pattern)
			all = all || pattern == "*"
		}
		side := p
		if known {
			argument.Is, argument.Not = patterns, false
			side = p.on([]Condition{argument})
			if len(before) > 0 {
				argument.Is, argument.Not = slices.Clone(before), true
				side = side.on([]Condition{argument})
			}
			before = append(before, patterns...)
		} else {
			side.maybe = true
		}
		after := r.run(item.Stmts, []way{side}, at)
		quietly = quietly && len(after) == 1 && after[0].last == p.last && after[0].background == p.background && !after[0].lost && after[0].shifted == p.shifted
		out = append(out, after...)
	}
	switch {
	case quietly:
		return []way{p}
	case all:
	case known:
		argument.Is, argument.Not = before, true
		out = append(out, p.on([]Condition{argument}))
	default:
		out = append(out, p)
	}
	return out
}

// endless tells whether a loop's condition always holds.
func endless(cond []*syntax.Stmt) bool {
	if len(cond) != 1 || cond[0].Negated {
		return false
	}
	switch c := cond[0].Cmd.(type) {
	case *syntax.CallExpr:
		name, _ := literal(at(c.Args, 0))
		return name == "true" || name == ":" || name == "[" && len(c.Args) == 3
	case *syntax.ArithmCmd:
		w, ok := c.X.(*syntax.Word)
		if !ok {
			return false
		}
		value, _ := literal(w)
		return value == "1"
	}
	return false
}

// loop looks at a loop's body once. In it the arguments may be others at each turn.
func (r *reader) loop(cond, do []*syntax.Stmt, forever bool, p way, at place) []way {
	inside := p
	inside.lost = true
	first := r.run(cond, []way{inside}, at)
	out := r.run(do, first, at)
	shifts := p.lost || slices.ContainsFunc(out, func(o way) bool { return o.shifted != p.shifted })
	for _, o := range slices.Backward(out) {
		if o.last != p.last || o.background != p.background {
			p.last, p.background = o.last, o.background
			break
		}
	}
	p.lost = shifts
	if !forever || slices.ContainsFunc(do, leaves) {
		return []way{p}
	}
	if at.own {
		r.end(p)
	}
	return nil
}

// leaves tells whether a statement has a break, in whatever depth.
func leaves(s *syntax.Stmt) bool {
	found := false
	syntax.Walk(s, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok {
			name, _ := literal(at(c.Args, 0))
			found = found || name == "break"
		}
		return !found
	})
	return found
}
