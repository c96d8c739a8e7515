// Package keywords finds many strings in a stream at once, at the speed of memory.
package keywords

import (
	"encoding/binary"
	"slices"
	"strings"
)

// Set finds any of a set of strings in bytes. It looks at three bytes at every other place, and marks
// in a table of 64 Ki bits, which fits the processor's nearest cache, the hashes of those that each string
// has there, whether it begins at such a place or beside one: those that are least like ordinary text.
// Only where a bit is set are the strings themselves compared, so the cost does not depend on how many
// strings there are.
type Set struct {
	marked  [1 << 10]uint64
	at      [1 << 16]uint16 // the place in anchors of those of a hash
	anchors [][]anchor
}

// anchor is a keyword and where in it the three bytes stand; -1 where they begin with what is before it.
type anchor struct {
	word   string
	number int
	offset int
}

// New takes strings of three bytes and more; Find numbers them in their order.
func New(words []string) *Set {
	k := &Set{anchors: [][]anchor{nil}}
	for n, w := range words {
		for first := range 2 {
			if first+3 <= len(w) {
				o := rarest(w, first)
				k.mark(w[o], w[o+1], w[o+2], anchor{w, n, o})
				continue
			}
			for before := range 256 { // a word of three bytes has them at one place alone
				k.mark(byte(before), w[0], w[1], anchor{w, n, -1})
			}
		}
	}
	return k
}

func (k *Set) mark(a, b, c byte, of anchor) {
	h := trigram(uint64(a) | uint64(b)<<8 | uint64(c)<<16)
	if k.at[h] == 0 {
		k.marked[h>>6] |= 1 << (h & 63)
		k.at[h] = uint16(len(k.anchors)) // words have a few thousand of the hashes
		k.anchors = append(k.anchors, nil)
	}
	if at := &k.anchors[k.at[h]]; !slices.Contains(*at, of) {
		*at = append(*at, of)
	}
}

// rarest is where, at every other place from the first on, the three bytes begin that are least common in
// programs and texts.
func rarest(w string, first int) int {
	best, least := first, 1<<30
	for i := first; i+3 <= len(w); i += 2 {
		cost := 0
		for _, c := range []byte(w[i : i+3]) {
			switch {
			case c == 0 || c == 0xff:
				cost += 8
			case strings.IndexByte(" etaoinsrl_-./", c) >= 0:
				cost += 4
			case c >= 'a' && c <= 'z':
				cost += 2
			default:
				cost++
			}
		}
		if cost < least {
			best, least = i, cost
		}
	}
	return best
}

// trigram hashes the three lowest bytes to 16 bits.
func trigram(v uint64) uint32 { return uint32(v&0xffffff) * 0x9E3779B1 >> 16 }

// Find calls back with each keyword that begins at from or later and before to. One may reach beyond to.
func (k *Set) Find(b []byte, from, to int, hit func(number, at int)) {
	// An anchor may begin before from while its keyword does not, and the other way round,
	// so the anchors of the whole range and a little more are looked at.
	const reach = 64
	i, end := from, min(len(b)-2, to+reach)
	for ; i+8 <= len(b) && i < end; i += 6 {
		v := binary.LittleEndian.Uint64(b[i:])
		h, h2, h4 := trigram(v), trigram(v>>16), trigram(v>>32)
		if k.has(h) {
			k.compare(b, i, from, to, h, hit)
		}
		if k.has(h2) {
			k.compare(b, i+2, from, to, h2, hit)
		}
		if k.has(h4) {
			k.compare(b, i+4, from, to, h4, hit)
		}
	}
	for ; i < end; i += 2 {
		if h := trigram(uint64(b[i]) | uint64(b[i+1])<<8 | uint64(b[i+2])<<16); k.has(h) {
			k.compare(b, i, from, to, h, hit)
		}
	}
}

func (k *Set) has(h uint32) bool { return k.marked[h>>6]&(1<<(h&63)) != 0 }

func (k *Set) compare(b []byte, i, from, to int, h uint32, hit func(number, at int)) {
	for _, a := range k.anchors[k.at[h]] {
		start := i - a.offset
		if start >= from && start < to && start+len(a.word) <= len(b) && string(b[start:start+len(a.word)]) == a.word {
			hit(a.number, start)
		}
	}
}
