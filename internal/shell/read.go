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
	// Ends are the ways in which the text ends, in the order of the text. Those that only say
	// what is wrong, and exit with an error, are left out.
	Ends []End
	// Traps are the signals for which the shell itself sets something; of two for one signal
	// the later one.
	Traps []Trap
	// rest is the text's last command, where it has no end.
	rest string
}

// End is one way in which a text ends, by the command that serves there: the one that the shell
// becomes, else the last one, but for those that only end the text, as "exit $?" does.
type End struct {
	// Words are as written, without the quotes around them, and without exec and its options.
	Words []string
	// Text is that command in the text, with the pipeline in which it stands, in one line.
	Text string
	// Execs tells that it becomes the process, and the shell is gone.
	Execs bool
	// Waits tells that it runs in the background while the shell waits for it, so that a trap
	// is run at once. A trap is not run before a command in the foreground has ended.
	Waits bool
	// Bare tells that it is the last command of all, and without redirections: what bash becomes
	// by itself where the text is given by -c. Only tells that it is the only one, too.
	Bare, Only bool
	// When are the conditions on the text's own arguments under which it ends so. Maybe tells
	// that it hangs on something else, too, which the text does not tell.
	When  []Condition
	Maybe bool
	// Shifted is how many of the arguments were taken off by shift.
	Shifted int

	at uint // where the command stands
}

// Trap is what a shell does on a signal.
type Trap struct {
	Signal string // "TERM", "EXIT"
	Does   Handling
}

// Handling is what a trap's command does about the program that serves.
type Handling string

// The handlings.
const (
	Ignores Handling = "ignores" // trap '' TERM: so does every command that is started after it
	Says    Handling = "says"    // it prints something, or ends the shell
	Acts    Handling = "acts"    // it does something that may stop the program
)

// Trap is what the text sets for a signal, empty where that is nothing: "TERM".
func (r Reading) Trap(signal string) Handling {
	for _, t := range r.Traps {
		if t.Signal == signal {
			return t.Does
		}
	}
	return ""
}

// Main is the end that holds for want of any reason for another one; of the text's last command,
// it has the text alone where there is no end.
func (r Reading) Main() End {
	for _, e := range slices.Backward(r.Ends) {
		if !e.Maybe && len(e.When) == 0 {
			return e
		}
	}
	if n := len(r.Ends); n > 0 {
		return r.Ends[n-1]
	}
	return End{Text: r.rest}
}

// For are the ends that are left once the arguments are known.
func (r Reading) For(args []string) []End {
	return slices.DeleteFunc(slices.Clone(r.Ends), func(e End) bool { return !Hold(e.When, args) })
}

// Read reads the text of a script, or what `sh -c` is told. What bash would refuse to run is
// read as well as may be, since an image can have a script of another shell.
func Read(text string) Reading {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return guess(text)
	}
	r := reader{text: text, functions: map[string]*syntax.FuncDecl{}, arguments: map[string]Condition{}}
	syntax.Walk(file, func(n syntax.Node) bool {
		if f, ok := n.(*syntax.FuncDecl); ok && f.Name != nil {
			r.functions[f.Name.Value] = f
		}
		return true
	})
	r.finish(file)
	return r.Reading
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
	return unbroken(strings.TrimSpace(r.text[start:end]))
}

var remark = regexp.MustCompile(`^[ \t]+#[^\n]*`)

// oneLine is the first line of a text, with what backslashes continue.
func oneLine(text string) string {
	text, _, _ = strings.Cut(unbroken(strings.TrimSpace(text)), "\n")
	return strings.TrimSpace(text)
}

// unbroken is a text whose lines that backslashes continue are one.
func unbroken(text string) string {
	if !strings.Contains(text, "\\\n") { // the expression takes as long as all the rest of reading a script
		return text
	}
	return continued.ReplaceAllString(text, " ")
}

var continued = regexp.MustCompile(`[ \t]*\\\n[ \t]*`)

// execed is the command that a call of exec becomes, and whether it is one; any other command
// as it is. "eval exec …" builds the same command from its words.
func execed(words []string) (command []string, execs bool) {
	command = words
	if len(command) > 1 && command[0] == "eval" {
		if built := strings.Fields(strings.Join(command[1:], " ")); len(built) > 0 && built[0] == "exec" {
			command = built
		}
	}
	if len(command) > 1 && (command[0] == "builtin" || command[0] == "command") && command[1] == "exec" {
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

// trapped are the signals of a trap's arguments, and the command that they get. "trap - TERM"
// gives none its own way back.
func trapped(args []string) (signals []string, command string) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) < 2 || args[0] == "-l" || args[0] == "-p" {
		return nil, ""
	}
	for _, a := range args[1:] {
		name := strings.TrimPrefix(strings.ToUpper(a), "SIG")
		if byNumber := signalNumbers[name]; byNumber != "" {
			name = byNumber
		}
		signals = append(signals, name)
	}
	return signals, args[0]
}

// signalNumbers are those that trap is given by number (POSIX, trap).
var signalNumbers = map[string]string{"0": "EXIT", "1": "HUP", "2": "INT", "3": "QUIT", "6": "ABRT", "9": "KILL", "14": "ALRM", "15": "TERM"}

var (
	// redirection is what a shell takes for itself; its "&" ends no command.
	redirection = regexp.MustCompile(`(?:&>>?|\d*(?:>>|>\||<<<|[<>]))(?:&[\d-]|\s*[^\s;&|()<>]+)`)
	// blockStart stands before a command in it, blockEnd after the last one.
	blockStart = regexp.MustCompile(`^(?:then|else|elif|do|\{|if|while|until|!|time)$`)
	blockEnd   = regexp.MustCompile(`^(?:fi|done|esac|\}|;;)$`)
)

// guess reads what is no text for bash, command by command and without its structure.
func guess(text string) Reading {
	r := reader{text: text}
	var last End
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
			r.trap(words[1:])
		}
		if len(words) == 0 || prepares[words[0]] || blockEnd.MatchString(words[0]) {
			continue
		}
		command, execs := execed(words)
		if execs && len(command) == 0 {
			continue
		}
		last = End{Words: command, Execs: execs, Text: oneLine(whole[spans[0].Start:spans[len(spans)-1].End])}
		if execs && slices.ContainsFunc(command, isAllArguments) {
			r.Ends = append(r.Ends, last)
		}
	}
	if last.Words == nil {
		r.rest = oneLine(whole)
	} else if n := len(r.Ends); n == 0 || r.Ends[n-1].Text != last.Text {
		for i := range r.Ends {
			r.Ends[i].Maybe = true
		}
		r.Ends = append(r.Ends, last)
	}
	return r.Reading
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
