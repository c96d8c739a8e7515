package redact

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// part is a value, or a piece of it that is a secret by itself.
type part struct {
	key  string // under which it stands inside of the value, empty for the value itself
	text string
	// whole is set where only all of it is a secret: a URL without its end is an address.
	whole bool
	// reach is how much of a URL has its password in it, 0 for any other text.
	reach int
	// guess is set where the text may well be no login, and hold a colon by chance.
	guess bool
}

// least is the length of the beginning that gives it away.
func (p part) least() int {
	switch {
	case p.reach > 0:
		return p.reach
	case p.whole:
		return len(p.text)
	}
	return beginning(p.text)
}

// of says which part it is.
func (p part) of() string {
	if p.key == "" {
		return ""
	}
	return ", its " + p.key
}

// named tells that its key says what it is, and that it is no secret.
func (p part) named() bool { return p.key != "" && tellsAName(p.key, p.text) }

// secret tells that it is one, long or short.
func (p part) secret() bool { return p.key == "" || secretKey.MatchString(p.key) }

// depth bounds how often a value is taken for the value of another: a URL in JSON in a line of an .env file.
const depth = 4

// longest is how much of a value is looked for, in bytes: nobody prints more of it by accident.
const longest = 4096

// parts takes a Secret's value apart.
func parts(value string) []part {
	text := strings.TrimSpace(publicBlock.ReplaceAllString(value, ""))
	all := pieces(text, depth)
	lines := strings.Contains(text, "\n")
	if lines && len(all) == 0 {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
				all = append(all, part{text: line, whole: true})
			}
		}
	}
	all = append(all, part{text: text[:min(len(text), longest)], whole: lines || structured(all) || len(all) > 0 && strings.ContainsAny(text[:1], "{["), reach: reach(text)})
	var out []part
	have := map[string]bool{}
	for _, p := range all {
		if p.text = strings.TrimSpace(p.text); p.text != "" && !have[p.text] {
			have[p.text] = true
			out = append(out, p)
		}
	}
	return out
}

// structured tells whether the pieces of a text are what it is made of, and not what it looks
// like by chance: a password may have any character in it.
func structured(pieces []part) bool {
	return slices.ContainsFunc(pieces, func(p part) bool {
		return !p.guess && (secretKey.MatchString(p.key) || names[strings.ToLower(lastWord.FindString(p.key))])
	})
}

// pieces are what a structured text holds: the first structure that fits is it.
func pieces(text string, depth int) []part {
	if depth == 0 {
		return nil
	}
	for _, split := range []func(string) []part{document, address, pairs, login} {
		found := split(text)
		if len(found) == 0 {
			continue
		}
		var out []part
		for _, p := range found {
			inner := pieces(p.text, depth-1)
			p.whole, p.reach = structured(inner) || strings.Contains(p.text, "\n"), reach(p.text)
			for i := range inner {
				if inner[i].key == "" {
					inner[i].key = p.key
				}
			}
			out = append(append(out, p), inner...)
		}
		return out
	}
	return nil
}

// document reads JSON, and YAML that is a mapping or a list.
func document(text string) []part {
	var v any
	switch {
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["), strings.HasPrefix(text, `"`):
		if json.Unmarshal([]byte(text), &v) != nil && yaml.Unmarshal([]byte(text), &v) != nil {
			return nil
		}
	case yamlKey.MatchString(text):
		if yaml.Unmarshal([]byte(text), &v) != nil {
			return nil
		}
	default:
		return nil
	}
	if s, ok := v.(string); ok {
		return []part{{text: s}}
	}
	var out []part
	walk("", v, &out)
	return out
}

// yamlKey is how a document begins whose first line is not a remark.
var yamlKey = regexp.MustCompile(`(?m)^(?:---\s|\s*(?:- )?["']?[A-Za-z_][\w.-]*["']?:(?:\s|$))`)

func walk(key string, v any, out *[]part) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			walk(k, v[k], out)
		}
	case []any:
		for _, inner := range v {
			walk(key, inner, out)
		}
	case string:
		*out = append(*out, part{key: key, text: v})
	case float64:
		*out = append(*out, part{key: key, text: strconv.FormatFloat(v, 'f', -1, 64)})
	}
}

// scheme begins a URL, also one of JDBC.
var scheme = regexp.MustCompile(`^[A-Za-z][\w+.:-]*://`)

// address takes the login out of a URL, and what stands in its query or, as with SQL Server,
// behind semicolons. A password may hold what a URL has to escape, and then ends at the last "@".
func address(text string) []part {
	begin := len(scheme.FindString(text))
	if begin == 0 || strings.ContainsAny(text, " \n") {
		return nil
	}
	var out []part
	rest := text[begin:]
	authority, _, _ := strings.Cut(rest, "/")
	for _, s := range []string{authority, rest} {
		if at := strings.LastIndexByte(s, '@'); at > 0 {
			out = append(out, credentials(s[:at])...)
			break
		}
	}
	for _, sep := range []string{"?", ";"} {
		if _, query, ok := strings.Cut(rest, sep); ok {
			out = append(out, pairs(query)...)
		}
	}
	return out
}

// credentials reads "user:password", also as a URL escapes them. A user alone is a token.
func credentials(s string) []part {
	user, password, ok := strings.Cut(s, ":")
	if !ok {
		return decoded(part{key: "token", text: user})
	}
	return append(decoded(part{key: "password", text: password}), part{key: "user", text: user})
}

func decoded(p part) []part {
	out := []part{p}
	for _, decode := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
		if s, err := decode(p.text); err == nil && s != p.text {
			out = append(out, part{key: p.key, text: s})
		}
	}
	return out
}

// reach is where the password of a URL ends in it.
func reach(text string) int {
	begin := len(scheme.FindString(text))
	if at := strings.LastIndexByte(text, '@'); begin > 0 && at > begin && !strings.ContainsAny(text, " \n") {
		return at + 1
	}
	return 0
}

// pair is "key=value", the value in quotes or in the braces of ODBC if it likes.
var pair = regexp.MustCompile(`^\s*(?:export\s+|set\s+)?([A-Za-z_][\w .-]{0,60}?)\s*[=]\s*(?:'((?:[^'\\]|\\.|'')*)'|"((?:[^"\\]|\\.)*)"|\{([^}"]*)\}|(.*?))\s*$`)

// words are those of libpq: "host=db password='a b'".
var words = regexp.MustCompile(`[A-Za-z_]\w*\s*=\s*(?:'(?:[^'\\]|\\.)*'|"[^"]*"|[^\s'"]\S*)`)

// pairs reads what is made of "key=value": lines of an .env file or of Java's properties, a
// DSN of libpq, an ODBC or ADO string, a query.
func pairs(text string) []part {
	if !strings.Contains(text, "=") {
		return nil
	}
	var lines []string
	switch {
	case strings.Contains(text, "\n"):
		lines = strings.Split(text, "\n")
	case strings.Contains(text, ";"):
		lines = outsideQuotes(text, ';')
	case strings.Contains(text, "&"):
		lines = strings.Split(text, "&")
	default:
		if lines = words.FindAllString(text, -1); len(lines) < 2 {
			lines = outsideQuotes(text, ',')
		}
	}
	var out []part
	for _, line := range lines {
		m := pair.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		value := m[2] + m[3] + m[4] + m[5]
		if strings.Trim(value, "= ") == "" {
			continue // the padding of base64
		}
		key := strings.TrimSpace(m[1])
		out = append(out, decoded(part{key: key, text: value})...)
		if bare := unescaped.ReplaceAllString(value, "$1"); bare != value {
			out = append(out, part{key: key, text: bare})
		}
	}
	return out
}

// unescaped takes away the backslashes of libpq's values, of a shell's, and of Java's properties.
var unescaped = regexp.MustCompile(`\\(.)`)

// outsideQuotes cuts a text at a separator that stands in no quotes or braces.
func outsideQuotes(text string, sep byte) []string {
	var out []string
	var open byte
	from := 0
	for i := range len(text) {
		switch c := text[i]; {
		case open == 0 && (c == '\'' || c == '"'):
			open = c
		case open == 0 && c == '{':
			open = '}'
		case open != 0 && c == open:
			open = 0
		case open == 0 && c == sep:
			out = append(out, text[from:i])
			from = i + 1
		}
	}
	return append(out, text[from:])
}

// login reads "user:password", "user:password@tcp(host)/db" as Go's MySQL driver takes it,
// and the lines of a .pgpass file, which end with the password.
func login(text string) []part {
	var out []part
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.ContainsAny(line, " \t") || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "-----") || scheme.MatchString(line) {
			continue
		}
		if at := strings.LastIndexByte(line, '@'); at > 0 && strings.Contains(line[:at], ":") {
			for _, p := range credentials(line[:at]) {
				p.guess = true
				out = append(out, p)
			}
			continue
		}
		user, password, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		out = append(out, part{key: "user", text: user, guess: true}, part{key: "password", text: password, guess: true})
		if fields := strings.SplitN(line, ":", pgpassFields); len(fields) == pgpassFields {
			out = append(out, part{key: "password", text: fields[pgpassFields-1], guess: true})
		}
	}
	return out
}

// pgpassFields are host, port, database, user and password.
const pgpassFields = 5
