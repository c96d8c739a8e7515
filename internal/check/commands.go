package check

import (
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// started is a command that the container's own command leads to.
type started struct {
	words []string
	// maybe tells that it stands in a branch, and that podproof cannot tell whether it is taken.
	maybe bool
	// script is the script of a package.json that it comes from.
	script string
}

// commandsOf are the commands that a container's command leads to, through wrappers, shells, scripts
// and the scripts of a package.json: each by itself, the first one first.
func commandsOf(files []evidence.EntryFile, command []string) []started {
	c := commands{files: files}
	c.add(started{words: command})
	return c.all
}

type commands struct {
	files []evidence.EntryFile
	all   []started
}

func (c *commands) add(s started) {
	const most = 50
	if len(s.words) == 0 || len(c.all) > most || slices.ContainsFunc(c.all, func(o started) bool { return slices.Equal(o.words, s.words) }) {
		return
	}
	c.all = append(c.all, s)
	inner := s
	if _, command, ok := shell.Wrapped(s.words); ok {
		inner.words = command
		c.add(inner)
		return
	}
	if in, ok := shell.Invoked(s.words); ok {
		c.shell(s, in)
		return
	}
	if name, line, known := nodeScript(c.files, s.words); known {
		s.script = name
		c.ends(s, shell.Invocation{}, shell.Read(line).Ends)
		return
	}
	if runner, _ := shell.Runner(s.words); runner != "" {
		inner.words = behind(s.words)
		c.add(inner)
		return
	}
	if f := c.file(s.words[0]); f != nil && f.Kind == "script" && shell.ShellOf(f.Interpreter) != "" {
		in := shell.Invocation{Script: s.words[0], Rest: s.words[1:]}
		c.ends(s, in, scriptEnds(*f, in.Rest))
	}
}

func (c *commands) shell(s started, in shell.Invocation) {
	if in.Script == "" {
		c.ends(s, in, shell.Read(in.Line).For(in.Arguments()))
		return
	}
	if f := c.file(in.Script); f != nil {
		c.ends(s, in, scriptEnds(*f, in.Rest))
	}
}

func (c *commands) ends(from started, in shell.Invocation, ends []shell.End) {
	for _, e := range ends {
		next := from
		next.words, next.maybe = in.Expand(e.Words, e.Shifted), from.maybe || e.Maybe
		c.add(next)
	}
}

func (c *commands) file(word string) *evidence.EntryFile {
	for i := range c.files {
		if c.files[i].Word == word {
			return &c.files[i]
		}
	}
	return nil
}

var (
	// runVerbs stand before the command of a runner, plainRunners need none, and valued are
	// options of them that take the next word.
	runVerbs     = set("run exec x dlx execute")
	plainRunners = set("npx bunx pnpx yarn pnpm")
	valued       = set("-n -p --name --prefix --with --env-file --project --python --config -c -C --dir --package --filter")
)

// behind is the command that a runner is given: "uv run --frozen uvicorn app" has "uvicorn app".
func behind(words []string) []string {
	verb := plainRunners[path.Base(words[0])]
	for i := 1; i < len(words); i++ {
		switch w := words[i]; {
		case w == "--":
			return words[i+1:]
		case valued[w]:
			i++
		case strings.HasPrefix(w, "-"):
		case i == 1 && runVerbs[w]:
			verb = true
		case !verb:
			return nil
		default:
			return words[i:]
		}
	}
	return nil
}
