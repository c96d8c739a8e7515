// Package keywords finds many strings in a stream at once, at the speed of memory.
package keywords

import (
	"encoding/binary"
	"strings"
)

// Set finds any of a set of strings in bytes. Of each it takes the three bytes that are
// least like ordinary text and marks their hash in a table of 64 Ki bits, which fits the
// processor's nearest cache; only where a bit is set are the strings themselves compared.
// So the cost does not depend on how many strings there are.
type Set struct {
	marked [1 << 10]uint64
	at     map[uint16][]anchor
}

// anchor is a keyword and where in it the three bytes stand.
type anchor struct {
	word   string
	number int
	offset int
}

// New takes strings of three bytes and more; Find numbers them in their order.
func New(words []string) *Set {
	k := &Set{at: map[uint16][]anchor{}}
	for n, w := range words {
		o := rarest(w)
		h := trigram(uint64(w[o]) | uint64(w[o+1])<<8 | uint64(w[o+2])<<16)
		k.marked[h>>6] |= 1 << (h & 63)
		k.at[uint16(h)] = append(k.at[uint16(h)], anchor{w, n, o})
	}
	return k
}

// rarest is where the three bytes begin that are least common in programs and texts.
func rarest(w string) int {
	best, least := 0, 1<<30
	for i := 0; i+3 <= len(w); i++ {
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

func trigram(v uint64) uint32 { return uint32(v) * 0x9E3779B1 >> 16 }

// Find calls back with each keyword that begins at from or later and before to. One may reach beyond to.
func (k *Set) Find(b []byte, from, to int, hit func(number, at int)) {
	// An anchor may begin before from while its keyword does not, and the other way round,
	// so the anchors of the whole range and a little more are looked at.
	const reach = 64
	i, end := from, min(len(b)-2, to+reach)
	for ; i+8 <= len(b) && i < end; i += 6 {
		v := binary.LittleEndian.Uint64(b[i:])
		for j := range 6 {
			h := trigram(v & 0xffffff)
			if k.marked[h>>6]&(1<<(h&63)) != 0 {
				k.compare(b, i+j, from, to, uint16(h), hit)
			}
			v >>= 8
		}
	}
	for ; i < end; i++ {
		h := trigram(uint64(b[i]) | uint64(b[i+1])<<8 | uint64(b[i+2])<<16)
		if k.marked[h>>6]&(1<<(h&63)) != 0 {
			k.compare(b, i, from, to, uint16(h), hit)
		}
	}
}

func (k *Set) compare(b []byte, i, from, to int, h uint16, hit func(number, at int)) {
	for _, a := range k.at[h] {
		start := i - a.offset
		if start >= from && start < to && start+len(a.word) <= len(b) && string(b[start:start+len(a.word)]) == a.word {
			hit(a.number, start)
		}
	}
}
