package shell

import "strings"

// Span is a part of a text, mostly one word of a command line: text[Start:End] of the text
// it was cut from. The quotes around a word that is quoted as a whole are not part of it.
type Span struct{ Start, End int }

// Of is the text of the span.
func (s Span) Of(text string) string { return text[s.Start:s.End] }

// Texts are the texts of the spans of a command.
func Texts(text string, command []Span) []string {
	var out []string
	for _, w := range command {
		out = append(out, w.Of(text))
	}
	return out
}

// Cut cuts shell text into simple commands and these into words. It keeps
// positions and expands nothing: "$X", escapes and quotes inside a word stay as written.
// It forgives what a shell would refuse, since history lines are often cut or joined.
func Cut(text string, from, to int) [][]Span {
	var commands [][]Span
	var current []Span
	endCommand := func() {
		if len(current) > 0 {
			commands = append(commands, current)
		}
		current = nil
	}
	for i := from; i < to; {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\x00':
			i++
		case c == '\\' && i+1 < to && text[i+1] == '\n':
			i += 2
		case strings.IndexByte(";&|()\n`", c) >= 0:
			endCommand()
			i++
		default:
			w := Span{i, wordEnd(text, i, to)}
			i = w.End
			current = append(current, Unquote(text, w))
		}
	}
	endCommand()
	return commands
}

// wordEnd finds the end of the word that starts at i.
func wordEnd(text string, i, to int) int {
	for i < to {
		switch c := text[i]; {
		case c == '\\':
			i += 2
		case c == '\'' || c == '"':
			end := closingQuote(text, i, to)
			if end < 0 { // a lone quote, as in "it's": an ordinary character
				i++
			} else {
				i = end + 1
			}
		case strings.IndexByte(" \t\r\n\x00;&|()`", c) >= 0:
			return i
		default:
			i++
		}
	}
	return min(i, to)
}

// closingQuote finds the quote that ends the one at i, or -1.
func closingQuote(text string, i, to int) int {
	q := text[i]
	for j := i + 1; j < to; j++ {
		switch {
		case text[j] == q:
			return j
		case text[j] == '\\' && q == '"':
			j++
		}
	}
	return -1
}

// Unquote narrows a span to what stands between the quotes that enclose all of it.
// The quotes may be escaped, as they are inside another quoted string.
func Unquote(text string, w Span) Span {
	s := w.Of(text)
	for _, q := range []string{`"`, `'`, `\"`, `\'`} {
		if len(s) >= 2*len(q) && strings.HasPrefix(s, q) && strings.HasSuffix(s, q) &&
			!strings.Contains(s[len(q):len(s)-len(q)], q) {
			return Span{w.Start + len(q), w.End - len(q)}
		}
	}
	return w
}
