package image

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/evidence"
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

var (
	shellName       = regexp.MustCompile(`^(?:ba|da|a|k|z)?sh$`)
	interpreterName = regexp.MustCompile(`^(?:python[0-9.]*|node|nodejs|ruby[0-9.]*|perl[0-9.]*|php[0-9.]*|deno|bun)$`)
	starterName     = regexp.MustCompile(`^(?:tini|tini-static|dumb-init|docker-init|catatonit|env|gosu|su-exec|setpriv|nice|nohup|chroot|sudo|exec|time|stdbuf)$`)
	assignment      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
	shellOption     = regexp.MustCompile(`^[-+][a-zA-Z]*[oO]$`) // takes a word
	// withWord are options of starters that take the next word, where it is no "--name=word".
	withWord = map[string]string{"dumb-init": "-r --rewrite", "tini": "-p -e", "tini-static": "-p -e", "env": "-u --unset -C --chdir",
		"nice": "-n --adjustment", "sudo": "-u -g -h -p -C", "stdbuf": "-i -o -e", "time": "-f -o"}
	// userFirst are starters whose first argument is a user or a folder.
	userFirst = regexp.MustCompile(`^(?:gosu|su-exec|chroot)$`)
	simpleCut = regexp.MustCompile(`[;&|\n]+`)
)

// command notes the program of a command line, and what it starts.
func (s *starting) command(args []string) {
	if len(args) == 0 || args[0] == "" || len(s.out) >= maxEntry {
		return
	}
	f := s.t.entryFile(args[0], s.find(args[0]))
	s.out = append(s.out, f)
	name, rest := path.Base(args[0]), args[1:]
	switch {
	case shellName.MatchString(name):
		s.shell(rest)
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
	case starterName.MatchString(name):
		s.started(name, rest)
	case f.Kind == "script" && len(rest) > 0 && s.find(rest[0]) != "":
		s.command(rest)
	}
}

// started is what an init, env or the like is told to run.
func (s *starting) started(name string, rest []string) {
	for len(rest) > 0 && (strings.HasPrefix(rest[0], "-") || assignment.MatchString(rest[0])) {
		taken := 1
		if slices.Contains(strings.Fields(withWord[name]), rest[0]) {
			taken = min(2, len(rest))
		}
		rest = rest[taken:]
	}
	if userFirst.MatchString(name) && len(rest) > 0 {
		rest = rest[1:]
	}
	s.command(rest)
}

// shell is what `sh -c 'text'` or `sh file` runs: of a text the last command, which is the one that stays.
func (s *starting) shell(rest []string) {
	for i, a := range rest {
		switch {
		case i > 0 && shellOption.MatchString(rest[i-1]): // "pipefail" of -o pipefail
		case strings.HasPrefix(a, "-") && strings.HasSuffix(a, "c") && !strings.HasPrefix(a, "--"):
			if i+1 == len(rest) {
				return
			}
			parts := simpleCut.Split(strings.TrimRight(rest[i+1], "; \n"), -1)
			words := strings.Fields(parts[len(parts)-1])
			for len(words) > 0 && (words[0] == "exec" || assignment.MatchString(words[0])) {
				words = words[1:]
			}
			for j := range words {
				words[j] = strings.Trim(words[j], `"'`)
			}
			if len(words) > 0 && !strings.ContainsAny(words[0], "$`(") {
				s.command(words)
			}
			return
		case !strings.HasPrefix(a, "-"):
			s.file(a)
			if rest = rest[i+1:]; len(rest) > 0 && s.find(rest[0]) != "" {
				s.command(rest)
			}
			return
		}
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
