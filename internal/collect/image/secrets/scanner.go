// Package secrets finds credentials in files: by the shape that an issuer gave them, by the
// place where programs keep them, and by the name that they stand under. It keeps no value:
// what it finds is where a credential stands, and its first characters at most.
package secrets

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	"podproof.dev/podproof/internal/collect/image/keywords"
)

// Version is raised when the same file gives other findings than before.
const Version = "7"

// Found is one credential in a file.
type Found struct {
	Rule, What string
	Line       int // from 1; 0 in a file that has no lines
	Masked     string
	// Inside is the path in the archive that the file is, "" in any other file.
	Inside string
}

// settingsLimit is how large a file of settings may be to be looked through for names, and
// maxNames how many of its names are looked at. Larger ones are data.
const (
	settingsLimit = 1 << 20
	maxNames      = 10_000
)

// maxFound is how many credentials of one rule are told of one file: a hundred make the point,
// and a file that is made of them shall not take minutes.
const maxFound = 100

// tables is all that files are searched with. It is made when it is first used, since most
// commands look into no image.
var tables = sync.OnceValue(func() *tableSet {
	t := &tableSet{rules: tokenRules()}
	for i, r := range t.rules {
		for _, w := range r.words {
			t.words, t.ruleOf = append(t.words, w), append(t.ruleOf, i)
		}
	}
	logins := append(append(slices.Clip(t.words), "://"), connectionWords...)
	code := append(slices.Clip(logins), lookupWords...)
	t.anyFile, t.loginFiles, t.codeFiles, t.namedFiles = keywords.New(t.words), keywords.New(logins), keywords.New(code), keywords.New(append(code, nameWords...))
	return t
})

type tableSet struct {
	rules  []rule
	words  []string
	ruleOf []int // by word
	// Four sets, by how a file is looked through: the words, and those of logins, of code and of names.
	anyFile, loginFiles, codeFiles, namedFiles *keywords.Set
}

// Scanner looks through one file after the other. Of a file it is shown all, a part at a
// time; see layer.bodies.stream for how the parts overlap.
type Scanner struct {
	tables *tableSet
	kind   kind
	words  *keywords.Set
	// offset is where in the file the shown part begins, lines the line feeds before what is new.
	offset, lines int
	found         []candidate
	done          []int // by rule: up to where in the file it has looked
	hits          []int // by rule: how many it found
	touched       bool
	partly        bool
	also          *Also
	names         int // that were looked at
	namesUntil    int // the end of the last one
}

// candidate is a credential with its place, in bytes of the file. Of two that overlap the
// one of lower rank is told: a token's issuer says more than the name it stands under.
type candidate struct {
	Found
	span
	rank int
}

// The ranks.
const (
	byShape = iota
	byPlace
	byName
)

// Partly tells whether the file is one of settings that is too large to be looked through as one.
func (s *Scanner) Partly() bool { return s.partly }

// Also are words that somebody else looks for in the same pass.
type Also struct {
	words *keywords.Set
	// Hit is told of each word, by its number, and where it stands.
	Hit func(word int, chunk []byte, at int)
}

// NewAlso takes the words, numbered in their order.
func NewAlso(words ...string) Also {
	return Also{words: keywords.New(append(slices.Clip(tables().words), words...))}
}

// Start begins a file of a size, -1 where that is not known yet. head is its beginning, all of it where it is short. With
// also, the file is one without text.
func (s *Scanner) Start(path string, head []byte, size int64, also *Also) {
	*s = Scanner{tables: tables(), kind: kindOf(path, head), found: s.found[:0], done: s.done, hits: s.hits, touched: s.touched}
	switch {
	case s.kind.stray && size > strayLimit:
		s.kind.named = false // data
	case s.kind.named && size > settingsLimit:
		s.kind.named, s.partly = false, true
	}
	switch {
	case also != nil:
		s.kind, s.words, s.also = kind{}, also.words, also
	case s.kind.named:
		s.words = s.tables.namedFiles
	case s.kind.reads && (s.kind.tests || size > settingsLimit):
		s.words = s.tables.codeFiles
	case s.kind.reads:
		s.words = s.tables.namedFiles
	case s.kind.login:
		s.words = s.tables.loginFiles
	default:
		s.words = s.tables.anyFile
	}
	if s.touched || s.done == nil {
		s.done, s.hits, s.touched = make([]int, len(s.tables.rules)), make([]int, len(s.tables.rules)), false
	}
	for _, r := range placeRulesFor(path) {
		for _, at := range r.find(head) {
			s.add(head, 0, at, Found{Rule: r.id, What: r.what}, byPlace)
		}
	}
	if name, at, ok := secretFile(path, head, size); ok && s.kind.text {
		s.add(head, 0, at, Found{Rule: "named-secret", What: "the secret that the file is named for, " + name}, byName)
	}
	if isKeyStore(path, head) {
		s.found = append(s.found, candidate{Found: Found{Rule: "private-key", What: "a key store with a private key"}})
	}
}

// See looks at a part of the file. What starts in chunk[from:to] is new.
func (s *Scanner) See(chunk []byte, from, to int) {
	ruleOf := s.tables.ruleOf
	s.words.Find(chunk, from, to, func(word, at int) {
		switch {
		case word < len(ruleOf):
			s.token(chunk, from, ruleOf[word], at)
		case s.also != nil:
			s.also.Hit(word-len(ruleOf), chunk, at)
		case s.names < maxNames:
			s.text(chunk, from, word-len(ruleOf), at)
		}
	})
	if s.kind.text {
		s.lines += bytes.Count(chunk[from:to], []byte("\n"))
	}
	s.offset += to - from
}

// text looks at one of the words behind those of tokens: "://", then those of connection
// strings, of lookups in the environment, and of names.
func (s *Scanner) text(chunk []byte, from, word, at int) {
	switch lookup := word - 1 - len(connectionWords); {
	case word == 0:
		s.names++
		if v, ok := login(chunk, at); ok && !s.kind.comment(chunk, at) {
			s.add(chunk, from, v, Found{Rule: "url-login", What: "the password in a URL"}, byName)
		}
	case lookup < 0:
		s.names++
		if v, ok := s.kind.connection(chunk, connectionWords[word-1], at); ok {
			s.add(chunk, from, v, Found{Rule: "url-login", What: "the password in a connection string"}, byName)
		}
	case lookup < len(lookupWords):
		if !s.kind.reads && !isTemplate(chunk, at) {
			return
		}
		s.names++
		if name, v, ok := s.kind.fallback(chunk, lookup, at); ok {
			s.add(chunk, from, v, Found{Rule: "named-secret", What: "the literal that the code takes where " + name + " is not set"}, byName)
		}
	case s.offset+at-from >= s.namesUntil:
		s.names++
		assigned := s.kind.assigned
		switch {
		case s.kind.stray:
			assigned = strayValue
		case !s.kind.named:
			assigned = constant
		}
		name, v, ok := assigned(chunk, at)
		s.namesUntil = s.offset + at - from + nameLength(chunk[at:])
		if ok && !isSealed(chunk, v) {
			s.add(chunk, from, v, Found{Rule: "named-secret", What: "the value of " + name}, byName)
		}
	}
}

// token tries a rule around one of its words. The window is longer than it need be: whatever
// belongs to a word in its first part is whole in it and gets no window of its own, so that a
// file which is made of such words takes no longer than another.
func (s *Scanner) token(chunk []byte, from, number, at int) {
	r := &s.tables.rules[number]
	if s.offset+at-from < s.done[number] || s.hits[number] >= maxFound {
		return
	}
	s.touched = true
	start, end := max(0, at-r.before), min(len(chunk), at+2*r.after)
	looked := end - r.after
	if end == len(chunk) {
		looked = end
	}
	s.done[number] = s.offset + max(at+1, looked) - from
	for _, f := range r.find(chunk[start:end]) {
		f = span{f.start + start, f.end + start}
		// One before the word has had its turn, and one that the window cuts will have it.
		if f.end <= at || f.end == end && end < len(chunk) || isInvented(chunk[f.start:f.end]) || isList(chunk[f.start:f.end]) || isPublic(chunk, f) {
			continue
		}
		s.hits[number]++
		s.add(chunk, from, f, Found{Rule: r.id, What: r.what, Masked: firstOf(chunk[f.start:f.end])}, byShape)
	}
}

// firstOf shows what tells a token's issuer.
func firstOf(token []byte) string {
	if bytes.HasPrefix(token, []byte("-----")) {
		return ""
	}
	return string(token[:min(4, len(token)/4)]) + "…"
}

func (s *Scanner) add(chunk []byte, from int, at span, f Found, rank int) {
	if len(s.found) >= 10*maxFound {
		return
	}
	if s.kind.text {
		if f.Line = s.lines + 1; at.start >= from {
			f.Line += bytes.Count(chunk[from:at.start], []byte("\n"))
		} else {
			f.Line -= bytes.Count(chunk[at.start:from], []byte("\n"))
		}
	}
	base := s.offset - from
	s.found = append(s.found, candidate{f, span{base + at.start, base + at.end}, rank})
}

// Finish returns what was found in the file, in its order.
func (s *Scanner) Finish() []Found {
	if len(s.found) == 0 {
		return nil
	}
	slices.SortStableFunc(s.found, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.start, b.start)) })
	var kept []candidate
	for _, c := range s.found {
		if len(kept) < maxFound && !slices.ContainsFunc(kept, func(k candidate) bool {
			return c.start < k.end && k.start < c.end || c.Line > 0 && c.Line == k.Line && c.Rule == k.Rule && c.What == k.What
		}) {
			kept = append(kept, c)
		}
	}
	slices.SortStableFunc(kept, func(a, b candidate) int { return cmp.Compare(a.start, b.start) })
	var out []Found
	for _, c := range kept {
		out = append(out, c.Found)
	}
	return out
}

// Matters tells whether a file's name alone changes how it is looked through: then a hard
// link of that name is worth a look of its own.
func Matters(path string) bool {
	k := kindOf(path, nil)
	return k.named && !k.stray || len(placeRulesFor(path)) > 0 || keyStore.MatchString(path)
}
