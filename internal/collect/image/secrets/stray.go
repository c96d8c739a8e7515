package secrets

import (
	"bytes"
	"path"
	"strings"

	"podproof.dev/podproof/internal/credential"
)

// strayLimit is how large a text may be to be read as somebody's notes.
const strayLimit = 256 << 10

// strayLine is a line that assigns, and does nothing else: "aws_secret_access_key = x", "export TOKEN=x", "the password: x".
var strayLine = lazy(`^[ \t]*(?:[-*][ \t]+)?(?:[A-Za-z]+[ \t]+){0,2}["']?([A-Za-z][\w.-]{1,79})["']?[ \t]*(?::=|[:=])[ \t]*(?:"([^"\r\n]+)"|'([^'\r\n]+)'|([^\s"']+))[ \t]*[,;]?[ \t]*$`)

// strayValue reads the line around a word of a name in a text that no rule knows. "PASS: x" is a
// test's result.
func strayValue(b []byte, at int) (name string, value span, ok bool) {
	from := bytes.LastIndexByte(b[max(0, at-longestName):at], '\n') + 1 + max(0, at-longestName)
	line := b[from : from+until(b[from:], "\n")]
	line = bytes.TrimRight(line, "\r")
	m := strayLine.get().FindSubmatchIndex(line)
	if m == nil || from+m[3] <= at {
		return "", span{}, false
	}
	name = string(line[m[2]:m[3]])
	for i := 4; i < len(m); i += 2 {
		if m[i] >= 0 {
			value = span{from + m[i], from + m[i+1]}
		}
	}
	return name, value, name != "PASS" && credential.NameSays(name) != credential.Harmless && hardToGuess(string(b[value.start:value.end]), credential.NameSays(name))
}

// hardToGuess tells whether a value, of which nothing but its name is known, was made to be hard to guess.
func hardToGuess(v string, says credential.Sensitivity) bool {
	least, changes := 16, 3
	if says == credential.Password {
		least, changes = 8, 2
	}
	return len(v) >= least && classChanges(v) >= changes && strings.ContainsAny(v, "0123456789") &&
		credential.IsLiteral(v, says) && kind{}.plausible("", v, says) && !strings.Contains(v, "://") && strings.Count(v, "/") < 4 && !versioned.MatchString(v)
}

// versioned is a name with a number behind it, as of a package, a module or a class.
var versioned = lazy(`^(?:[A-Za-z]+[-_.:/@])+v?\d[\d.]*(?:[-_.][a-z]+\d*)?$|::|->`)

// classChanges counts how often small letters, capitals, digits and other characters follow one another.
func classChanges(v string) (n int) {
	last := byte(0)
	for i := range len(v) {
		class := byte('.')
		switch c := v[i]; {
		case c >= 'a' && c <= 'z':
			class = 'a'
		case c >= 'A' && c <= 'Z':
			class = 'A'
		case c >= '0' && c <= '9':
			class = '0'
		}
		if last != 0 && class != last {
			n++
		}
		last = class
	}
	return n
}

// secretFile is for a file that holds a secret and nothing else, and is named for it, as what
// is mounted at /run/secrets is.
func secretFile(p string, head []byte, size int64) (name string, value span, ok bool) {
	name = path.Base(p)
	switch path.Ext(name) {
	case ".txt", ".secret", ".token", ".password", ".pass", ".key":
		name = strings.TrimSuffix(name, path.Ext(name))
		if name == "" {
			return "", span{}, false
		}
	case "":
	default:
		return "", span{}, false
	}
	says := credential.NameSays(name)
	if says == credential.Harmless || size > longestName*4 || manual.MatchString(p) {
		return "", span{}, false
	}
	text := bytes.TrimSpace(head)
	start := bytes.Index(head, text)
	v := string(text)
	if strings.ContainsAny(strings.TrimRight(v, "="), " \t\r\n=") || !hardToGuess(v, says) {
		return "", span{}, false
	}
	return name, span{start, start + len(text)}, true
}
