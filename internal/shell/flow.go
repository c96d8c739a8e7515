package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// reader follows a text from its first command to its ends.
type reader struct {
	Reading
	text      string
	functions map[string]*syntax.FuncDecl
	// arguments are the variables that were given an argument of the text.
	arguments map[string]Condition
	commands  int // how many were looked at
}

// way is one way through the text, up to some command.
type way struct {
	when    []Condition
	maybe   bool
	shifted int
	// lost tells that the arguments are no longer those that the text was given.
	lost bool
	// last is the command that serves so far, and background where it runs while others follow.
	last       *End
	background bool
	// failed tells that the way is there only if a command fails.
	failed bool
}

// place is where a command stands.
type place struct {
	depth int
	// own tells that it runs in the shell's own process: not in a pipeline, a subshell or the background.
	own bool
	// asked tells that it is the condition of a branch or a loop.
	asked bool
	// returned gets the ways that leave the function.
	returned *[]way
}

// How deep commands are followed into one another, and functions that call themselves; how many
// commands are looked at, and how many ways followed: a text can be made to have endless ones.
const (
	deepest      = 100
	mostCommands = 20_000
	mostPaths    = 16
	mostEnds     = 64
)

// finish follows the whole text.
func (r *reader) finish(file *syntax.File) {
	out := r.run(file.Stmts, []way{{}}, place{own: true})
	failed := len(r.Ends) > 0 || slices.ContainsFunc(out, func(p way) bool { return p.last != nil && !p.failed })
	for _, p := range out {
		if !p.failed || !failed {
			r.end(p)
		}
	}
	slices.SortStableFunc(r.Ends, func(a, b End) int { return int(a.at) - int(b.at) })
	r.markBare(file.Stmts)
	if n := len(file.Stmts); n > 0 && len(r.Ends) == 0 {
		r.rest = oneLine(r.source(file.Stmts[n-1]))
	}
}

// markBare finds the end that is the text's last command, where that is a simple one without
// redirections. Bash (builtins/evalstring.c) becomes it unless a trap is set.
func (r *reader) markBare(stmts []*syntax.Stmt) {
	if len(stmts) == 0 || len(r.Traps) > 0 {
		return
	}
	s := stmts[len(stmts)-1]
	only := len(stmts) == 1
	for {
		if s.Background || s.Negated || s.Coprocess || s.Disown || len(s.Redirs) > 0 {
			return
		}
		b, ok := s.Cmd.(*syntax.BinaryCmd)
		if !ok || b.Op == syntax.Pipe || b.Op == syntax.PipeAll {
			break
		}
		s, only = b.Y, false
	}
	if _, ok := s.Cmd.(*syntax.CallExpr); !ok {
		return
	}
	for i := range r.Ends {
		if e := &r.Ends[i]; e.at == s.Pos().Offset() && !e.Waits {
			e.Bare, e.Only = true, only
		}
	}
}

// end notes that a way ends with its last command.
func (r *reader) end(p way) {
	if p.last == nil {
		return
	}
	e := *p.last
	e.When, e.Maybe, e.Shifted = p.when, p.maybe, p.shifted
	always := func(x End) bool { return len(x.When) == 0 && !x.Maybe }
	alike := func(o End) bool { return o.at == e.at && o.Execs == e.Execs && o.Waits == e.Waits }
	if slices.ContainsFunc(r.Ends, func(o End) bool { return alike(o) && (always(o) || equal(o.When, e.When) && (e.Maybe || !o.Maybe)) }) {
		return
	}
	r.Ends = slices.DeleteFunc(r.Ends, func(o End) bool { return alike(o) && (always(e) || equal(o.When, e.When)) })
	if len(r.Ends) < mostEnds {
		r.Ends = append(r.Ends, e)
	}
}

func equal(a, b []Condition) bool {
	return slices.EqualFunc(a, b, func(x, y Condition) bool {
		return x.Argument == y.Argument && x.Default == y.Default && x.Not == y.Not && slices.Equal(x.Is, y.Is)
	})
}

func (r *reader) run(stmts []*syntax.Stmt, in []way, at place) []way {
	for _, s := range stmts {
		in = r.stmt(s, in, at)
	}
	return in
}

// few bounds the ways: what of them differs most is kept.
func few(paths []way) []way {
	var out []way
	for _, p := range paths {
		i := slices.IndexFunc(out, func(o way) bool { return same(o, p) })
		switch {
		case i < 0:
			out = append(out, p)
		case out[i].maybe && !p.maybe || out[i].failed && !p.failed:
			out[i] = p
		}
	}
	if len(out) > mostPaths {
		last := out[len(out)-1]
		last.when, last.maybe, last.lost = nil, true, true
		return append(slices.Clone(out[:mostPaths-1]), last)
	}
	return out
}

func same(a, b way) bool {
	return a.last == b.last && a.background == b.background && a.shifted == b.shifted && a.lost == b.lost && equal(a.when, b.when)
}

func (r *reader) stmt(s *syntax.Stmt, in []way, at place) []way {
	at.depth++
	r.commands++
	if at.depth > deepest || r.commands > mostCommands || len(in) == 0 {
		return in
	}
	if s.Background || s.Coprocess || s.Disown {
		return r.behind(s, in, at)
	}
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		return each(in, func(p way) []way { return r.call(s, c, p, at) })
	case *syntax.BinaryCmd:
		switch c.Op {
		case syntax.Pipe, syntax.PipeAll:
			return r.pipeline(s, c, in, at)
		case syntax.AndStmt:
			return each(in, func(p way) []way { return r.and(c, p, at) })
		}
		return each(in, func(p way) []way { return r.or(c, p, at) })
	case *syntax.Block:
		return r.run(c.Stmts, in, at)
	case *syntax.Subshell:
		at.own = false
		return r.run(c.Stmts, in, at)
	case *syntax.IfClause:
		return each(in, func(p way) []way { return r.branch(c, p, at) })
	case *syntax.CaseClause:
		return each(in, func(p way) []way { return r.cases(c, p, at) })
	case *syntax.WhileClause:
		return each(in, func(p way) []way { return r.loop(c.Cond, c.Do, !c.Until && endless(c.Cond), p, at) })
	case *syntax.ForClause:
		style, counts := c.Loop.(*syntax.CStyleLoop)
		return each(in, func(p way) []way { return r.loop(nil, c.Do, counts && style.Cond == nil, p, at) })
	case *syntax.TimeClause:
		if c.Stmt != nil {
			return r.stmt(c.Stmt, in, at)
		}
	case *syntax.DeclClause:
		r.assign(c.Args, in)
	}
	return in // it declares or tests something
}

func each(in []way, follow func(way) []way) []way {
	var out []way
	for _, p := range in {
		out = append(out, follow(p)...)
	}
	return few(out)
}

// behind is a command in the background: the shell goes on at once.
func (r *reader) behind(s *syntax.Stmt, in []way, at place) []way {
	front := *s
	front.Background, front.Coprocess, front.Disown = false, false, false
	at.own = false
	started := r.stmt(&front, []way{{lost: in[0].lost, shifted: in[0].shifted}}, at)
	if len(started) == 0 || started[len(started)-1].last == nil {
		return in
	}
	last := started[len(started)-1].last
	last.Execs = false
	for i := range in {
		in[i].last, in[i].background, in[i].failed = last, true, false
	}
	return in
}

func base(word string) string { return word[strings.LastIndexByte(word, '/')+1:] }

// isAllArguments tells whether a word is all the arguments: "$@", "${*}".
func isAllArguments(word string) bool {
	return word == "$@" || word == "$*" || word == "${@}" || word == "${*}"
}

// Arguments puts arguments in the place of "$@", and the first word in that of "$0".
func Arguments(words []string, zero string, args []string) []string {
	var out []string
	for _, w := range words {
		switch {
		case isAllArguments(w):
			out = append(out, args...)
		case w == "$0" || w == "${0}":
			out = append(out, zero)
		default:
			out = append(out, w)
		}
	}
	return out
}
