package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// route is the way of a signal from a container's first process to the program that serves,
// as far as the command and the image's files show it. At most one of lost, doubt, open and
// bare is set; none where the signal gets through.
type route struct {
	program string   // the one that serves, as far as it is known
	command []string // that, with its arguments
	lost    string   // why the program does not get the signal
	fix     string
	doubt   string // why it may not get it
	open    string // what is missing to tell
	bare    string // why there is no program that could get it
	wrapper string // the wrapper that loses it, where that is no shell
	file    *evidence.EntryFile
	again   bool // a script that starts itself: another of its ends goes on
}

// tracer follows a command through inits, shells and scripts.
type tracer struct {
	files  []evidence.EntryFile
	signal string // "SIGTERM"
	// init is the one that stands before what is looked at, and hands the signal to its child
	// alone; toAll is set where it hands it to every process.
	init  string
	toAll bool
	// inner is set once the command came from inside a shell or a script.
	inner   bool
	scripts []string // those that are being followed, with their arguments
	hops    int
}

// follow reads the command from its first word on.
func (t *tracer) follow(words []string) route {
	if t.hops++; t.hops > 8 {
		return route{open: "its command goes through too many shells and scripts to follow"}
	}
	if len(words) == 0 {
		return route{program: t.init}
	}
	if w, command, ok := shell.Wrapped(words); ok {
		t.toAll = t.toAll || w.ToAll(words)
		return t.wrapped(w, command)
	}
	r := t.program(words)
	if runner, manner := shell.Runner(words); runner != "" && r.clear() {
		r.program = words[0]
		t.runs(&r, runner, manner, words)
	}
	return r
}

// runs judges a tool that stays before the program that it starts.
func (t *tracer) runs(r *route, runner string, manner shell.Manner, words []string) {
	script, command, known := nodeScript(t.files, words)
	execs := known && shell.Read(command).Main().Execs
	if manner != shell.Keeps || t.toAll || execs {
		r.doubt = stands(runner, t.signal, " reliably")
		return
	}
	r.wrapper = runner
	r.lost = fmt.Sprintf("%s stands between the container and the program: on %s it exits, or the shell that it started does, before the program has stopped", runner, t.signal)
	r.fix = "Start the program itself as PID 1, not through " + runner + "."
	if known && command != "" {
		r.fix = fmt.Sprintf("Start the program itself as PID 1, not through %s: CMD with what the script %s says, `%s`.", runner, said(script, 40), said(command, 80))
	}
}

// nodeScript is the script of a package.json that npm or the like is told to run; known tells
// whether the image has it.
func nodeScript(files []evidence.EntryFile, words []string) (name, command string, known bool) {
	s, ok := shell.NodeScript(words)
	if !ok {
		return "", "", false
	}
	for _, f := range files {
		if path.Base(f.Word) == "package.json" && path.Dir(f.Word) == path.Clean(s.Folder) {
			command, known = f.Scripts[s.Name]
			return s.Name, command, known
		}
	}
	return s.Name, "", false
}

// clear tells that nothing is known that keeps the signal from the program.
func (r route) clear() bool { return r.lost+r.doubt+r.open+r.bare == "" && !r.again }

// wrapped follows the command that a wrapper starts.
func (t *tracer) wrapped(w shell.Wrapper, command []string) route {
	if w.Manner == shell.HandsOn {
		t.init = w.Name
	}
	if len(command) == 0 && t.init == "" {
		return route{bare: w.Name + " is given no program to start"}
	}
	if w.Manner == shell.Keeps {
		r := route{program: w.Name, wrapper: w.Name, lost: stands(w.Name, t.signal, ""), fix: fmt.Sprintf("Start the program itself, without %s.", w.Name)}
		if t.init != "" {
			r.lost = t.lostBehindInit(w.Name)
		}
		return r
	}
	r := t.follow(command)
	if w.Manner == shell.Unreliable && r.clear() {
		r.doubt = stands(w.Name, t.signal, " reliably")
	}
	return r
}

// program judges a command that is started as it is, and not by a wrapper.
func (t *tracer) program(words []string) route {
	if in, ok := shell.Invoked(words); ok {
		p := firstProcess{command: words, invoked: in}
		switch {
		case in.Script != "":
			return t.script(p, in.Script)
		case in.Line != "":
			return t.line(p)
		}
		return route{bare: fmt.Sprintf("it starts a bare %s, which serves nothing", in.Shell)}
	}
	if r, idle := t.idle(words); idle {
		return r
	}
	f := t.file(words[0])
	switch {
	case t.inner && (f == nil || f.Kind == "missing"): // the shell knows where it is
		return route{program: programWord(words), command: words}
	case f == nil:
		return route{program: words[0], command: words, open: "podproof cannot tell what " + words[0] + " is: the image's layers were not read"}
	case f.Kind == "missing":
		return route{file: f, command: words, open: fmt.Sprintf("there is no %s in the final file system, so that nothing starts", words[0])}
	case f.Kind == "script" && shell.ShellOf(f.Interpreter) != "":
		in := shell.Invocation{Shell: shell.ShellOf(f.Interpreter), Script: words[0], Rest: words[1:]}
		return t.script(firstProcess{command: words, invoked: in}, words[0])
	case f.Kind == "elf", f.Kind == "script" && f.Interpreter != "":
		return route{program: words[0], command: words, file: f}
	}
	return route{program: words[0], command: words, file: f, open: fmt.Sprintf("%s is neither a program nor a script with a #! line", f.Path)}
}

// programWord is the word of a script's command that names its program. A variable before that may be
// empty, as in `exec $DEBUGGER "$home/server"`.
func programWord(words []string) string {
	for _, w := range words {
		if strings.HasPrefix(w, "-") {
			break
		}
		if !strings.HasPrefix(path.Base(w), "$") {
			return w
		}
	}
	return words[0]
}

// idle judges programs that only keep a container alive. As PID 1 they have no handler for a signal.
func (t *tracer) idle(words []string) (route, bool) {
	name := path.Base(words[0])
	switch {
	case name != "sleep" && name != "tail" || t.init != "":
		return route{}, false
	case t.inner:
		return route{program: words[0], wrapper: name, lost: fmt.Sprintf("%[1]s is PID 1, and the program that serves runs beside it: %[1]s ignores %[2]s and forwards it to nobody", name, t.signal),
			fix: "Let the program that serves be the last command, with `exec` before it, and not " + name + "."}, true
	}
	return route{bare: "it starts " + name + ", which serves nothing"}, true
}

// line judges "sh -c LINE" by the ways in which the line ends.
func (t *tracer) line(p firstProcess) route {
	read := shell.Read(p.invoked.Line)
	return t.over(p, nil, read.For(p.invoked.Arguments()), read.Trap(strings.TrimPrefix(t.signal, "SIG")))
}

// script judges a shell script with its arguments.
func (t *tracer) script(p firstProcess, word string) route {
	f := t.file(word)
	switch {
	case f == nil:
		return route{open: "podproof cannot tell whether the script " + word + " ends with exec: the image's layers were not read"}
	case f.Kind == "missing":
		return route{file: f, open: fmt.Sprintf("there is no %s in the final file system, so that nothing starts", word)}
	}
	call := strings.Join(append([]string{f.Path}, p.invoked.Rest...), "\x00")
	if slices.Contains(t.scripts, call) {
		return route{again: true}
	}
	t.scripts = append(slices.Clone(t.scripts), call)
	return t.over(p, f, scriptEnds(*f, p.invoked.Rest), trapOf(*f, t.signal))
}

// over judges a shell that runs a line or a script, which may end in one of several ways.
func (t *tracer) over(p firstProcess, f *evidence.EntryFile, ends []shell.End, trap shell.Handling) route {
	if len(ends) == 0 {
		return t.lost(p, f, shell.End{})
	}
	var kept []shell.End
	var routes []route
	for _, e := range ends {
		branch := *t
		if r := branch.end(p, f, e, trap); !r.again {
			kept, routes = append(kept, e), append(routes, r)
		}
	}
	if len(routes) == 0 {
		return route{again: true, open: "its script does nothing but start itself again"}
	}
	return t.weigh(kept, routes)
}

// end judges one of the ways.
func (t *tracer) end(p firstProcess, f *evidence.EntryFile, e shell.End, trap shell.Handling) route {
	name := t.shellName(p)
	bash, known := t.isBash(p)
	bare := e.Bare && !builtins[e.Words[0]]
	switch {
	case bare && !e.Execs && !known:
		return route{program: said(e.Text, 80), open: fmt.Sprintf("podproof cannot tell whether %s is bash, which becomes the last command by itself: the image's layers were not read", p.command[0])}
	case e.Execs, bare && bash:
		t.inner = true
		words := p.invoked.Expand(e.Words, e.Shifted)
		r := route{program: p.invoked.Script, command: words}
		if len(words) > 0 && !strings.HasPrefix(words[0], "-") {
			r = t.follow(words)
		}
		if r.file == nil {
			r.file = f
		}
		if !e.Execs && !e.Only && r.clear() {
			r.doubt = fmt.Sprintf("%s becomes the last command of its line by itself only since bash 5.1; write `exec` before it", name)
		}
		return r
	case trap == shell.Ignores:
		return t.trapLoses(p, f, e, fmt.Sprintf("%s ignores %s (trap ''), and so does what it starts", name, t.signal), "Take the trap out, and end with `exec` before the program that serves.")
	case trap == shell.Says:
		return t.trapLoses(p, f, e, fmt.Sprintf("%s has a trap for %s that does nothing to the program", name, t.signal),
			"Let the trap stop the program, and wait for its end (kill -TERM $pid; wait $pid); or, better, end with `exec` before the program.")
	case trap == shell.Acts && e.Waits:
		return route{program: said(e.Text, 80), file: f, doubt: fmt.Sprintf("%s stays the first process and sets a trap; podproof cannot tell whether the trap stops the program on %s", name, t.signal)}
	case trap == shell.Acts:
		return t.trapLoses(p, f, e, fmt.Sprintf("%s runs its trap for %s only once `%s` has ended, which is in the foreground", name, t.signal, said(e.Text, 80)),
			"Start the program in the background and wait for it (program & wait $!), so that the trap is run at once; or, better, end with `exec` before the program.")
	}
	return t.lost(p, f, e)
}

// builtins are commands that no shell becomes.
var builtins = set(". source eval")

func (t *tracer) shellName(p firstProcess) string {
	if p.invoked.Script != "" {
		return "the script " + p.invoked.Script
	}
	return "`" + p.invoked.Shell + " -c`"
}

// isBash tells whether a shell with -c is bash, under whatever name: /bin/sh may be a link to it.
func (t *tracer) isBash(p firstProcess) (is, known bool) {
	if p.invoked.Line == "" {
		return false, true
	}
	f := t.file(p.command[0])
	switch {
	case p.invoked.Shell == "bash":
		return true, true
	case f == nil:
		return false, t.inner // a shell inside of a line or a script is not looked up, as a rule
	}
	return path.Base(f.Path) == "bash", true
}

// weigh makes one of the routes of a script's ends.
func (t *tracer) weigh(ends []shell.End, routes []route) route {
	main := len(ends) - 1
	for i := range ends {
		if !ends[i].Maybe {
			main = i
		}
	}
	lost, passes := -1, false
	for i, r := range routes {
		if r.lost != "" && (lost < 0 || i == main) {
			lost = i
		}
		passes = passes || ends[i].Execs && slices.Contains(ends[i].Words, "$@")
	}
	all := !slices.ContainsFunc(routes, func(r route) bool { return r.lost == "" })
	switch {
	case lost < 0, all:
		return routes[main]
	case lost == main && !ends[main].Maybe && !passes:
		return routes[main]
	}
	r := routes[main]
	for _, other := range routes {
		if r.lost != "" && other.lost == "" {
			r = other
		}
	}
	if r.clear() {
		r.doubt = fmt.Sprintf("one of its branches ends with `%s`, through which %s does not get to the program", said(ends[lost].Text, 80), t.signal)
	}
	return r
}

// scriptEnds are the ways in which a script ends, given these arguments.
func scriptEnds(f evidence.EntryFile, args []string) []shell.End {
	if f.Ends == nil { // of an older podproof
		return []shell.End{{Words: []string{"$@"}, Text: f.LastCommand, Execs: f.Execs, Waits: f.Traps}}
	}
	var out []shell.End
	for _, e := range f.Ends {
		end := shell.End{Words: e.Words, Text: e.Text, Execs: e.Execs, Waits: e.Waits, Maybe: e.Maybe, Shifted: e.Shifted}
		for _, c := range e.When {
			end.When = append(end.When, shell.Condition(c))
		}
		if shell.Hold(end.When, args) {
			out = append(out, end)
		}
	}
	return out
}

// trapOf is what a script does on a signal.
func trapOf(f evidence.EntryFile, signal string) shell.Handling {
	if f.Trapped == nil && f.Traps {
		return shell.Acts
	}
	return shell.Handling(f.Trapped[strings.TrimPrefix(signal, "SIG")])
}

func (t *tracer) trapLoses(p firstProcess, f *evidence.EntryFile, e shell.End, why, fix string) route {
	return route{lost: why, fix: fix, file: f, program: said(e.Text, 80), wrapper: t.shellName(p)}
}

// lost says why a shell that stays keeps the signal from its child.
func (t *tracer) lost(p firstProcess, f *evidence.EntryFile, e shell.End) route {
	r := route{lost: p.deaf(t.signal), fix: p.fix(), file: f, program: said(p.child(), 80)}
	if t.init != "" {
		r.lost = t.lostBehindInit(t.shellName(p))
	}
	if f != nil && e.Text != "" {
		r.lost += fmt.Sprintf("; its last command is `%s`", said(e.Text, 80))
	}
	return r
}

func (t *tracer) lostBehindInit(what string) string {
	return fmt.Sprintf("%s sends %s to %s, which exits at once and ends the container before the program has got the signal", t.init, t.signal, what)
}

// file is what the image has for a word of the command, nil where it was not looked up.
func (t *tracer) file(word string) *evidence.EntryFile {
	for i := range t.files {
		if t.files[i].Word == word {
			return &t.files[i]
		}
	}
	return nil
}

// stands says that a tool keeps a signal to itself, or may.
func stands(tool, signal, how string) string {
	return fmt.Sprintf("%s stands between the container and the program, and does not forward %s%s", tool, signal, how)
}
