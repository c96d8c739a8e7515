package corpus

var secretsInHistory = []specimen{
	{planted: "ENV DB_PASSWORD=hunter2", fails: []string{history}, at: []string{"config Env", "ENV", "DB_PASSWORD"},
		plant: func(r *recipe) { r.env("DB_PASSWORD", r.secret("hunter2")) }},
	{planted: "ENV of a URL with a password", fails: []string{history}, at: []string{"DATABASE_URL", "password in a URL"},
		plant: func(r *recipe) { r.env("DATABASE_URL", "postgres://app:"+r.secret("s3cr3tpw")+"@db/app") }},
	{planted: "a variable that a later ENV empties", fails: []string{history}, at: []string{"history line", "API_TOKEN"},
		plant: func(r *recipe) {
			r.says("ENV API_TOKEN=" + r.secret("9f8a7c6d5e4b3a21"))
			r.env("API_TOKEN", "")
		}},
	{planted: "a build argument, as BuildKit writes it", fails: []string{history}, at: []string{"NPM_TOKEN", "layer 5"},
		plant: func(r *recipe) {
			r.steps = append(r.steps, step{by: "RUN |2 NODE_ENV=production NPM_TOKEN=" + r.secret("b7c1e09a55d24f10") + " /bin/sh -c npm ci # buildkit", layer: []file{text("app/x", "")}})
		}},
	{planted: "a build argument, as the classic builder writes it", fails: []string{history}, at: []string{"SECRET_KEY"},
		plant: func(r *recipe) {
			r.steps = append(r.steps, step{by: "|1 SECRET_KEY=" + r.secret("k3-00f1aa27") + " /bin/sh -c make", layer: []file{text("app/x", "")}})
		}},
	{planted: "a build argument, as Buildah writes it", fails: []string{history}, at: []string{"PIP_PASSWORD"},
		plant: func(r *recipe) {
			r.steps = append(r.steps, step{by: "|2 A=1|PIP_PASSWORD=" + r.secret("wombat-99") + " /bin/sh -c pip install x", layer: []file{text("app/x", "")}})
		}},
	{planted: "ENV, as the classic builder writes it", fails: []string{history}, at: []string{"AUTH_TOKEN"},
		plant: func(r *recipe) { r.says("/bin/sh -c #(nop)  ENV AUTH_TOKEN=" + r.secret("a51be2c7d09f")) }},
	{planted: "ARG with a value", fails: []string{history}, at: []string{"ARG", "ADMIN_PASSWORD"},
		plant: func(r *recipe) { r.says("ARG ADMIN_PASSWORD=" + r.secret("letmein-42")) }},
	{planted: "mysql -p PASSWORD in RUN", fails: []string{history}, at: []string{"mysql -p", "layer 5"},
		plant: func(r *recipe) {
			r.run("mysql -u root -p"+r.secret("r00tpw-7")+" -e 'create database app'", text("app/x", ""))
		}},
	{planted: "Authorization: Bearer in RUN", fails: []string{history}, at: []string{"Authorization"},
		plant: func(r *recipe) {
			r.run(`curl -H "Authorization: Bearer `+r.secret("q9w8e7r6t5y4")+`" https://files.acme.io/x -o /app/x`, text("app/x", ""))
		}},
	{planted: "a here-document of RUN", fails: []string{history}, at: []string{"password"},
		plant: func(r *recipe) {
			r.run("cat > /root/.x <<EOF\nuser = app\npassword = "+r.secret("zebra-1188")+"\nEOF\n", text("app/x", ""))
		}},
	{planted: "a token that tells itself, under a harmless name", fails: []string{history}, at: []string{"GitHub token", "UPSTREAM"},
		plant: func(r *recipe) { r.env("UPSTREAM", r.secret(githubToken())) }},
	{planted: "LABEL with a key", fails: []string{history}, at: []string{"config Labels"},
		plant: func(r *recipe) { r.label("io.acme.deploy-key-secret", r.secret("0a1b2c3d4e5f6a7b")) }},
	{planted: "CMD with --api-key", fails: []string{history}, at: []string{"config Cmd", "--api-key"},
		plant: func(r *recipe) { r.exec("python", "main.py", "--api-key", r.secret("77c0ffee00bada55")) }},
	{planted: "HEALTHCHECK with curl -u", fails: []string{history}, at: []string{"config Healthcheck", "curl -u"},
		plant: func(r *recipe) {
			r.healthcheck("CMD-SHELL", "curl -fu probe:"+r.secret("pr0be-pw1")+" http://localhost:8000/health")
		}},
	{planted: "ONBUILD ENV", fails: []string{history}, at: []string{"config OnBuild", "DEPLOY_TOKEN"},
		plant: func(r *recipe) {
			r.config.OnBuild = []string{"ENV DEPLOY_TOKEN=" + r.secret("5d41402abc4b2a76")}
		}},
	{planted: "Env alone, in an image without history", fails: []string{history}, at: []string{"config Env", "JWT_SECRET"},
		plant: func(r *recipe) { r.env("JWT_SECRET", r.secret("f00-b4r-b4z")); r.noHistory = true }},
	{planted: "a private key in ARG", fails: []string{history}, at: []string{"SSH_KEY"},
		plant: func(r *recipe) {
			key := pemOf("RSA PRIVATE KEY", 20)
			r.secret(keyLine(key))
			r.says("ARG SSH_KEY=" + key)
		}},
}

var harmlessHistory = []specimen{
	{planted: "GPG_KEY of every Python image", like: history,
		plant: func(r *recipe) { r.env("GPG_KEY", "7169605F62C751356D054A26A821E680E5FA6305") }},
	{planted: "KEYCLOAK_HOSTNAME", like: history, plant: func(r *recipe) { r.env("KEYCLOAK_HOSTNAME", "login.acme.io") }},
	{planted: "MONKEY", like: history, plant: func(r *recipe) { r.env("MONKEY", "capuchin-31") }},
	{planted: "ACCESS_LOG", like: history, plant: func(r *recipe) { r.env("ACCESS_LOG", "/dev/stdout") }},
	{planted: "COMPASS_BYPASS", like: history, plant: func(r *recipe) { r.env("COMPASS_BYPASS", "north-4711") }},
	{planted: "PASSWORD_MIN_LENGTH=8", like: history, plant: func(r *recipe) { r.env("PASSWORD_MIN_LENGTH", "8") }},
	{planted: "TOKENIZERS_PARALLELISM=false", like: history, plant: func(r *recipe) { r.env("TOKENIZERS_PARALLELISM", "false") }},
	{planted: "libcrypto3=3.1.4-r1 of apk add", like: history,
		plant: func(r *recipe) { r.run("apk add --no-cache libcrypto3=3.1.4-r1 secret-tool=0.20", text("app/x", "")) }},
	{planted: "--mount=type=secret", like: history,
		plant: func(r *recipe) {
			r.steps = append(r.steps, step{by: "RUN --mount=type=secret,id=npm_token,target=/root/.npmrc /bin/sh -c NPM_TOKEN=$(cat /run/secrets/npm_token) npm ci # buildkit", layer: []file{text("app/x", "")}})
		}},
	{planted: "$VAR references", like: history,
		plant: func(r *recipe) {
			r.run(`echo "//registry.acme.io/:_authToken=${NPM_TOKEN}" > ~/.npmrc && PGPASSWORD="$DB_PASSWORD" psql -c 'select 1'`, text("app/x", ""))
		}},
	{planted: "an empty password", like: history, plant: func(r *recipe) { r.env("DB_PASSWORD", "") }},
	{planted: "a placeholder", like: history, plant: func(r *recipe) { r.env("DB_PASSWORD", "changeme") }},
	{planted: "POSTGRES_PASSWORD_FILE", like: history,
		plant: func(r *recipe) { r.env("POSTGRES_PASSWORD_FILE", "/run/secrets/pg_password") }},
	{planted: "a URL without a password", like: history,
		plant: func(r *recipe) { r.env("TOKEN_URL", "https://login.acme.io/oauth2/token?grant_type=password") }},
	{planted: "digests of downloads", like: history,
		plant: func(r *recipe) { r.env("PYTHON_SHA256", random(30, 64, hex)) }},
	{planted: "a public key", like: history,
		plant: func(r *recipe) {
			r.env("JWT_PUBLIC_KEY", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"+random(31, 87, alnum)+"==")
		}},
	{planted: "AWS's documented example key", like: history,
		plant: func(r *recipe) { r.label("example", "AKIAIOSFODNN7EXAMPLE") }},
}
