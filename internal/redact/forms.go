package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// escapes are the ways in which a text stands in another one, character by character, so
// that the beginning of the text gives the beginning of what is found.
var escapes = []func(string) string{
	func(s string) string { return s },
	inJSON, // as most write it
	func(s string) string { return strings.ReplaceAll(inJSON(s), "/", `\/`) }, // PHP
	goJSON,
	func(s string) string { return inJSON(inJSON(s)) }, // a message in a structured log
	func(s string) string { return inJSON(goJSON(s)) },
	func(s string) string { return unquoted(strconv.Quote(s)) },
	func(s string) string { return unquoted(strconv.QuoteToASCII(s)) },
	func(s string) string { return strings.ReplaceAll(s, `\`, `\\`) }, // Python and JavaScript, where the quotes fit
	func(s string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) },
	html.EscapeString,
	func(s string) string { return htmlWith(s, "&quot;", "&#x27;") }, // Python
	func(s string) string { return htmlWith(s, "&quot;", "&#39;") },  // Java, JavaScript
	func(s string) string { return htmlWith(s, "&quot;", "&#039;") }, // PHP
	func(s string) string { return htmlWith(s, "&quot;", "&apos;") }, // XML
	url.QueryEscape,
	url.PathEscape,
	func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") },
	func(s string) string { return strings.TrimPrefix(url.UserPassword("", s).String(), ":") },
	encodeURIComponent,
	func(s string) string { return lowerPercent(url.QueryEscape(s)) },
	func(s string) string { return lowerPercent(encodeURIComponent(s)) },
	func(s string) string { return hex.EncodeToString([]byte(s)) },
	func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
}

// forms are the needles of one part of a value.
func forms(p part) []needle {
	var out []needle
	least := p.least()
	add := func(n needle) {
		if len(n.text) >= keySize && n.least >= keySize {
			out = append(out, n)
		}
	}
	for _, esc := range escapes {
		text := esc(p.text)
		n := needle{text: text, least: len(text), word: isWord(text), sure: p.reach > 0}
		if begin := esc(p.text[:least]); strings.HasPrefix(text, begin) {
			n.least = len(begin)
		}
		add(n)
	}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text, begin := aligned(enc, p.text, before), aligned(enc, p.text[:least], before)
			add(needle{text: text, least: len(begin), sure: p.reach > 0, encoded: true})
		}
	}
	return out
}

// aligned is what a text makes of base64 when as many bytes stand before it, without the
// characters at both ends that depend on its neighbours, too (RFC 4648, 4).
func aligned(enc *base64.Encoding, text string, before int) string {
	all := enc.EncodeToString([]byte("\x00\x00"[:before] + text))
	return all[(before*8+5)/6 : (before+len(text))*8/6]
}

// isWord tells of a short text of letters alone, which other words may hold by accident.
func isWord(s string) bool {
	return len(s) < 12 && !strings.ContainsFunc(s, func(r rune) bool { c := classOf(r); return c != lower && c != upper })
}

func inJSON(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always can be
	return unquoted(strings.TrimSuffix(b.String(), "\n"))
}

func goJSON(s string) string {
	b, _ := json.Marshal(s)
	return unquoted(string(b))
}

func unquoted(s string) string { return s[1 : len(s)-1] }

func htmlWith(s, quote, apostrophe string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, quote, "'", apostrophe).Replace(s)
}

// encodeURIComponent leaves what JavaScript's leaves (ECMA-262, 19.2.6.4).
func encodeURIComponent(s string) string {
	return strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(url.QueryEscape(s))
}

func lowerPercent(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// enough characters of a value's beginning give it away, or this share of it.
const (
	enough      = 12
	enoughShare = 0.6
)

// beginning is the length of what gives away a text that is one secret: a part of it that
// would be looked for by itself.
func beginning(s string) int {
	n := min(enough, int(enoughShare*float64(len(s))+0.999))
	if begin := len(scheme.FindString(s)); begin > 0 {
		host, _, _ := strings.Cut(s[begin:], "/")
		n = max(int(enoughShare*float64(len(s))), begin+len(host)+1+Shortest)
	}
	if strings.HasPrefix(s, "eyJ") && strings.Contains(s, ".") {
		n = strings.Index(s, ".") + 1 + enough // a JWT's head is the same in all of them
	}
	for n < len(s) && (!utf8.RuneStart(s[n]) || !lookable(s[:n]) || isCommon(s[:n])) {
		n++
	}
	return min(n, len(s))
}
