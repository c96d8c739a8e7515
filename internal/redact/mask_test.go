package redact

import (
	"encoding/json"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/evidence"
)

// planted is a value that must not be left in what was masked.
const planted = "hunter2-planted"

// What must be found in a line of history, by the name under which it is told.
var secretLines = map[string]string{
	"ENV DB_PASSWORD=hunter2":                                                                 "DB_PASSWORD",
	"ENV A=1 POSTGRES_PASSWORD=postgres B=2":                                                  "POSTGRES_PASSWORD",
	"ENV SECRET_KEY=correct horse battery staple":                                             "SECRET_KEY",
	"ENV PGPASSWORD=123456":                                                                   "PGPASSWORD",
	`ENV dbPassword="it's me"`:                                                                "dbPassword",
	"ENV AWS_SECRET_ACCESS_KEY=kAj3/x9+abcdefghijkl":                                          "AWS_SECRET_ACCESS_KEY",
	"ENV KEYCLOAK_ADMIN_PASSWORD=hunter2":                                                     "KEYCLOAK_ADMIN_PASSWORD",
	"ENV VAULT_SECRET_ID=8c1f2e":                                                              "VAULT_SECRET_ID",
	"ENV REDIS_URL=redis://:hunter2@cache:6379/0":                                             "REDIS_URL",
	"ENV JAVA_OPTS=-Xmx1g -Dspring.datasource.password=hunter2":                               "spring.datasource.password",
	"ENV CONN=Server=db;User Id=sa;Password=hunter2;":                                         "Password",
	"ENV MOUNT_OPTS=vers=3,username=x,password=hunter2":                                       "password",
	"/bin/sh -c #(nop)  ENV DB_PASSWORD=hunter2":                                              "DB_PASSWORD",
	"/bin/sh -c #(nop) ARG A=1|DB_PASS=hunter2":                                               "DB_PASS",
	"ARG NPM_TOKEN=abcdef":                                                                    "NPM_TOKEN",
	"RUN |2 A=1 TOKEN=abc def /bin/sh -c make # buildkit":                                     "TOKEN",
	"|1 TOKEN=abc /bin/sh -c make":                                                            "TOKEN",
	"|2 A=1|TOKEN=abc /bin/sh -c make":                                                        "TOKEN",
	"RUN |1 TOKEN=abc /bin/bash -o pipefail -c make # buildkit":                               "TOKEN",
	"LABEL org.example.secret=hunter2":                                                        "org.example.secret",
	`CMD ["app" "--password=hunter2"]`:                                                        "--password",
	`ENTRYPOINT ["app","--api-key","hunter2"]`:                                                "--api-key",
	`CMD ["/bin/sh" "-c" "app --password hunter2"]`:                                           "--password",
	`HEALTHCHECK &{["CMD-SHELL" "curl -u a:hunter2 http://localhost/"] "30s"}`:                "curl -u",
	"HEALTHCHECK {Test:[CMD-SHELL curl --user a:hunter2 http://localhost/] Interval:30s}":     "curl --user",
	"ONBUILD ENV DB_PASSWORD hunter2":                                                         "DB_PASSWORD",
	"ONBUILD RUN mysql -p hunter2":                                                            "mysql -p",
	"RUN /bin/sh -c export API_KEY=hunter2 && make # buildkit":                                "API_KEY",
	"RUN /bin/sh -c mysql -u root -p hunter2 -e 'show tables' # buildkit":                     "mysql -p",
	"RUN /bin/sh -c mysqldump -phunter2 shop > dump.sql":                                      "mysqldump -p",
	"RUN /bin/sh -c sshpass -p hunter2 scp x y":                                               "sshpass -p",
	"RUN /bin/sh -c redis-cli -a hunter2 ping":                                                "redis-cli -a",
	"RUN /bin/sh -c docker login -u me -p hunter2 registry.example":                           "docker -p",
	"RUN /bin/sh -c wget --password=hunter2 http://x/y":                                       "--password",
	"RUN /bin/sh -c wget --password hunter2 http://x/y":                                       "--password",
	`RUN /bin/sh -c curl -H "Authorization: Bearer abc.def" https://x`:                        "",
	`RUN /bin/sh -c curl -H 'X-Api-Key: abcdef' https://x`:                                    "X-Api-Key",
	"RUN /bin/sh -c curl https://x/y?token=abcdef":                                            "token",
	"RUN /bin/sh -c git clone https://oauth2:abcdef@git.example/x":                            "",
	"RUN /bin/sh -c npm config set //registry.npmjs.org/:_authToken=abcdef":                   "_authToken",
	"RUN /bin/sh -c echo '//registry.npmjs.org/:_authToken=abcdef' > .npmrc":                  "_authToken",
	`RUN /bin/sh -c echo "DB_PASSWORD=hunter2" >> .env`:                                       "DB_PASSWORD",
	`RUN /bin/sh -c echo '{"user":"a","password":"hunter2"}' > c.json`:                        "password",
	`RUN /bin/sh -c echo "password: hunter2" > c.yaml`:                                        "password",
	`RUN /bin/sh -c printf "[db]\npassword = hunter2\n" > c.ini`:                              "password",
	`RUN /bin/sh -c echo "machine x login me password hunter2" > ~/.netrc`:                    "",
	"RUN /bin/sh -c echo 'root:hunter2' | chpasswd":                                           "",
	`RUN /bin/sh -c psql -c "ALTER USER shop WITH PASSWORD 'hunter2'"`:                        "",
	"RUN /bin/sh -c sed -i 's/^DB_PASSWORD=.*/DB_PASSWORD=hunter2/' .env":                     "DB_PASSWORD",
	"RUN /bin/sh -c keytool -import -storepass hunter2 -file ca":                              "-storepass",
	"RUN /bin/sh -c openssl rsa -passin pass:hunter2 -in key.pem":                             "-passin",
	"RUN /bin/sh -c make TOKEN=${TOKEN:-hunter2}":                                             "TOKEN",
	"RUN /bin/sh -c PASSWORD='p@$$w0rd' ./setup.sh":                                           "PASSWORD",
	"RUN /bin/sh -c htpasswd -bc /etc/nginx/.htpasswd admin hunter2 # buildkit":               "",
	"RUN /bin/sh -c htpasswd -nbB admin hunter2 > /x":                                         "",
	"RUN /bin/sh -c aws configure set aws_secret_access_key abcdef/x":                         "aws_secret_access_key",
	"RUN /bin/sh -c npm config set //registry.npmjs.org/:_authToken abcdef":                   "//registry.npmjs.org/:_authToken",
	"RUN /bin/sh -c echo hunter2 | docker login -u me --password-stdin":                       "",
	"RUN /bin/sh -c pip install --extra-index-url https://user:hunter2@pypi.example/simple p": "",
	"ONBUILD RUN curl -H \"Authorization: Bearer abcdef\" https://x":                          "",
	"RUN /bin/sh -c useradd -p hunter2hash app":                                               "useradd -p",
	"RUN /bin/sh -c echo -----BEGIN RSA PRIVATE KEY-----MIIEow":                               "",
	"COPY --chown=1 x y AKIAABCDEFGHIJKLMNOP":                                                 "",
	"ADD https://me:hunter2@files.example/x /x":                                               "",
}

// What must not be taken for a secret.
var harmlessLines = []string{
	"ENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305",
	"ENV KEYCLOAK_VERSION=24.0 MONKEY=george COMPASS=north BYPASS=1",
	"ENV ACCESS_LOG=/dev/stdout ACCESS_LOG_FORMAT=combined",
	"ENV PASSWORD_MIN_LENGTH=8 ACCESS_TOKEN_EXPIRE_MINUTES=30 MAX_TOKENS=4096 TOKEN_TTL=1h",
	"ENV TOKENIZERS_PARALLELISM=false",
	"ENV DB_PASSWORD= SECRET_KEY=\"\" TOKEN=''",
	"ENV DB_PASSWORD=$DB_PASSWORD API_KEY=${API_KEY} X_TOKEN=${X_TOKEN:-} Y_TOKEN=${Y:?missing}",
	"ENV DB_PASSWORD=changeme SECRET_KEY=<your-secret> API_KEY=your_api_key_here TOKEN=xxxx PASSWORD=******",
	"ENV ALLOW_EMPTY_PASSWORD=yes MYSQL_RANDOM_ROOT_PASSWORD=1",
	"ENV DB_PASSWORD_FILE=/run/secrets/db TOKEN_PATH=/var/run/token PASSWORD=/run/secrets/pw",
	"ENV TOKEN_URL=https://auth.example/token SECRET_NAME=shop-api PULL_SECRET=regcred",
	"ENV NEXT_PUBLIC_API_KEY=pk123456 JWT_PUBLIC_KEY=abcdefgh",
	"ENV PWD=/app OLDPWD=/ PASSWORD_HASHER=argon2 AUTH_TOKEN_HEADER=X-Token CLIENT_AUTH_METHOD=client_secret_post",
	"ENV AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	"ENV SECRET_KEY_BASE_DUMMY=1 EOS_TOKEN=</s> PAD_TOKEN=[PAD]",
	"ENV DB_PASSWORD=arn:aws:secretsmanager:eu-west-1:1:secret:x API_KEY=op://vault/item/key",
	"ENV SENTRY_DSN=https://abcdef@sentry.example/1 PROXY=http://user@proxy:3128",
	"ENV NGINX_VERSION=1.27.0 PKG_RELEASE=1~bookworm NJS_VERSION=0.8.4 PYTHON_SHA256=c909157bb25ec114e5869124cc2a9c4a4d4c1e957ca4ff553f1edc692101154e",
	"ENV RABBITMQ_PGP_KEY_ID=0x0A9AF2115F4687BD29803A206B73075E379CE0B6",
	"ENV MONKEY=abc TURKEY=1 HOTKEY=ctrl+c PRIMARY_KEY=id SORT_KEY=name CACHE_KEY_PREFIX=app PARTITION_KEY=tenant access.log=1",
	"ENV PASSWORD_HASHERS=argon2 REQUIRE_PASSWORD=true PASSWORDLESS=1 PASSTHROUGH=x PASSENGER_VERSION=6",
	"RUN /bin/sh -c apk add libcrypto3=3.1.4-r1 openssl=3 # buildkit",
	"RUN /bin/sh -c useradd -u 1001 -p '!' app && usermod -p '*' root",
	"RUN /bin/sh -c for key in 6A010C5166006599AA17F08146C2130DFD2497F5 ; do gpg --batch --recv-keys \"$key\" ; done",
	"RUN /bin/sh -c NGINX_GPGKEYS=\"573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62\"; NGINX_GPGKEY_PATH=/etc/apt/keyrings/nginx.gpg",
	"RUN /bin/sh -c TOKEN=$(cat /run/secrets/pip) pip install --index-url https://__token__:${TOKEN}@pypi.example/simple x # buildkit",
	"RUN /bin/sh -c echo \"$TOKEN\" | docker login -u me --password-stdin && cat /run/secrets/t | docker login --password-stdin",
	"RUN /bin/sh -c aws configure set region eu-west-1 && npm config set fund false && npm config set cafile /x.pem",
	"RUN /bin/sh -c htpasswd -c /etc/nginx/.htpasswd admin && htpasswd -bc /x admin \"$PW\"",
	"ARG TOKEN", "ARG GITHUB_TOKEN=", "ARG PASSWORD=${OTHER}",
	"RUN |1 TOKEN= /bin/sh -c make # buildkit",
	"RUN |2 VERSION=1.2.3 PASSWORD_MIN_LENGTH=8 /bin/sh -c make # buildkit",
	"RUN /bin/sh -c createuser --no-password shop",
	"RUN /bin/sh -c adduser --disabled-password --gecos '' app && passwd -d root && passwd -l app",
	"RUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci",
	"RUN --mount=type=secret,id=token,target=/run/secrets/token cat /run/secrets/token",
	"RUN /bin/sh -c curl -H \"Authorization: Bearer $TOKEN\" https://x && curl -H \"Authorization: Bearer $(cat /run/secrets/t)\" https://x",
	"RUN /bin/sh -c curl -u \"$USER:$PASS\" https://x",
	"RUN /bin/sh -c git clone https://x-access-token:${GH_TOKEN}@github.com/x/y && git config credential.helper store",
	"RUN /bin/sh -c docker login -u me --password-stdin registry.example",
	"RUN /bin/sh -c mysql -u root -p\"$MYSQL_ROOT_PASSWORD\" -e 'select 1'",
	"RUN /bin/sh -c mkdir -p /app/token && cp -p a b && read -p password x",
	"RUN /bin/sh -c if [ -z \"$TOKEN\" ] || [ \"$PASSWORD\" = \"x\" ]; then exit 1; fi",
	"RUN /bin/sh -c token=$(curl -s \"https://auth.docker.io/token?service=registry.docker.io&scope=repository:x:pull\" | jq -r .token)",
	"RUN /bin/sh -c PASSWORD=`cat x` API_KEY=\"$(cat y)\" make",
	"RUN /bin/sh -c grep -q 'password=' file; awk -F'token=' '{print $2}' file",
	"RUN /bin/sh -c sed -ri 's/^#?PasswordAuthentication\\s+.*/PasswordAuthentication no/' /etc/ssh/sshd_config",
	"RUN /bin/sh -c sed -i 's/SECRET_KEY=.*/SECRET_KEY=$NEW/' .env",
	"RUN /bin/sh -c apt-get install -y libsecret-1-0=0.20.5-3 pass=1.7.4-6 && pip install token-bucket==0.3.0",
	"RUN /bin/sh -c apk add --no-cache --virtual .build-deps libsecret-dev",
	"RUN /bin/sh -c set -eux; export GNUPGHOME=\"$(mktemp -d)\"; gpg --batch --keyserver hkps://keys.openpgp.org --recv-keys \"$GPG_KEY\"; gpgconf --kill all",
	"RUN /bin/sh -c key='BCA4 3417 C3B4 85DD 128E C6D4 B7B3 B788 A8D3 785C'; gpg --recv-keys \"$key\"",
	"RUN /bin/sh -c openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -passout env:PW",
	"RUN /bin/sh -c python -c 'import secrets; print(secrets.token_hex())' && SECRET_KEY=dummy ./manage.py collectstatic",
	"RUN /bin/sh -c echo \"usage: app --password PASSWORD\"",
	"RUN /bin/sh -c echo 'Password: ' && printf 'postgres://%s:%s@%s' \"$U\" \"$P\" \"$H\"",
	"COPY secret.txt password /app/ # buildkit",
	"COPY --from=builder /app/token.go /app/ # buildkit",
	"WORKDIR /password=hunter",
	"CMD [\"uvicorn\" \"app:app\" \"--host\" \"0.0.0.0\" \"--timeout-graceful-shutdown\" \"30\"]",
	"CMD [\"app\" \"--token-file\" \"/run/secrets/token\"]",
	"HEALTHCHECK &{[\"CMD\" \"curl\" \"-f\" \"http://localhost:8000/api/v1/health\"] \"30s\" \"3s\" \"0s\" '\\x03'}",
	"LABEL org.opencontainers.image.title=token service org.opencontainers.image.description=It keeps passwords secret",
	"LABEL org.opencontainers.image.url=https://example.com/secret",
	`RUN /bin/sh -c printf '#!/bin/sh\nexec pg_dump --no-password "$@"\n' > /usr/local/bin/backup && chmod 755 /usr/local/bin/backup # buildkit`,
	"ENV SHUTDOWN_TIMEOUT=30s CGO_ENABLED=0 GOFLAGS=-trimpath GOTOOLCHAIN=local",
	"ENV PATH=/app/.venv/bin:/usr/bin PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8",
	`HEALTHCHECK &{["CMD" "python" "-c" "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/api/v1/health', timeout=3)"] "10s" "5s" "30s" "0s" '\x03'}`,
	"bazel build //base:static_root_amd64_debian12",
	"EXPOSE map[8000/tcp:{}]", "USER 1001:1001", "VOLUME [/var/lib/postgresql/data]", "SHELL [/bin/bash -o pipefail -c]", "",
}

func TestSecretLines(t *testing.T) {
	for text, name := range secretLines {
		found := InHistory(text)
		if len(found) != 1 || found[0].Name != name {
			t.Errorf("%s\n\tfound %+v, want one named %q", text, found, name)
		}
		masked := History(text)
		for _, value := range []string{"hunter2", "abcdef", "123456"} {
			if strings.Contains(text, value) && strings.Contains(masked, value) {
				t.Errorf("%s\n\tmasked: %s", text, masked)
			}
		}
	}
	for _, text := range harmlessLines {
		if found := InHistory(text); len(found) != 0 {
			t.Errorf("%s\n\tfalse alarm: %+v %q", text, found, found[0].Of(text))
		}
	}
}

// TestShapes has each kind of token, in a form that only looks like one.
func TestShapes(t *testing.T) {
	a := func(n int) string { return strings.Repeat("aB3", n/3+1)[:n] }
	for text, shape := range map[string]string{
		"github_pat_" + a(30): "GitHub-token",
		"glpat-" + a(20):      "GitLab-token",
		"xoxb-" + a(20):       "Slack-token",
		"https://hooks.slack.com/services/T000/B000/" + a(24): "Slack-webhook",
		"sk_live_" + a(24): "Stripe-key",
		"npm_" + a(36):     "npm-token",
		"AIza" + a(35):     "Google-API-key",
		"sk-ant-" + a(30):  "model-API-key",
		"eyJ" + a(10) + ".eyJ" + a(10) + "." + a(10):                  "JWT",
		"dckr_pat_" + a(24):                                           "Docker-Hub-token",
		"-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----": "private-key",
	} {
		raw := "COPY " + text + " /x"
		found := InHistory(raw)
		if len(found) != 1 || found[0].Shape != shape {
			t.Errorf("%s: %+v, want %s", text, found, shape)
		}
	}
}

func TestMaskLeavesTheRawEvidenceAlone(t *testing.T) {
	img := evidence.Image{
		Config:  evidence.ImageConfig{Labels: map[string]string{"token": planted}, Env: []string{"TOKEN=" + planted}},
		History: []evidence.History{{CreatedBy: "ENV TOKEN=" + planted}},
		Entry:   []evidence.EntryFile{{LastCommand: "app --password " + planted}},
	}
	if masked := Image(img); strings.Contains(masked.Entry[0].LastCommand, planted) {
		t.Error("a script's last command is not masked")
	}
	if !strings.HasSuffix(img.Entry[0].LastCommand, planted) ||
		img.Config.Labels["token"] != planted || img.Config.Env[0] != "TOKEN="+planted || img.History[0].CreatedBy != "ENV TOKEN="+planted {
		t.Error("masking changed what it was given")
	}
}

func TestMaskBuild(t *testing.T) {
	b := Build(evidence.Build{Error: "--password " + planted, Log: []string{"TOKEN=" + planted}, Steps: []evidence.BuildStep{
		{Name: "[b 1/2] RUN mysql -p" + planted, Instruction: "RUN mysql -p" + planted, Error: "password=" + planted}},
		Instructions: []evidence.Instruction{{Text: "ENV TOKEN=" + planted}}, Source: []string{"  3 | >>> ENV TOKEN=" + planted}})
	steps := []evidence.BuildStep{{Name: "ENV TOKEN=" + planted}}
	r := Rebuild(evidence.Rebuild{Error: "--password " + planted, Steps: steps, Alone: []evidence.Rebuild{{Steps: steps}}})
	x := Reproduction(evidence.Reproduction{Error: "--password " + planted, Log: []string{"TOKEN=" + planted}, Layers: []evidence.LayerPair{{CreatedBy: "ENV TOKEN=" + planted}}})
	if kept, _ := json.Marshal([]any{b, r, x}); strings.Contains(string(kept), planted) {
		t.Errorf("%s", kept)
	}
}

// FuzzMask demands of any text that masking twice is masking once, and that what is found
// in the masked text is what the masks say.
func FuzzMask(f *testing.F) {
	for text := range secretLines {
		f.Add(text)
	}
	for _, text := range harmlessLines {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range []func(string) string{History, maskPair, Text} {
			once := m(text)
			if twice := m(once); twice != once {
				t.Errorf("%q\nonce  %q\ntwice %q", text, once, twice)
			}
		}
		for _, s := range InHistory(History(text)) {
			if s.Start < 0 || s.End > len(History(text)) || s.Start >= s.End {
				t.Errorf("%q: span %d-%d", text, s.Start, s.End)
			}
		}
	})
}
