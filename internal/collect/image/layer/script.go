package layer

import (
	"bytes"
	"path"
	"strings"

	"podproof.dev/podproof/internal/credential"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// scriptLimit bounds the scripts that are read: an entrypoint is shorter.
const scriptLimit = 64 << 10

// Script is what a script says about how it ends.
type Script struct {
	Interpreter string // of its first line, "" without one
	Ends        []evidence.ScriptEnd
	// Returns is set where a carriage return ends the first line, and is part of the interpreter's name.
	Returns bool
	Trapped map[string]string // signal to what it does on it
	Main    evidence.ScriptEnd
}

// isScript is for a file with "#!", and for one that is a shell's by its name: `sh start.sh`
// needs no first line.
func isScript(p string, b []byte) bool {
	return len(b) <= scriptLimit && bytes.IndexByte(b, 0) < 0 &&
		(bytes.HasPrefix(b, []byte("#!")) || path.Ext(p) == ".sh")
}

func readScript(b []byte) Script {
	text := string(b)
	first, _, _ := strings.Cut(text, "\n")
	s := Script{Interpreter: shell.Interpreter(text), Returns: strings.HasPrefix(first, "#!") && strings.HasSuffix(first, "\r")}
	if s.Interpreter != "" && shell.ShellOf(s.Interpreter) == "" {
		return s
	}
	r := shell.Read(text)
	for _, e := range r.Ends {
		s.Ends = append(s.Ends, kept(e))
	}
	for _, t := range r.Traps {
		if s.Trapped == nil {
			s.Trapped = map[string]string{}
		}
		s.Trapped[t.Signal] = string(t.Does)
	}
	s.Main = kept(r.Main())
	return s
}

// kept is an end without the values of secrets.
func kept(e shell.End) evidence.ScriptEnd {
	out := evidence.ScriptEnd{Text: cut(masked(e.Text)), Execs: e.Execs, Waits: e.Waits, Maybe: e.Maybe, Shifted: e.Shifted}
	for i, w := range e.Words {
		switch {
		case i > 0 && strings.HasPrefix(e.Words[i-1], "-") && isSecret(e.Words[i-1], w):
			w = "…"
		default:
			w = masked(w)
		}
		out.Words = append(out.Words, cut(w))
	}
	for _, c := range e.When {
		out.When = append(out.When, evidence.ScriptCondition(c))
	}
	return out
}

// cut bounds a text that is kept.
func cut(text string) string {
	if len(text) > 300 {
		return strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}

// masked takes values out of a command that stand under the name of a secret: what is kept of
// a layer must not hold any.
func masked(command string) string {
	words := strings.Split(command, " ")
	for i, w := range words {
		w = credential.URLLogin.ReplaceAllStringFunc(w, func(url string) string {
			m := credential.URLLogin.FindStringSubmatch(url)
			return strings.Replace(url, ":"+m[1]+"@", ":…@", 1)
		})
		name, value, assigned := strings.Cut(w, "=")
		switch {
		case assigned && isSecret(name, value):
			w = name + "=…"
		case i > 0 && strings.HasPrefix(words[i-1], "-") && isSecret(words[i-1], w):
			w = "…"
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}

func isSecret(name, value string) bool {
	says := credential.NameSays(name)
	return says != credential.Harmless && credential.IsLiteral(value, says)
}
