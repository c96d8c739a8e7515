package secrets

import (
	"bytes"
	"strings"

	"podproof.dev/podproof/internal/credential"
)

const (
	// longestCode is how long a line may be that a person has written: longer ones are of a bundle,
	// whose keys every visitor of a page has.
	longestCode = 400
	// randomTurns is how often letters and digits follow one another in what was made by chance, and
	// in no name that a person thinks of.
	randomTurns = 4
)

// constant reads SECRET_KEY = "x" in code that is no settings: there a literal under a telling name is a
// credential where it can be nothing else than made by chance.
func constant(b []byte, at int) (name string, value span, ok bool) {
	name, value, ok = kind{code: true}.assigned(b, at)
	if !ok {
		return "", span{}, false
	}
	least := 20
	if credential.NameSays(name) == credential.Password {
		least = 12
	}
	from, to := max(0, at-longestCode), min(len(b), at+longestCode)
	before, after := bytes.LastIndexByte(b[from:at], '\n'), bytes.IndexByte(b[at:to], '\n')
	short := (before >= 0 || from == 0) && (after >= 0 || to == len(b))
	if manager.MatchString(name) {
		return "", span{}, false
	}
	return name, value, short && value.end-value.start >= least && isRandom(b[value.start:value.end])
}

// manager is the name of a program that keeps passwords, under which its ID stands in tables of such.
var manager = lazy(`(?i)^(?:one|last|nord|proton|kee|zoho|sticky)_?pass(?:word)?$`)

// isRandom is for a word of the characters of base64, in which letters and digits are mixed.
func isRandom(v []byte) bool {
	turns, digit := 0, false
	for i, c := range v {
		if !isAlnum(c) {
			if strings.IndexByte("+/=_-~!@#$%^&*", c) < 0 {
				return false
			}
			continue
		}
		is := c <= '9'
		if i > 0 && is != digit {
			turns++
		}
		digit = is
	}
	return turns >= randomTurns && !isInvented(v)
}
