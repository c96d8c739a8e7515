package check

import (
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
)

// naming is how the output of a container speaks of a variable.
type naming struct {
	// named tells that it is named: with all of its words and underscores, in capitals or not.
	named bool
	// spelled is the name as it stands there in another spelling ("shop.apiKey"), and short
	// without its prefix ("api_key").
	spelled, short string
	// listed tells that it stands in lists of variables alone, and reason is the variable that
	// the output is about then.
	listed bool
	reason string
}

// names tells whether the container's output names a variable.
func names(t evidence.EnvTrial, variable string) bool { return namingOf(t, variable).named }

// namingOf reads a trial's log and last words.
func namingOf(t evidence.EnvTrial, variable string) naming {
	var text []string
	if t.Last != nil {
		text = append(text, spoken(t.Last.Message)...)
	}
	for _, l := range t.Pod.Log {
		text = append(text, spoken(l.Text)...)
	}
	return namingIn(text, variable)
}

var (
	// colour are the sequences of a terminal (ECMA-48, 5.4), also as JSON escapes them.
	colour = regexp.MustCompile(`(?:\x1b|\\u001b|\\u001B|\\x1b|\\x1B|\\033|\\e)\[[0-9;?]*[ -/]*[@-~]`)
	// escapedBreak is a line's end within a text that is one line: in a message in JSON, or in one within another.
	escapedBreak = regexp.MustCompile(`\\+(?:r\\+n|[nr])|\r?\n`)
	escapedOther = regexp.MustCompile(`\\+(?:t|["'])`)
)

// spoken are the lines of a text as a person reads them, without what podproof put into it.
func spoken(text string) []string {
	text = redact.Mark.ReplaceAllString(text, " ")
	text = colour.ReplaceAllString(text, "")
	return escapedBreak.Split(escapedOther.ReplaceAllString(text, " "), -1)
}

func namingIn(lines []string, variable string) naming {
	exact := nameRule(regexp.QuoteMeta(variable), `A-Za-z0-9_`)
	var n naming
	for i, line := range lines {
		if !exact.MatchString(line) {
			continue
		}
		if inUsage(lines, i) || len(variablesIn(line)) > 2 && !givesReason(line) {
			n.listed = true
			continue
		}
		return naming{named: true}
	}
	if n.listed {
		n.reason = reasonIn(lines, variable)
		n.named = n.reason == ""
		return n
	}
	words := strings.FieldsFunc(variable, func(r rune) bool { return r == '_' })
	n.spelled = firstMatch(lines, nameRule(spellings(words), `A-Za-z0-9_`))
	for from := 1; from < len(words) && n.spelled == "" && n.short == ""; from++ {
		if rest := words[from:]; len(rest) > 1 || len(rest[0]) > 3 {
			n.short = firstMatch(lines, nameRule(spellings(rest), `A-Za-z0-9_.:-`))
		}
	}
	return n
}

// nameRule finds a name that stands alone: none of the characters of word is beside it.
func nameRule(name, word string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[^` + word + `])(` + name + `)(?:[^A-Za-z0-9_]|$)`)
}

// spellings are those of Java's properties, .NET's sections, options and fields of JSON.
func spellings(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = regexp.QuoteMeta(w)
	}
	return strings.Join(quoted, `(?:[._:-]|__)?`)
}

func firstMatch(lines []string, rule *regexp.Regexp) string {
	for _, l := range lines {
		if m := rule.FindStringSubmatch(l); m != nil {
			return m[1]
		}
	}
	return ""
}

var (
	// variableName is how variables are written: words in capitals with an underscore between
	// them, or one word that is no level of a log.
	variableName = regexp.MustCompile(`\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\b[A-Z]{3,}\b`)
	noVariable   = set("ERROR FATAL PANIC WARN WARNING INFO DEBUG TRACE CRITICAL NOTICE USAGE ENV JSON HTTP HTTPS TCP UTC GMT API URL SQL TLS SSL YAML NOT AND THE MUST")
	// reasonWords say that something is wrong with what stands beside them.
	reasonWords = regexp.MustCompile(`(?i)missing|required|not set|unset|undefined|not defined|not found|not provided|no value|empty|blank|null|invalid|` +
		`must |expected|is not |isn't|cannot|can't|could not|couldn't|unable|failed|keyerror|needs? |please set|set the |bad value|parse`)
)

func variablesIn(line string) []string {
	var out []string
	for _, name := range variableName.FindAllString(line, -1) {
		if !noVariable[name] && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func givesReason(line string) bool { return reasonWords.MatchString(line) }

// usageLine begins with a variable, as the lines of a usage text do.
var usageLine = regexp.MustCompile(`^[\s$*-]*[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*(?:=\S*)?(?:\s{2,}|\t|\s+[(<\[]|\s*$|:? +[a-z])`)

// sentence says something of the variable that it begins with.
var sentence = regexp.MustCompile(`^\W*[A-Z][A-Z0-9_]*:? (?:is|are|was|must|has|should|cannot|not|missing)\b`)

func explains(line string) bool { return usageLine.MatchString(line) && !sentence.MatchString(line) }

// inUsage tells whether a line is one of several that each explain a variable: a text that is the
// same whichever one is missing. A list of what is missing has a head that says so.
func inUsage(lines []string, i int) bool {
	const several = 3
	from, to := i, i
	for from > 0 && explains(lines[from-1]) {
		from--
	}
	for to+1 < len(lines) && explains(lines[to+1]) {
		to++
	}
	if !explains(lines[i]) || to-from+1 < several {
		return false
	}
	return from == 0 || !givesReason(lines[from-1])
}

// reasonIn is another variable that a line outside of any list gives a reason for.
func reasonIn(lines []string, variable string) string {
	for i, l := range lines {
		if names := variablesIn(l); len(names) > 0 && len(names) < 3 && names[0] != variable && givesReason(l) && !inUsage(lines, i) {
			return names[0]
		}
	}
	return ""
}
