package redact

import (
	"regexp"
	"sort"
	"strings"

	"podproof.dev/podproof/internal/credential"
	"podproof.dev/podproof/internal/shell"
)

// Secret is a value that is written out in a text and looks like one to keep: its span, and
// what gives it away. The value itself is only in the text.
type Secret struct {
	shell.Span
	Name  string // of the variable, option or header that holds it; "" where none does
	What  string // the context in which it stands, where that gives it away
	Shape string // the shape that gives it away, where its name does not
}

// finder looks for secrets in one text.
type finder struct {
	text  string
	found []Secret
	// named are the pairs that were seen, so that a secret of a known shape inside a
	// value can be told by the value's name.
	named []shell.Pair
	// building tells that the text is a step of the build, or an argument of it: a value that
	// was made up for it is nobody's.
	building bool
	depth    int
}

// InHistory finds the secrets of a history line or of a Dockerfile's instruction.
func InHistory(line string) []Secret {
	f := &finder{text: line}
	in := shell.ParseHistory(line)
	f.building = in.Keyword == "RUN" || in.Keyword == "ARG"
	switch in.Keyword {
	case "ENV", "ARG", "LABEL":
		for _, p := range shell.Pairs(line, in.Body) {
			f.pair(p)
		}
	case "ONBUILD":
		return shift(InHistory(in.Body.Of(line)), in.Body.Start)
	case "RUN":
		for _, p := range shell.Pairs(line, in.Args) {
			f.pair(p)
		}
		f.commands(in.Body)
	case "CMD", "ENTRYPOINT", "HEALTHCHECK", "ADD":
		f.commands(in.Body)
	}
	return f.finish()
}

// InPair finds those of "NAME=VALUE", as it stands in the image's environment.
func InPair(s string) []Secret {
	f := &finder{text: s}
	if i := strings.IndexByte(s, '='); i >= 0 {
		f.pair(shell.Pair{Name: shell.Span{Start: 0, End: i}, Value: shell.Span{Start: i + 1, End: len(s)}})
	}
	return f.finish()
}

// InText finds those of a command line, of a log line or of any other text.
func InText(s string) []Secret {
	f := &finder{text: s}
	f.commands(shell.Span{Start: 0, End: len(s)})
	return f.finish()
}

func shift(ss []Secret, by int) []Secret {
	for i := range ss {
		ss[i].Start += by
		ss[i].End += by
	}
	return ss
}

func (f *finder) add(w shell.Span, name, what string) {
	if w = shell.Unquote(f.text, w); w.End > w.Start {
		f.found = append(f.found, Secret{Span: w, Name: name, What: what})
	}
}

// pair judges NAME=VALUE; a harmless name may still have a value with secrets inside.
func (f *finder) pair(p shell.Pair) {
	name := p.Name.Of(f.text)
	p.Value = shell.Unquote(f.text, p.Value)
	f.named = append(f.named, p)
	if s := credential.NameSays(name); s != credential.Harmless && credential.IsLiteral(p.Value.Of(f.text), s) {
		if !f.building || !credential.IsMadeUp(p.Value.Of(f.text)) {
			f.add(p.Value, name, "")
		}
		return
	}
	if strings.ContainsRune(p.Value.Of(f.text), '=') || strings.ContainsRune(p.Value.Of(f.text), ' ') {
		f.commands(p.Value)
	}
}

// execForm is a command as a list of quoted words; history leaves the commas out.
var (
	execForm   = regexp.MustCompile(`\[\s*"(?:[^"\\]|\\.)*"(?:[\s,]+"(?:[^"\\]|\\.)*")*\s*\]`)
	execQuoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// commands judges shell text. A quoted word with spaces is shell text again: it may be
// what "sh -c" runs, or a line that is written into a file.
func (f *finder) commands(span shell.Span) {
	if f.depth++; f.depth <= 8 {
		for _, words := range shell.Cut(f.text, span.Start, span.End) {
			f.command(words)
		}
		for _, form := range execForm.FindAllStringIndex(span.Of(f.text), -1) {
			var words []shell.Span
			for _, q := range execQuoted.FindAllStringIndex(f.text[span.Start+form[0]:span.Start+form[1]], -1) {
				at := span.Start + form[0]
				words = append(words, shell.Span{Start: at + q[0] + 1, End: at + q[1] - 1})
			}
			f.command(words)
		}
	}
	f.depth--
}

// assigned is what may stand before the "=" of a word: NAME, $env:NAME, -DNAME, -PNAME, -NAME,
// //registry.example/:_authToken, https://host/?NAME. A NAME after a "$" is a comparison.
var assigned = regexp.MustCompile(`^(?:-[DP]?|\$env:|.*[^A-Za-z0-9_.$\-])?([A-Za-z_][A-Za-z0-9_.-]*)$`)

func (f *finder) command(words []shell.Span) {
	for i, w := range words {
		s := w.Of(f.text)
		name, _, hasValue := strings.Cut(s, "=")
		switch {
		case strings.HasPrefix(s, "s") && f.substitution(words, w):
		case strings.HasPrefix(s, "--") && hasValue && !strings.ContainsAny(name, " \t"):
			f.pair(shell.Pair{Name: shell.Span{Start: w.Start, End: w.Start + len(name)}, Value: shell.Span{Start: w.Start + len(name) + 1, End: w.End}})
		case hasValue && !strings.ContainsAny(name, " \t\n") && assigned.MatchString(name):
			at := assigned.FindStringSubmatchIndex(name)[2]
			f.pair(shell.Pair{Name: shell.Span{Start: w.Start + at, End: w.Start + len(name)}, Value: shell.Span{Start: w.Start + len(name) + 1, End: w.End}})
			f.list(shell.Span{Start: w.Start + len(name) + 1, End: w.End})
		case (strings.HasPrefix(s, "--") || longOption.MatchString(s)) && i+1 < len(words):
			f.option(w, words[i+1])
		case strings.ContainsAny(s, " \t\n"):
			f.commands(w)
		}
	}
	f.client(words)
	f.operand(words)
}

// option judges "--name value". An option that is followed by another has no value.
func (f *finder) option(name, value shell.Span) {
	s, v := credential.NameSays(name.Of(f.text)), value.Of(f.text)
	if longOption.MatchString(name.Of(f.text)) {
		s = max(s, credential.Secretive)
	}
	if prefix := "pass:"; strings.HasPrefix(v, prefix) { // openssl
		value.Start += len(prefix)
	} else if strings.HasPrefix(name.Of(f.text), "-pass") && strings.Contains(v, ":") { // its file:, env:, fd:
		return
	}
	if s != credential.Harmless && !strings.HasPrefix(v, "-") && credential.IsLiteral(value.Of(f.text), s) {
		f.add(value, name.Of(f.text), "")
	}
}

var listItem = regexp.MustCompile(`,([A-Za-z_][A-Za-z0-9_.-]*)=([^,\s"']*)`)

// list judges the later items of "a=b,password=c".
func (f *finder) list(value shell.Span) {
	for _, m := range listItem.FindAllStringSubmatchIndex(value.Of(f.text), -1) {
		f.pair(shell.Pair{Name: shell.Span{Start: value.Start + m[2], End: value.Start + m[3]}, Value: shell.Span{Start: value.Start + m[4], End: value.Start + m[5]}})
	}
}

// substitution reads the replacement of sed's s/…/…/, the only part of it that is kept.
// It tells whether the word is one.
func (f *finder) substitution(words []shell.Span, w shell.Span) bool {
	s := w.Of(f.text)
	if len(s) < 4 || !strings.ContainsRune("/|#,@!:", rune(s[1])) || !(f.has(words, "sed") || f.has(words, "perl")) {
		return false
	}
	if parts := strings.Split(s, s[1:2]); len(parts) >= 4 {
		start := w.Start + len(parts[0]) + len(parts[1]) + 2
		f.commands(shell.Span{Start: start, End: start + len(parts[2])})
	}
	return true
}

// finish adds what context and shape give away, and leaves one secret for each place.
func (f *finder) finish() []Secret {
	lower := strings.ToLower(f.text)
	for _, c := range contexts {
		if !strings.Contains(lower, c.hint) {
			continue
		}
		for _, m := range c.re.FindAllStringSubmatchIndex(f.text, -1) {
			value, what, name := shell.Span{Start: m[len(m)-2], End: m[len(m)-1]}, c.what, ""
			if c.re == credential.URLLogin && f.building && madeUpLogin(f.text, value) {
				continue
			}
			s := credential.Password
			if len(m) == 6 {
				name = f.text[m[2]:m[3]]
				s = credential.NameSays(name)
			}
			if s != credential.Harmless && credential.IsLiteral(value.Of(f.text), s) {
				f.add(value, name, what)
			}
		}
	}
	for _, s := range shapes {
		if !strings.Contains(f.text, s.hint) {
			continue
		}
		for _, m := range s.re.FindAllStringIndex(f.text, -1) {
			span := shell.Span{Start: m[0], End: m[1]}
			if v := span.Of(f.text); !strings.Contains(v, "EXAMPLE") && !credential.IsPublic(v) && !(s.name == googleKey && credential.IsShown(f.holder(span))) {
				f.found = append(f.found, Secret{Span: span, Shape: s.name})
			}
		}
	}
	for _, m := range credential.Mask.FindAllStringSubmatchIndex(f.text, -1) {
		s := Secret{Span: shell.Span{Start: m[0], End: m[1]}}
		if m[4] >= 0 {
			s.Shape = f.text[m[4]:m[5]]
		}
		f.found = append(f.found, s)
	}
	return f.distinct()
}

// distinct makes one secret of those that overlap. It is told as the one that begins first,
// of these as the longest, then as the one that was found first: by name rather than by shape.
func (f *finder) distinct() []Secret {
	sort.SliceStable(f.found, func(i, j int) bool {
		a, b := f.found[i], f.found[j]
		return a.Start < b.Start || (a.Start == b.Start && a.End > b.End)
	})
	var out []Secret
	for _, s := range f.found {
		if n := len(out) - 1; n >= 0 && s.Start < out[n].End {
			out[n].End = max(out[n].End, s.End)
			continue
		}
		if s.Name == "" {
			s.Name = f.holder(s.Span)
		}
		out = append(out, s)
	}
	return out
}

// holder is the name of the innermost pair whose value a span lies in.
func (f *finder) holder(w shell.Span) string {
	best := shell.Pair{Value: shell.Span{Start: -1, End: len(f.text) + 1}}
	for _, p := range f.named {
		if p.Value.Start <= w.Start && w.End <= p.Value.End && p.Value.End-p.Value.Start < best.Value.End-best.Value.Start {
			best = p
		}
	}
	if best.Value.Start < 0 {
		return ""
	}
	return best.Name.Of(f.text)
}
