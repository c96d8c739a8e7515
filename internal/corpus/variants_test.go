package corpus

import (
	"archive/zip"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
)

// Other spellings, languages and places of kinds that the other lists have.

const planKey = "r8Kq2ZvX0pLw7TnY4sBd6HgJ1mFc3Qa5"

// derKey is a private key in DER, of a seed that is always the same.
func derKey() string {
	b, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed([]byte(random(79, ed25519.SeedSize, alnum))))
	if err != nil {
		panic(err)
	}
	return string(b)
}

var variants = []specimen{
	{planted: "a key in Go that is no settings", fails: []string{layers}, at: []string{"/app/auth.go:2"}, plant: holds("app/auth.go", with("package auth\nconst apiSecret = \"", planKey, "\"\n"))},
	{planted: "a key in Java", fails: []string{layers}, plant: holds("app/Auth.java", with("  private static final String SECRET_KEY = \"", planKey, "\";\n"))},
	{planted: "a password in Python that is no settings", fails: []string{layers}, plant: holds("app/mail.py", with("smtp_password = '", "Vq7Zr2Xw9Kp4", "'\n"))},
	{planted: "a token in PowerShell, in UTF-16", fails: []string{layers}, plant: inWide("app/run.ps1", true, false, with("$env:API_TOKEN = \"", planKey, "\"\r\n"))},
	{planted: "a short text in UTF-16 without a mark", fails: []string{layers}, plant: inWide("app/prod.ini", false, false, with("DB_PASSWORD=", "Vq7Zr2Xw9Kp4", "\n"))},
	{planted: "a default in Go, by cmp.Or", fails: []string{layers}, at: []string{"JWT_SECRET"}, plant: holds("app/main.go", with("s := cmp.Or(os.Getenv(\"JWT_SECRET\"), \"", "Vq7-Zr2-Xw9k", "\")\n"))},
	{planted: "a default in Go, by a function", fails: []string{layers}, plant: holds("app/main.go", with("s := envOr(\"JWT_SECRET\", \"", "Vq7-Zr2-Xw9k", "\")\n"))},
	{planted: "a default in Go, by Viper", fails: []string{layers}, plant: holds("app/main.go", with("viper.SetDefault(\"jwt.secret\", \"", "Vq7-Zr2-Xw9k", "\")\n"))},
	{planted: "a default in Java, by getOrDefault", fails: []string{layers}, plant: holds("app/Main.java", with("System.getenv().getOrDefault(\"JWT_SECRET\", \"", "Vq7-Zr2-Xw9k", "\");\n"))},
	{planted: "a default in Java, by Optional", fails: []string{layers}, plant: holds("app/Main.java", with("Optional.ofNullable(System.getenv(\"JWT_SECRET\")).orElse(\"", "Vq7-Zr2-Xw9k", "\");\n"))},
	{planted: "a default in Scala", fails: []string{layers}, plant: holds("app/Main.scala", with("sys.env.getOrElse(\"JWT_SECRET\", \"", "Vq7-Zr2-Xw9k", "\")\n"))},
	{planted: "a default in C#", fails: []string{layers}, plant: holds("app/Startup.cs", with("var s = builder.Configuration[\"Jwt:Secret\"] ?? \"", "Vq7-Zr2-Xw9k", "\";\n"))},
	{planted: "a default in Python, by a name for the environment", fails: []string{layers}, plant: holds("app/main.py", with("s = env.get(\"JWT_SECRET\", \"", "Vq7-Zr2-Xw9k", "\")\n"))},
	{planted: "dotnet nuget add source -p", fails: []string{history}, plant: ran("dotnet nuget add source https://nuget.acme.io/x -u ci -p ", "a51be2c7d09f", " --store-password-in-clear-text")},
	{planted: "ssh-keygen -N", fails: []string{history}, plant: ran("ssh-keygen -t rsa -f /k -N ", "Tr0ub4dor-x9", "")},
	{planted: "wandb login", fails: []string{history}, plant: ran("wandb login ", "a51be2c7d09f5544", "")},
	{planted: "chpasswd with a string", fails: []string{history}, plant: ran("chpasswd <<< root:", "Tr0ub4dor-x9", "")},
	{planted: "a password for Redis, written to its settings", fails: []string{history}, plant: ran("echo 'requirepass ", "Tr0ub4dor-x9", "' >> /etc/redis.conf")},
	{planted: "a password for Ansible, written to a file", fails: []string{history}, plant: ran("echo ", "Tr0ub4dor-x9", " > /root/.vault_pass")},
	{planted: "a channel of conda with its token", fails: []string{history}, plant: ran("conda config --add channels https://conda.anaconda.org/t/", "a51be2c7d09f55447711", "/acme")},
	{planted: "xvfb-run as the first process", fails: []string{signal}, at: []string{"xvfb-run"}, plant: func(r *recipe) {
		r.run("install xvfb", exe("usr/bin/xvfb-run", elf))
		r.exec("xvfb-run", "-a", "python", "main.py")
	}},
	{planted: "a start script with the line ends of Windows", fails: []string{machine}, at: []string{"/entrypoint.sh", "carriage return"}, plant: starting("#!/bin/sh\r\nexec python main.py\r\n")},
	{planted: "NODE_ENV=test", fails: []string{devs}, at: []string{"tests"}, plant: sets("NODE_ENV", "test")},
	{planted: "FLASK_RUN_RELOAD=1", fails: []string{devs}, plant: sets("FLASK_RUN_RELOAD", "1")},
	{planted: "quarkus dev", fails: []string{devs}, plant: installed("quarkus", "dev")},
	{planted: "node ace serve --watch", fails: []string{devs}, plant: func(r *recipe) {
		r.run("install node", exe("usr/local/bin/node", elf))
		r.exec("node", "ace", "serve", "--watch")
	}},
	{planted: "ODBC's braces around a password, in JSON", fails: []string{layers}, plant: holds("app/conn.json", with("{\"cs\":\"Driver={ODBC Driver 18 for SQL Server};Server=db;Uid=app;Pwd={", "Vq7zR2xw9Kp4", "}\"}"))},
	{planted: "a login as arguments in PHP", fails: []string{layers}, plant: holds("app/src/Db.php", with("<?php\n$pdo = new PDO('mysql:host=db;dbname=shop', 'shop', '", "Vq7zR2xw9Kp4", "');\n"))},
	{planted: "a login as arguments in Java", fails: []string{layers}, plant: holds("app/src/Db.java", with("DriverManager.getConnection(\"jdbc:postgresql://db/shop\", \"shop\", \"", "Vq7zR2xw9Kp4", "\");\n"))},
	{planted: "a password in SQL", fails: []string{layers}, plant: holds("docker-entrypoint-initdb.d/init.sql", with("CREATE USER shop WITH PASSWORD '", "Vq7zR2xw9Kp4", "';\n"))},
	{planted: "a password in the history of psql", fails: []string{layers}, plant: holds("root/.psql_history", with("ALTER USER shop WITH PASSWORD '", "Vq7zR2xw9Kp4", "';\n"))},
	{planted: "a token in the history of zsh", fails: []string{layers}, plant: holds("root/.zsh_history", with(": 1700000000:0;export API_TOKEN=", planKey, "\n"))},
	{planted: "a password in a line of cron", fails: []string{layers}, plant: holds("etc/cron.d/backup", with("0 1 * * * root PGPASSWORD=", "Vq7zR2xw9Kp4", " pg_dump -h db shop\n"))},
	{planted: "a pull secret of Kubernetes", fails: []string{layers}, plant: holds("app/k8s/pull.yaml", with("data:\n  .dockerconfigjson: ", base64.StdEncoding.EncodeToString([]byte(`{"auths":{"r.acme.io":{"auth":"Y2k6OWMxYjc3YWE0MQ=="}}}`)), "\n"))},
	{planted: "a private key as JWK", fails: []string{layers}, plant: holds("app/jwks.json", with(`{"keys":[{"kty":"EC","crv":"P-256","d":"`, random(75, 43, alnum), `"}]}`))},
	{planted: "a private key in DER", fails: []string{layers}, plant: holds("app/server.key", func(*recipe) string { return derKey() })},
	{planted: "a zip file behind a script, as PEX makes it", fails: []string{layers}, plant: holds("app/shop.pex", func(r *recipe) string {
		return "#!/usr/bin/env python3\n" + zipped(r, zip.Deflate, text("shop/settings.py", "DB_PASSWORD = '"+r.secret("Vq7zR2xw9Kp4")+"'\n"))
	})},
	{planted: "a bearer token in settings of nginx", fails: []string{layers}, plant: holds("etc/nginx/conf.d/api.conf", with("proxy_set_header Authorization \"Bearer ", planKey, "\";\n"))},
	{planted: "a login in a header of code", fails: []string{layers}, plant: holds("app/client.py", with("headers = {'Authorization': 'Basic ", base64.StdEncoding.EncodeToString([]byte("ci:Vq7zR2xw9Kp4")), "'}\n"))},
	{planted: "a default in Go, by an if", fails: []string{layers}, at: []string{"JWT_SECRET"}, plant: holds("app/main.go", with("s := os.Getenv(\"JWT_SECRET\")\nif s == \"\" {\n\ts = \"", "Vq7-Zr2-Xw9k", "\"\n}\n"))},
	{planted: "a default in Go, by a tag", fails: []string{layers}, plant: holds("app/main.go", with("Secret string `env:\"JWT_SECRET\" envDefault:\"", "Vq7-Zr2-Xw9k", "\"`\n"))},
	{planted: "a default in JavaScript, by Joi", fails: []string{layers}, plant: holds("app/env.js", with("JWT_SECRET: Joi.string().default('", "Vq7-Zr2-Xw9k", "'),\n"))},
	{planted: "a default in PHP, by $_SERVER", fails: []string{layers}, plant: holds("app/jwt.php", with("<?php $s = $_SERVER['JWT_SECRET'] ?? '", "Vq7-Zr2-Xw9k", "';\n"))},
	{planted: "a default in Java, by a condition", fails: []string{layers}, plant: holds("app/Main.java", with("String s = System.getenv(\"JWT_SECRET\") != null ? System.getenv(\"JWT_SECRET\") : \"", "Vq7-Zr2-Xw9k", "\";\n"))},
	{planted: "a default in Java, by a property", fails: []string{layers}, plant: holds("app/Main.java", with("String s = System.getProperty(\"jwt.secret\", \"", "Vq7-Zr2-Xw9k", "\");\n"))},
	{planted: "a default in C#, by GetValue", fails: []string{layers}, plant: holds("app/Startup.cs", with("var s = config.GetValue<string>(\"Jwt:Secret\", \"", "Vq7-Zr2-Xw9k", "\");\n"))},
	{planted: "a default in Perl", fails: []string{layers}, plant: holds("app/main.pl", with("my $s = $ENV{JWT_SECRET} // \"", "Vq7-Zr2-Xw9k", "\";\n"))},
	{planted: "a default in Python, by SecretStr", fails: []string{layers}, plant: holds("app/core/x.py", with("class S(BaseSettings):\n    jwt_secret: SecretStr = SecretStr(\"", "Vq7-Zr2-Xw9k", "\")\n"))},
	{planted: "a default in Python, by click", fails: []string{layers}, plant: holds("app/cli.py", with("@click.option(\"--token\", envvar=\"API_TOKEN\", default=\"", "Vq7-Zr2-Xw9k", "\")\n"))},
	{planted: "a default of Micronaut", fails: []string{layers}, plant: holds("app/application.yml", with("jwt:\n  secret: ${JWT_SECRET:`", "Vq7-Zr2-Xw9k", "`}\n"))},
	{planted: "a default in YAML of Rails", fails: []string{layers}, plant: holds("app/config/database.yml", with("production:\n  password: <%= ENV[\"DB_PASSWORD\"] || \"", "Vq7-Zr2-Xw9k", "\" %>\n"))},
	{planted: "an API key of Artifactory in a header", fails: []string{history}, plant: ran("curl -H 'X-JFrog-Art-Api:", "a51be2c7d09f5544", "' -O https://r.acme.io/x")},
	{planted: "a token in an option with one dash", fails: []string{history}, plant: ran("consul kv get -token=", "a51be2c7d09f5544", " x")},
	{planted: "a property of Gradle", fails: []string{history}, plant: ran("gradle build -PnexusPassword=", "a51be2c7d09f5544", "")},
	{planted: "the token of SonarQube", fails: []string{history}, plant: ran("sonar-scanner -Dsonar.login=", "a51be2c7d09f5544", "")},
	{planted: "a block of HCL, written to a file", fails: []string{history}, plant: ran(`echo 'credentials "app.terraform.io" { token = "`, "a51be2c7d09f5544", `" }' > ~/.terraformrc`)},
	{planted: "SSHPASS", fails: []string{history}, plant: ran("SSHPASS=", "a51be2c7d09f5544", " sshpass -e ssh ci@acme.io")},
	{planted: "dotnet nuget push -k", fails: []string{history}, plant: ran("dotnet nuget push x.nupkg -k ", "a51be2c7d09f5544", "")},
	{planted: "samba-tool user create", fails: []string{history}, plant: ran("samba-tool user create app ", "a51be2c7d09f5544", "")},
	{planted: "cloudflared service install", fails: []string{history}, plant: ran("cloudflared service install ", "a51be2c7d09f5544", "")},
	{planted: "doctl auth init -t", fails: []string{history}, plant: ran("doctl auth init -t ", "a51be2c7d09f5544", "")},
	{planted: "the key store of Elasticsearch", fails: []string{history}, plant: ran("echo \"", "a51be2c7d09f5544", "\" | bin/elasticsearch-keystore add -x bootstrap.password")},
	{planted: "BASIC_AUTH", fails: []string{history}, plant: func(r *recipe) { r.env("BASIC_AUTH", "admin:"+r.secret("Vq7zR2xw")) }},
	{planted: "NPM_CONFIG__AUTH", fails: []string{history}, plant: func(r *recipe) { r.env("NPM_CONFIG__AUTH", r.secret("YTpWcTd6UjJ4dw==")) }},
	{planted: "the address of a Discord webhook", fails: []string{history}, plant: func(r *recipe) {
		r.env("ALERTS", "https://"+r.secret("discord.com/api/webhooks/123456789012345678/"+random(76, 68, alnum)))
	}},
	{planted: "NEW_RELIC_LICENSE_KEY", fails: []string{history}, plant: func(r *recipe) { r.env("NEW_RELIC_LICENSE_KEY", r.secret(random(77, 36, hex)+"NRAL")) }},
	{planted: "corepack as the first process", fails: []string{signal}, at: []string{"corepack"}, plant: installed("corepack", "pnpm", "start")},
	{planted: "service as the first process", fails: []string{signal}, at: []string{"service"}, plant: installed("service", "nginx", "start")},
	{planted: "nginx-debug without STOPSIGNAL", fails: []string{signal}, plant: installed("nginx-debug", "-g", "daemon off;")},
	{planted: "STOPSIGNAL SIGQUIT for gunicorn", fails: []string{signal}, at: []string{"quick shutdown"}, plant: func(r *recipe) {
		installed("gunicorn", "app:app")(r)
		r.config.StopSignal = "SIGQUIT"
	}},
	{planted: "a program of macOS", fails: []string{machine}, open: []string{signal}, at: []string{"darwin"}, plant: func(r *recipe) {
		r.copy("server /app", exe("app/server", "\xcf\xfa\xed\xfe\x0c\x00\x00\x01"))
		r.exec("/app/server")
	}},
	{planted: "remix vite:dev", fails: []string{devs}, plant: installed("remix", "vite:dev")},
	{planted: "php -d x=y -S", fails: []string{devs}, plant: installed("php", "-d", "memory_limit=1G", "-S", "0.0.0.0:80")},
	{planted: "WORDPRESS_DEBUG=1", fails: []string{devs}, plant: sets("WORDPRESS_DEBUG", "1")},
	{planted: "YII_ENV=dev", fails: []string{devs}, plant: sets("YII_ENV", "dev")},
	{planted: "JPDA_OPTS with a debugger", fails: []string{devs}, plant: sets("JPDA_OPTS", "-agentlib:jdwp=transport=dt_socket,server=y,address=8000")},
	{planted: "tests.py of an application of Django", fails: []string{leaks}, at: []string{"/app/shop/tests.py"}, plant: copies(text("app/shop/tests.py", "x"), text("app/shop/models.py", "x"))},
}

var harmlessVariants = []specimen{
	{planted: "SQL, logins and settings whose password is elsewhere", like: layers, plant: copies(
		text("app/init.sql", "CREATE USER shop WITH PASSWORD :'pw'; CREATE USER b PASSWORD '${PW}';\n-- ALTER USER x WITH PASSWORD 'Vq7zR2xw9Kp4';\n"),
		text("app/db.py", "q = \"ALTER USER %s WITH PASSWORD '%s'\"\nr = \"ALTER USER x WITH PASSWORD '\" + pw + \"'\"\nhelp = \"set the password 'Vq7zR2xw9Kp4'\"\n"),
		text("app/Db.php", "<?php $p = new PDO('mysql:host=db', $user, $password); $q = new PDO('mysql:host=localhost', 'root', 'root');\n"),
		text("app/Db.java", "DriverManager.getConnection(\"jdbc:postgresql://db/shop\", props);\n"),
		text("app/conn.json", "{\"cs\":\"Driver={ODBC};Server=db;Uid=app;Pwd={password}\"}"),
		text("etc/cron.d/backup", "PASSWORD_FILE=/run/secrets/pw\n0 1 * * * root PGPASSWORD=$DB_PASSWORD pg_dump\n"),
		text("app/k8s/pull.yaml", "data:\n  .dockerconfigjson: "+base64.StdEncoding.EncodeToString([]byte(`{"auths":{"r.acme.io":{}},"credsStore":"desktop"}`))+"\n"),
		text("etc/nginx/conf.d/api.conf", "proxy_set_header Authorization \"Bearer $token\";\nproxy_set_header Authorization \"Basic ${BASIC}\";\n"),
		text("app/client.py", "h = {'Authorization': 'Bearer ' + token}\nd = 'Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='\ne = 'Authorization: Basic dXNlcjpwYXNzd29yZA=='\nf = 'Authorization: Bearer eyJhbGciOi...'\n"),
		text("app/jwks.json", `{"keys":[{"kty":"RSA","e":"AQAB","n":"`+random(78, 342, alnum)+`","kid":"1"}]}`),
		text("app/main.go", "s := os.Getenv(\"JWT_SECRET\")\nif s == \"\" {\n\tlog.Fatal(\"JWT_SECRET is not set\")\n}\n"),
		text("app/m.pl", "my $s = $ENV{JWT_SECRET} // die 'JWT_SECRET is not set';\n"),
		text("app/config/database.yml", "production:\n  password: <%= ENV[\"DB_PASSWORD\"] %>\n"))},
	{planted: "names and values about secrets that are none", like: history, plant: func(r *recipe) {
		r.env("PASSWORD_RESET_TEMPLATE", "reset-mail.html")
		r.env("PROXY_AUTH", "true")
		r.run("APP_KEY=base64:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= php artisan config:cache && gradle -Pprofile=prod build && consul kv get -token=\"$TOKEN\" x && "+
			"[ \"$TOKEN\" = \"a51be2c7d09f5544\" ] || curl -H \"X-JFrog-Art-Api: $KEY\" https://r.acme.io && dotnet nuget push -k \"$K\" x", text("app/x", ""))
	}},
	{planted: "php -d x=y without a server", like: devs, plant: func(r *recipe) {
		r.copy(". .", text("app/a.php", "x"))
		installed("php", "-d", "memory_limit=1G", "a.php")(r)
	}},
	{planted: "names of secrets in code with values that nobody made by chance", like: layers, plant: copies(
		text("app/auth.go", "const apiSecret = \"shop-api-secret-v2\"\nconst tokenKey = \"accessTokenForUser2FaLogin\"\nvar secretKey = \"urn:ietf:params:oauth:2.0:oob\"\nconst passwordLabel = \"Password1234567890\"\n"),
		text("app/tests_helper/x.py", "SECRET_KEY = os.environ['SECRET_KEY']\nTOKEN = 'com.acme.security.Token2Factory3Impl4'\n"),
		text("app/static/bundle.js", "var a=1;"+random(200, 500, alnum)+";search({apiKey:\""+planKey+"\"})\n"))},
	{planted: "keys that the tests of a program have", like: layers, plant: copies(text("opt/lib/shop/testdata/x.go", "const apiSecret = \""+planKey+"\"\n"), text("opt/lib/shop/demo/auth.go", "const apiSecret = \""+planKey+"\"\n"))},
	{planted: "defaults that are no secret", like: layers, plant: copies(
		text("app/main.go", "a := cmp.Or(os.Getenv(\"SECRET_NAME\"), \"shop-api\")\nviper.SetDefault(\"jwt.secret\", \"\")\nviper.SetDefault(\"token.ttl\", \"3600s\")\nb := envOr(\"API_KEY\", \"changeme\")\n"),
		text("app/Startup.cs", "var s = Configuration[\"Jwt:Secret\"] ?? throw new Exception(\"Jwt:Secret\");\n"))},
	{planted: "arguments of more programs that are no secrets", like: history, plant: func(r *recipe) {
		r.run("ssh-keygen -A && ssh-keygen -q -t rsa -f /k -N '' && dotnet nuget add source https://nuget.acme.io/x -n acme && wandb login && flyctl -t \"$FLY_TOKEN\" deploy && "+
			"chpasswd <<< \"root:$ROOT_PASSWORD\" && echo \"requirepass $REDIS_PASSWORD\" >> /etc/redis.conf && echo \"$P\" > /root/.vault_pass && conda config --add channels conda-forge", text("app/x", ""))
	}},
	{planted: "a script of Python with the line ends of Windows, behind its interpreter", like: machine, plant: func(r *recipe) {
		r.copy(". .", exe("app/serve.py", "#!/usr/bin/env python\r\nprint(1)\r\n"))
		r.exec("python", "serve.py")
	}},
	{planted: "RAILS_ENV=production", like: devs, plant: sets("RAILS_ENV", "production")},
}
