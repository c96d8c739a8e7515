package check

import "strings"

// word is one word of a command line: text[start:end] of the text it was cut from.
// The quotes around a word that is quoted as a whole are not part of it.
type word struct{ start, end int }

func (w word) of(text string) string { return text[w.start:w.end] }

// shellCommands cuts shell text into simple commands and these into words. It keeps
// positions and expands nothing: "$X", escapes and quotes inside a word stay as written.
// It forgives what a shell would refuse, since history lines are often cut or joined.
func shellCommands(text string, from, to int) [][]word {
	var commands [][]word
	var current []word
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
			w := word{i, wordEnd(text, i, to)}
			i = w.end
			current = append(current, unquote(text, w))
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

// unquote narrows a span to what stands between the quotes that enclose all of it.
// The quotes may be escaped, as they are inside another quoted string.
func unquote(text string, w word) word {
	s := w.of(text)
	for _, q := range []string{`"`, `'`, `\"`, `\'`} {
		if len(s) >= 2*len(q) && strings.HasPrefix(s, q) && strings.HasSuffix(s, q) &&
			!strings.Contains(s[len(q):len(s)-len(q)], q) {
			return word{w.start + len(q), w.end - len(q)}
		}
	}
	return w
}
