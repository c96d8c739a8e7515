package report

import (
	"strings"
	"unicode/utf8"
)

// shortText is how much of a text is told where all of it stands elsewhere.
const shortText = 100

// short is a text's first line, cut.
func short(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if utf8.RuneCountInString(s) > shortText {
		return string([]rune(s)[:shortText]) + "…"
	}
	return s
}
