package check

import "regexp"

// context is a form of text in which a secret stands at a known place, whatever its name.
type context struct {
	what string // how a finding calls it
	// re has the value as its last group; where it has two, the first is a name to judge.
	re *regexp.Regexp
}

// urlLogin is a URL with user and password.
var urlLogin = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'?#\[\]]*:([^\s/"'?#]+)@`)

var contexts = []context{
	{"the password in a URL", urlLogin},
	{"the Authorization header", regexp.MustCompile(`(?i)\bauthorization["']?\s*[:=]\s*["']?(?:bearer|basic|token|apikey)\s+([^\s"'\\]+)`)},
	{"", regexp.MustCompile(`(?i)(?:-H|--header)[\s=]*\\?["']?([A-Za-z][A-Za-z0-9-]*):\s*([^\s"'\\]+)`)},
	{"", regexp.MustCompile(`["']([A-Za-z_][A-Za-z0-9_.-]*)\\?["']\s*:\s*\\?["']([^"'\\]+)`)}, // JSON
	// A line of a configuration file, alone on its line or in its quotes.
	{"", regexp.MustCompile(`(?m)(?:^|["']|\\n)[ \t]*([A-Za-z_][A-Za-z0-9_.-]*)(?:[ \t]+=|:)[ \t]+([^\s"'\\]+)[ \t]*(?:["']|\\n|$)`)},
	{"the password in a netrc line", regexp.MustCompile(`\blogin\s+\S+\s+password\s+([^\s"'\\]+)`)},
	{"the password in SQL", regexp.MustCompile(`(?i)\b(?:identified\s+by|password)\s+\\?'([^'\\]+)`)},
	{"the password in a debconf answer", regexp.MustCompile(`\bpassword\s+password\s+([^\s"'\\]+)`)},
	{"the password given to chpasswd", regexp.MustCompile(`(?:echo|printf)\s+(?:-\w+\s+)*["']?[\w.-]+:([^\s"'|\\]+)(?:\\n)?["']?\s*\|\s*(?:sudo\s+)?chpasswd`)},
}

// shape is a token that its issuer made recognisable.
type shape struct {
	name string // letters, digits and "-", since it stands in a mask
	re   *regexp.Regexp
}

var shapes = []shape{
	{"private-key", regexp.MustCompile(`(?s)-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----|$)`)},
	{"AWS-access-key-ID", regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`)},
	{"GitHub-token", regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})`)},
	{"GitLab-token", regexp.MustCompile(`\bgl(?:pat|dt|rt|ptt)-[A-Za-z0-9_-]{20,}`)},
	{"Slack-token", regexp.MustCompile(`\bxox[abeprs]-[A-Za-z0-9-]{10,}`)},
	{"Slack-webhook", regexp.MustCompile(`\bhooks\.slack\.com/services/[A-Za-z0-9/_-]{20,}`)},
	{"Stripe-key", regexp.MustCompile(`\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}`)},
	{"npm-token", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"PyPI-token", regexp.MustCompile(`\bpypi-AgE[A-Za-z0-9_-]{50,}`)},
	{"Google-API-key", regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{35}`)},
	{"model-API-key", regexp.MustCompile(`\bsk-(?:ant-|proj-|svcacct-)[A-Za-z0-9_-]{20,}|\bsk-[A-Za-z0-9]{40,}`)},
	{"Hugging-Face-token", regexp.MustCompile(`\bhf_[A-Za-z]{30,}`)},
	{"SendGrid-key", regexp.MustCompile(`\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}`)},
	{"DigitalOcean-token", regexp.MustCompile(`\bdo[opr]_v1_[0-9a-f]{64}`)},
	{"Docker-Hub-token", regexp.MustCompile(`\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}`)},
	{"age-key", regexp.MustCompile(`\bAGE-SECRET-KEY-1[0-9A-Z]{50,}`)},
	{"JWT", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`)},
}

// client is a program that takes a password in an option of one letter.
type client struct {
	name       *regexp.Regexp
	subcommand string // where only one of its subcommands does: "login"
	option     string
	attached   bool           // also without a space: -psecret
	cluster    *regexp.Regexp // also after other letters: -fu
	login      bool           // the value is user:password, or user,password
}

var clients = []client{
	{name: regexp.MustCompile(`^(?:mysql|mariadb)(?:dump|admin|import|show|check|sh|-dump|-admin|-import|-check)?$`), option: "-p", attached: true},
	{name: regexp.MustCompile(`^mongo(?:sh|dump|restore|export|import)?$`), option: "-p"},
	{name: regexp.MustCompile(`^sshpass$`), option: "-p", attached: true},
	{name: regexp.MustCompile(`^(?:redis|valkey|keydb)-cli$`), option: "-a"},
	{name: regexp.MustCompile(`^(?:docker|podman|buildah|nerdctl|skopeo|crane|oras|helm|az|oc)$`), subcommand: "login", option: "-p"},
	{name: regexp.MustCompile(`^(?:sqlcmd|bcp)$`), option: "-P"},
	{name: regexp.MustCompile(`^cqlsh$`), option: "-p"},
	{name: regexp.MustCompile(`^ldap(?:search|add|modify|delete|passwd|whoami)$`), option: "-w"},
	{name: regexp.MustCompile(`^(?:useradd|usermod)$`), option: "-p"},
	{name: regexp.MustCompile(`^unzip$`), option: "-P"},
	{name: regexp.MustCompile(`^7z[az]?$`), option: "-p", attached: true},
	{name: regexp.MustCompile(`^curl$`), option: "-u", attached: true, login: true, cluster: regexp.MustCompile(`^-[A-Za-z#]+u$`)},
	{name: regexp.MustCompile(`^curl$`), option: "--user", login: true},
	{name: regexp.MustCompile(`^curl$`), option: "--proxy-user", login: true},
	{name: regexp.MustCompile(`^(?:ftp|lftp)$`), option: "-u", login: true},
}

// longOption are the options with a single dash that take a secret, as Java's tools
// and openssl have them.
var longOption = regexp.MustCompile(`^-(?:password|passwd|pass|passphrase|token|secret|apikey|api-key|storepass|keypass|srcstorepass|deststorepass|srckeypass|destkeypass|passin|passout)$`)
