package secrets

import (
	"bytes"
	"encoding/base64"
)

const (
	pemBegin   = "-----BEGIN "
	pemBegin64 = "LS0tLS1CRUdJTi" // the same in base64, as in a kubeconfig or a Kubernetes Secret
)

var (
	pemHeader = lazy(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----`)
	pemHidden = lazy(`LS0tLS1CRUdJTi[A-Za-z0-9+/]{40,}`)
	// pemNote is a line such as "Proc-Type: 4,ENCRYPTED" between the first line and the key.
	pemNote = lazy(`^[A-Za-z-]+: [^\r\n]*`)
)

// leastKey is how many characters of base64 make a key and not an ellipsis: the shortest,
// of Ed25519, has 64.
const leastKey = 56

// privateKeys finds keys in PEM, also where a string literal holds them, and keys in base64.
// A header without a key behind it stands in every program that reads such files.
func privateKeys(window []byte) []span {
	var out []span
	for _, m := range pemHeader.get().FindAllIndex(window, -1) {
		if n := keyLength(window[m[1]:]); n > 0 {
			out = append(out, span{m[0], m[1] + n})
		}
	}
	for _, m := range pemHidden.get().FindAllIndex(window, -1) {
		start := window[m[0]:m[1]]
		plain := make([]byte, base64.StdEncoding.DecodedLen(len(start)))
		n, _ := base64.StdEncoding.Decode(plain, start[:len(start)&^3])
		if pemHeader.Match(plain[:n]) {
			out = append(out, span{m[0], m[1]})
		}
	}
	return out
}

// keyLength is how far the base64 of a key reaches, 0 where it is none.
func keyLength(b []byte) int {
	var key []byte
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\' && i+1 < len(b): // "\n" in a literal
			i++
		case bytes.IndexByte([]byte(" \t\r\n\"'`,;"), c) >= 0:
			if note := pemNote.get().Find(b[i+1:]); note != nil {
				i += len(note)
			}
		case isAlnum(c) || c == '/' || c == '+' || c == '=':
			if key = append(key, c); len(key) >= leastKey {
				if isInvented(key) {
					return 0
				}
				return tokenEnd(b, i)
			}
		default:
			return 0
		}
	}
	return 0
}

var puttyPrivate = lazy(`(?s)PuTTY-User-Key-File-[23]: .{0,1000}?Private-Lines: \d+\s+([A-Za-z0-9+/=]{32,})`)

func puttyKeys(window []byte) []span {
	var out []span
	for _, m := range puttyPrivate.get().FindAllSubmatchIndex(window, -1) {
		out = append(out, span{m[2], m[3]})
	}
	return out
}

var hiddenAuths = lazy(`(?:eyJhdXRocyI6|ewoJImF1dGhzIj|ewogICJhdXRocyI6)[A-Za-z0-9+/]{20,}`)

// registryLogins finds a .docker/config.json in base64, as a pull secret of Kubernetes has it.
func registryLogins(window []byte) []span {
	var out []span
	for _, m := range hiddenAuths.get().FindAllIndex(window, -1) {
		text := window[m[0]:m[1]]
		plain := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		n, _ := base64.StdEncoding.Decode(plain, text[:len(text)&^3])
		if registryLogin.Match(plain[:n]) {
			out = append(out, span{m[0], m[1]})
		}
	}
	return out
}

var registryLogin = lazy(`"(?:auth|password|identitytoken|registrytoken)"\s*:\s*"[^"]{4,}"`)
