package secrets

import (
	"regexp"
	"strings"
	"sync"
)

// pattern is a regular expression that is compiled when it is first tried: most runs of podproof look into no image,
// and most images need few of them.
type pattern struct {
	expression string
	// first are the characters that a text begins with where it can match at all, "" for any.
	first    string
	compiled sync.Once
	re       *regexp.Regexp
}

func lazy(expression string) *pattern { return &pattern{expression: expression} }

// begins is for an expression that holds at the beginning of a text alone, and only behind one of these characters:
// any other text costs nothing.
func begins(first, expression string) *pattern { return &pattern{expression: expression, first: first} }

func (p *pattern) get() *regexp.Regexp {
	p.compiled.Do(func() { p.re = regexp.MustCompile(p.expression) })
	return p.re
}

func (p *pattern) MatchString(s string) bool { return p.canBegin(s) && p.get().MatchString(s) }

func (p *pattern) Match(b []byte) bool { return p.canBeginWith(b) && p.get().Match(b) }

func (p *pattern) canBegin(s string) bool {
	return p.first == "" || s != "" && strings.IndexByte(p.first, s[0]) >= 0
}

func (p *pattern) canBeginWith(b []byte) bool {
	return p.first == "" || len(b) > 0 && strings.IndexByte(p.first, b[0]) >= 0
}
