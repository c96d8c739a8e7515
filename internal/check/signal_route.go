package check

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
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

var (
	// inits hand the signal on to the command that they are given.
	inits       = set("tini tini-static docker-init dumb-init catatonit")
	initWithArg = set("-p -e -r --rewrite") // their options that take an argument
	// changers become the program that they start.
	changers   = set("env gosu su-exec setpriv")
	assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
	// redirection is what a shell takes for itself; its "&" ends no command.
	redirection = regexp.MustCompile(`(?:&>>?|\d*(?:>>|>\||<<<|[<>]))(?:&[\d-]|\s*[^\s;&|()<>]+)`)
	// blockStart stands before a command in it, blockEnd after the last one.
	blockStart = set("then else elif do { if while until ! time")
	blockEnd   = set("fi done esac } ;;")
)

// follow reads the command from its first word on.
func (t *tracer) follow(words []string) route {
	if t.hops++; t.hops > 8 {
		return route{open: "its command goes through too many shells and scripts to follow"}
	}
	if len(words) == 0 {
		return route{program: t.init}
	}
	name := path.Base(words[0])
	switch {
	case inits[name]:
		t.init = name
		return t.follow(afterInit(words[1:]))
	case changers[name]:
		return t.follow(afterChanger(name, words[1:]))
	}
	p := firstProcess{command: words}
	p.readShell()
	switch {
	case p.shell != "" && p.child == "":
		return route{bare: fmt.Sprintf("it starts a bare %s, which serves nothing", p.shell)}
	case p.shell != "" && p.script:
		return t.script(p, p.child)
	case p.shell != "":
		return t.line(p)
	}
	f := t.file(words[0])
	switch {
	case t.inner && (f == nil || f.Kind == "missing"): // the shell knows where it is
		return route{program: words[0], doubt: runnerDoubt(words, t.signal)}
	case f == nil:
		return route{program: words[0], open: "which kind of program " + words[0] + " is stands in the image's layers, which were not read for it"}
	case f.Kind == "missing":
		return route{file: f, open: fmt.Sprintf("there is no %s in the final file system, so that nothing starts", words[0])}
	case f.Kind == "script" && shellOf(f.Interpreter) != "":
		p.shell, p.child, p.script, p.rest = shellOf(f.Interpreter), words[0], true, words[1:]
		return t.script(p, words[0])
	case f.Kind == "elf", f.Kind == "script" && f.Interpreter != "":
		return route{program: words[0], file: f, doubt: runnerDoubt(words, t.signal)}
	}
	return route{program: words[0], file: f, open: fmt.Sprintf("%s is neither a program nor a script with a #! line", f.Path)}
}

// line judges "sh -c LINE" by the last command of the line, which is the one that serves.
func (t *tracer) line(p firstProcess) route {
	line := redirection.ReplaceAllString(p.child, " ")
	commands := shellCommands(line, 0, len(line))
	for _, words := range slices.Backward(commands) {
		command := texts(line, words)
		for len(command) > 0 && (blockStart[command[0]] || assignment.MatchString(command[0])) {
			command = command[1:]
		}
		switch {
		case len(command) == 0, blockEnd[command[0]], closing.MatchString(command[0]):
			continue // "exit $?" comes after the program that serves
		case command[0] == "exec":
			t.inner = true
			return t.follow(expand(afterExec(command[1:]), p.rest))
		}
		break
	}
	if slices.ContainsFunc(commands, func(words []word) bool { return words[0].of(line) == "trap" }) {
		return route{program: said(lastCommand(line), 80), doubt: t.trapDoubt("`" + p.shell + " -c`")}
	}
	return t.lost(p, nil)
}

func (t *tracer) trapDoubt(what string) string {
	return fmt.Sprintf("%s stays the first process and sets a trap; whether that ends the program on %s is its own affair", what, t.signal)
}

// script judges a shell script with its arguments.
func (t *tracer) script(p firstProcess, word string) route {
	f := t.file(word)
	switch {
	case f == nil:
		return route{open: "whether the script " + word + " ends with exec stands in the image's layers, which were not read for it"}
	case f.Kind == "missing":
		return route{file: f, open: fmt.Sprintf("there is no %s in the final file system, so that nothing starts", word)}
	case f.Execs && len(p.rest) > 0 && !strings.HasPrefix(p.rest[0], "-"):
		t.inner = true
		r := t.follow(p.rest)
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
	r := route{lost: p.deaf(t.signal), fix: p.fix(), file: f, program: said(lastCommand(p.child), 80)}
	if t.init != "" {
		what := fmt.Sprintf("`%s -c`", p.shell)
		if p.script {
			what = "the script " + p.child
		}
		r.lost = fmt.Sprintf("%s hands %s to %s, which ends at once and takes the container with it, before the program has heard of it", t.init, t.signal, what)
	}
	if f != nil && f.LastCommand != "" {
		r.lost += fmt.Sprintf("; its last command is `%s`", said(f.LastCommand, 80))
	}
	return r
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

// runnerDoubt names a tool that stands before the program.
func runnerDoubt(command []string, signal string) string {
	if runner := runnerOf(command); runner != "" {
		return fmt.Sprintf("%s stands between the container and the program, and does not forward %s reliably", runner, signal)
	}
	return ""
}

// shellOf is the shell of a script's first line, empty where that names none:
// "/bin/sh -e", "/usr/bin/env bash".
func shellOf(interpreter string) string {
	words := strings.Fields(interpreter)
	if len(words) > 1 && path.Base(words[0]) == "env" {
		words = slices.DeleteFunc(words[1:], func(w string) bool { return strings.HasPrefix(w, "-") || assignment.MatchString(w) })
	}
	if len(words) > 1 && path.Base(words[0]) == "busybox" {
		words = words[1:]
	}
	if len(words) == 0 || !shellName.MatchString(path.Base(words[0])) {
		return ""
	}
	return path.Base(words[0])
}

// afterInit leaves out an init's own options.
func afterInit(words []string) []string {
	if i := slices.Index(words, "--"); i >= 0 {
		return words[i+1:]
	}
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		skip := 1
		if initWithArg[words[0]] {
			skip = min(2, len(words))
		}
		words = words[skip:]
	}
	return words
}

// afterChanger leaves out the options of a changer, and gosu's user.
func afterChanger(name string, words []string) []string {
	for len(words) > 0 && (strings.HasPrefix(words[0], "-") || assignment.MatchString(words[0])) {
		words = words[1:]
	}
	if (name == "gosu" || name == "su-exec") && len(words) > 0 {
		words = words[1:]
	}
	return words
}

// afterExec leaves out the options of the shell's exec.
func afterExec(words []string) []string {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		skip := 1
		if words[0] == "-a" {
			skip = min(2, len(words))
		}
		words = words[skip:]
	}
	return words
}

// expand puts what follows `sh -c LINE` in the place of "$@"; the first of it is "$0".
func expand(words, rest []string) []string {
	if len(words) == 0 || words[0] != "$@" && words[0] != "$*" {
		return words
	}
	return rest[min(1, len(rest)):]
}

func texts(text string, words []word) []string {
	var out []string
	for _, w := range words {
		out = append(out, w.of(text))
	}
	return out
}
