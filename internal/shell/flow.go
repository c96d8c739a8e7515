package shell

import (
	"slices"
	"strconv"
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

// filters are commands that only pass on what the program before them in a pipeline prints, or
// feed the one behind them.
var filters = map[string]bool{"tee": true, "sed": true, "grep": true, "awk": true, "cat": true, "jq": true, "ts": true, "logger": true, "cut": true,
	"tr": true, "stdbuf": true, "multilog": true, "svlogd": true, "cronolog": true, "rotatelogs": true, "yes": true, "head": true, "pino-pretty": true, "bunyan": true}

// pipeline is one whose commands are all children of the shell, exec or not.
func (r *reader) pipeline(s *syntax.Stmt, c *syntax.BinaryCmd, in []way, at place) []way {
	at.own = false
	serves := func(part *syntax.Stmt) *End {
		out := r.stmt(part, []way{{lost: true}}, at)
		for _, p := range slices.Backward(out) {
			if p.last != nil {
				return p.last
			}
		}
		return nil
	}
	x, y := serves(c.X), serves(c.Y)
	if x == nil || y != nil && len(x.Words) > 0 && filters[base(x.Words[0])] {
		x = y
	}
	if x == nil {
		return in
	}
	last := &End{Words: x.Words, Text: x.Text, at: s.Pos().Offset()}
	if whole := r.source(s); !strings.Contains(whole, "\n") {
		last.Text = whole
	}
	for i := range in {
		in[i].last, in[i].background, in[i].failed = last, false, false
	}
	return in
}

func base(word string) string { return word[strings.LastIndexByte(word, '/')+1:] }

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

// assign remembers which variables are given an argument.
func (r *reader) assign(all []*syntax.Assign, in []way) {
	for _, a := range all {
		if a.Name == nil {
			continue
		}
		delete(r.arguments, a.Name.Value)
		if a.Value == nil {
			continue
		}
		if c, ok := r.argument(a.Value, in[0]); ok && c.Argument > 0 {
			r.arguments[a.Name.Value] = c
		}
	}
}

// prepares are commands that serve nothing, and so may come after the one that does.
var prepares = words("exit wait true false : return [ test trap echo printf cd export set unset shift local declare typeset readonly umask ulimit " +
	"alias unalias shopt pushd popd read getopts hash type let kill jobs disown break continue log")

func (r *reader) call(s *syntax.Stmt, c *syntax.CallExpr, p way, at place) []way {
	r.assign(c.Assigns, []way{p})
	words := r.words(c)
	if len(words) == 0 {
		return []way{p}
	}
	command, execs := execed(words)
	if execs && len(command) == 0 { // exec >log
		return []way{p}
	}
	if execs {
		e := &End{Words: command, Execs: at.own, Text: oneLine(r.source(s)), at: s.Pos().Offset()}
		p.last, p.background, p.failed = e, false, false
		if at.own {
			r.end(p)
			return nil
		}
		return []way{p}
	}
	if f := r.functions[words[0]]; f != nil && f.Body != nil {
		return r.function(f, c.Args[1:], p, at)
	}
	switch words[0] {
	case "exit":
		return r.exit(words[1:], p, at)
	case "return":
		if at.returned != nil {
			*at.returned = append(*at.returned, p)
			return nil
		}
		return r.exit(words[1:], p, at)
	case "wait":
		p.waits()
	case "fg":
		p.background = false
	case "sleep":
		if short(words[1:]) {
			p.waits()
			return []way{p}
		}
		p.serves(r, s, words, at)
	case "trap":
		if at.own {
			r.trap(words[1:])
		}
	case "shift":
		n, err := strconv.Atoi(at1(words))
		if err != nil {
			n = 1
		}
		p.shifted += n
	case "set":
		p.lost = p.lost || len(words) > 1 && (words[1] == "--" || !strings.HasPrefix(words[1], "-") && !strings.HasPrefix(words[1], "+"))
	default:
		if !prepares[words[0]] {
			p.serves(r, s, words, at)
		}
	}
	return []way{p}
}

func at1(words []string) string {
	if len(words) > 1 {
		return words[1]
	}
	return ""
}

// serves notes a command in the foreground as the one that serves.
func (p *way) serves(r *reader, s *syntax.Stmt, words []string, at place) {
	if at.asked {
		return
	}
	p.last = &End{Words: words, Text: oneLine(r.source(s)), at: s.Pos().Offset()}
	p.background, p.failed = false, false
}

// waits notes that the shell waits for what runs in the background.
func (p *way) waits() {
	if p.background && !p.last.Waits {
		e := *p.last
		e.Waits = true
		p.last = &e
	}
}

// short tells whether a sleep is over soon: a trap is run then.
func short(args []string) bool {
	if len(args) != 1 {
		return false
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(args[0], "s"), 64)
	return err == nil && n <= 60
}

// function follows a call into the function's body, whose arguments are the text's own where
// they are passed on whole.
func (r *reader) function(f *syntax.FuncDecl, args []*syntax.Word, p way, at place) []way {
	lost, shifted := p.lost, p.shifted
	if len(args) != 1 || !isAllArguments(Unquote(r.text, Span{int(args[0].Pos().Offset()), int(args[0].End().Offset())}).Of(r.text)) {
		p.lost = true
	}
	var returned []way
	at.returned = &returned
	out := append(r.stmt(f.Body, []way{p}, at), returned...)
	for i := range out {
		out[i].lost, out[i].shifted = lost, shifted
	}
	return out
}

// exit ends a way. One that says that something is wrong is none.
func (r *reader) exit(args []string, p way, at place) []way {
	if !at.own {
		return []way{p}
	}
	if n, err := strconv.Atoi(strings.Join(args, " ")); err != nil || n == 0 {
		r.end(p)
	}
	return nil
}

// trap notes what the shell does on signals.
func (r *reader) trap(args []string) {
	signals, command := trapped(args)
	for _, s := range signals {
		r.Traps = slices.DeleteFunc(r.Traps, func(t Trap) bool { return t.Signal == s })
		if command != "-" {
			r.Traps = append(r.Traps, Trap{s, r.handling(command)})
		}
	}
}

// says are commands that do nothing to another process.
var says = words("echo printf exit return true : sleep wait trap date set shift local log rm logger")

func (r *reader) handling(command string) Handling {
	if strings.TrimSpace(command) == "" {
		return Ignores
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(command), "")
	if err != nil || r.acts(file, 0) {
		return Acts
	}
	return Says
}

// acts tells whether some command of a handler may stop a program.
func (r *reader) acts(n syntax.Node, depth int) bool {
	found := depth > 10
	syntax.Walk(n, func(n syntax.Node) bool {
		c, ok := n.(*syntax.CallExpr)
		if !ok || found || len(c.Args) == 0 {
			return !found
		}
		name, plain := literal(c.Args[0])
		switch f := r.functions[name]; {
		case f != nil:
			found = r.acts(f.Body, depth+1)
		case !plain || !says[name]:
			found = true
		}
		return !found
	})
	return found
}

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
