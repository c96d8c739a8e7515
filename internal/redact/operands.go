package redact

import (
	"path"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/credential"
	"podproof.dev/podproof/internal/shell"
)

// operand is a program that takes a secret as an argument without an option before it.
type operand struct {
	name *regexp.Regexp
	// after is the word that it stands behind, "" for the program's own name.
	after *regexp.Regexp
	// skip is how many operands stand between the two: a user, a file.
	skip int
	// login tells that the operand is user:password.
	login bool
	// needs is an option without which no operand is a secret.
	needs string
	// valued are the options whose next word is theirs.
	valued string
}

var operands = []operand{
	{name: regexp.MustCompile(`^(?:mysqladmin|mariadb-admin)$`), after: regexp.MustCompile(`^(?:old-)?password$`)},
	{name: regexp.MustCompile(`^rabbitmqctl$`), after: regexp.MustCompile(`^(?:add_user|change_password|authenticate_user)$`), skip: 1},
	{name: regexp.MustCompile(`^neo4j-admin$`), after: regexp.MustCompile(`^set-initial-password$`)},
	{name: regexp.MustCompile(`^grafana(?:-cli)?$`), after: regexp.MustCompile(`^reset-admin-password$`)},
	{name: regexp.MustCompile(`^(?:redis|valkey|keydb)-(?:cli|server)$`), after: regexp.MustCompile(`^(?i)(?:--)?(?:requirepass|masterauth)$`)},
	{name: regexp.MustCompile(`^composer$`), after: regexp.MustCompile(`^http-basic\..`), skip: 1},
	{name: regexp.MustCompile(`^composer$`), after: regexp.MustCompile(`^(?:github-oauth|gitlab-(?:oauth|token)|bearer|bitbucket-oauth)\..`)},
	{name: regexp.MustCompile(`^poetry$`), after: regexp.MustCompile(`^http-basic\..`), skip: 1},
	{name: regexp.MustCompile(`^poetry$`), after: regexp.MustCompile(`^pypi-token\..`)},
	{name: regexp.MustCompile(`^bundle$`), after: regexp.MustCompile(`^[\w-]+(?:\.[\w-]+)+$`), login: true},
	{name: regexp.MustCompile(`^(?:cargo|vault|wandb)$`), after: regexp.MustCompile(`^login$`)},
	{name: regexp.MustCompile(`^nuget$`), after: regexp.MustCompile(`^(?i)setapikey$`)},
	{name: regexp.MustCompile(`^snyk$`), after: regexp.MustCompile(`^auth$`)},
	{name: regexp.MustCompile(`^ngrok$`), after: regexp.MustCompile(`^(?:add-)?authtoken$`)},
	{name: regexp.MustCompile(`^samba-tool$`), after: regexp.MustCompile(`^(?:create|add)$`), skip: 1},
	{name: regexp.MustCompile(`^cloudflared$`), after: regexp.MustCompile(`^install$`)},
	{name: regexp.MustCompile(`^doppler$`), after: regexp.MustCompile(`^token$`)},
	{name: regexp.MustCompile(`^mc$`), after: regexp.MustCompile(`^(?:set|add)$`), skip: 3},
	{name: regexp.MustCompile(`^mosquitto_passwd$`), skip: 2, needs: "-b"},
	{name: regexp.MustCompile(`^(?:\$\(|` + "`" + `)?openssl$`), after: regexp.MustCompile(`^passwd$`), valued: "-salt -in -noverify"},
	{name: regexp.MustCompile(`^(?:\$\(|` + "`" + `)?mkpasswd$`), valued: "-m -S -R -P --method --salt --rounds"},
}

// operand judges the operands of programs that are known to take a secret as one.
func (f *finder) operand(words []shell.Span) {
	for _, o := range operands {
		at := f.index(words, 0, o.name)
		if at < 0 || o.needs != "" && !f.has(words, o.needs) {
			continue
		}
		from := at
		if o.after != nil {
			if from = f.index(words, at+1, o.after); from < 0 {
				continue
			}
		}
		if v, ok := f.nth(words[from+1:], o); ok {
			f.operandValue(o, words[at], v)
		}
	}
}

// index is the first word from one on that an expression fits, by its last name where it is a path.
func (f *finder) index(words []shell.Span, from int, re *regexp.Regexp) int {
	for i := from; i < len(words); i++ {
		if re.MatchString(path.Base(shell.Unquote(f.text, words[i]).Of(f.text))) {
			return i
		}
	}
	return -1
}

// nth is the word behind skip others, of those that are no options.
func (f *finder) nth(words []shell.Span, o operand) (shell.Span, bool) {
	valued := strings.Fields(o.valued)
	skip := o.skip
	for i := 0; i < len(words); i++ {
		s := words[i].Of(f.text)
		switch {
		case strings.HasPrefix(s, "-"):
			for _, v := range valued {
				if s == v {
					i++
				}
			}
		case strings.ContainsAny(s[:1], "<>|&"):
			return shell.Span{}, false
		case skip == 0:
			return words[i], true
		default:
			skip--
		}
	}
	return shell.Span{}, false
}

func (f *finder) operandValue(o operand, program, value shell.Span) {
	name := path.Base(program.Of(f.text))
	if bare := strings.TrimLeft(name, "$(`"); bare != name { // $(openssl passwd x)
		name, value.End = bare, value.Start+len(strings.TrimRight(value.Of(f.text), ")`"))
	}
	value = shell.Unquote(f.text, value)
	if o.login {
		i := strings.IndexByte(value.Of(f.text), ':')
		if i < 1 || strings.Contains(value.Of(f.text), "://") {
			return
		}
		value.Start += i + 1
	}
	v := value.Of(f.text)
	if option := strings.IndexByte(v, '='); option >= 0 && option < len(v)-2 { // role=api
		return
	}
	if credential.IsLiteral(v, credential.Password) {
		f.add(value, "", "an argument of "+name)
	}
}
