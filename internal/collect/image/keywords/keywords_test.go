package keywords

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestKeywords(t *testing.T) {
	words := []string{"AKIA", "ghp_", "-----BEGIN ", "sk_live_", "SG.", "AKIAKIA", "\xff Go buildinf:"}
	k := New(words)
	for _, text := range []string{
		"", "A", "AK", "AKI", "AKIA", "xAKIAx", "AKIAKIA", "SG.SG.SG.", "ghp_", strings.Repeat("x", 100) + "-----BEGIN ",
		"\xff Go buildinf:", "-----BEGIN AKIA sk_live_ghp_", strings.Repeat("AKIA", 30),
	} {
		for from := range min(len(text)+1, 9) {
			for _, to := range []int{len(text), max(from, len(text)-1), max(from, len(text)-5), from} {
				var got, want []string
				k.Find([]byte(text), from, to, func(n, at int) { got = append(got, fmt.Sprint(at, words[n])) })
				for at := from; at < to; at++ {
					for _, w := range words {
						if strings.HasPrefix(text[at:], w) {
							want = append(want, fmt.Sprint(at, w))
						}
					}
				}
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Fatalf("%q[%d:%d]: found %q, want %q", text, from, to, got, want)
				}
			}
		}
	}
}

func BenchmarkKeywords(b *testing.B) {
	k := New([]string{"AKIA", "ghp_", "-----BEGIN ", "sk_live_", "SG.", "hf_", "xoxb-", "glpat-", "npm_"})
	noise := make([]byte, 1<<20)
	_, _ = rand.Read(noise)
	for name, data := range map[string][]byte{
		"noise": noise,
		"text":  bytes.Repeat([]byte("The quick brown fox jumps over the lazy dog; import os, sys\n"), 1<<14),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				k.Find(data, 0, len(data), func(int, int) {})
			}
		})
	}
}
