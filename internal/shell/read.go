package shell

import (
	"bufio"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Reading is what a shell's text does with the process that runs it, as far as the text alone
// shows: nothing is run or expanded, and no other file is read.
type Reading struct {
	// Last is the command that serves: the last one, but for those that only end the text, as
	// "exit $?" does. Its words are as written, without the quotes around them, and without
	// exec and its options.
	Last []string
	// Text is that command in the text, with the pipeline in which it stands, in one line.
	Text string
	// Execs tells that it becomes the process, and the shell is gone.
	Execs bool
	// PassesOn tells that one of the commands that become the process is given the text's own
	// arguments: exec "$@".
	PassesOn bool
	// Traps are the signals for which a command is set: "TERM", "EXIT".
	Traps []string
}

// TrapsSignal tells whether it sets a command for a signal: "TERM".
func (r Reading) TrapsSignal(name string) bool { return slices.Contains(r.Traps, name) }

// Read reads the text of a script, or what `sh -c` is told. What bash would refuse to run is
// read as well as may be, since an image can have a script of another shell.
func Read(text string) Reading {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return guess(text)
	}
	r := reader{text: text, functions: map[string]*syntax.FuncDecl{}}
	r.look(file)
	if n := len(file.Stmts); !r.serve(file.Stmts, true, 0) && n > 0 {
		r.Text = oneLine(r.source(file.Stmts[n-1]))
	}
	return r.Reading
}

type reader struct {
	Reading
	text      string
	functions map[string]*syntax.FuncDecl
}

// look finds the functions, the traps and what passes the arguments on. A subshell, a pipeline
// and the background are processes of their own: what they trap or become is not this one.
func (r *reader) look(file *syntax.File) {
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Subshell, *syntax.CmdSubst, *syntax.ProcSubst:
			return false
		case *syntax.Stmt:
			return !n.Background && !n.Coprocess && !n.Disown
		case *syntax.BinaryCmd:
			return n.Op != syntax.Pipe && n.Op != syntax.PipeAll
		case *syntax.FuncDecl:
			if n.Name != nil {
				r.functions[n.Name.Value] = n
			}
		case *syntax.CallExpr:
			r.looksAt(n)
		}
		return true
	})
}

func (r *reader) looksAt(call *syntax.CallExpr) {
	words := r.words(call)
	if len(words) > 0 && words[0] == "trap" {
		r.Traps = append(r.Traps, trapped(words[1:])...)
	}
	if _, execs := execed(words); execs {
		r.PassesOn = r.PassesOn || slices.ContainsFunc(call.Args, passesArguments)
	}
}

// serve notes the command that serves, of statements from the last one back. Own tells that they
// run in the shell's own process. It is false where none of them does more than end the text.
func (r *reader) serve(stmts []*syntax.Stmt, own bool, depth int) bool {
	for _, s := range slices.Backward(stmts) {
		if r.serves(s, own && !s.Background && !s.Coprocess && !s.Disown, depth) {
			return true
		}
	}
	return false
}

// deepest bounds how deep commands are followed into one another, and functions that call
// themselves.
const deepest = 100

func (r *reader) serves(s *syntax.Stmt, own bool, depth int) bool {
	if depth++; depth > deepest {
		return false
	}
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		return r.call(s, c, own, depth)
	case *syntax.BinaryCmd:
		if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
			found := r.serves(c.Y, false, depth) || r.serves(c.X, false, depth)
			if whole := r.source(s); found && !strings.Contains(whole, "\n") {
				r.Text = whole
			}
			return found
		}
		return r.serves(c.Y, own, depth) || r.serves(c.X, own, depth)
	case *syntax.Block:
		return r.serve(c.Stmts, own, depth)
	case *syntax.Subshell:
		return r.serve(c.Stmts, false, depth)
	case *syntax.IfClause:
		return r.branches(c, own, depth)
	case *syntax.WhileClause:
		return r.serve(c.Do, own, depth) || r.serve(c.Cond, own, depth)
	case *syntax.ForClause:
		return r.serve(c.Do, own, depth)
	case *syntax.CaseClause:
		for _, item := range slices.Backward(c.Items) {
			if r.serve(item.Stmts, own, depth) {
				return true
			}
		}
	case *syntax.TimeClause:
		return c.Stmt != nil && r.serves(c.Stmt, own, depth)
	}
	return false // it declares or tests something
}

// branches is an if with its elifs and its else, of which the last one is looked at first.
func (r *reader) branches(c *syntax.IfClause, own bool, depth int) bool {
	if depth++; depth > deepest {
		return false
	}
	return c.Else != nil && r.branches(c.Else, own, depth) || r.serve(c.Then, own, depth) || r.serve(c.Cond, own, depth)
}

// closing are commands that start nothing, and so may come after the one that serves.
var closing = map[string]bool{"exit": true, "wait": true, "true": true, ":": true, "return": true, "[": true, "test": true, "trap": true}

func (r *reader) call(s *syntax.Stmt, c *syntax.CallExpr, own bool, depth int) bool {
	words := r.words(c)
	command, execs := execed(words)
	switch {
	case len(words) == 0, closing[words[0]], execs && len(command) == 0: // exec >log
		return false
	case !execs && r.functions[words[0]] != nil:
		body := r.functions[words[0]].Body
		if body != nil && r.serves(body, own, depth) {
			return true
		}
	}
	r.Last, r.Execs, r.Text = command, execs && own, oneLine(r.source(s))
	return true
}

// words are those of a command, without the assignments before it.
func (r *reader) words(c *syntax.CallExpr) []string {
	var out []string
	for _, w := range c.Args {
		if value, ok := literal(w); ok {
			out = append(out, value)
			continue
		}
		span := Unquote(r.text, Span{int(w.Pos().Offset()), int(w.End().Offset())})
		out = append(out, span.Of(r.text))
	}
	return out
}

// literal is the value of a word in which nothing is expanded: a, 'a', "a", or pieces of these.
func literal(w *syntax.Word) (string, bool) {
	var b strings.Builder
	for _, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok {
					return "", false
				}
				b.WriteString(lit.Value)
			}
		default:
			return "", false
		}
	}
	return b.String(), true
}

// source is the text of a statement, with its redirections and a remark behind it.
func (r *reader) source(s *syntax.Stmt) string {
	start, end := int(s.Pos().Offset()), int(s.Pos().Offset())
	if s.Cmd != nil {
		end = int(s.Cmd.End().Offset())
	}
	for _, d := range s.Redirs {
		if d.Word != nil {
			end = max(end, int(d.Word.End().Offset())) // a here-document's body lies elsewhere
		}
	}
	end += len(remark.FindString(r.text[end:]))
	return continued.ReplaceAllString(strings.TrimSpace(r.text[start:end]), " ")
}

var remark = regexp.MustCompile(`^[ \t]+#[^\n]*`)

// oneLine is the first line of a text, with what backslashes continue.
func oneLine(text string) string {
	text, _, _ = strings.Cut(continued.ReplaceAllString(strings.TrimSpace(text), " "), "\n")
	return strings.TrimSpace(text)
}

var continued = regexp.MustCompile(`[ \t]*\\\n[ \t]*`)

// execed is the command that a call of exec becomes, and whether it is one; any other command
// as it is. "eval exec …" builds the same command from its words.
func execed(words []string) (command []string, execs bool) {
	command = words
	if len(command) > 1 && command[0] == "eval" && command[1] == "exec" {
		command = command[1:]
	}
	if len(command) == 0 || command[0] != "exec" {
		return words, false
	}
	for command = command[1:]; len(command) > 0 && strings.HasPrefix(command[0], "-"); {
		skip := 1
		if command[0] == "-a" { // the name that the command is given
			skip = min(2, len(command))
		}
		command = command[skip:]
	}
	return command, true
}

// passesArguments tells whether a word is, or holds, all the arguments: "$@", "${*}".
func passesArguments(w *syntax.Word) bool {
	found := false
	syntax.Walk(w, func(n syntax.Node) bool {
		if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil && (p.Param.Value == "@" || p.Param.Value == "*") {
			found = true
		}
		return !found
	})
	return found
}

// trapped are the signals of a trap's arguments that get a command: "trap - TERM" gives none
// its own way back.
func trapped(args []string) []string {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) < 2 || args[0] == "-" || args[0] == "-l" || args[0] == "-p" {
		return nil
	}
	var out []string
	for _, a := range args[1:] {
		name := strings.TrimPrefix(strings.ToUpper(a), "SIG")
		if byNumber := signalNumbers[name]; byNumber != "" {
			name = byNumber
		}
		out = append(out, name)
	}
	return out
}

// signalNumbers are those that trap is given by number (POSIX, trap).
var signalNumbers = map[string]string{"0": "EXIT", "1": "HUP", "2": "INT", "3": "QUIT", "6": "ABRT", "9": "KILL", "14": "ALRM", "15": "TERM"}

var (
	// redirection is what a shell takes for itself; its "&" ends no command.
	redirection = regexp.MustCompile(`(?:&>>?|\d*(?:>>|>\||<<<|[<>]))(?:&[\d-]|\s*[^\s;&|()<>]+)`)
	// blockStart stands before a command in it, blockEnd after the last one.
	blockStart = regexp.MustCompile(`^(?:then|else|elif|do|\{|if|while|until|!|time)$`)
	blockEnd   = regexp.MustCompile(`^(?:fi|done|esac|\}|;;)$`)
	arguments  = regexp.MustCompile(`^\$(?:[@*]|\{[@*]\})$`)
)

// guess reads what is no text for bash, command by command and without its structure.
func guess(text string) Reading {
	var r Reading
	whole := redirection.ReplaceAllString(strings.Join(commandLines(text), "\n"), " ")
	for _, spans := range Cut(whole, 0, len(whole)) {
		words := Texts(whole, spans)
		for len(words) > 0 && (blockStart.MatchString(words[0]) || assignment.MatchString(words[0])) {
			words = words[1:]
		}
		if len(words) > 0 {
			// A script of Python whose first line is too long for the kernel begins as one of sh:
			// '''exec' python "$0" "$@".
			words[0] = strings.Trim(words[0], `'"`)
		}
		if len(words) > 0 && words[0] == "trap" {
			r.Traps = append(r.Traps, trapped(words[1:])...)
		}
		if len(words) == 0 || closing[words[0]] || blockEnd.MatchString(words[0]) {
			continue
		}
		command, execs := execed(words)
		if execs && len(command) == 0 {
			continue
		}
		r.Last, r.Execs, r.Text = command, execs, oneLine(whole[spans[0].Start:spans[len(spans)-1].End])
		r.PassesOn = r.PassesOn || execs && slices.ContainsFunc(command, arguments.MatchString)
	}
	if r.Last == nil {
		r.Text = oneLine(whole)
	}
	return r
}

// commandLines are the lines of a shell script without remarks and empty ones, with those that
// a backslash continues in one. Here-documents are left out: they are no commands.
func commandLines(text string) []string {
	var out []string
	var whole, until string
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if until != "" {
			if line == until {
				until = ""
			}
			continue
		}
		if whole == "" && (line == "" || strings.HasPrefix(line, "#")) {
			continue
		}
		if rest, ok := strings.CutSuffix(line, "\\"); ok {
			whole += strings.TrimSpace(rest) + " "
			continue
		}
		whole += line
		if m := hereDocument.FindStringSubmatch(whole); m != nil {
			until = m[1]
		}
		out, whole = append(out, whole), ""
	}
	if whole != "" {
		out = append(out, strings.TrimSpace(whole))
	}
	return out
}

var hereDocument = regexp.MustCompile(`<<-?\s*["']?([A-Za-z_][A-Za-z0-9_]*)["']?`)
