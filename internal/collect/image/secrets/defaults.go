package secrets

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/credential"
)

// lookupWords are parts of what programs ask the environment with.
var lookupWords = strings.Fields("process.env import.meta.env Deno.env Bun.env getenv environ ENV[ ENV.fetch env( .str( config( env::var getEnv GetEnv get_env .default( EnvironmentVariable onfigService.get onfig.get Field( str({ @Value(")

// lookupReach is how far around such a word a literal is looked for.
const lookupReach = 300

const (
	quoted  = `[rbu]?(?:"([^"\n]{4,200})"|'([^'\n]{4,200})'|` + "`([^`\n]{4,200})`" + `)`
	varName = `["'` + "`" + `]([A-Za-z_]\w*)["'` + "`" + `]`
)

// lookups are the ways to give what the environment lacks: the name of the variable first, then the literal.
var lookups = []*regexp.Regexp{
	// process.env.NAME ?? "x", process.env["NAME"] || "x", and what TypeScript makes of the first
	regexp.MustCompile(`(?:process|import\.meta|Bun)\.env(?:\??\.([A-Za-z_]\w*)|(?:\?\.)?\[` + varName + `\])!?\s*\)?\s*(?:(?:\?\?|\|\|)=?|(?:!==?\s*null\s*&&\s*\w+\s*!==?\s*void 0\s*)?\?[^:\n]{1,80}:)\s*\(?` + quoted),
	// os.environ.get("NAME") or "x", ENV["NAME"] || "x", getenv('NAME') ?: 'x', $_ENV['NAME'] ?? 'x', Deno.env.get("NAME") ?? "x"
	regexp.MustCompile(`(?:environ(?:\.get)?|ENV|_SERVER|[gG]et_?[eE]nv|GetEnvironmentVariable|(?:Deno\.)?env\.get|[cC]onfig(?:Service)?\.get(?:<\w+>)?|env)\s*[\[(]\s*` + varName + `\s*[\])]\s*(?:or|\|\||\?\?|\?:)\s*` + quoted),
	// os.getenv("NAME", "x"), ENV.fetch("NAME", "x"), env('NAME', 'x'), config("NAME", default="x")
	regexp.MustCompile(`(?:environ\.(?:get|setdefault)|ENV\.fetch|[gG]et_?[eE]nv(?:Or\w*|_or\w*|Default|String|Str)?|GetEnvironmentVariable|\benv(?:\.str)?|[cC]onfig(?:Service)?\.get(?:<\w+>)?|\bconfig)\s*\(\s*` + varName + `\s*,\s*(?:cast\s*=\s*\w+\s*,\s*)?(?:(?:default|fallback|default_value)\s*[=:]\s*)?` + quoted + `\s*[,)]`),
	// ENV.fetch("NAME") { "x" }, env::var("NAME").unwrap_or("x".into()), .unwrap_or_else(|_| "x".to_string())
	regexp.MustCompile(`(?:ENV\.fetch|env::var)\s*\(\s*` + varName + `\s*\)\s*(?:\{\s*|\.unwrap_or(?:_else)?\((?:\|_?\w*\|\s*)?(?:String::from\()?)` + quoted),
	// const { NAME = "x" } = process.env
	regexp.MustCompile(`[{,]\s*([A-Za-z_]\w*)\s*(?::\s*\w+\s*)?=\s*` + quoted + `[^{}]{0,200}\}\s*=\s*process\.env`),
	// NAME: z.string().min(8).default("x")
	regexp.MustCompile(`["']?\b([A-Za-z_]\w*)["']?\s*:\s*z\.[^;\n]{0,120}?\.default\(\s*` + quoted),
	// name: str = Field("x"), NAME: str({ default: "x" }), @Value("${name:x}")
	regexp.MustCompile(`\b([A-Za-z_]\w*)\s*:\s*[\w.\[\]| ]{1,40}=\s*Field\(\s*(?:default\s*=\s*)?` + quoted),
	regexp.MustCompile(`\b([A-Za-z_]\w*)\s*:\s*str\(\{[^{}\n]{0,80}?default:\s*` + quoted),
	regexp.MustCompile(`@Value\(\s*"\$\{([\w.-]+):([^{}"\n]{4,200})\}"`),
}

// fallback finds the literal that stands for a variable around one of the words, which begins at at.
func (k kind) fallback(b []byte, at int) (name string, value span, ok bool) {
	from := max(0, at-lookupReach)
	window := b[from:min(len(b), at+lookupReach)]
	if !slices.ContainsFunc(nameWords, func(w string) bool { return bytes.Contains(window, []byte(w)) }) {
		return "", span{}, false // most ask for a mode, a port, a folder
	}
	for _, re := range lookups {
		for begin := 0; begin < len(window); {
			m := re.FindSubmatchIndex(window[begin:])
			if m == nil || m[0] > at-from-begin {
				break
			}
			if name, value = named(window[begin:], m); m[1] > at-from-begin && k.guarded(window[begin:], name, value) && !k.comment(b, from+begin+m[0]) {
				return name, span{from + begin + value.start, from + begin + value.end}, true
			}
			begin += m[0] + 1 // it may hide another: { HOST = "x", SECRET = "y" }
		}
	}
	return "", span{}, false
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
	v, says := string(window[value.start:value.end]), credential.NameSays(name)
	return says != credential.Harmless && credential.IsLiteral(v, says) && (kind{code: true}).plausible(name, v, says) && !words.MatchString(v)
}
