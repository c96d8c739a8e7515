package image

import (
	"path"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// defaultPath is what container runtimes set when the configuration has no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// maxEntry is how many files in a row may start one another.
const maxEntry = 8

// entry lists the files that ENTRYPOINT and CMD start: the program, what an interpreter, an
// init or env is told to run, and the arguments of a script, which it usually runs in turn.
func (t *tree) entry(c evidence.ImageConfig) []evidence.EntryFile {
	s := starting{t: t, dir: path.Join("/", c.WorkingDir), path: defaultPath}
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
}

var interpreterName = regexp.MustCompile(`^(?:python[0-9.]*|node|nodejs|ruby[0-9.]*|perl[0-9.]*|php[0-9.]*|deno|bun)$`)

// command notes the program of a command line, and what it starts.
func (s *starting) command(args []string) {
	if len(args) == 0 || args[0] == "" || len(s.out) >= maxEntry {
		return
	}
	f := s.t.entryFile(args[0], s.find(args[0]))
	s.out = append(s.out, f)
	name, rest := path.Base(args[0]), args[1:]
	if in, ok := shell.Invoked(args); ok {
		s.shell(in)
		return
	}
	if _, command, ok := shell.Wrapped(args); ok {
		s.command(command)
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
	case f.Kind == "script" && len(rest) > 0 && s.find(rest[0]) != "":
		s.command(rest)
	}
}

// shell is what `sh -c 'text'` or `sh file` runs: of a text the last command, which is the one that stays.
func (s *starting) shell(in shell.Invocation) {
	if in.Script != "" {
		s.file(in.Script)
		if len(in.Rest) > 0 && s.find(in.Rest[0]) != "" {
			s.command(in.Rest)
		}
		return
	}
	if words := in.Expand(shell.Read(in.Line).Last); len(words) > 0 && !strings.ContainsAny(words[0], "$`(") {
		s.command(words)
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
func (s *starting) file(word string) {
	if len(s.out) >= maxEntry || strings.ContainsAny(word, "$`") {
		return
	}
	p := word
	if !path.IsAbs(p) {
		p = path.Join(s.dir, p)
	}
	at, ok := s.t.resolve(p)
	if !ok {
		at = ""
	}
	s.out = append(s.out, s.t.entryFile(word, at))
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
	f.Layer, f.Kind, f.Executable = r.layer, "other", e.Modes[r.entry]&layer.Executable != 0
	s, isScript := t.layers[r.layer].Scripts[at]
	switch {
	case e.Content(r.entry) == layer.ELF:
		f.Kind = "elf"
	case isScript:
		f.Kind = "script"
		f.Interpreter, f.Execs, f.Traps, f.LastCommand = s.Interpreter, s.Execs, s.Traps, s.Last
	case e.Content(r.entry) == layer.HashBang:
		f.Kind = "script"
	}
	return f
}
