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

var (
	looseFile  = regexp.MustCompile(`^(?:\.env(?:\..+)?|.+\.env|.+\.(?:properties|ini|cfg|conf|cnf|sh|bash|zsh|service)|\.(?:bash|zsh|)(?:rc|_profile|profile|env)|\.bashrc|\.zshrc|environment|\.?[a-z]+rc|\.flaskenv|\.envrc|\.s3cfg|\.boto)$`)
	typedFile  = regexp.MustCompile(`^(?:.+\.(?:ya?ml|json|json5|toml|tfvars|tfstate|hcl|plist))$`)
	codeFile   = regexp.MustCompile(`^(?:.*(?:settings|config|secret|credential|constants|password|local|production|development|environment).*|env|conf|base|prod|dev|app)\.(?:py|js|cjs|mjs|ts|rb|php)$`)
	codeFolder = regexp.MustCompile(`/(?:settings|config|conf|configs|secrets|credentials|environments)/[^/]+\.(?:py|js|cjs|mjs|ts|rb|php)$`)
	// loginFile are texts that programs read, beside those above.
	loginFile = regexp.MustCompile(`\.(?:py|js|cjs|mjs|ts|tsx|jsx|rb|php|go|java|kt|scala|cs|rs|pl|lua|ex|exs|sql|xml|txt|list|gradle|kts|service)$`)
	// locales hold words under names: "password": "Passwort".
	locale = regexp.MustCompile(`(?i)/(?:locales?|i18n|l10n|lang|langs|languages?|translations?|messages|nls)/|[./_-](?:locale|messages|translations?)[./_-]`)
	// templates and schemes say what stands somewhere and hold none of it.
	template = regexp.MustCompile(`(?i)(?:\.(?:example|sample|template|tmpl|tpl|dist|schema|spec|j2|in)$|[._-](?:example|sample|template|schema)\.|/(?:examples?|samples?|schemas?|fixtures)/|openapi|swagger)`)
	// lists of what to install name packages and digests alone.
	lockFile = regexp.MustCompile(`(?:package-lock|npm-shrinkwrap|\.package-lock|composer|deps|tsconfig|package|manifest)\.(?:json|lock)$|(?:pnpm-lock\.yaml|pyproject\.toml|Cargo\.toml|\.lock|-lock\.ya?ml)$`)
)

// textSniff is how much of a file tells whether it is text.
const textSniff = 8 << 10

func kindOf(p string, head []byte) kind {
	if bytes.IndexByte(head[:min(len(head), textSniff)], 0) >= 0 {
		return kind{}
	}
	k := kind{text: true}
	base := path.Base(p)
	switch {
	case locale.MatchString(p) || template.MatchString(p):
	case looseFile.MatchString(base):
		k.named, k.loose, k.login = true, true, true
	case typedFile.MatchString(base):
		k.named, k.login, k.json = !lockFile.MatchString(base), !lockFile.MatchString(base), strings.HasPrefix(path.Ext(base), ".json")
	case codeFile.MatchString(base) || codeFolder.MatchString(p):
		k.named, k.code, k.login = true, true, true
	case loginFile.MatchString(base):
		k.login = true
		k.named, k.xml = path.Ext(base) == ".xml", path.Ext(base) == ".xml"
	case bytes.HasPrefix(head, []byte("#!")):
		k.login = true
		line, _, _ := bytes.Cut(head, []byte("\n"))
		k.named = bytes.Contains(line, []byte("sh"))
		k.loose = k.named
	}
	return k
}
