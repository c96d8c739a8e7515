package layer

import (
	"bufio"
	"bytes"
	"path"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/credential"
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

var (
	shells = regexp.MustCompile(`(?:^|[/ ])(?:ba|da|a|k|z|mk)?sh(?: |$)`)
	// A variable or eval may stand before exec.
	execStart = regexp.MustCompile(`(?:^|[;&|]|\bthen|\belse|\bdo|\{|\()\s*(?:[A-Za-z_]\w*=\S*\s+|eval\s+)*exec\s+[^<>&0-9\s]`)
	passesOn  = regexp.MustCompile(`(?:^|[;&|]|\bthen|\belse|\bdo|\{|\()\s*(?:[A-Za-z_]\w*=\S*\s+|eval\s+)*exec\s+.*"?\$(?:@|\{@\}|\*)`)
	trapsTerm = regexp.MustCompile(`(?m)^[^#\n]*\btrap\s+[^#\n]*\b(?:SIG)?TERM\b`)
	closing   = regexp.MustCompile(`^(?:fi|done|esac|\}|\)|;;|else|then|do)\b?;?$`)
)

func readScript(b []byte) Script {
	var s Script
	text := string(b)
	if rest, ok := strings.CutPrefix(text, "#!"); ok {
		first, _, _ := strings.Cut(rest, "\n")
		s.Interpreter = strings.Join(strings.Fields(first), " ")
	}
	if s.Interpreter != "" && !shells.MatchString(s.Interpreter) {
		return s
	}
	s.Traps = trapsTerm.MatchString(text)
	for _, line := range commandLines(text) {
		if passesOn.MatchString(line) {
			s.Execs = true
		}
		if !closing.MatchString(line) {
			s.Last = line
		}
	}
	if execStart.MatchString(s.Last) {
		s.Execs = true
	}
	if s.Last = masked(s.Last); len(s.Last) > 300 {
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

// commandLines are the lines of a shell script without comments and empty ones, with those
// that a backslash continues in one. Here-documents are left out: they are no commands.
func commandLines(text string) []string {
	var out []string
	var whole, until string
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, scriptLimit+1)
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
