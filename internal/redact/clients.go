package redact

import (
	"path"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/credential"
	"podproof.dev/podproof/internal/shell"
)

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
	{name: regexp.MustCompile(`^(?:cypher-shell|elasticsearch-users|add-user(?:-keycloak)?\.sh|kcadm\.sh|couchbase-cli|twine|influx|nats|clickhouse-client|arangosh)$`), option: "-p"},
	{name: regexp.MustCompile(`^mosquitto_(?:pub|sub|rr)$`), option: "-P"},
	{name: regexp.MustCompile(`^(?:zip|lpr)$`), option: "-P"},
	{name: regexp.MustCompile(`^rar$`), option: "-hp", attached: true},
	{name: regexp.MustCompile(`^ldappasswd$`), option: "-s"},
	{name: regexp.MustCompile(`^x11vnc$`), option: "-storepasswd"},
	{name: regexp.MustCompile(`^x11vnc$`), option: "-passwd"},
	{name: regexp.MustCompile(`^curl$`), option: "--oauth2-bearer"},
	{name: regexp.MustCompile(`^smbclient$`), option: "-U", login: true},
	{name: regexp.MustCompile(`^openssl$`), subcommand: "enc", option: "-k"},
	{name: regexp.MustCompile(`^snowsql$`), option: "-p"},
	{name: regexp.MustCompile(`^dotnet$`), subcommand: "nuget", option: "-p"},
	{name: regexp.MustCompile(`^dotnet$`), subcommand: "nuget", option: "-k"},
	{name: regexp.MustCompile(`^doctl$`), option: "-t"},
	{name: regexp.MustCompile(`^ssh-keygen$`), option: "-N"},
	{name: regexp.MustCompile(`^fly(?:ctl)?$`), option: "-t"},
	{name: regexp.MustCompile(`^netlify$`), option: "--auth"},
}

// client judges the one-letter options of programs that are known to take a password.
func (f *finder) client(words []shell.Span) {
	for _, c := range clients {
		at := -1
		for i, w := range words {
			if c.name.MatchString(path.Base(w.Of(f.text))) {
				at = i
				break
			}
		}
		if at < 0 || (c.subcommand != "" && !f.has(words[at:], c.subcommand)) {
			continue
		}
		for i := at + 1; i < len(words); i++ {
			s := words[i].Of(f.text)
			switch {
			case (s == c.option || c.cluster != nil && c.cluster.MatchString(s)) && i+1 < len(words):
				f.clientValue(c, words[at], words[i+1])
			case c.attached && strings.HasPrefix(s, c.option) && len(s) > len(c.option):
				f.clientValue(c, words[at], shell.Span{Start: words[i].Start + len(c.option), End: words[i].End})
			}
		}
	}
}

func (f *finder) clientValue(c client, program, value shell.Span) {
	value = shell.Unquote(f.text, value)
	v := value.Of(f.text)
	if c.login {
		i := strings.IndexAny(v, ":,%")
		if i < 0 {
			return
		}
		value.Start += i + 1
		v = v[i+1:]
	}
	if !strings.HasPrefix(v, "-") && credential.IsLiteral(v, credential.Password) {
		f.add(value, path.Base(program.Of(f.text))+" "+c.option, "")
	}
}

func (f *finder) has(words []shell.Span, s string) bool {
	for _, w := range words {
		if w.Of(f.text) == s {
			return true
		}
	}
	return false
}
