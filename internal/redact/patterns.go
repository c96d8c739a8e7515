package redact

import (
	"regexp"

	"podproof.dev/podproof/internal/credential"
)

// context is a form of text in which a secret stands at a known place, whatever its name.
type context struct {
	what string // how a finding calls it
	// hint is in small letters what a text must hold for re to be tried: most texts hold none.
	hint string
	// re has the value as its last group; where it has two, the first is a name to judge.
	re *regexp.Regexp
}

var contexts = []context{
	{"the password in a URL", `://`, credential.URLLogin},
	{"the Authorization header", `authorization`, regexp.MustCompile(`(?i)\bauthorization["']?\s*[:=]\s*["']?(?:bearer|basic|token|apikey)\s+([^\s"'\\]+)`)},
	{"", `-h`, regexp.MustCompile(`(?i)(?:-H|--header)[\s=]*\\?["']?([A-Za-z][A-Za-z0-9-]*):\s*([^\s"'\\]+)`)},
	{"", `":`, regexp.MustCompile(`["']([A-Za-z_][A-Za-z0-9_.-]*)\\?["']\s*:\s*\\?["']([^"'\\]+)`)}, // JSON
	// A line of a configuration file, alone on its line or in its quotes.
	{"", ``, regexp.MustCompile(`(?m)(?:^|["']|\\n)[ \t]*([A-Za-z_][A-Za-z0-9_.-]*)(?:[ \t]+=|:)[ \t]+([^\s"'\\]+)[ \t]*(?:["']|\\n|$)`)},
	{"the password in a netrc line", `login`, regexp.MustCompile(`\blogin\s+\S+\s+password\s+([^\s"'\\]+)`)},
	{"the password in SQL", `'`, regexp.MustCompile(`(?i)\b(?:identified\s+by|password)\s+\\?'([^'\\]+)`)},
	{"the password in a debconf answer", `password password`, regexp.MustCompile(`\bpassword\s+password\s+([^\s"'\\]+)`)},
	{"the password given to chpasswd", `chpasswd`, regexp.MustCompile(`(?:echo|printf)\s+(?:-\w+\s+)*["']?[\w.-]+:([^\s"'|\\]+)(?:\\n)?["']?\s*\|\s*(?:sudo\s+)?chpasswd`)},
	{"the password given to chpasswd", `<<<`, regexp.MustCompile(`\bchpasswd\s+(?:-\S+\s+)*<<<\s*["']?[\w.-]+:([^\s"'|\\;&]+)`)},
	{"the password of Redis", `requirepass`, regexp.MustCompile(`(?i)["'\s](?:requirepass|masterauth)\s+["']?([^\s"'\\;&|>]+)["']?\s*(?:\\n)?["']?\s*>`)},
	{"the password written to a file that is named for it", `pass`, regexp.MustCompile(`\b(?:echo|printf)\s+(?:-\w+\s+)*["']?([^\s"'|\\;&$]{8,})(?:\\n)?["']?\s*>>?\s*["']?\S*(?:vault[_-]?pass|\.pgpass|password|passwd)(?:\.txt)?["']?(?:\s|$)`)},
	{"the token in a channel of conda", `/t/`, regexp.MustCompile(`\bconda\.[\w.-]+/t/([A-Za-z0-9_-]{16,})/`)},
	{"the password given to htpasswd", `htpasswd`, regexp.MustCompile(`\bhtpasswd\s+(?:-\w+\s+)*-\w*b\w*\s+(?:-\w+\s+)*\S+\s+\S+\s+([^\s"'\\;&|>]+)`)},
	{"the password given to htpasswd", `htpasswd`, regexp.MustCompile(`\bhtpasswd\s+(?:-\w+\s+)*-(?:\w*n\w*b|\w*b\w*n)\w*\s+(?:-\w+\s+)*\S+\s+([^\s"'\\;&|>]+)`)},
	{"the password written to a login", `--password-stdin`, regexp.MustCompile(`\b(?:echo|printf)\s+(?:-\w+\s+)*["']?([^\s"'|\\]+)["']?\s*\|[^|;&]*--password-stdin`)},
	{"the password given to passwd", `passwd`, regexp.MustCompile(`(?:echo|printf)\s+(?:-\w+\s+)*["']?([^\s"'|\\;&]+)(?:\\n[^|;&"']*)?["']?\s*(?:;\s*echo\s+[^|;&)]+)?\)?\s*\|\s*(?:sudo\s+)?(?:smbpasswd|vncpasswd|passwd)\b`)},
	{"the password given to elasticsearch-keystore", `elasticsearch-keystore`, regexp.MustCompile(`(?:echo|printf)\s+(?:-\w+\s+)*["']?([^\s"'|\\;&]+)(?:\\n)?["']?\s*\|\s*\S*elasticsearch-keystore\s+add`)},
	{"the API key of Artifactory", `x-jfrog-art-api`, regexp.MustCompile(`(?i)\bx-jfrog-art-api:\s*([^\s"'\\]+)`)},
	{"the token of SonarQube", `sonar.login=`, regexp.MustCompile(`sonar\.login=([^\s"'\\;&|]{16,})`)},
	// A line of HCL or TOML, wherever it stands.
	{"", ` = `, regexp.MustCompile(`(?:^|[\s{;('"])([A-Za-z_][A-Za-z0-9_.-]*)\s+=\s+\\?["']([^\s"'\\$]+)\\?["']`)},
	{"the password given to sudo", `sudo `, regexp.MustCompile(`(?:echo|printf)\s+(?:-\w+\s+)*["']?([^\s"'|\\;&]+)(?:\\n)?["']?\s*\|\s*sudo\s+(?:-\w+\s+)*-\w*S`)},
	{"the token given to gh", `--with-token`, regexp.MustCompile(`(?:echo|printf)\s+(?:-\w+\s+)*["']?([^\s"'|\\;&]+)(?:\\n)?["']?\s*\|\s*gh\s+auth\b`)},
	{"", ` set `, regexp.MustCompile(`\b(?:aws\s+configure|(?:npm|pnpm|yarn)\s+config)\s+set\s+(?:-\S+\s+)*["']?([^\s"'=]+)["']?\s+["']?([^\s"'\\;&|]+)`)},
}

// shape is a token that its issuer made recognisable.
type shape struct {
	name string // letters, digits and "-", since it stands in a mask
	hint string // what a text must hold for re to be tried
	re   *regexp.Regexp
}

// googleKey is the shape of Google's keys, some of which are for pages that everybody opens.
const googleKey = "Google-API-key"

var shapes = []shape{
	{"private-key", "-----BEGIN", regexp.MustCompile(`(?s)-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----|$)`)},
	{"AWS-access-key-ID", "IA", regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`)},
	{"GitHub-token", "gh", regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{36,}`)},
	{"GitHub-token", "github_pat_", regexp.MustCompile(`\bgithub_pat_[A-Za-z0-9_]{22,}`)},
	{"GitLab-token", "gl", regexp.MustCompile(`\bgl(?:pat|dt|rt|ptt)-[A-Za-z0-9_-]{20,}`)},
	{"Slack-token", "xox", regexp.MustCompile(`\bxox[abeprs]-[A-Za-z0-9-]{10,}`)},
	{"Slack-webhook", "hooks.slack.com", regexp.MustCompile(`\bhooks\.slack\.com/services/[A-Za-z0-9/_-]{20,}`)},
	{"Discord-webhook", "/api/webhooks/", regexp.MustCompile(`\bdiscord(?:app)?\.com/api/webhooks/\d{17,20}/[A-Za-z0-9_-]{60,}`)},
	{"Telegram-bot-token", ":AA", regexp.MustCompile(`\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b`)},
	{"Stripe-key", "k_", regexp.MustCompile(`\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}`)},
	{"npm-token", "npm_", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"PyPI-token", "pypi-", regexp.MustCompile(`\bpypi-AgE[A-Za-z0-9_-]{50,}`)},
	{googleKey, "AIza", regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}`)},
	{"model-API-key", "sk-", regexp.MustCompile(`\bsk-(?:ant-|proj-|svcacct-)[A-Za-z0-9_-]{20,}|\bsk-[A-Za-z0-9]{40,}`)},
	{"Hugging-Face-token", "hf_", regexp.MustCompile(`\bhf_[A-Za-z]{30,}`)},
	{"SendGrid-key", "SG.", regexp.MustCompile(`\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}`)},
	{"DigitalOcean-token", "_v1_", regexp.MustCompile(`\bdo[opr]_v1_[0-9a-f]{64}`)},
	{"Docker-Hub-token", "dckr_", regexp.MustCompile(`\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}`)},
	{"age-key", "AGE-SECRET", regexp.MustCompile(`\bAGE-SECRET-KEY-1[0-9A-Z]{50,}`)},
	{"JWT", "eyJ", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`)},
}

// longOption are the options with a single dash that take a secret, as Java's tools
// and openssl have them.
var longOption = regexp.MustCompile(`^-(?:[Pp]assword|[Cc]lientSecret|ApiKey|passwd|pass|passphrase|token|secret|apikey|api-key|storepass|keypass|srcstorepass|deststorepass|srckeypass|destkeypass|passin|passout)$`)
