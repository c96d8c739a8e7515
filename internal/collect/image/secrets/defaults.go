package secrets

import (
	"bytes"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/credential"
)

// lookupWords are parts of what programs ask the environment with.
var lookupWords = strings.Fields("process.env import.meta.env Deno.env Bun.env getenv environ ENV[ ENV.fetch env( .str( config( env::var getEnv GetEnv get_env .default( EnvironmentVariable OrDefault( OrElse( SetDefault( nvOr( cmp.Or( env.get( onfiguration[ getenv( onfigService.get onfig.get Field( str({ @Value( os.Getenv( _SERVER[ ENV{ getProperty( GetValue<string>( SecretStr( envDefault: default: envvar=")

// unasked are words behind which no name stands in quotes alone.
var unasked = strings.Fields("@Value( cmp.Or( os.Getenv( envvar=")

// lookupReach is how far around such a word a literal is looked for.
const lookupReach = 300

// What a literal may have, in bytes. Expressions do not count it, which makes them many times as large.
const (
	shortestLiteral = 4
	longestLiteral  = 200
)

const (
	quoted  = `[rbu]?(?:"([^"\n]+)"|'([^'\n]+)'|` + "`([^`\n]+)`" + `)`
	varName = `["'` + "`" + `]([A-Za-z_]\w*)["'` + "`" + `]`
)

// lookup is a way to give what the environment lacks: the name of the variable first, then the literal.
type lookup struct {
	// words are those of lookupWords by which it is found. It begins back bytes before one, or where it is
	// wide, anywhere before, and then what stands right before the word ends with after.
	words string
	back  int
	wide  bool
	after string
	// literal tells that a wide one's word is followed by the literal.
	literal bool
	re      *pattern
}

// startsAt is for a pattern that begins with its word: it is tried at one place, which takes next to no time.
func startsAt(words string, back int, pattern string) lookup {
	return lookup{words: words, back: back, re: lazy(`\A` + pattern)}
}

// startsBefore is for a pattern that begins before its word.
func startsBefore(words, after string, literal bool, pattern string) lookup {
	return lookup{words: words, wide: true, after: after, literal: literal, re: lazy(pattern)}
}

const (
	indexed = `(?:environ(?:\.get)?|ENV|_SERVER|[gG]et_?[eE]nv|GetEnvironmentVariable|(?:Deno\.)?env\.get|[cC]onfig(?:Service)?\.get(?:<\w+>)?|env)\s*[\[(]\s*` + varName + `\s*[\])]\s*(?:or|\|\||\?\?|\?:)\s*` + quoted
	called  = `(?:environ\.(?:get|setdefault)|ENV\.fetch|[gG]et_?[eE]nv(?:Or\w*|_or\w*|Default|String|Str)?|GetEnvironmentVariable|\benv(?:\.str)?|[cC]onfig(?:Service)?\.get(?:<\w+>)?|\bconfig)\s*\(\s*` + varName + `\s*,\s*(?:cast\s*=\s*\w+\s*,\s*)?(?:(?:default|fallback|default_value)\s*[=:]\s*)?` + quoted + `\s*[,)]`
)

var lookups = []lookup{
	// process.env.NAME ?? "x", process.env["NAME"] || "x", and what TypeScript makes of the first
	startsAt("process.env import.meta.env Bun.env", 0, `(?:process|import\.meta|Bun)\.env(?:\??\.([A-Za-z_]\w*)|(?:\?\.)?\[`+varName+`\])!?\s*\)?\s*(?:(?:\?\?|\|\|)=?|(?:!==?\s*null\s*&&\s*\w+\s*!==?\s*void 0\s*)?\?[^:\n]{1,80}:)\s*\(?`+quoted),
	// os.environ.get("NAME") or "x", ENV["NAME"] || "x", getenv('NAME') ?: 'x', $_ENV['NAME'] ?? 'x', Deno.env.get("NAME") ?? "x"
	startsAt("environ getenv ENV[ _SERVER[ env( getEnv GetEnv get_env Deno.env", 0, indexed),
	startsAt("onfigService.get onfig.get", 1, indexed),
	// os.getenv("NAME", "x"), ENV.fetch("NAME", "x"), env('NAME', 'x'), config("NAME", default="x")
	startsAt("environ ENV.fetch getenv getEnv GetEnv get_env env( config(", 0, called),
	startsAt("onfigService.get onfig.get", 1, called),
	startsAt(".str(", 3, called),
	// getOrDefault("NAME", "x"), sys.env.getOrElse("NAME", "x"), viper.SetDefault("name", "x"), envOr("NAME", "x"), env.get("NAME", "x")
	// System.getProperty("name", "x"), GetValue<string>("Name", "x")
	startsAt("OrDefault( OrElse( SetDefault( nvOr( env.get( getProperty( GetValue<string>(", 0, `(?:OrDefault|OrElse|SetDefault|nvOr|env\.get|getProperty|GetValue<string>)\(\s*["']([A-Za-z_][\w.:-]*)["']\s*,\s*`+quoted+`\s*\)`),
	// cmp.Or(os.Getenv("NAME"), "x"), Optional.ofNullable(System.getenv("NAME")).orElse("x")
	startsAt("cmp.Or(", 0, `cmp\.Or\(\s*os\.Getenv\(`+varName+`\)\s*,\s*`+quoted+`\s*\)`),
	startsAt("getenv(", 0, `getenv\(`+varName+`\)\s*\)\s*\.orElse\(\s*`+quoted),
	// System.getenv("NAME") != null ? System.getenv("NAME") : "x"
	startsAt("getenv(", 0, `getenv\(`+varName+`\)\s*!=\s*null\s*\?[^:\n]{1,80}:\s*`+quoted),
	// s := os.Getenv("NAME"); if s == "" { s = "x" }, and if s != "" { return s }; return "x"
	startsAt("os.Getenv(", 0, `os\.Getenv\(`+varName+`\)\s*;?\s*(?:if\s+)?(?:(?:\w+\s*==\s*""|len\(\w+\)\s*==\s*0)\s*\{\s*(?:[\w.]+\s*=|return)|\w+\s*!=\s*""\s*\{\s*return\s+\w+\s*\}\s*return)\s+`+quoted),
	// $ENV{NAME} // "x"
	startsAt("ENV{", 0, `ENV\{["']?([A-Za-z_]\w*)["']?\}\s*(?://|\|\|)=?\s*`+quoted),
	// click.option("--name", envvar="NAME", default="x")
	startsAt("envvar=", 0, `envvar=`+varName+`\s*,[^()\n]{0,80}?\bdefault=`+quoted),
	// Configuration["Jwt:Secret"] ?? "x"
	startsAt("onfiguration[", 0, `onfiguration\[["']([A-Za-z_][\w.:-]*)["']\]\s*\?\?\s*`+quoted),
	// ENV.fetch("NAME") { "x" }, env::var("NAME").unwrap_or("x".into()), .unwrap_or_else(|_| "x".to_string())
	startsAt("ENV.fetch env::var", 0, `(?:ENV\.fetch|env::var)\s*\(\s*`+varName+`\s*\)\s*(?:\{\s*|\.unwrap_or(?:_else)?\((?:\|_?\w*\|\s*)?(?:String::from\()?)`+quoted),
	// const { NAME = "x" } = process.env
	startsBefore("process.env", "=", false, `[{,]\s*([A-Za-z_]\w*)\s*(?::\s*\w+\s*)?=\s*`+quoted+`[^{}]{0,200}\}\s*=\s*process\.env`),
	// NAME: z.string().min(8).default("x"), NAME: Joi.string().default("x")
	startsBefore(".default(", ")", true, `["']?\b([A-Za-z_]\w*)["']?\s*:\s*(?:z|[jJ]oi|yup)\.[^;\n]{0,120}?\.default\(\s*`+quoted),
	// name: str = Field("x"), NAME: str({ default: "x" }), @Value("${name:x}")
	startsBefore("Field(", "=", true, `\b([A-Za-z_]\w*)\s*:\s*[\w.\[\]| ]{1,40}=\s*Field\(\s*(?:default\s*=\s*)?`+quoted),
	startsBefore("SecretStr(", "=", true, `\b([A-Za-z_]\w*)\s*:\s*[\w.\[\]| ]{1,40}=\s*(?:\w+\.)?SecretStr\(\s*`+quoted),
	// `env:"NAME" envDefault:"x"`, `envconfig:"NAME" default:"x"`
	startsBefore("envDefault: default:", `"`, true, `\benv(?:config)?:"([A-Za-z_]\w*)[^"\n]*"\s+(?:envDefault|default):`+quoted),
	startsBefore("str({", ":", false, `\b([A-Za-z_]\w*)\s*:\s*str\(\{[^{}\n]{0,80}?default:\s*`+quoted),
	startsAt("@Value(", 0, `@Value\(\s*"\$\{([\w.-]+):([^{}"\n]+)\}"`),
}

// lookupsOf are those that a word of lookupWords finds, by its number.
var lookupsOf = func() [][]lookup {
	out := make([][]lookup, len(lookupWords))
	for i, w := range lookupWords {
		for _, l := range lookups {
			if slices.Contains(strings.Fields(l.words), w) {
				out[i] = append(out[i], l)
			}
		}
	}
	return out
}()

// fallback finds the literal that stands for a variable around a word, by its number, which begins at at.
func (k kind) fallback(b []byte, word, at int) (name string, value span, ok bool) {
	until := min(len(b), at+lookupReach)
	gives := slices.Contains(unasked, lookupWords[word]) || givesMore(b[at:until])
	for _, l := range lookupsOf[word] {
		if !l.wide && !gives {
			continue // most ask, and give nothing for what is not there
		}
		from := max(0, at-l.back)
		if l.wide {
			if end := at + len(lookupWords[word]); l.literal && (end > until || !literalNext(b[end:until])) {
				continue
			}
			from = max(0, at-lookupReach)
			if !bytes.HasSuffix(bytes.TrimRight(b[from:at], " \t\r\n"), []byte(l.after)) {
				continue
			}
		}
		for begin := from; begin <= at; {
			m := l.re.get().FindSubmatchIndex(b[begin:until])
			if m == nil || begin+m[0] > at {
				break
			}
			if name, value = named(b[begin:until], m); begin+m[1] > at && k.guarded(b[begin:until], name, value) && !k.comment(b, begin+m[0]) {
				return name, span{begin + value.start, begin + value.end}, true
			}
			if !l.wide {
				break
			}
			begin += m[0] + 1 // it may hide another: { HOST = "x", SECRET = "y" }
		}
	}
	return "", span{}, false
}

// isTemplate tells of settings that a program makes from Ruby: password: <%= ENV["NAME"] || "x" %>.
func isTemplate(b []byte, at int) bool {
	line := b[max(0, at-longestName):at]
	return bytes.LastIndex(line, []byte("<%")) > bytes.LastIndexByte(line, '\n')
}

// literalNext tells whether what a call is given begins with a literal: Field("x"), Field(default="x").
func literalNext(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	if bytes.HasPrefix(b, []byte("default")) {
		return true
	}
	if len(b) > 1 && (b[0] == 'r' || b[0] == 'b' || b[0] == 'u') {
		b = b[1:]
	}
	return len(b) > 0 && (isQuote(b[0]) || b[0] == '`')
}

// givesMore tells in no time whether what asks for a variable goes on with something that stands for it.
func givesMore(b []byte) bool {
	i := 0
	for i < len(b) && (isNameByte(b[i]) || strings.IndexByte("$<>", b[i]) >= 0 || bytes.HasPrefix(b[i:], []byte("?.")) || b[i] == ':' && i+1 < len(b) && (b[i+1] == ':' || b[i-1] == ':')) {
		i++
	}
	rest := bytes.TrimLeft(b[i:], " \t\r\n")
	if len(rest) > 0 && (rest[0] == '(' || rest[0] == '[') {
		rest = bytes.TrimLeft(rest[1:], " \t\r\n")
		if len(rest) == 0 || !isQuote(rest[0]) && rest[0] != '`' {
			return false
		}
		rest = bytes.TrimLeftFunc(rest[1:], func(r rune) bool { return r < 0x80 && (isAlnum(byte(r)) || strings.ContainsRune("_:.-", r)) })
		if len(rest) == 0 {
			return false
		}
		rest = bytes.TrimLeft(rest[1:], " \t\r\n")
		if len(rest) > 0 && rest[0] == ',' {
			return true
		}
		if len(rest) == 0 || rest[0] != ')' && rest[0] != ']' {
			return false
		}
		rest = rest[1:]
	}
	rest = bytes.TrimLeft(bytes.TrimLeft(rest, "!) \t\r\n"), "=")
	for _, sign := range []string{"or", "||", "?", "{", ".unwrap_or", ".orElse", "null", " null"} {
		if bytes.HasPrefix(rest, []byte(sign)) {
			return true
		}
	}
	return false
}

// named takes the groups of a match apart: the first that is there is the name, the next the value.
func named(window []byte, m []int) (name string, value span) {
	for i := 2; i < len(m); i += 2 {
		switch {
		case m[i] < 0:
		case name == "":
			name = string(window[m[i]:m[i+1]])
		default:
			value = span{m[i], m[i+1]}
		}
	}
	return name, value
}

// guarded tells whether a literal that stands for a variable is somebody's secret.
func (k kind) guarded(window []byte, name string, value span) bool {
	if n := value.end - value.start; n < shortestLiteral || n > longestLiteral {
		return false
	}
	v, says := string(window[value.start:value.end]), credential.NameSays(name)
	return says != credential.Harmless && credential.IsLiteral(v, says) && (kind{code: true}).plausible(name, v, says) && !words.MatchString(v)
}
