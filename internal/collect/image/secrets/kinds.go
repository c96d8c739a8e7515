package secrets

import (
	"bytes"
	"path"
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
	// lines is for settings of which a value is the rest of a line, and has blanks: .properties.
	lines bool
	// code is for settings in a programming language, where only a literal is a value.
	code bool
	xml  bool
	json bool
	// stray is for text whose name says nothing: there a line must be an assignment and no
	// more, and its value like nothing that a person would write for another purpose.
	stray bool
	// reads is for code, which may have a literal for what the environment lacks.
	reads bool
	// tests is for code that tests other code: what it calls a secret is none.
	tests bool
}

// byExtension is what the last part of a name says.
var byExtension = map[string]kind{}

func init() {
	for _, c := range []struct {
		kind       kind
		extensions string
	}{
		{kind{named: true, loose: true, lines: true, login: true}, ".properties"},
		{kind{named: true, loose: true, login: true}, ".env .ini .cfg .conf .cnf .sh .bash .zsh .service"},
		{kind{named: true, login: true}, ".yaml .yml .toml .tfvars .tfstate .hcl .plist"},
		{kind{named: true, login: true, json: true}, ".json .json5"},
		{kind{named: true, login: true, xml: true}, ".xml"},
		// texts that programs read, beside settings
		{kind{login: true, reads: true}, ".py .js .cjs .mjs .ts .cts .mts .tsx .jsx .rb .php .go .java .kt .kts .scala .cs .rs .pl .lua .ex .exs .gradle"},
		{kind{login: true, named: true, code: true}, ".ps1 .psm1 .psd1"},
		{kind{login: true}, ".sql .list"},
		{kind{login: true, named: true, loose: true, stray: true}, ".txt"},
		// texts that show how something is written, and records of packages
		{kind{}, ".md .rst .adoc .html .htm .css .scss .less .svg .map .csv .tsv .po .pot .pod .1 .3 .5 .7 .8 .h .hpp .c .cc .cpp .m4 .in .pyi .pm .tcl .vim .el .awk .am .cmake .rules .supp .pem .crt .cer .pub .asc .sig .md5sums .symbols .shlibs .triggers .preinst .postinst .prerm .postrm .templates"},
	} {
		for _, x := range strings.Fields(c.extensions) {
			byExtension[x] = c.kind
		}
	}
}

var (
	// looseName are settings without an extension.
	looseName = lazy(`^(?:\.env(?:\..+)?|\.(?:bash|zsh)?(?:rc|_profile|profile|env)|environment|\.?[a-z]+rc|\.[a-z_]*history|crontab|\.flaskenv|\.s3cfg|\.boto)$`)
	// codeName and codeFolder are settings in a programming language.
	codeName   = lazy(`^(?:.*(?:settings|config|secret|credential|constants|password|local|production|development|environment).*|env|conf|base|prod|dev|app)\.(?:py|js|cjs|mjs|ts|rb|php)$`)
	codeFolder = lazy(`/(?:settings|config|conf|configs|secrets|credentials|environments)/[^/]+\.(?:py|js|cjs|mjs|ts|rb|php)$`)
	// words is for names of files that hold words under names: "password": "Passwort".
	wordsName   = lazy(`(?i)(?:^|[._-])(?:locale|translations?)[._-]|(?:messages|localstrings)[._-]`)
	wordsFolder = lazy(`(?i)/(?:locales?|i18n|l10n|lang|langs|languages?|translations?|messages|nls)/`)
	// templates and schemes say what stands somewhere and hold none of it.
	templateName   = lazy(`(?i)\.(?:example|sample|template|tmpl|tpl|dist|schema|spec|j2|in)$|(?:^|[._-])(?:examples?|samples?|template|schema|openapi|swagger)[._-]`)
	templateFolder = lazy(`(?i)/(?:examples?|samples?|schemas?|fixtures)/`)
	// copied is what editors and people put behind the name of a file that they keep a copy of.
	copied = lazy(`(?i)(?:~|[._-](?:bak|backup|old|orig|save|copy|rpmsave|dpkg-old|dpkg-dist|rpmnew))+$`)
	// manual is where systems keep texts for people, and lists of their own.
	manual = lazy(`^/usr/(?:local/)?(?:share|include|lib|lib64|libexec)/|^/(?:lib|proc|sys|dev)/|^/var/(?:lib|cache)/(?:dpkg|apt|apk|rpm|dnf|yum|pacman)/|^/etc/(?:apt|dpkg|pam\.d|security|selinux)/`)
	// lists of what to install name packages and digests alone.
	lockFile = lazy(`(?:package-lock|npm-shrinkwrap|\.package-lock|composer|deps|tsconfig|package|manifest)\.(?:json|lock)$|(?:pnpm-lock\.yaml|pyproject\.toml|Cargo\.toml|\.lock|-lock\.ya?ml)$`)
)

// testCode is code of tests and examples by its path.
var testCode = lazy(`(?i)/(?:tests?|__tests?__|testdata|testing|specs?|fixtures?|mocks?|__mocks__|e2e|stories|examples?|samples?|docs?|demo)/|[._-](?:tests?|spec|mock|stories)\.[a-z]+$|(?:/test_[^/]*|[a-z]Tests?)\.[a-z]+$`)

// textSniff is how much of a file tells whether it is text.
const textSniff = 8 << 10

func kindOf(p string, head []byte) kind {
	if bytes.IndexByte(head[:min(len(head), textSniff)], 0) >= 0 {
		return kind{}
	}
	base := copied.get().ReplaceAllString(path.Base(p), "")
	k, known := byExtension[path.Ext(base)]
	switch {
	case looseName.MatchString(base), !known && strings.Contains(p, "/cron") && !manual.MatchString(p):
		k = kind{named: true, loose: true, login: true}
	case known && !k.named && (codeName.MatchString(base) || codeFolder.MatchString(p)):
		k.named, k.code = true, true
	case !known && bytes.HasPrefix(head, []byte("#!")):
		line, _, _ := bytes.Cut(head, []byte("\n"))
		shell := bytes.Contains(line, []byte("sh"))
		k = kind{login: true, named: shell, loose: shell, reads: !shell}
	case !known && bytes.HasPrefix(bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n"), []byte("<")): // web.config
		k = byExtension[".xml"]
	case !known:
		k = kind{named: true, loose: true, stray: true, login: true}
	}
	if (k.stray || k.xml && !known) && manual.MatchString(p) {
		k = kind{login: known}
	}
	// A .env file is one to use wherever it lies.
	if k.login && (lockFile.MatchString(base) || wordsName.MatchString(base) || templateName.MatchString(base) ||
		(!k.loose || k.stray) && (wordsFolder.MatchString(p) || templateFolder.MatchString(p))) {
		k = kind{}
	}
	k.text, k.tests = true, k.reads && !k.named && testCode.MatchString(p)
	return k
}
