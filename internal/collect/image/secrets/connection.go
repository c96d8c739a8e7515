package secrets

import (
	"bytes"
	"encoding/base64"
	"strings"

	"podproof.dev/podproof/internal/credential"
)

// connectionWords are what a password stands behind in a connection string: of libpq, ADO.NET,
// ODBC, JDBC, StackExchange.Redis and Azure; what stands behind it in those of Go's MySQL driver and
// of Oracle; the calls that take a login as arguments; what it stands behind in SQL and in a header.
var connectionWords = append(strings.Fields("assword= ASSWORD= pwd= Pwd= PWD= AccessKey= SecretKey= @tcp( @unix( oracle:thin: PDO( mysqli( mysqli_connect( .getConnection("),
	"PASSWORD '", "password '", "IDENTIFIED BY '", "identified by '", "Basic ", "Bearer ")

var (
	// connectionKey is another part of such a string. Without one, "password=x" may be anything.
	connectionKey = lazy(`(?i)(?:^|[;\s?&,])(?:host|hostaddr|server|data source|addr|address|network address|user|user id|userid|uid|username|dbname|database|` +
		`initial catalog|port|endpoint|sharedaccesskeyname|driver|sslmode|ssl|abortconnect|provider|integrated security|application name|trustservercertificate)\s*=|^[\w.-]+:\d{2,5},`)
	expression     = lazy(`^[\w.\[\]()'": !,-]+$`)
	connectionUser = lazy(`(?i)(?:^|[;\s?&,])(?:user|user id|userid|uid|username)\s*=\s*([^;\s&,"']*)`)
	connectionHost = lazy(`(?i)(?:^|[;\s?&,])(?:host|hostaddr|server|data source|addr|address)\s*=\s*([^;\s&,:"']*)`)
)

// connectionReach is how far around its password a connection string is looked at.
const connectionReach = 512

// connection reads the password of the connection string around one of its words. Of code
// only a literal is one.
func (k kind) connection(b []byte, word string, at int) (value span, ok bool) {
	switch word {
	case "@tcp(", "@unix(":
		return goMySQL(b, at)
	case "oracle:thin:":
		return oracle(b, at+len(word))
	case "PDO(", "mysqli(", "mysqli_connect(", ".getConnection(":
		return k.arguments(b, at)
	case "PASSWORD '", "password '", "IDENTIFIED BY '", "identified by '":
		return k.sql(b, at, at+len(word))
	case "Basic ", "Bearer ":
		return k.header(b, at, at+len(word))
	}
	name := at
	for name > 0 && isAlnum(b[name-1]) {
		name--
	}
	sign := at + len(word)
	from := max(0, name-connectionReach)
	if i := bytes.LastIndexAny(b[from:name], "\"'`<>\r\n"); i >= 0 {
		from += i + 1
	}
	value, end := connectionValue(b, sign)
	if k.reads && (from == 0 || end >= len(b) || !isLiteral(b, from-1, end)) {
		return span{}, false
	}
	rest := b[value.end:min(len(b), value.end+connectionReach)]
	rest = rest[:until(rest, "\"'`<>\r\n")]
	around := string(b[from:name]) + string(rest)
	v := string(b[value.start:value.end])
	switch says := credential.NameSays("db " + string(b[name:sign-1])); {
	case !connectionKey.MatchString(around), k.comment(b, name), len(v) < 4, says == credential.Harmless:
		return span{}, false
	case b[value.start-1] == '{' && expression.MatchString(v) && !isRandom([]byte(v)): // of a template, and not ODBC's braces
		return span{}, false
	case !credential.IsLiteral(v, credential.Password), isPlaceholder(v), call.MatchString(v), formatVerb.MatchString(v):
		return span{}, false
	}
	host, user := connectionHost.get().FindStringSubmatch(around), connectionUser.get().FindStringSubmatch(around)
	if host != nil && (exampleHost.MatchString(host[1]) || user != nil && user[1] == v && localHost.MatchString(host[1])) {
		return span{}, false
	}
	return value, true
}

// connectionValue is what stands at i: in quotes as libpq has them, in braces as ODBC, or up
// to what separates it. end is where the whole string ends.
func connectionValue(b []byte, i int) (value span, end int) {
	stops := " \t;&,)\"'`<>\\\r\n"
	switch {
	case i < len(b) && b[i] == '{':
		i, stops = i+1, "}\"<\r\n"
	case i < len(b) && b[i] == '\'':
		i, stops = i+1, "'\"<\r\n"
	}
	value = span{i, i + until(b[i:], stops)}
	return value, value.end + until(b[value.end:], "\"'`\r\n")
}

// isLiteral tells whether what stands between two places of a line is a literal of a program:
// it begins and ends with the same quote, and that many have been closed before it.
func isLiteral(b []byte, open, end int) bool {
	quote := b[open]
	if quote != b[end] || bytes.IndexByte([]byte("\"'`"), quote) < 0 {
		return false
	}
	line := b[max(0, open-longestValue):open]
	if i := bytes.LastIndexByte(line, '\n'); i >= 0 {
		line = line[i+1:]
	}
	return bytes.Count(line, []byte{quote})%2 == 0
}

// goMySQL reads user:password@tcp(host:3306)/name.
func goMySQL(b []byte, at int) (span, bool) {
	from := max(0, at-longestName*2)
	if i := bytes.LastIndexAny(b[from:at], "\"'`=<> \t\r\n"); i >= 0 {
		from += i + 1
	}
	colon := bytes.IndexByte(b[from:at], ':')
	if colon < 1 {
		return span{}, false
	}
	return plainPassword(b, span{from + colon + 1, at})
}

// oracle reads what follows in jdbc:oracle:thin:user/password@host.
func oracle(b []byte, i int) (span, bool) {
	login := b[i : i+until(b[i:], "@\"'`<> \t\r\n")]
	slash := bytes.IndexByte(login, '/')
	if slash < 1 || i+len(login) >= len(b) || b[i+len(login)] != '@' {
		return span{}, false
	}
	return plainPassword(b, span{i + slash + 1, i + len(login)})
}

func plainPassword(b []byte, s span) (span, bool) {
	v := string(b[s.start:s.end])
	return s, len(v) >= 3 && credential.IsLiteral(v, credential.Password) && !isPlaceholder(v) && !call.MatchString(v) && !formatVerb.MatchString(v)
}

var (
	// loginArguments are where to, who, and the password.
	loginArguments = lazy(`\A[\w.]*\(\s*(?:"([^"\n]+)"|'([^'\n]+)')\s*,\s*(?:"([^"\n]*)"|'([^'\n]*)')\s*,\s*(?:"([^"\n]+)"|'([^'\n]+)')`)
	// sqlLogin stands before a password in SQL and in no sentence.
	sqlLogin = lazy(`(?i)\b(?:create|alter|grant)\b[^;\n]*$`)
)

// arguments reads the login of new PDO("mysql:host=db", "user", "password") and the like.
func (k kind) arguments(b []byte, at int) (span, bool) {
	if !k.reads || k.tests || k.comment(b, at) {
		return span{}, false
	}
	m := loginArguments.get().FindSubmatchIndex(b[at:min(len(b), at+connectionReach)])
	if m == nil {
		return span{}, false
	}
	var texts [3]span
	for i := range texts {
		group := 2 + 4*i
		if m[group] < 0 {
			group += 2
		}
		texts[i] = span{at + m[group], at + m[group+1]}
	}
	to, user := string(b[texts[0].start:texts[0].end]), string(b[texts[1].start:texts[1].end])
	if user == string(b[texts[2].start:texts[2].end]) && (strings.Contains(to, "localhost") || strings.Contains(to, "127.0.0.1")) {
		return span{}, false
	}
	return plainPassword(b, texts[2])
}

// sql reads what follows in CREATE USER shop WITH PASSWORD 'x'.
func (k kind) sql(b []byte, at, i int) (span, bool) {
	if k.tests || k.comment(b, at) || !sqlLogin.Match(b[max(0, at-connectionReach):at]) {
		return span{}, false
	}
	end := i + until(b[i:], "'\r\n")
	if end >= len(b) || b[end] != '\'' || bytes.ContainsAny(b[i:end], "\"` ") { // "PASSWORD '" + password + "'"
		return span{}, false
	}
	return plainPassword(b, span{i, end})
}

// headerName stands before the scheme of an Authorization header.
var headerName = lazy(`(?i)authorization["']?(?:\]|\))?\s*[:=,]?\s*["']?$`)

// header reads the credential in an Authorization header that is written out.
func (k kind) header(b []byte, at, i int) (value span, ok bool) {
	if k.tests || k.comment(b, at) || !headerName.Match(b[max(0, at-longestName):at]) {
		return span{}, false
	}
	value = span{i, tokenEnd(b, i)}
	v := b[value.start:value.end]
	if b[at+1] == 'e' { // Bearer
		return value, len(v) >= 20 && isRandom(v)
	}
	plain, err := base64.StdEncoding.DecodeString(string(v))
	if err != nil {
		return span{}, false
	}
	_, password, found := strings.Cut(string(plain), ":")
	return value, found && len(password) >= 4 && !strings.Contains(password, " ") && credential.IsLiteral(password, credential.Password) && !isPlaceholder(password)
}
