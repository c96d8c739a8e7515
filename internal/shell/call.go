package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

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
