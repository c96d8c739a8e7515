package secrets

import (
	"bytes"
	"path"
	"regexp"
	"strings"
)

// kind is how a file is looked through, beside the tokens that any file may hold.
type kind struct {
	text bool
	// login is for text in which a URL with a password is one to use.
	login bool
	// named is for files of settings: a value under a telling name is a credential there.
	named bool
	// loose is for settings without types, where any word is a value: .env, .ini, shell.
	loose bool
	// code is for settings in a programming language, where only a literal is a value.
	code bool
	xml  bool
	json bool
}

// byExtension is what the last part of a name says.
var byExtension = map[string]kind{}

func init() {
	for _, c := range []struct {
		kind       kind
		extensions string
	}{
		{kind{named: true, loose: true, login: true}, ".env .properties .ini .cfg .conf .cnf .sh .bash .zsh .service"},
		{kind{named: true, login: true}, ".yaml .yml .toml .tfvars .tfstate .hcl .plist"},
		{kind{named: true, login: true, json: true}, ".json .json5"},
		{kind{named: true, login: true, xml: true}, ".xml"},
		// texts that programs read, beside settings
		{kind{login: true}, ".py .js .cjs .mjs .ts .tsx .jsx .rb .php .go .java .kt .kts .scala .cs .rs .pl .lua .ex .exs .sql .txt .list .gradle"},
	} {
		for _, x := range strings.Fields(c.extensions) {
			byExtension[x] = c.kind
		}
	}
}

var (
	// looseName are settings without an extension.
	looseName = regexp.MustCompile(`^(?:\.env(?:\..+)?|\.(?:bash|zsh)?(?:rc|_profile|profile|env)|environment|\.?[a-z]+rc|\.flaskenv|\.s3cfg|\.boto)$`)
	// codeName and codeFolder are settings in a programming language.
	codeName   = regexp.MustCompile(`^(?:.*(?:settings|config|secret|credential|constants|password|local|production|development|environment).*|env|conf|base|prod|dev|app)\.(?:py|js|cjs|mjs|ts|rb|php)$`)
	codeFolder = regexp.MustCompile(`/(?:settings|config|conf|configs|secrets|credentials|environments)/[^/]+\.(?:py|js|cjs|mjs|ts|rb|php)$`)
	// words is for names of files that hold words under names: "password": "Passwort".
	wordsName   = regexp.MustCompile(`(?i)(?:^|[._-])(?:locale|messages|translations?)[._-]`)
	wordsFolder = regexp.MustCompile(`(?i)/(?:locales?|i18n|l10n|lang|langs|languages?|translations?|messages|nls)/`)
	// templates and schemes say what stands somewhere and hold none of it.
	templateName   = regexp.MustCompile(`(?i)\.(?:example|sample|template|tmpl|tpl|dist|schema|spec|j2|in)$|(?:^|[._-])(?:examples?|samples?|template|schema|openapi|swagger)[._-]`)
	templateFolder = regexp.MustCompile(`(?i)/(?:examples?|samples?|schemas?|fixtures)/`)
	// lists of what to install name packages and digests alone.
	lockFile = regexp.MustCompile(`(?:package-lock|npm-shrinkwrap|\.package-lock|composer|deps|tsconfig|package|manifest)\.(?:json|lock)$|(?:pnpm-lock\.yaml|pyproject\.toml|Cargo\.toml|\.lock|-lock\.ya?ml)$`)
)

// textSniff is how much of a file tells whether it is text.
const textSniff = 8 << 10

func kindOf(p string, head []byte) kind {
	if bytes.IndexByte(head[:min(len(head), textSniff)], 0) >= 0 {
		return kind{}
	}
	base := path.Base(p)
	k, known := byExtension[path.Ext(base)]
	switch {
	case looseName.MatchString(base):
		k = kind{named: true, loose: true, login: true}
	case known && !k.named && (codeName.MatchString(base) || codeFolder.MatchString(p)):
		k.named, k.code = true, true
	case !known && bytes.HasPrefix(head, []byte("#!")):
		line, _, _ := bytes.Cut(head, []byte("\n"))
		shell := bytes.Contains(line, []byte("sh"))
		k = kind{login: true, named: shell, loose: shell}
	}
	// A .env file is one to use wherever it lies.
	if k.login && (lockFile.MatchString(base) || wordsName.MatchString(base) || templateName.MatchString(base) ||
		!k.loose && (wordsFolder.MatchString(p) || templateFolder.MatchString(p))) {
		k = kind{}
	}
	k.text = true
	return k
}
