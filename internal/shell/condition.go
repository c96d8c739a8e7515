package shell

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Condition is what a text asks of one of its own arguments, as a branch of case or if does.
type Condition struct {
	// Argument is its number, 1 for $1; 0 asks how many there are.
	Argument int
	// Default stands for an argument that is empty: ${1:-web}.
	Default string
	// Is are patterns as case has them, of which one must fit; with Not, none may.
	Is  []string
	Not bool
}

// Holds tells whether the condition is true of arguments.
func (c Condition) Holds(args []string) bool {
	value := strconv.Itoa(len(args))
	if c.Argument > 0 {
		if value = ""; c.Argument <= len(args) {
			value = args[c.Argument-1]
		}
		if value == "" {
			value = c.Default
		}
	}
	return c.Not != slices.ContainsFunc(c.Is, func(pattern string) bool { return fits(pattern, value) })
}

// Hold tells whether all conditions are true of arguments.
func Hold(all []Condition, args []string) bool {
	return !slices.ContainsFunc(all, func(c Condition) bool { return !c.Holds(args) })
}

// fits matches a pattern as case does: unlike a file's name, "*" takes slashes, too.
func fits(pattern, value string) bool {
	re, err := regexp.Compile("(?s)^" + patternParts.ReplaceAllStringFunc(pattern, func(part string) string {
		switch {
		case part == "*":
			return ".*"
		case part == "?":
			return "."
		case len(part) > 2 && part[0] == '[':
			return strings.Replace(part, "[!", "[^", 1)
		}
		return regexp.QuoteMeta(strings.TrimPrefix(part, `\`))
	}) + "$")
	return err == nil && re.MatchString(value)
}

var patternParts = regexp.MustCompile(`\*|\?|\[[^\[\]]+\]|\\.|[^*?\[\\]+|.`)

func (c Condition) negated() Condition {
	c.Not = !c.Not
	return c
}

// question is a command that asks something of an argument: what holds where the answer is yes,
// and what where it is no.
type question struct{ yes, no []Condition }

// asks understands a command as a question of an argument.
func (r *reader) asks(s *syntax.Stmt, p way) (q question, ok bool) {
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		args := c.Args
		if name, _ := literal(at(args, 0)); name == "[" && len(args) > 1 {
			args = args[:len(args)-1]
		} else if name != "test" {
			return q, false
		}
		q, ok = r.test(args[1:], p)
	case *syntax.TestClause:
		q, ok = r.clause(c.X, p)
	case *syntax.BinaryCmd:
		q, ok = r.either(c, p)
	}
	if s.Negated {
		q.yes, q.no = q.no, q.yes
	}
	return q, ok
}

func at(words []*syntax.Word, i int) *syntax.Word {
	if i < len(words) {
		return words[i]
	}
	return &syntax.Word{}
}

// test understands the operands of test and [.
func (r *reader) test(args []*syntax.Word, p way) (question, bool) {
	if first, _ := literal(at(args, 0)); first == "!" {
		q, ok := r.test(args[1:], p)
		return question{q.no, q.yes}, ok
	}
	switch len(args) {
	case 1:
		return r.empty("-n", args[0], p)
	case 2:
		op, _ := literal(args[0])
		return r.empty(op, args[1], p)
	case 3:
		op, _ := literal(args[1])
		return r.compare(args[0], op, args[2], p)
	}
	return question{}, false
}

// clause understands what stands in [[ ]].
func (r *reader) clause(x syntax.TestExpr, p way) (question, bool) {
	switch x := x.(type) {
	case *syntax.ParenTest:
		return r.clause(x.X, p)
	case *syntax.UnaryTest:
		if x.Op == syntax.TsNot {
			q, ok := r.clause(x.X, p)
			return question{q.no, q.yes}, ok
		}
		if w, ok := x.X.(*syntax.Word); ok {
			return r.empty(x.Op.String(), w, p)
		}
	case *syntax.BinaryTest:
		a, okA := x.X.(*syntax.Word)
		b, okB := x.Y.(*syntax.Word)
		if okA && okB {
			return r.compare(a, x.Op.String(), b, p)
		}
		if x.Op == syntax.OrTest {
			return either(r.clause(x.X, p))(r.clause(x.Y, p))
		}
	case *syntax.Word:
		return r.empty("-n", x, p)
	}
	return question{}, false
}

func (r *reader) empty(op string, w *syntax.Word, p way) (question, bool) {
	c, ok := r.argument(w, p)
	if !ok || op != "-z" && op != "-n" {
		return question{}, false
	}
	c.Is, c.Not = []string{""}, op == "-n"
	return question{[]Condition{c}, []Condition{c.negated()}}, true
}

func (r *reader) compare(a *syntax.Word, op string, b *syntax.Word, p way) (question, bool) {
	c, ok := r.argument(a, p)
	value, plain := literal(b)
	if !ok || !plain {
		return question{}, false
	}
	switch op {
	case "=", "==", "-eq":
	case "!=", "-ne":
		c.Not = true
	case "-gt", "-ge", "-lt", "-le":
		if none := c.Argument == 0 && (value == "0" && (op == "-gt" || op == "-le") || value == "1" && (op == "-ge" || op == "-lt")); !none {
			return question{}, false
		}
		value, c.Not = "0", op == "-gt" || op == "-ge"
	default:
		return question{}, false
	}
	c.Is = []string{value}
	return question{[]Condition{c}, []Condition{c.negated()}}, true
}

// either understands "[ $1 = a ] || [ $1 = b ]".
func (r *reader) either(c *syntax.BinaryCmd, p way) (question, bool) {
	if c.Op != syntax.OrStmt {
		return question{}, false
	}
	return either(r.asks(c.X, p))(r.asks(c.Y, p))
}

// either joins two questions of the same argument.
func either(a question, okA bool) func(question, bool) (question, bool) {
	return func(b question, okB bool) (question, bool) {
		if !okA || !okB || len(a.yes) != 1 || len(b.yes) != 1 {
			return question{}, false
		}
		x, y := a.yes[0], b.yes[0]
		if x.Argument != y.Argument || x.Default != y.Default || x.Not || y.Not {
			return question{}, false
		}
		x.Is = slices.Concat(x.Is, y.Is)
		return question{[]Condition{x}, []Condition{x.negated()}}, true
	}
}

// argument tells which of the text's own arguments a word is, by itself or by a variable that
// was given it.
func (r *reader) argument(w *syntax.Word, p way) (c Condition, ok bool) {
	parts := w.Parts
	if len(parts) == 1 {
		if quoted, is := parts[0].(*syntax.DblQuoted); is {
			parts = quoted.Parts
		}
	}
	if len(parts) != 1 || p.lost {
		return c, false
	}
	x, ok := parts[0].(*syntax.ParamExp)
	if !ok || x.Param == nil || x.Excl || x.Length || x.Width || x.Index != nil || x.Slice != nil || x.Repl != nil {
		return c, false
	}
	if x.Exp != nil {
		if x.Exp.Op != syntax.DefaultUnset && x.Exp.Op != syntax.DefaultUnsetOrNull {
			return c, false
		}
		if x.Exp.Word != nil {
			value, plain := literal(x.Exp.Word)
			if !plain {
				return c, false
			}
			c.Default = value
		}
	}
	switch name := x.Param.Value; name {
	case "#":
		return c, p.shifted == 0
	case "@", "*": // compared with the empty word, as a rule
		c.Argument = 1 + p.shifted
		return c, true
	default:
		if n, err := strconv.Atoi(name); err == nil {
			c.Argument = n + p.shifted
			return c, n > 0
		}
		known, is := r.arguments[name]
		if is && known.Default == "" {
			known.Default = c.Default
		}
		return known, is
	}
}
