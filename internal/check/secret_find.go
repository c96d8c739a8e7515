package check

import (
	"regexp"
	"sort"
	"strings"

	"podproof.dev/podproof/internal/credential"
)

// secret is a value written out at text[start:end] that should not be there.
type secret struct {
	word
	name  string // of the variable, option or header that holds it; "" where none does
	what  string // the context in which it stands, where that gives it away
	shape string // the shape that gives it away, where its name does not
}

// finder looks for secrets in one text.
type finder struct {
	text  string
	found []secret
	// named are the pairs that were seen, so that a secret of a known shape inside a
	// value can be told by the value's name.
	named []pair
	depth int
}

// secretsInHistory finds the secrets of a history line or of a Dockerfile's instruction.
func secretsInHistory(line string) []secret {
	f := &finder{text: line}
	in := parseHistory(line)
	switch in.keyword {
	case "ENV", "ARG", "LABEL":
		for _, p := range pairs(line, in.body) {
			f.pair(p)
		}
	case "ONBUILD":
		return shift(secretsInHistory(in.body.of(line)), in.body.start)
	case "RUN":
		for _, p := range pairs(line, in.args) {
			f.pair(p)
		}
		f.commands(in.body)
	case "CMD", "ENTRYPOINT", "HEALTHCHECK", "ADD":
		f.commands(in.body)
	}
	return f.finish()
}

// secretsInPair finds those of "NAME=VALUE", as it stands in the image's environment.
func secretsInPair(s string) []secret {
	f := &finder{text: s}
	if i := strings.IndexByte(s, '='); i >= 0 {
		f.pair(pair{word{0, i}, word{i + 1, len(s)}})
	}
	return f.finish()
}

// secretsInText finds those of a command line, of a log line or of any other text.
func secretsInText(s string) []secret {
	f := &finder{text: s}
	f.commands(word{0, len(s)})
	return f.finish()
}

func shift(ss []secret, by int) []secret {
	for i := range ss {
		ss[i].start += by
		ss[i].end += by
	}
	return ss
}

func (f *finder) add(w word, name, what string) {
	if w = unquote(f.text, w); w.end > w.start {
		f.found = append(f.found, secret{word: w, name: name, what: what})
	}
}

// pair judges NAME=VALUE; a harmless name may still have a value with secrets inside.
func (f *finder) pair(p pair) {
	name := p.name.of(f.text)
	p.value = unquote(f.text, p.value)
	f.named = append(f.named, p)
	if s := credential.NameSays(name); s != credential.Harmless && credential.IsLiteral(p.value.of(f.text), s) {
		f.add(p.value, name, "")
		return
	}
	if strings.ContainsRune(p.value.of(f.text), '=') || strings.ContainsRune(p.value.of(f.text), ' ') {
		f.commands(p.value)
	}
}

// execForm is a command as a list of quoted words; history leaves the commas out.
var (
	execForm   = regexp.MustCompile(`\[\s*"(?:[^"\\]|\\.)*"(?:[\s,]+"(?:[^"\\]|\\.)*")*\s*\]`)
	execQuoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// commands judges shell text. A quoted word with spaces is shell text again: it may be
// what "sh -c" runs, or a line that is written into a file.
func (f *finder) commands(span word) {
	if f.depth++; f.depth <= 8 {
		for _, words := range shellCommands(f.text, span.start, span.end) {
			f.command(words)
		}
		for _, form := range execForm.FindAllStringIndex(span.of(f.text), -1) {
			var words []word
			for _, q := range execQuoted.FindAllStringIndex(f.text[span.start+form[0]:span.start+form[1]], -1) {
				at := span.start + form[0]
				words = append(words, word{at + q[0] + 1, at + q[1] - 1})
			}
			f.command(words)
		}
	}
	f.depth--
}

// assigned is what may stand before the "=" of a word: NAME, $env:NAME, -DNAME,
// //registry.example/:_authToken, https://host/?NAME. A NAME after a "$" is a comparison.
var assigned = regexp.MustCompile(`^(?:-D|\$env:|.*[^A-Za-z0-9_.$\-])?([A-Za-z_][A-Za-z0-9_.-]*)$`)

func (f *finder) command(words []word) {
	for i, w := range words {
		s := w.of(f.text)
		name, _, hasValue := strings.Cut(s, "=")
		switch {
		case strings.HasPrefix(s, "s") && f.substitution(words, w):
		case strings.HasPrefix(s, "--") && hasValue && !strings.ContainsAny(name, " \t"):
			f.pair(pair{word{w.start, w.start + len(name)}, word{w.start + len(name) + 1, w.end}})
		case hasValue && !strings.ContainsAny(name, " \t\n") && assigned.MatchString(name):
			at := assigned.FindStringSubmatchIndex(name)[2]
			f.pair(pair{word{w.start + at, w.start + len(name)}, word{w.start + len(name) + 1, w.end}})
			f.list(word{w.start + len(name) + 1, w.end})
		case (strings.HasPrefix(s, "--") || longOption.MatchString(s)) && i+1 < len(words):
			f.option(w, words[i+1])
		case strings.ContainsAny(s, " \t\n"):
			f.commands(w)
		}
	}
	f.client(words)
}

// option judges "--name value". An option that is followed by another has no value.
func (f *finder) option(name, value word) {
	s, v := credential.NameSays(name.of(f.text)), value.of(f.text)
	if longOption.MatchString(name.of(f.text)) {
		s = max(s, credential.Secretive)
	}
	if prefix := "pass:"; strings.HasPrefix(v, prefix) { // openssl
		value.start += len(prefix)
	} else if strings.HasPrefix(name.of(f.text), "-pass") && strings.Contains(v, ":") { // its file:, env:, fd:
		return
	}
	if s != credential.Harmless && !strings.HasPrefix(v, "-") && credential.IsLiteral(value.of(f.text), s) {
		f.add(value, name.of(f.text), "")
	}
}

var listItem = regexp.MustCompile(`,([A-Za-z_][A-Za-z0-9_.-]*)=([^,\s"']*)`)

// list judges the later items of "a=b,password=c".
func (f *finder) list(value word) {
	for _, m := range listItem.FindAllStringSubmatchIndex(value.of(f.text), -1) {
		f.pair(pair{word{value.start + m[2], value.start + m[3]}, word{value.start + m[4], value.start + m[5]}})
	}
}

// substitution reads the replacement of sed's s/…/…/, the only part of it that is kept.
// It tells whether the word is one.
func (f *finder) substitution(words []word, w word) bool {
	s := w.of(f.text)
	if len(s) < 4 || !strings.ContainsRune("/|#,@!:", rune(s[1])) || !(f.has(words, "sed") || f.has(words, "perl")) {
		return false
	}
	if parts := strings.Split(s, s[1:2]); len(parts) >= 4 {
		start := w.start + len(parts[0]) + len(parts[1]) + 2
		f.commands(word{start, start + len(parts[2])})
	}
	return true
}

// finish adds what context and shape give away, and leaves one secret for each place.
func (f *finder) finish() []secret {
	lower := strings.ToLower(f.text)
	for _, c := range contexts {
		if !strings.Contains(lower, c.hint) {
			continue
		}
		for _, m := range c.re.FindAllStringSubmatchIndex(f.text, -1) {
			value, what, name := word{m[len(m)-2], m[len(m)-1]}, c.what, ""
			s := credential.Password
			if len(m) == 6 {
				name = f.text[m[2]:m[3]]
				s = credential.NameSays(name)
			}
			if s != credential.Harmless && credential.IsLiteral(value.of(f.text), s) {
				f.add(value, name, what)
			}
		}
	}
	for _, s := range shapes {
		if !strings.Contains(f.text, s.hint) {
			continue
		}
		for _, m := range s.re.FindAllStringIndex(f.text, -1) {
			if v := f.text[m[0]:m[1]]; !strings.Contains(v, "EXAMPLE") {
				f.found = append(f.found, secret{word: word{m[0], m[1]}, shape: s.name})
			}
		}
	}
	for _, m := range credential.Mask.FindAllStringSubmatchIndex(f.text, -1) {
		s := secret{word: word{m[0], m[1]}}
		if m[4] >= 0 {
			s.shape = f.text[m[4]:m[5]]
		}
		f.found = append(f.found, s)
	}
	return f.distinct()
}

// distinct makes one secret of those that overlap. It is told as the one that begins first,
// of these as the longest, then as the one that was found first: by name rather than by shape.
func (f *finder) distinct() []secret {
	sort.SliceStable(f.found, func(i, j int) bool {
		a, b := f.found[i], f.found[j]
		return a.start < b.start || (a.start == b.start && a.end > b.end)
	})
	var out []secret
	for _, s := range f.found {
		if n := len(out) - 1; n >= 0 && s.start < out[n].end {
			out[n].end = max(out[n].end, s.end)
			continue
		}
		if s.name == "" {
			s.name = f.holder(s.word)
		}
		out = append(out, s)
	}
	return out
}

// holder is the name of the innermost pair whose value a span lies in.
func (f *finder) holder(w word) string {
	best := pair{value: word{-1, len(f.text) + 1}}
	for _, p := range f.named {
		if p.value.start <= w.start && w.end <= p.value.end && p.value.end-p.value.start < best.value.end-best.value.start {
			best = p
		}
	}
	if best.value.start < 0 {
		return ""
	}
	return best.name.of(f.text)
}
