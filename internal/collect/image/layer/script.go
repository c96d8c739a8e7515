package layer

import (
	"bytes"
	"path"
	"strings"

	"podproof.dev/podproof/internal/credential"
	"podproof.dev/podproof/internal/shell"
)

// scriptLimit bounds the scripts that are read: an entrypoint is shorter.
const scriptLimit = 64 << 10

// Script is what a script says about how it runs its last command.
type Script struct {
	Interpreter string // of its first line, "" without one
	Execs       bool   // its last command, or one that passes "$@" on, is an exec
	Traps       bool   // it sets a trap for TERM
	Last        string // its last command line
}

// isScript is for a file with "#!", and for one that is a shell's by its name: `sh start.sh`
// needs no first line.
func isScript(p string, b []byte) bool {
	return len(b) <= scriptLimit && bytes.IndexByte(b, 0) < 0 &&
		(bytes.HasPrefix(b, []byte("#!")) || path.Ext(p) == ".sh")
}

func readScript(b []byte) Script {
	text := string(b)
	s := Script{Interpreter: shell.Interpreter(text)}
	if s.Interpreter != "" && shell.ShellOf(s.Interpreter) == "" {
		return s
	}
	r := shell.Read(text)
	s.Execs, s.Traps = r.Execs || r.PassesOn, r.TrapsSignal("TERM")
	if s.Last = masked(r.Text); len(s.Last) > 300 {
		s.Last = strings.ToValidUTF8(s.Last[:300], "") + "…"
	}
	return s
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
