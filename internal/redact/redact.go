// Package redact takes secrets out of texts and puts a mark in their place. It knows two kinds:
// the values of the manifests' Secrets, which a Redactor finds however they were written, and
// what looks like a secret by its name, its place or its shape, which Text, History and the
// functions for parts of the evidence mask. It judges nothing: what a secret in an image means
// for a promise is internal/check's to say.
package redact

import (
	"regexp"
	"slices"
	"strings"
)

// Mark is what stands in a text in place of a value; its first group names the value.
var Mark = regexp.MustCompile(`\[value of ([^\]]+)\]`)

const markBegin = "[value of "

// Value is one value of a Secret. Name says whose it is: "secret/api:TOKEN".
type Value struct{ Name, Text string }

// Redactor takes values out of texts. It may be used by several goroutines. The zero value takes nothing out.
type Redactor struct {
	needles []needle
	// begins leads from the first bytes of a text to the needles that begin with them; maybe
	// answers most questions for it: a bit for each hash of such bytes.
	begins map[uint32][]int32
	maybe  [1 << 10]uint64

	// Looked is the number of values that are looked for, Short and Common name the others and
	// the parts that are not: too short, or a word that stands in any text.
	Looked        int
	Short, Common []string
}

// needle is one way in which a value may stand in a text.
type needle struct {
	text string
	// least is how much of its beginning gives the value away, in bytes.
	least int
	// word tells that it is made of letters alone, and is only looked for as a word.
	word bool
	// sure tells that its beginning is enough wherever it ends: it has the password of a URL in it.
	sure bool
	// encoded tells that the text is base64, in which a value's last bits share a character with what follows.
	encoded bool
	name    string
}

// New makes a redactor. Plain tells which words the manifests use in the open: a value that
// is one of them cannot be told from it.
func New(values []Value, plain func(string) bool) *Redactor {
	r := &Redactor{begins: map[uint32][]int32{}}
	have := map[string]int{}
	for _, v := range values {
		if strings.TrimSpace(v.Text) == "" {
			continue
		}
		looked := false
		for _, p := range parts(v.Text) {
			if r.leaves(v, p, plain) {
				continue
			}
			looked = true
			for _, f := range forms(p) {
				f.name = v.Name
				if i, ok := have[f.text]; ok {
					r.needles[i].least = min(r.needles[i].least, f.least)
					continue
				}
				have[f.text] = len(r.needles)
				r.needles = append(r.needles, f)
			}
		}
		if looked {
			r.Looked++
		}
	}
	r.index()
	for _, names := range []*[]string{&r.Short, &r.Common} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
	return r
}

// leaves tells whether a part is not looked for, and remembers that of a secret.
func (r *Redactor) leaves(v Value, p part, plain func(string) bool) bool {
	var why *[]string
	switch {
	case isPublicKey(p.text):
		return true
	case !lookable(p.text):
		why = &r.Short
	case p.named(), p.key == "" && ownName(v.Name, p.text), isCommon(p.text), plain(p.text):
		why = &r.Common
	default:
		return false
	}
	if p.secret() {
		*why = append(*why, v.Name+p.of())
	}
	return true
}

// index prepares the needles for Replace.
func (r *Redactor) index() {
	for i, n := range r.needles {
		k := key(n.text)
		r.begins[k] = append(r.begins[k], int32(i))
		h := hash(k)
		r.maybe[h>>6] |= 1 << (h & 63)
	}
}

// keySize is the number of bytes by which needles are found; none is shorter.
const keySize = 4

func key(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// hash is Fibonacci hashing to 16 bits (Knuth, TAOCP 3, 6.4).
func hash(k uint32) uint32 { return k * 2654435769 >> 16 }

// Replace puts marks in the place of values. What is a mark already stays as it is.
func (r *Redactor) Replace(s string) string {
	if r == nil || len(r.needles) == 0 {
		return s
	}
	var b strings.Builder
	done := 0
	for i := 0; i+keySize <= len(s); {
		if s[i] == '[' && strings.HasPrefix(s[i:], markBegin) {
			if end := strings.IndexByte(s[i:], ']'); end > 0 {
				i += end + 1
				continue
			}
		}
		k := key(s[i:])
		if h := hash(k); r.maybe[h>>6]&(1<<(h&63)) == 0 {
			i++
			continue
		}
		n, mark := r.match(s, i, r.begins[k])
		if n == 0 {
			i++
			continue
		}
		b.WriteString(s[done:i])
		b.WriteString(mark)
		i += n
		done = i
	}
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
}

// match is the longest of the needles that stands in s at i: how many bytes it takes, and the
// mark for them.
func (r *Redactor) match(s string, i int, candidates []int32) (n int, mark string) {
	for _, c := range candidates {
		d := &r.needles[c]
		common := commonPrefix(s[i:], d.text)
		if common < d.least || d.word && !alone(s, i, i+common) {
			continue
		}
		length, by := common, markBegin+d.name+"]"
		switch {
		case common < len(d.text):
			cut := shortening(s[i+common:])
			if cut == 0 && !d.sure && changes(d.text[:common]) < randomChanges {
				continue
			}
			length += cut + tail(s[i+common+cut:], d.text[common:], cut > 0)
			by = markBegin + d.name + ", shortened]"
		case d.encoded:
			length += encodedRest(s[i+common:])
		}
		if length > n {
			n, mark = length, by
		}
	}
	return n, mark
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// shortened is what stands where a text was cut.
var shortened = regexp.MustCompile(`^(?:\.{2,}|…|\*{2,}|•{2,}|\\u2026|\[\.\.\.\]|<[a-z ]*(?:truncated|snip|omitted)[a-z ]*>|\.*[\[(][a-z0-9 ]*(?:truncated|snip|omitted|redacted)[a-z0-9 ]*[\])])`)

// shortening is the length of such a mark at the beginning of s.
func shortening(s string) int {
	if s == "" || strings.IndexByte(".*[<(\\\xe2", s[0]) < 0 {
		return 0
	}
	return len(shortened.FindString(s))
}

// tail is how much of the beginning of s is the end of rest, which is what a value that was
// cut in its middle ends with.
func tail(s, rest string, cut bool) int {
	if !cut {
		return 0
	}
	for n := min(len(s), len(rest)); n > 0; n-- {
		if s[:n] == rest[len(rest)-n:] {
			return n
		}
	}
	return 0
}

// encodedRest is what belongs to the end of a value in base64: up to two characters that it
// shares with what follows it, and the padding.
func encodedRest(s string) int {
	n := 0
	for n < len(s) && n < 2 && (isAlnum(s[n]) || strings.IndexByte("+/-_", s[n]) >= 0) {
		n++
	}
	for n < len(s) && n < 4 && s[n] == '=' {
		n++
	}
	return n
}

// alone tells whether s[from:to] is a word of its own. What an escape ends with is no letter of it.
func alone(s string, from, to int) bool {
	before := from == 0 || !isAlnum(s[from-1]) || from >= 2 && s[from-2] == '\\' || from >= 3 && s[from-3] == '%'
	return before && (to == len(s) || !isAlnum(s[to]))
}

func isAlnum(b byte) bool { return classOf(rune(b)) != other }
