package secrets

import (
	"bytes"
	"strings"

	"podproof.dev/podproof/internal/credential"
)

// nameWords are parts of the names under which secrets stand: where one is found in a file of
// settings, the name around it and what is assigned to it are looked at.
var nameWords = func() []string {
	var out []string
	for _, w := range strings.Fields("pass secret token credential apikey accesskey secretkey privatekey authkey _key -key pwd") {
		out = append(out, w, strings.ToUpper(w))
		if w[0] != '_' && w[0] != '-' {
			out = append(out, strings.ToUpper(w[:1])+w[1:])
		}
	}
	return append(out, "Key", "_auth")
}()

// What a name and a value may have, in bytes.
const (
	longestName  = 80
	longestValue = 2 << 10
)

// assigned reads NAME=VALUE, "name": "value", name: value around a word of a name. Not ok where
// nothing is assigned, or nothing that is a secret.
func (k kind) assigned(b []byte, at int) (name string, value span, ok bool) {
	// What is assigned is asked for before the name: mostly, nothing is.
	end := at + nameLength(b[at:])
	i := end
	if i < len(b) && isQuote(b[i]) {
		i++
	}
	if i < len(b) && b[i] == ']' {
		i++
	}
	i = blanks(b, i)
	if i >= len(b) {
		return "", span{}, false
	}
	switch sign := b[i]; {
	case k.xml && attribute.Match(b[i:min(len(b), i+longestName)]): // key="ApiKey" value="x"
		i += len(attribute.get().Find(b[i:]))
		value = span{i, i + until(b[i:], "\"'<\n")}
	case sign == '>' && k.xml:
		value = span{i + 1, i + 1 + until(b[i+1:], "<\n")}
	case sign == ':' && i+1 < len(b) && b[i+1] == '=':
		value = k.value(b, blanks(b, i+2))
	case sign == '=' && i+1 < len(b) && b[i+1] == '>':
		value = k.value(b, blanks(b, i+2))
	case sign == '=' && (i+1 >= len(b) || b[i+1] != '='):
		value = k.value(b, blanks(b, i+1))
	case sign == ',' && k.code: // define('DB_PASSWORD', 'x')
		value = k.value(b, blanks(b, i+1))
		if listed.Match(b[min(value.end, len(b)):]) && identifier.Match(b[value.start:value.end]) {
			return "", span{}, false
		}
	case sign == ':':
		next := blanks(b, i+1)
		if next == i+1 && next < len(b) && !isQuote(b[next]) && !k.loose {
			return "", span{}, false // "token:8080" is no assignment in YAML
		}
		if k.code { // PASSWORD: str = "x"
			if t := annotation.get().Find(b[next:min(len(b), next+longestName)]); t != nil {
				next += len(t) - 1
			}
		}
		value = k.value(b, next)
		if k.loose && words.Match(b[value.start:value.end]) {
			return "", span{}, false // "passwd: files" of nsswitch.conf
		}
	}
	if value.start == value.end {
		return "", span{}, false
	}
	start := at
	for start > 0 && at-start < longestName && isNameByte(b[start-1]) {
		start--
	}
	if start > 1 && b[start-1] == '{' && b[start-2] == '$' && tested.Match(b[end:]) {
		return "", span{}, false
	}
	name = strings.Trim(string(b[start:end]), ".-")
	says := credential.NameSays(name)
	if says == credential.Harmless || start > 0 && (b[start-1] == '$' || b[start-1] == '@' || b[start-1] == '%') && !k.code || k.comment(b, start) {
		return "", span{}, false
	}
	if bytes.HasPrefix(b[value.start:value.end], []byte("${")) { // ${DB_PASSWORD:x}
		if m := reference.get().FindSubmatchIndex(b[value.start:value.end]); m != nil {
			value = span{value.start + m[2], value.start + m[3]}
			if v := b[value.start:value.end]; len(v) > 2 && v[0] == '`' && v[len(v)-1] == '`' { // of Micronaut
				value = span{value.start + 1, value.end - 1}
			}
		}
	}
	v := string(b[value.start:value.end])
	if plain := value.start > 0 && !isQuote(b[value.start-1]); plain && !k.loose && tag.MatchString(v) {
		return "", span{}, false
	}
	if !credential.IsLiteral(v, says) || !k.plausible(name, v, says) {
		return "", span{}, false
	}
	return name, value, true
}

// value is what stands at i: between quotes, or up to where it ends in such a file. It is
// empty where nothing does that could be one.
func (k kind) value(b []byte, i int) span {
	if i >= len(b) {
		return span{}
	}
	if k.code && (b[i] == 'b' || b[i] == 'r' || b[i] == 'u') && i+1 < len(b) && isQuote(b[i+1]) {
		i++
	}
	if isQuote(b[i]) {
		for j := i + 1; j < len(b) && j-i < longestValue && b[j] != '\n'; j++ {
			switch b[j] {
			case '\\':
				j++
			case b[i]:
				return span{i + 1, j}
			}
		}
		return span{}
	}
	if k.code || k.json {
		return span{} // a name, a number, an object
	}
	end := i + until(b[i:], "\r\n")
	if k.loose && !k.lines {
		// A shell ends a word at a blank; an .ini file goes on to the comment.
		end = i + until(b[i:end], " \t;\r\n")
	}
	line := b[i:end]
	if c := bytes.Index(line, []byte(" #")); c >= 0 {
		end = i + c
	}
	end = i + len(bytes.TrimRight(b[i:end], " \t,"))
	if end-i >= longestValue {
		return span{}
	}
	return span{i, end}
}

// comment tells whether what stands at i is commented out.
func (k kind) comment(b []byte, i int) bool {
	from := max(0, i-200)
	line := b[from:i]
	if n := bytes.LastIndexByte(line, '\n'); n >= 0 {
		line = line[n+1:]
	} else if from > 0 {
		return false // a line this long is no comment
	}
	line = bytes.TrimLeft(line, " \t")
	for _, mark := range []string{"#", ";", "//", "/*", "* ", "--", "<!--", "REM "} {
		if bytes.HasPrefix(line, []byte(mark)) {
			return true
		}
	}
	return false
}

var (
	// words are a name, a title or a path into settings rather than a secret.
	words     = lazy(`^[A-Za-z]+(?:[ _.\-/:,][A-Za-z]+)*[.!?:]?$`)
	lowerWord = begins("abcdefghijklmnopqrstuvwxyz", `^[a-z]{6,}$`)
	call      = lazy(`\w\(.*\)|\$\{|\{\{|%\(|\$\(|#\{|^[<>\[{(\\]|\{\d+\}|\\[sdwSDW]|\b(?:environ|ENV|env)[.\[]["'A-Z]`)
	// tag begins what YAML takes for something else than text.
	tag = begins("!&*@|%", `^[!&*@|%]`)
	// annotation is the type of a variable, up to the quote of its value.
	annotation = lazy(`^[A-Za-z][\w.\[\]|, ]{0,60}=[ \t]*["']`)
	attribute  = begins("v", `^value\s*=\s*["']`)
	// reference is one to a variable, with what stands for it where it is not set.
	reference = lazy(`^\$\{[\w.-]+:[-=]?([^{}$?+][^{}$]*)\}$`)
	// tested follows a variable in a shell, and is no value of it: "${PASSWORD:+set}", "${PASSWORD:?is missing}".
	tested = begins(":+?", `^:?[+?]`)
	// identifier and listed, behind it, are those of "auth_token", "token_last_4", "id": names of columns.
	identifier = lazy(`^[a-z_][a-z0-9_]*$`)
	listed     = begins("\"'", `^["'],\s*["'][a-z_][a-z0-9_]*["']`)
	escaped    = lazy(`\\u[0-9A-Fa-f]{4}`)
	digest     = begins("sm", `^(?:sha(?:1|256|384|512)[-:]|md5[-:])`)
)

// plausible tells whether a literal under a telling name looks like a secret of someone.
func (k kind) plausible(name, v string, says credential.Sensitivity) bool {
	least := 8
	if says == credential.Password || k.loose {
		least = 4
	}
	if strings.HasPrefix(v, googleKey) { // which token judges by what it is for
		return false
	}
	if len(v) < least || isPlaceholder(v) || call.MatchString(v) || digest.MatchString(v) || strings.EqualFold(squeeze(v), squeeze(name)) {
		return false
	}
	if strings.Contains(v, " ") && (!k.loose || k.lines || strings.Contains(strings.ToLower(v), "passw")) {
		return false // a sentence, or a command: "getent passwd"
	}
	if k.lines && escaped.MatchString(v) {
		return false // words of a language, which such a file writes as \u00fc
	}
	for _, c := range []byte(v) {
		if c < 0x20 || c > 0x7e {
			return false // words of a language
		}
	}
	if !words.MatchString(v) {
		return true
	}
	return k.loose && !strings.ContainsAny(v, "./:") || says == credential.Password && lowerWord.MatchString(v) && !strings.Contains(v, "pass")
}

// nameLength is how far the name at the beginning goes on.
func nameLength(b []byte) int {
	n := 0
	for n < len(b) && n < longestName && isNameByte(b[n]) {
		n++
	}
	return max(n, 1)
}

var punctuation = strings.NewReplacer("_", "", "-", "", ".", "", " ", "")

func squeeze(s string) string { return punctuation.Replace(s) }

var placeholder = lazy(`(?i)^(?:pass(?:word|wd|phrase)?|secrets?|tokens?|credentials?|key|api[_-]?key|pwd|my[_-]?(?:password|pass|secret|token|key)|the[_-]?password|some[_-]?(?:password|secret|token)|user(?:name)?|undef(?:ined)?|defined?|foo|bar|test|testing|string|value|none|unset|hidden|enter.*|insert.*|put.*here|your.*|.*your[-_ ]?.*here|.*change[-_]?(?:me|this|it).*|.*replace[-_]?(?:me|this|with).*|.*placeholder.*|.*example.*|.*dummy.*|.*redacted.*|<.*>|x{3,}|\*{3,}|\.{3,}|\[.*\]|%.*%|__.*__|\$.*|fake.*|sample.*|mock.*|to-?do.*|n/?a)$`)

// isPlaceholder is for what shall be replaced, or shows a form.
func isPlaceholder(v string) bool {
	return placeholder.MatchString(v) || strings.Trim(v, v[:1]) == ""
}

func isNameByte(c byte) bool { return isAlnum(c) || c == '_' || c == '-' || c == '.' }
func isQuote(c byte) bool    { return c == '"' || c == '\'' }

func blanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}

// until is the number of bytes before one of the stops, or all.
func until(b []byte, stops string) int {
	b = b[:min(len(b), longestValue+1)]
	if i := bytes.IndexAny(b, stops); i >= 0 {
		return i
	}
	return len(b)
}

// login reads the password of scheme://user:password@host around the "://" at i.
func login(b []byte, i int) (span, bool) {
	rest := b[i+3 : min(len(b), i+3+512)]
	end := bytes.IndexAny(rest, " \t\r\n\"'`<>/?#,()[]{}\\|")
	if end < 0 {
		end = len(rest)
	}
	at := bytes.LastIndexByte(rest[:end], '@')
	colon := bytes.IndexByte(rest[:max(0, at)], ':')
	if at < 0 || colon < 0 || i == 0 || !isAlnum(b[i-1]) {
		return span{}, false
	}
	user, password, host := string(rest[:colon]), string(rest[colon+1:at]), string(rest[at+1:end])
	host, _, _ = strings.Cut(host, ":")
	switch {
	case len(password) < 3 || host == "" || !credential.IsLiteral(password, credential.Password) || isPlaceholder(password):
		return span{}, false
	case call.MatchString(password) || strings.ContainsAny(password, "%$") && formatVerb.MatchString(password):
		return span{}, false
	case exampleHost.MatchString(host), user == password && localHost.MatchString(host):
		return span{}, false
	}
	return span{i + 3 + colon + 1, i + 3 + at}, true
}

var (
	formatVerb  = begins("%$", `^(?:%[sdvq]|%\(|\$)`)
	exampleHost = lazy(`(?i)(?:^|\.)(?:example(?:\.(?:com|org|net))?|invalid|test|host(?:name)?|server|some-?host|my-?host|domain\.\w+|site\.com|foo\.\w+|bar\.\w+)$|^[.$%{<*]|^x+$`)
	localHost   = lazy(`^(?:localhost|127\.0\.0\.1|0\.0\.0\.0|host\.docker\.internal)$`)
)
