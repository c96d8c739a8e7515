package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

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
