package secrets

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
)

// scan looks through one file as a whole.
func scan(path, body string) []string {
	var s Scanner
	s.Start(path, []byte(body), int64(len(body)), nil)
	s.See([]byte(body), 0, len(body))
	var out []string
	for _, f := range s.Finish() {
		out = append(out, fmt.Sprintf("%s:%d", f.Rule, f.Line))
	}
	return out
}

func privateKey(t testing.TB) string {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// The tokens are cut in two, so that no scanner of repositories takes this file for a leak.
var (
	aws    = "AKIA" + "QYLPMN5HHHFPZAM2"
	gh     = "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"
	slack  = "xoxb-" + "263594206564-2343594206574-FGqddMF8t08v8N7Oq4i57vs1"
	npm    = "npm_" + "q5bBsRtw1WcYzFhKPmXVeJtNdUaGo4A7Q2Cx"
	stripe = "sk_live_" + "51MfQ2LkdIwH4dEp0aXc"
	jwtOne = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiI0MiIsInJvbGUiOiJhZG1pbiJ9.QnJva2VuIGJ1dCBsb25nIGVub3VnaA"
)

func TestFinds(t *testing.T) {
	key := privateKey(t)
	for _, c := range []struct{ name, path, body, want string }{
		{"private key", "/app/tls.key", "\n" + key, "private-key:2"},
		{"private key in a literal", "/app/conf.py", `KEY = "` + strings.ReplaceAll(strings.TrimSpace(key), "\n", `\n`) + `"`, "private-key:1"},
		{"private key in base64", "/app/secret.yaml", "data: " + base64.StdEncoding.EncodeToString([]byte(key)), "private-key:1"},
		{"encrypted private key", "/k.pem", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,A2B1C3\n\n" + strings.SplitN(key, "\n", 2)[1], "private-key:1"},
		{"AWS key in a program", "/bin/x", "\x00\x01" + aws + "\x00", "aws-access-key:0"},
		{"GitHub token in any text", "/app/README.md", "a\nb " + gh + " c\n", "github-token:2"},
		{"GitHub token in base64", "/app/x.txt", base64.StdEncoding.EncodeToString([]byte(gh)), "github-token:1"},
		{"Slack token", "/app/main.go", `const t = "` + slack + `"`, "slack-token:1"},
		{"Stripe key", "/srv/app.js", "stripe('" + stripe + "')", "stripe-key:1"},
		{"JWT", "/app/x.js", "const t='" + jwtOne + "'", "jwt:1"},
		{"two tokens on two lines", "/app/t", gh + "\n" + gh + "\n" + npm + "\n", "github-token:1 github-token:2 npm-token:3"},
		{"a token behind many words that begin like one", "/app/x.js", strings.Repeat("npm_config_x ", 20000) + npm, "npm-token:1"},
		{"a token between two words", "/app/t", gh + " ghp_ " + gh + "\n", "github-token:1"},
		{"a token tells more than its name", "/app/.env", "GITHUB_TOKEN=" + gh, "github-token:1"},

		{".env", "/app/.env", "# PASSWORD=commented1\nDB_PASSWORD=hunter2\nPORT=80\nexport API_KEY='k-19fa83bc'\n", "named-secret:2 named-secret:4"},
		{".env, any word", "/app/.env", "POSTGRES_PASSWORD=postgres\n", "named-secret:1"},
		{".env.production", "/app/.env.production", "SECRET_KEY_BASE=3f2a9c81d7\n", "named-secret:1"},
		{"properties", "/app/application.properties", "spring.datasource.password=s3cr3t!\n", "named-secret:1"},
		{"properties, a capital", "/app/application.properties", "db.password = Hunter2\t\napi.token=kJ7h2Lq9Xv4Zt8Wm\n", "named-secret:1 named-secret:2"},
		{"ini", "/app/alembic.ini", "[db]\npassword = s3cr3t ; old\n", "named-secret:2"},
		{"YAML", "/app/config.yaml", "db:\n  password: hunter2\n  tokenUrl: x\n", "named-secret:2"},
		{"YAML, a word", "/app/config.yaml", "password: letmein\n", "named-secret:1"},
		{"JSON in one line", "/app/config.json", `{"db":{"user":"a","password":"p4ss-w0rd!"},"apiKey": "9f8e7d6c5b4a"}`, "named-secret:1 named-secret:1"},
		{"odd characters", "/app/.env", "DB_PASSWORD=@dm1n!x\nAPI_TOKEN='!a8f5f167f4'\n", "named-secret:1 named-secret:2"},
		{"odd characters in YAML", "/app/config.yaml", "password: \"*dm1n!x\"\n", "named-secret:1"},
		{"TOML", "/app/config.toml", `secret_key = "a8f5f167f44f4964e6c998dee827110c"`, "named-secret:1"},
		{"Django", "/app/settings.py", "SECRET_KEY = 'django-insecure-8#x2k$l!'\nDATABASES = {'default': {'PASSWORD': 'pg-4711'}}\n", "named-secret:1 named-secret:2"},
		{"JavaScript", "/app/config/db.js", "module.exports = { password: \"hunter22\", port: 3 }", "named-secret:1"},
		{"PHP", "/www/wp-config.php", "define('DB_PASSWORD', 'x9-kk2l');", "named-secret:1"},
		{"XML", "/app/settings.xml", "<a>\n<password>x9-kk2l</password></a>", "named-secret:2"},
		{"shell", "/entry.sh", "#!/bin/sh\nexport PGPASSWORD=hunter2\nexec app\n", "named-secret:2"},
		{"URL", "/app/db.py", "x = 1\nURL = 'postgres://app:s3cr3tpw@db.internal/app'\n", "url-login:2"},
		{".env of an app with a telling name", "/srv/my-sample-messages/examples/.env", "DB_PASSWORD=hunter2\n", "named-secret:1"},
		{"settings of an app with a telling name", "/srv/my-sample-app/config.yaml", "password: hunter2\n", "named-secret:1"},
		{"URL under a name", "/app/.env", "DATABASE_URL=postgresql+psycopg://app:s3cr3tpw@db/app\n", "url-login:1"},

		{"XML, a key and its value", "/app/web.config", "<configuration>\n<add key=\"ApiKey\" value=\"kJ7h2Lq9Xv4Zt8Wm\" />", "named-secret:2"},
		{"XML, a property", "/app/persistence.xml", "<property name=\"javax.persistence.jdbc.password\" value=\"Str0ng-Pa55\"/>", "named-secret:1"},
		{"a Dockerfile that was copied", "/app/Dockerfile", "FROM x\nENV DB_PASSWORD=Tr0ub4dor-x9\n", "named-secret:2"},
		{"a Makefile", "/app/Makefile", "DB_PASSWORD := Tr0ub4dor-x9\n", "named-secret:1"},
		{"notes", "/app/data/notes", "the db password: Tr0ub4dor-x9\n", "named-secret:1"},
		{"a field of pydantic's", "/app/auth.py", "    jwt_secret: str = Field('kJ7h2Lq9Xv4Zt8Wm', env='X')\n", "named-secret:1"},
		{"NestJS", "/app/main.ts", "const k = this.configService.get<string>('JWT_SECRET', 'kJ7h2Lq9Xv4Zt8Wm');\nconst l = config.get('JWT_SECRET') || 'kJ7h2Lq9Xv4Zt8Wm';\n", "named-secret:1 named-secret:2"},
		{"envalid and zod", "/app/env.js", "{ JWT_SECRET: str({ default: 'kJ7h2Lq9Xv4Zt8Wm' }),\n API_KEY: z.string().min(8).default('kJ7h2Lq9Xv4Zt8Wm') }\n", "named-secret:1 named-secret:2"},
		{"Deno", "/app/env.ts", "const s = Deno.env.get('JWT_SECRET') ?? 'kJ7h2Lq9Xv4Zt8Wm'\n", "named-secret:1"},
		{"Spring", "/app/A.java", "@Value(\"${jwt.secret:kJ7h2Lq9Xv4Zt8Wm}\")\n", "named-secret:1"},
		{"lines of Python", "/app/auth.py", "K = os.environ.get(\n    'SECRET_KEY',\n    'kJ7h2Lq9Xv4Zt8Wm',\n)\n", "named-secret:3"},
		{"what stands for a variable in a shell", "/app/entry.sh", "#!/bin/sh\nexport PGPASSWORD=\"${DB_PASSWORD:-Tr0ub4dor-x9}\"\n", "named-secret:2"},
		{"a flag with a value and words", "/app/settings.py", "flag.String(\"db-password\", \"my_secret_41\", \"the database's\")\n", "named-secret:1"},
		{"netrc", "/root/.netrc", "machine x\nlogin me\npassword s3cr3t\n", "netrc:3"},
		{"npmrc", "/app/.npmrc", "registry=https://r/\n//r/:_authToken=9c1b-77aa-41\n", "npmrc:2"},
		{"npmrc with npm's own token", "/app/.npmrc", "//registry.npmjs.org/:_authToken=" + npm + "\n", "npm-token:1"},
		{"pypirc", "/root/.pypirc", "[pypi]\nusername = me\npassword = s3cr3t\n", "pypirc:3"},
		{"git credentials", "/root/.git-credentials", "https://me:9c1b77aa41@git.acme.io\n", "git-credentials:1"},
		{"git remote", "/app/.git/config", "[remote \"origin\"]\n\turl = https://me:9c1b77aa41@git.acme.io/x\n", "git-remote:2"},
		{"git remote with a token alone", "/app/.git/config", "\turl = https://9c1b77aa41ffaa0123@git.acme.io/x\n", "git-remote:1"},
		{"AWS credentials", "/root/.aws/credentials", "[default]\naws_secret_access_key = wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzKEYx\n", "aws-credentials:2"},
		{"Docker", "/root/.docker/config.json", "{\"auths\":{\"r.acme.io\":{\n\"auth\":\"bWU6czNjcjN0\"}}}", "docker-auth:2"},
		{"kubeconfig", "/root/.kube/config", "users:\n- user:\n    token: 9c1b77aa41ffaa01\n", "kubeconfig:3"},
		{"shadow", "/etc/shadow", "root:*:1::\napp:$6$abcdefgh$0123456789abcdef:1::\n", "password-hash:2"},
		{"pgpass", "/root/.pgpass", "db:5432:app:app:s3cr3t\n", "pgpass:1"},
		{"PKCS 12", "/app/key.p12", "\x30\x82\x01\x02" + string(shroudedID) + "\x02rest", "private-key:0"},
		{"Java key store", "/app/key.jks", "\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01xx", "private-key:0"},
	} {
		if got := strings.Join(scan(c.path, c.body), " "); got != c.want {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLookAlikes(t *testing.T) {
	for _, c := range []struct{ name, path, body string }{
		{"a certificate", "/etc/ssl/certs/ca.pem", "-----BEGIN CERTIFICATE-----\n" + strings.Repeat("MIIBazCCARGgAwIBAgIUQ2h\n", 9) + "-----END CERTIFICATE-----\n"},
		{"a public key", "/app/key.pub", "-----BEGIN PUBLIC KEY-----\n" + strings.Repeat("MIIBazCCARGgAwIBAgIUQ2h\n", 9) + "-----END PUBLIC KEY-----\n"},
		{"texts of a program that looks for tokens", "/bin/scan", "\x00gl" + "ptt-glcbt-whsec_redactcaFile\x00"},
		{"a header alone", "/lib/libcrypto.so", "\x00-----BEGIN RSA PRIVATE KEY-----\x00-----END RSA PRIVATE KEY-----\x00"},
		{"a header in a regular expression", "/app/x.py", `re.compile("-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----")`},
		{"a key that is left out", "/docs/x.md", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n"},
		{"AWS's documentation", "/x/boto.py", "AKIAIOSFODNN7EXAMPLE AKIAI44QH8DHBEXAMPLE"},
		{"a longer word", "/x", "XAKIAQYLPMN5HHHFPZAM2 AKIAQYLPMN5HHHFPZAM2YY"},
		{"a token of one letter", "/x", "ghp_" + strings.Repeat("x", 36)},
		{"a program that looks for tokens", "/bin/x", "glrt-glft-xapp-xoxa-xoxb-xoxe-xoxe.xoxp-xoxr-xoxs-pplx-HRKU-PMAK-essu_ AQ.Ab8RGOCSPX-sk-ant-sk-or-vxai-keydop_v1_doo_v1_dor_v1_CCIPAT_CCIPRJ_ops_eyJSHA-224SHA"},
		{"the alphabet", "/x", "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"},
		{"placeholders", "/app/.env", "PASSWORD=\nPASSWORD=changeme\nTOKEN=<your token>\nSECRET=$SECRET\nAPI_KEY=${API_KEY}\nDB_PASS=your_password_here\nPASSWORD=xxxxxxxx\nPASSWORD=***\nSECRET_KEY=example-secret\n"},
		{"switches and numbers", "/app/.env", "TOKENIZERS_PARALLELISM=false\nPASSWORD_MIN_LENGTH=8\nACCESS_LOG=-\nTOKEN_TTL=3600\nGPG_KEY=7169605F62C751356D054A26A821E680E5FA6305\n"},
		{"files and places", "/app/.env", "POSTGRES_PASSWORD_FILE=/run/secrets/pg\nTLS_KEY=/etc/tls/tls.key\nTOKEN_URL=https://x/y\nSECRET_NAME=app\nPRIVATE_KEY_PATH=/k\n"},
		{"a template", "/app/.env.example", "DB_PASSWORD=hunter2\n"},
		{"examples", "/app/data/examples-1.json", `{"password": "hunter2x9"}`},
		{"an example", "/app/examples/config.yaml", "password: hunter2x9\n"},
		{"translations", "/app/locales/de.json", `{"password": "Passwort123", "token": "Token-Wert-1"}`},
		{"titles", "/app/ui.json", `{"password": "Password", "passwordHint": "Enter your password", "token": "tokenValue"}`},
		{"a scheme", "/app/openapi.json", `{"password": {"type": "string", "format": "password"}, "token": "abcd1234efgh"}`},
		{"a lock file", "/app/package-lock.json", `{"token": "9f8e7d6c5b4a3", "integrity": "sha512-abc"}`},
		{"code in YAML", "/app/c.yaml", "x.py: |\n  password = os.environ[\"DB_PASSWORD\"]\n  token = ENV['API_TOKEN']\n  secret_key = process.env.APP_KEY\n"},
		{"YAML references", "/app/c.yaml", "password: ${PASSWORD}\ntoken: {{ .Values.token }}\nsecret: !vault x1y2z3w4\nsecretKeyRef: {name: a1b2c3d4, key: b}\ntoken:8080\npassword:\n  from: x\n"},
		{"code that reads", "/app/settings.py", "SECRET_KEY = os.environ['SECRET_KEY']\nTOKEN = get_token('a1b2c3d4')\nPASSWORD: str = Field(min_length=8)\nif password == 'abc12345': pass\n# PASSWORD = 'abc12345'\n"},
		{"code that is no settings", "/app/views.py", "password = 'abc12345'\n"},
		{"URLs of documentation", "/app/db.py", "'postgres://user:password@host/db' 'https://user:pass@example.com' 'redis://:%s@x' f'amqp://{u}:{p}@h' 'postgres://postgres:postgres@localhost/x'"},
		{"URLs without a login", "/app/x.py", "'http://host:80/a@b' 'git+ssh://git@github.com/x' 'https://a/b:c@d'"},
		{"npmrc with a variable", "/app/.npmrc", "//r/:_authToken=${NPM_TOKEN}\n"},
		{"docker without a login", "/root/.docker/config.json", `{"auths":{"x":{}},"credsStore":"pass"}`},
		{"no password", "/etc/shadow", "root:*:1::\nx:!:1::\ny:!!:1::\nz::1::\n"},
		{"certificates of Java", "/cacerts.jks", "\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02xx"},
		{"an expression of sed", "/x.sh", "sed -r 's/^(passwd:)(\\s*)(.*)/\\1\\2\\3 systemd/'\n"},
		{"name services", "/etc/nsswitch.conf", "passwd:         files systemd\n"},
		{"XML that refers", "/app/web.config", "<add key=\"ApiKey\" value=\"${API_KEY}\" />\n<add key=\"TokenUrl\" value=\"https://x/y\" />\n<property name=\"password\" value=\"\"/>"},
		{"lines that do more than assign", "/app/Makefile", "run: export TOKEN = $(shell cat token)\n\t./x --password $(PASSWORD) --token=abc1-DEF2-ghi3-JKL4 x\n"},
		{"names of what to install", "/app/Dockerfile", "RUN apk add secret=1.2.3-r0\nENV TOKEN_FILE=/run/secrets/t0ken-A1\n"},
		{"lookups of what is no secret", "/app/env.ts", "config.get('NODE_ENV', 'production-4711x'); z.string().default('kJ7h2Lq9Xv4Zt8Wm'); Field('kJ7h2Lq9Xv4Zt8Wm')\nname: str = Field('kJ7h2Lq9Xv4Zt8Wm')"},
		{"what a shell says of a variable", "/app/mvnw", "#!/bin/sh\ncase \"${MVNW_PASSWORD:+has-password}\" in\nesac\n: \"${DB_PASSWORD:?must-be-set-1}\"\n"},
		{"columns", "/app/settings.py", "apps.values_list(\"auth_token\", \"token_last_4\", \"app_id\")\n"},
		{"programs that keep passwords", "/app/passkeys.ts", "enum Keeper {\n  OnePassword = \"bada5566-a7aa-401f-bd96-45619a55120d\",\n  LastPass = \"b78a0a55-6ef8-d246-a042-ba0f6d55050c\",\n}\n"},
		{"a git remote", "/app/.git/config", "\turl = git@github.com:x/y\n\turl = https://github.com/x\n"},
	} {
		if got := scan(c.path, c.body); len(got) > 0 {
			t.Errorf("%s: found %q, want nothing", c.name, got)
		}
	}
}

// No finding holds more than the first characters of what it found.
func TestValuesAreNotKept(t *testing.T) {
	for _, body := range []string{"DB_PASSWORD=hunter2xyz\n", "TOKEN=" + gh, "U=postgres://a:hunter2xyz@db/x"} {
		var s Scanner
		s.Start("/app/.env", []byte(body), int64(len(body)), nil)
		s.See([]byte(body), 0, len(body))
		found := s.Finish()
		if len(found) != 1 {
			t.Fatalf("%q: found %+v, want one", body, found)
		}
		if text := fmt.Sprintf("%+v", found); strings.Contains(text, "hunter2xyz") || strings.Contains(text, gh[:8]) {
			t.Errorf("%s tells the value", text)
		}
	}
}

func TestEveryRule(t *testing.T) {
	for _, r := range tokenRules() {
		if r.id == "" || r.what == "" || len(r.words) == 0 || r.find == nil || r.after == 0 {
			t.Errorf("rule %q is not whole", r.id)
		}
		for _, w := range r.words {
			if len(w) < 3 {
				t.Errorf("rule %s: the word %q has less than three bytes", r.id, w)
			}
		}
	}
	for _, r := range placeRules() {
		if r.value.get().NumSubexp() == 0 {
			t.Errorf("rule %s: its value has no group", r.id)
		}
	}
}

// Expressions are compiled when they are needed, so a wrong one would be seen late.
func TestPatternsCompile(t *testing.T) {
	all := []*pattern{connectionKey, expression, connectionUser, connectionHost, pemHeader, pemHidden, pemNote, puttyPrivate, keyStore, trustStore,
		looseName, codeName, codeFolder, wordsName, wordsFolder, templateName, templateFolder, copied, manual, lockFile,
		words, lowerWord, call, tag, annotation, attribute, reference, tested, identifier, listed, manager, escaped, digest, placeholder, formatVerb, exampleHost, localHost,
		forBrowsers, forBundles, sealed, exampleWord, strayLine, versioned}
	for _, l := range lookups {
		all = append(all, l.re)
	}
	for _, r := range placeRules() {
		all = append(all, r.path, r.value)
	}
	for _, p := range all {
		if p.get() == nil || p.first != "" && p.expression[0] != '^' {
			t.Errorf("%s: it begins with one of %q, and does not hold at the beginning alone", p.expression, p.first)
		}
	}
}

func TestPatternBegins(t *testing.T) {
	p := begins("ab", `^[ab]\d`)
	for text, want := range map[string]bool{"a1": true, "b2": true, "c1": false, "a": false, "": false} {
		if p.MatchString(text) != want || p.Match([]byte(text)) != want {
			t.Errorf("%q: want %t", text, want)
		}
	}
}
