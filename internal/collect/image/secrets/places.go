package secrets

import (
	"path"
	"strings"
	"sync"

	"podproof.dev/podproof/internal/credential"
)

// placeRule is for a file in which programs keep credentials, told by its path.
type placeRule struct {
	id, what string
	path     *pattern
	// value has the credential as its last group.
	value *pattern
}

// what stands for a value up to white space or a quote.
const unquoted = `["']?([^\s"',;]+)`

var placeRules = sync.OnceValue(func() []placeRule {
	return []placeRule{
		{"netrc", "a login of .netrc", at(`/[._]netrc`), multi(`\bpassword\s+(\S+)`)},
		{"npmrc", "a token of .npmrc", at(`/\.?npmrc`), multi(`^\s*[^#;\n]*_(?:authToken|auth|password)\s*=\s*` + unquoted)},
		{"yarnrc", "a token of .yarnrc.yml", at(`/\.yarnrc\.yml`), multi(`^\s*["']?npmAuth(?:Token|Ident)["']?:\s*` + unquoted)},
		{"pypirc", "a password of .pypirc", at(`/\.pypirc`), multi(`^\s*password\s*[=:]\s*(\S+)`)},
		{"git-credentials", "a login of .git-credentials", at(`/(?:\.git-credentials|git/credentials)`), multi(`^\s*\w+://[^\s/:@]*:([^\s@/]+)@`)},
		{"git-remote", "a login in the address of a Git remote", at(`/(?:\.git|\.git/modules/.+)/config|/\.gitconfig|/etc/gitconfig`), multi(`\w+://(?:[^\s/:@]*:([^\s@/]+)|([A-Za-z0-9_-]{16,}))@`)},
		{"git-remote", "an Authorization header for a Git remote", at(`/(?:\.git|\.git/modules/.+)/config|/\.gitconfig|/etc/gitconfig`), multi(`(?i)extraheader\s*=\s*["']?authorization:\s*(?:basic|bearer|token)\s+([^\s"']+)`)},
		{"aws-credentials", "an AWS secret key", at(`/\.aws/(?:credentials|config)`), multi(`^\s*aws_(?:secret_access_key|session_token)\s*=\s*(\S+)`)},
		{"docker-auth", "a login to a registry", at(`/\.docker/config\.json|/\.dockercfg|/\.dockerconfigjson|/containers/auth\.json|/kubelet/config\.json`), multi(`"(?:auth|password|identitytoken|registrytoken)"\s*:\s*"([^"]+)"`)},
		{"kubeconfig", "a credential of a kubeconfig", at(`/\.kube/config|/kubeconfig|/.+\.kubeconfig|/etc/kubernetes/[a-z-]+\.conf`), multi(`^\s*-?\s*["']?(?:client-key-data|token|password|id-token|refresh-token)["']?:\s*` + unquoted)},
		{"service-account-token", "the token of a Kubernetes service account", at(`/serviceaccount/token`), multi(`^(eyJ\S+)`)},
		{"pgpass", "a password of .pgpass", at(`/\.pgpass|/pgpass\.conf`), multi(`^[^#:\n]+:[^:\n]*:[^:\n]*:[^:\n]*:(\S+)\s*$`)},
		{"my-cnf", "a password of .my.cnf", at(`/\.(?:my|mylogin)\.cnf`), multi(`^\s*password\s*=\s*` + unquoted)},
		{"vault-token", "a Vault token", at(`/\.vault-token`), multi(`^(\S{20,})`)},
		{"rails-master-key", "the master key of Rails", at(`/config/(?:master|credentials/[a-z]+)\.key`), multi(`^([0-9a-f]{32})\s*$`)},
		{"maven-settings", "a password of Maven's settings", at(`/\.m2/settings\.xml|/conf/settings\.xml`), multi(`<(?:password|passphrase)>([^<]+)<`)},
		{"nuget-config", "a password of NuGet's settings", at(`/(?i:nuget\.config)`), multi(`(?i)key="(?:ClearText)?Password"\s+value="([^"]+)"`)},
		{"composer-auth", "a credential of Composer", at(`/(?:\.composer|composer|\.config/composer)/auth\.json|/auth\.json`), multi(`"(?:github\.com|gitlab\.com|password|token|bearer|consumer-secret)"\s*:\s*"([^"]+)"`)},
		{"terraform-token", "a Terraform token", at(`/credentials\.tfrc\.json|/\.terraformrc`), multi(`"?token"?\s*[:=]\s*"([^"]+)"`)},
		{"password-hash", "the hash of a password", at(`/etc/(?:shadow|gshadow)-?`), multi(`^[^:\n]+:!?(\$[^:\n]{8,}|_[A-Za-z0-9./]{19}|[A-Za-z0-9./]{13}):`)},
		{"password-hash", "the hash of a password", at(`/\.?htpasswd`), multi(`^[^#:\s]+:(\$(?:apr1|2[abxy]|5|6|y)\$\S+|\{SHA\}\S+)`)},
		{"private-key", "a private key (JWK)", at(`jwks?[^/]*`), multi(`"[dk]"\s*:\s*"([A-Za-z0-9_-]{32,})"`)},
		{"pip-login", "a login to a package index", at(`/(?:pip\.conf|\.pip/pip\.conf|uv\.toml|poetry/auth\.toml)`), multi(`\w+://[^\s/:@]*:([^\s@/]+)@`)},
	}
})

func at(expression string) *pattern { return lazy(`(?:` + expression + `)$`) }

func multi(expression string) *pattern { return lazy(`(?m)` + expression) }

// placed are the last names of the paths that a rule may be for: most files need no expression.
var placed = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(`.netrc _netrc .npmrc npmrc .yarnrc.yml .pypirc .git-credentials credentials config .gitconfig
		gitconfig config.json .dockercfg .dockerconfigjson auth.json kubeconfig token .pgpass pgpass.conf .my.cnf .mylogin.cnf
		.vault-token master.key settings.xml credentials.tfrc.json .terraformrc shadow gshadow shadow- gshadow- htpasswd .htpasswd
		pip.conf uv.toml auth.toml nuget.config`) {
		m[n] = true
	}
	return m
}()

// placeRulesFor are the rules for a path.
func placeRulesFor(p string) []*placeRule {
	base := path.Base(p)
	if !placed[strings.ToLower(base)] && !strings.HasSuffix(base, ".kubeconfig") && !strings.HasSuffix(base, ".key") && !strings.HasSuffix(base, ".conf") && !strings.Contains(base, "jwk") {
		return nil
	}
	var out []*placeRule
	for i, r := range placeRules() {
		if r.path.MatchString(p) {
			out = append(out, &placeRules()[i])
		}
	}
	return out
}

func (r *placeRule) find(b []byte) []span {
	var out []span
	for _, m := range r.value.get().FindAllSubmatchIndex(b, 1000) {
		for i := len(m) - 2; i >= 2; i -= 2 {
			if m[i] >= 0 {
				if v := string(b[m[i]:m[i+1]]); r.id == "password-hash" || credential.IsLiteral(v, credential.Password) && !isPlaceholder(v) {
					out = append(out, span{m[i], m[i+1]})
				}
				break
			}
		}
	}
	return out
}
