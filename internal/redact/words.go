package redact

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// The lengths, in characters, from which a value is looked for: shorter ones are found in any text.
const (
	shortestMixed = 6 // of several classes of characters
	Shortest      = 8
)

// lookable tells whether a text is long enough to be no accident where it is found.
func lookable(s string) bool {
	n := utf8.RuneCountInString(s)
	return (n >= Shortest || n >= shortestMixed && classes(s) > 1) && distinct(s) > 2
}

// commonWords are values that say nothing where they are found: defaults, roles, modes.
var commonWords = set(`postgres postgresql mysql mariadb mongodb mongo redis rabbitmq memcached kafka elasticsearch clickhouse
	password passwd passw0rd secret secrets changeme change-me changeit default example testing test-user username
	localhost localhost.localdomain 127.0.0.1 0.0.0.0 host.docker.internal kubernetes administrator anonymous superuser
	true false none null enabled disabled required optional require prefer verify-ca verify-full disable allow
	production development staging testing preview internal external public private standard database application
	service server primary replica master utf-8 utf8mb4 sha256 sha512 sha-256 base64 http/1.1 http/2 us-east-1 eu-west-1
	debug info warning warn error critical`)

// isCommon tells of a word of the trade, or of what is no secret by its shape.
func isCommon(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	return commonWords[s] || place.MatchString(s)
}

// place is an address, a path, a version or a span of time.
var place = regexp.MustCompile(`^(?:\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d+)?|(?:[a-z0-9-]+\.)+(?:local|svc|internal|com|org|net|io|dev)(?::\d+)?|[a-z][a-z0-9-]*:\d{2,5}|` +
	`/(?:[a-z0-9._-]+/)*[a-z0-9._-]+\.?[a-z]*|v?\d+(?:\.\d+)+(?:-[a-z]+)?|\d{1,7}(?:ms|s|m|h|d|ki|mi|gi|kb|mb|gb)?)$`)

// isPublicKey tells of a key that is made to be shown.
func isPublicKey(s string) bool {
	return strings.HasPrefix(s, "ssh-rsa ") || strings.HasPrefix(s, "ssh-ed25519 ") || strings.HasPrefix(s, "ecdsa-sha2-")
}

// publicBlock is a certificate or a public key in PEM.
var publicBlock = regexp.MustCompile(`(?s)-----BEGIN ((?:TRUSTED )?CERTIFICATE|(?:RSA )?PUBLIC KEY)-----.*?-----END (?:(?:TRUSTED )?CERTIFICATE|(?:RSA )?PUBLIC KEY)-----`)

// names are the last words of keys whose values say who, where or how, and are no secrets
// as long as they look like names.
var names = set(`host hostname server servers port user username userid login name database dbname db catalog schema sslmode driver
	region level format addr address listen bucket path dir directory file type kind version timeout mode encoding charset timezone
	locale environment profile pguser pghost pgport pgdatabase profiles enabled debug email issuer audience realm source project`)

// ownNames are the keys of a Secret itself that are about a name.
var ownNames = set(`host hostname port user username database dbname db pguser pghost pgport pgdatabase`)

// ownName tells that the whole value of a Secret's key ("secret/db:username") is a name.
func ownName(name, value string) bool {
	key := name[strings.LastIndexByte(name, ':')+1:]
	return ownNames[strings.ToLower(lastWord.FindString(key))] && tellsAName(key, value)
}

// places are those whose values are URLs, which may hold secrets and need not.
var places = set(`url uri endpoint`)

var (
	nameShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._@,:-]*$`)
	plainURL  = regexp.MustCompile(`^[a-z][a-z0-9+.:-]*://[A-Za-z0-9.-]+(?::\d+)?(?:/[a-z0-9._-]*)*$`)
	secretKey = regexp.MustCompile(`(?i)passw|passphrase|pwd$|pass$|secret|token|credential|api_?key|private|auth$|key$`)
	lastWord  = regexp.MustCompile(`[A-Z]?[a-z]+$|[A-Z]+$`)
)

// tellsAName judges the value of a key by both.
func tellsAName(key, value string) bool {
	word := strings.ToLower(lastWord.FindString(key))
	switch {
	case word == "id" && !secretKey.MatchString(strings.TrimRight(key[:len(key)-2], "_-.")), names[word]:
		return nameShape.MatchString(value) && changes(value) < 2*randomChanges
	case places[word]:
		return plainURL.MatchString(value) || nameShape.MatchString(value)
	}
	return false
}

// class is a kind of character.
type class int

const (
	other class = iota
	lower
	upper
	digit
)

func classOf(r rune) class {
	switch {
	case r >= 'a' && r <= 'z':
		return lower
	case r >= 'A' && r <= 'Z':
		return upper
	case r >= '0' && r <= '9':
		return digit
	}
	return other
}

// classes counts those that a text has.
func classes(s string) int {
	var seen [4]int
	for _, r := range s {
		seen[classOf(r)] = 1
	}
	return seen[0] + seen[1] + seen[2] + seen[3]
}

// randomChanges is how often the class of characters changes, at least, in a text that no
// word begins with.
const randomChanges = 3

// changes counts how often the class of characters changes. What separates words does not count.
func changes(s string) (n int) {
	last := class(-1)
	for _, r := range s {
		if strings.ContainsRune("-_. /:", r) {
			continue
		}
		if c := classOf(r); c != last {
			if last >= 0 {
				n++
			}
			last = c
		}
	}
	return n
}

// distinct counts different bytes, of which a mask has one.
func distinct(s string) (n int) {
	var seen [256]bool
	for i := range len(s) {
		if !seen[s[i]] {
			seen[s[i]] = true
			n++
		}
	}
	return n
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}
