package check

import (
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// route is the way of a signal from a container's first process to the program that serves,
// as far as the command and the image's files show it. At most one of lost, doubt, open and
// bare is set; none where the signal gets through.
type route struct {
	program string // the one that serves, as far as it is known
	lost    string // why the program does not get the signal
	fix     string
	doubt   string // why it may not get it
	open    string // what is missing to tell
	bare    string // why there is no program that could get it
	wrapper string // the wrapper that loses it, where that is no shell
	file    *evidence.EntryFile
}

// tracer follows a command through inits, shells and scripts.
type tracer struct {
	files  []evidence.EntryFile
	signal string // "SIGTERM"
	// init is the one that stands before what is looked at, and hands the signal to its child alone.
	init string
	// inner is set once the command came from inside a shell or a script.
	inner bool
	hops  int
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
		return t.wrapped(w, command)
	}
	r := t.program(words)
	if runner := shell.Runner(words); runner != "" && r.clear() {
		r.program, r.doubt = words[0], stands(runner, t.signal, " reliably")
	}
	return r
}

// clear tells that nothing is known that keeps the signal from the program.
func (r route) clear() bool { return r.lost+r.doubt+r.open+r.bare == "" }

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
	f := t.file(words[0])
	switch {
	case t.inner && (f == nil || f.Kind == "missing"): // the shell knows where it is
		return route{program: words[0]}
	case f == nil:
		return route{program: words[0], open: "podproof cannot tell what " + words[0] + " is: the image's layers were not read"}
	case f.Kind == "missing":
		return route{file: f, open: fmt.Sprintf("there is no %s in the final file system, so that nothing starts", words[0])}
	case f.Kind == "script" && shell.ShellOf(f.Interpreter) != "":
		in := shell.Invocation{Shell: shell.ShellOf(f.Interpreter), Script: words[0], Rest: words[1:]}
		return t.script(firstProcess{command: words, invoked: in}, words[0])
	case f.Kind == "elf", f.Kind == "script" && f.Interpreter != "":
		return route{program: words[0], file: f}
	}
	return route{program: words[0], file: f, open: fmt.Sprintf("%s is neither a program nor a script with a #! line", f.Path)}
}

// line judges "sh -c LINE" by the last command of the line, which is the one that serves.
func (t *tracer) line(p firstProcess) route {
	read := shell.Read(p.invoked.Line)
	switch {
	case read.Execs:
		t.inner = true
		return t.follow(p.invoked.Expand(read.Last))
	case len(read.Traps) > 0:
		return route{program: said(read.Text, 80), doubt: t.trapDoubt("`" + p.invoked.Shell + " -c`")}
	}
	return t.lost(p, nil)
}

func (t *tracer) trapDoubt(what string) string {
	return fmt.Sprintf("%s stays the first process and sets a trap; podproof cannot tell whether the trap stops the program on %s", what, t.signal)
}

// script judges a shell script with its arguments.
func (t *tracer) script(p firstProcess, word string) route {
	f := t.file(word)
	switch {
	case f == nil:
		return route{open: "podproof cannot tell whether the script " + word + " ends with exec: the image's layers were not read"}
	case f.Kind == "missing":
		return route{file: f, open: fmt.Sprintf("there is no %s in the final file system, so that nothing starts", word)}
	case f.Execs && len(p.invoked.Rest) > 0 && !strings.HasPrefix(p.invoked.Rest[0], "-"):
		t.inner = true
		r := t.follow(p.invoked.Rest)
		if r.file == nil {
			r.file = f
		}
		return r
	case f.Execs:
		return route{program: word, file: f}
	case f.Traps:
		return route{program: word, file: f, doubt: t.trapDoubt("the script " + word)}
	}
	return t.lost(p, f)
}

// lost says why a shell that stays keeps the signal from its child.
func (t *tracer) lost(p firstProcess, f *evidence.EntryFile) route {
	r := route{lost: p.deaf(t.signal), fix: p.fix(), file: f, program: said(p.child(), 80)}
	if t.init != "" {
		what := fmt.Sprintf("`%s -c`", p.invoked.Shell)
		if p.invoked.Script != "" {
			what = "the script " + p.invoked.Script
		}
		r.lost = t.lostBehindInit(what)
	}
	if f != nil && f.LastCommand != "" {
		r.lost += fmt.Sprintf("; its last command is `%s`", said(f.LastCommand, 80))
	}
	return r
}

func (t *tracer) lostBehindInit(what string) string {
	return fmt.Sprintf("%s hands %s to %s, which ends at once and takes the container with it, before the program has heard of it", t.init, t.signal, what)
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
