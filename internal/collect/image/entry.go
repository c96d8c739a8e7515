package image

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// defaultPath is what container runtimes set when the configuration has no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// maxEntry is how many files may start one another.
const maxEntry = 24

// entry lists the files that ENTRYPOINT and CMD start: the program, what an interpreter, an
// init or env is told to run, and the arguments of a script, which it usually runs in turn.
func (t *tree) entry(c evidence.ImageConfig) []evidence.EntryFile {
	s := starting{t: t, dir: path.Join("/", c.WorkingDir), path: defaultPath, seen: map[string]bool{}}
	for _, v := range c.Env {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			s.path = p
		}
	}
	s.command(append(append([]string{}, c.Entrypoint...), c.Cmd...))
	return s.out
}

type starting struct {
	t         *tree
	dir, path string
	out       []evidence.EntryFile
	seen      map[string]bool // command lines, since a script may call itself
}

var interpreterName = regexp.MustCompile(`^(?:python[0-9.]*|node|nodejs|ruby[0-9.]*|perl[0-9.]*|php[0-9.]*|deno|bun)$`)

// command notes the program of a command line, and what it starts.
func (s *starting) command(args []string) {
	line := strings.Join(args, "\x00")
	if len(args) == 0 || args[0] == "" || strings.ContainsAny(args[0], "$`(") || s.seen[line] || len(s.out) >= maxEntry {
		return
	}
	s.seen[line] = true
	f := s.t.entryFile(args[0], s.find(args[0]))
	if !slices.ContainsFunc(s.out, func(o evidence.EntryFile) bool { return o.Word == f.Word }) {
		s.out = append(s.out, f)
	}
	name, rest := path.Base(args[0]), args[1:]
	if in, ok := shell.Invoked(args); ok {
		s.shell(in)
		return
	}
	if _, command, ok := shell.Wrapped(args); ok {
		s.command(command)
		return
	}
	if n, ok := shell.NodeScript(args); ok {
		s.nodeScript(n)
		return
	}
	switch {
	case interpreterName.MatchString(name):
		if i := s.operand(rest, "-c", "-e", "-m"); i >= 0 {
			s.file(rest[i])
		}
	case name == "java":
		for i, a := range rest {
			if a == "-jar" && i+1 < len(rest) {
				s.file(rest[i+1])
			}
		}
	case name == "uwsgi":
		for _, a := range rest {
			if path.Ext(a) == ".ini" {
				s.file(a[strings.LastIndexByte(a, '=')+1:])
			}
		}
	case f.Kind == "script":
		s.script(f, args[0], rest)
	}
}

// shell is what `sh -c 'text'` or `sh file` runs.
func (s *starting) shell(in shell.Invocation) {
	if in.Script != "" {
		if f, ok := s.file(in.Script); ok {
			s.script(f, in.Script, in.Rest)
		}
		return
	}
	for _, e := range shell.Read(in.Line).For(in.Arguments()) {
		s.command(in.Expand(e.Words, e.Shifted))
	}
}

// script is what a script runs at its ends, and its arguments, which it usually runs in turn.
func (s *starting) script(f evidence.EntryFile, word string, args []string) {
	if len(args) > 0 && s.find(args[0]) != "" {
		s.command(args)
	}
	for _, e := range f.Ends {
		if conditions := conditionsOf(e); shell.Hold(conditions, args) {
			s.command(shell.Arguments(e.Words, word, args[min(e.Shifted, len(args)):]))
		}
	}
}

func conditionsOf(e evidence.ScriptEnd) []shell.Condition {
	var out []shell.Condition
	for _, c := range e.When {
		out = append(out, shell.Condition(c))
	}
	return out
}

// nodeScript notes the package.json that has a script, and what the script runs.
func (s *starting) nodeScript(n shell.Script) {
	f, ok := s.file(path.Join(n.Folder, "package.json"))
	if !ok {
		return
	}
	for _, e := range shell.Read(f.Scripts[n.Name]).Ends {
		s.command(e.Words)
	}
}

// operand is the first argument that is no option; without, when code is given in an option's place.
func (s *starting) operand(args []string, code ...string) int {
	for i, a := range args {
		for _, c := range code {
			if a == c {
				return -1
			}
		}
		if !strings.HasPrefix(a, "-") {
			return i
		}
	}
	return -1
}

// file notes a file that is named from the working directory.
func (s *starting) file(word string) (evidence.EntryFile, bool) {
	if len(s.out) >= maxEntry || strings.ContainsAny(word, "$`") {
		return evidence.EntryFile{}, false
	}
	p := word
	if !path.IsAbs(p) {
		p = path.Join(s.dir, p)
	}
	at, ok := s.t.resolve(p)
	if !ok {
		at = ""
	}
	f := s.t.entryFile(word, at)
	s.out = append(s.out, f)
	return f, true
}

// find looks a program up as execvp(3) does. It is empty where nothing is there.
func (s *starting) find(word string) string {
	candidates := []string{path.Join(s.dir, word)}
	switch {
	case path.IsAbs(word):
		candidates = []string{word}
	case !strings.Contains(word, "/"):
		candidates = nil
		for _, dir := range strings.Split(s.path, ":") {
			candidates = append(candidates, path.Join(s.dir, dir, word))
			if path.IsAbs(dir) {
				candidates[len(candidates)-1] = path.Join(dir, word)
			}
		}
	}
	for _, c := range candidates {
		if at, ok := s.t.resolve(c); ok {
			if r, there := s.t.shown(at); there && s.t.kind(r) != layer.Dir {
				return at
			}
		}
	}
	return ""
}

func (t *tree) entryFile(word, at string) evidence.EntryFile {
	f := evidence.EntryFile{Word: word, Path: at, Layer: none, Kind: "missing"}
	r, ok := t.shown(at)
	if at == "" || !ok {
		f.Path = ""
		return f
	}
	e := t.entries(r)
	f.Machine = e.Machine(r.entry)
	f.Layer, f.Kind, f.Executable = r.layer, "other", e.Modes[r.entry]&layer.Executable != 0
	l := t.layers[r.layer]
	f.Scripts, f.StopsOnTerm = l.Manifests[at].Scripts, l.Graceful[at]
	s, isScript := l.Scripts[at]
	switch {
	case e.Content(r.entry) == layer.ELF:
		f.Kind = "elf"
	case isScript:
		f.Kind = "script"
		f.Interpreter, f.Returns, f.Ends, f.Trapped = s.Interpreter, s.Returns, s.Ends, s.Trapped
		f.Execs, f.Traps, f.LastCommand = s.Main.Execs, s.Trapped["TERM"] != "", s.Main.Text
	case e.Content(r.entry) == layer.HashBang:
		f.Kind = "script"
	}
	return f
}
