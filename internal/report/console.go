package report

import (
	"cmp"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Console says how to write for a person. The zero value is plain text, which is right for
// files, pipes and CI logs.
type Console struct {
	Color bool
	// Live allows a line that is drawn again and again.
	Live bool
	// Width is where lines are wrapped, in columns; 0 leaves them as they are.
	Width int
	// Name is the command that speaks, which begins every line.
	Name string
	// Verbose shows what was promised and seen for every check, and the steps.
	Verbose bool
	// Quiet tells what does not hold, and nothing else.
	Quiet bool
}

// prefix begins every line, so that a log of many programs tells whose it is.
func (c Console) prefix() string { return "[" + cmp.Or(c.Name, "verify") + "] " }

// ConsoleOf is how the command of that name writes to f. Colours need a terminal, or CLICOLOR_FORCE, and neither
// NO_COLOR (no-color.org), CLICOLOR=0 (bixense.com/clicolors) nor noColor; a live line needs a terminal that can
// go back to a line's start.
func ConsoleOf(f *os.File, name string, noColor, verbose bool) Console {
	c := Console{Name: name, Verbose: verbose}
	terminal := term.IsTerminal(int(f.Fd()))
	c.Live = terminal && os.Getenv("TERM") != "dumb"
	c.Color = !noColor && colored(c.Live, os.Getenv)
	if terminal {
		c.Width = columns(f)
	}
	return c
}

// colored tells whether the environment lets us colour, where a terminal shows colours or not.
func colored(shown bool, env func(string) string) bool {
	force := env("CLICOLOR_FORCE")
	switch {
	case env("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	}
	return shown && env("CLICOLOR") != "0"
}

// columns returns the width of the terminal that w is, or 0.
func columns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// A paint is an ECMA-48 "select graphic rendition" parameter.
type paint string

const (
	plain  paint = ""
	bold   paint = "1"
	dim    paint = "2"
	red    paint = "1;31"
	green  paint = "32"
	yellow paint = "33"
)

func (c Console) paint(p paint, s string) string {
	if !c.Color || p == plain || s == "" {
		return s
	}
	return "\x1b[" + string(p) + "m" + s + "\x1b[0m"
}

// Clean takes the power out of text that comes from images and pods: a log line must not
// move the cursor, nor colour what follows.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r == utf8.RuneError, unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r):
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(strings.TrimRight(s, "\r\n"), "\r\n", "\n"))
}

// minText is how narrow a column of text may get before it is left to the terminal to wrap.
const minText = 24

// wrap breaks text at spaces so that no line is longer than width columns, where that is
// possible: a long name is not cut. Width 0 breaks at line feeds alone.
func wrap(text string, width int) []string {
	var out []string
	for _, paragraph := range strings.Split(text, "\n") {
		if width < minText || utf8.RuneCountInString(paragraph) <= width {
			out = append(out, paragraph)
			continue
		}
		line := ""
		for _, word := range strings.Fields(paragraph) {
			switch {
			case line == "":
				line = word
			case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
				line += " " + word
			default:
				out = append(out, line)
				line = word
			}
		}
		out = append(out, line)
	}
	return out
}
