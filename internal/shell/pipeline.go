package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

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
