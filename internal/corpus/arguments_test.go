package corpus

import "encoding/json"

// ran is an image with a RUN whose command has a secret in it.
func ran(before, value, after string) func(*recipe) {
	return func(r *recipe) { r.run(before+r.secret(value)+after, text("app/x", "")) }
}

// attested is an image with a statement of provenance beside it, in the version of the predicate.
func attested(old bool, args map[string]string) func(*recipe) {
	return func(r *recipe) {
		predicate := map[string]any{"buildDefinition": map[string]any{"externalParameters": map[string]any{"request": map[string]any{"args": args}}}}
		if old {
			predicate = map[string]any{"invocation": map[string]any{"parameters": map[string]any{"args": args}}}
		}
		b, err := json.Marshal(map[string]any{"_type": "https://in-toto.io/Statement/v0.1", "predicate": predicate})
		if err != nil {
			r.t.Fatal(err)
		}
		r.statements = append(r.statements, b)
	}
}

var secretsInArguments = []specimen{
	{planted: "mysqladmin password", fails: []string{history}, at: []string{"mysqladmin"}, plant: ran("service mysql start && mysqladmin -u root password ", "Tr0ub4dor-x9", "")},
	{planted: "rabbitmqctl add_user", fails: []string{history}, plant: ran("rabbitmqctl add_user shop ", "Tr0ub4dor-x9", " && rabbitmqctl set_user_tags shop administrator")},
	{planted: "openssl passwd", fails: []string{history}, plant: ran("useradd -p $(openssl passwd -1 ", "Tr0ub4dor-x9", ") app")},
	{planted: "composer config http-basic", fails: []string{history}, plant: ran("composer config --global http-basic.repo.acme.io ci ", "a51be2c7d09f", "")},
	{planted: "bundle config of a source", fails: []string{history}, plant: ran("bundle config set --global gems.acme.io ci:", "a51be2c7d09f", "")},
	{planted: "mc alias set", fails: []string{history}, plant: ran("mc alias set store https://s3.acme.io AKSHOP ", "a51be2c7d09f5544", "")},
	{planted: "poetry config of a token", fails: []string{history}, plant: ran("poetry config pypi-token.acme ", "a51be2c7d09f5544", "")},
	{planted: "redis-server --requirepass", fails: []string{history}, open: []string{signal}, plant: func(r *recipe) { r.exec("redis-server", "--requirepass", r.secret("Tr0ub4dor-x9")) }},
	{planted: "a password for passwd", fails: []string{history}, plant: ran("echo ", "Tr0ub4dor-x9", " | passwd --stdin root")},
	{planted: "cypher-shell -p", fails: []string{history}, plant: ran("cypher-shell -u neo4j -p ", "Tr0ub4dor-x9", " 'RETURN 1'")},
	{planted: "nuget sources add -Password", fails: []string{history}, plant: ran("nuget sources add -Name acme -Username ci -Password ", "a51be2c7d09f", "")},
	{planted: "a password before a build's step that nobody made up", fails: []string{history}, plant: ran("SECRET_KEY=", "k3-00f1aa27", " python manage.py collectstatic")},
	{planted: "a login before a build's step, for a host", fails: []string{history}, plant: ran("DATABASE_URL=postgres://shop:", "r00tpw-7", "@db.acme.io/shop npx prisma migrate deploy")},
	{planted: "Supabase's key for servers under a public name", fails: []string{history}, plant: func(r *recipe) { r.env("NEXT_PUBLIC_SUPABASE_KEY", r.secret(roleToken("service_role"))) }},
	{planted: "a password under a bundler's name", fails: []string{history}, plant: func(r *recipe) { r.env("VITE_DB_PASSWORD", r.secret("hunter2-4711")) }},
	{planted: "a secret in a build argument that the provenance has", fails: []string{history}, at: []string{"provenance attestation", "NPM_TOKEN"},
		plant: func(r *recipe) {
			attested(true, map[string]string{"build-arg:NPM_TOKEN": r.secret("b7c1e09a55d24f10")})(r)
		}},
	{planted: "the same in the first version of SLSA", fails: []string{history}, at: []string{"provenance attestation", "API_KEY"},
		plant: func(r *recipe) {
			attested(false, map[string]string{"build-arg:API_KEY": r.secret("b7c1e09a55d24f10")})(r)
		}},
	{planted: "a token in the address of the provenance's source", fails: []string{history}, plant: func(r *recipe) {
		attested(false, map[string]string{"context": "https://ci:" + r.secret("b7c1e09a55d24f10") + "@git.acme.io/shop.git"})(r)
	}},
}

var harmlessArguments = []specimen{
	{planted: "arguments of such programs that are no secrets", like: history, plant: func(r *recipe) {
		r.run("mysqladmin -u root password \"$MYSQL_ROOT_PASSWORD\" && mysqladmin ping && rabbitmqctl list_users && bundle config set --local without development:test && "+
			"composer config repo.acme vcs https://git.acme.io/x && vault login -method=oidc && cargo login && openssl passwd -help && mc alias list", text("app/x", ""))
	}},
	{planted: "logins that a build's step only needs to have", like: history, plant: func(r *recipe) {
		for _, url := range []string{"postgresql://user:password@localhost:5432/db", "postgres://postgres:postgres@localhost/postgres", "postgresql://dummy:dummy@localhost:5432/dummy",
			"postgres://x:x@localhost/x", "mysql2://user:pass@127.0.0.1/somedb", "postgresql://build:build@localhost:5432/build", "postgres://dummy:dummy@dummy/dummy"} {
			r.run("DATABASE_URL="+url+" npx prisma generate", text("app/x", ""))
		}
		r.says("ARG DATABASE_URL=postgres://user:password@localhost:5432/db")
	}},
	{planted: "keys that a build's step only needs to have", like: history, plant: func(r *recipe) {
		r.run("SECRET_KEY=dummy-key-for-build python manage.py collectstatic --noinput && DJANGO_SECRET_KEY=insecure ./manage.py compilemessages && SECRET_KEY_BASE=1 bin/rails assets:precompile && "+
			"JWT_SECRET=not-a-secret npm run build && SECRET_KEY=x make", text("app/x", ""))
	}},
	{planted: "keys for browsers", like: history, plant: func(r *recipe) {
		r.env("VITE_SUPABASE_ANON_KEY", roleToken("anon"))
		r.env("SUPABASE_API_KEY", roleToken("anon"))
		r.env("NEXT_PUBLIC_FIREBASE_API_KEY", "AIzaSy"+random(120, 33, alnum))
		r.env("REACT_APP_FIREBASE_API_KEY", "AIzaSy"+random(121, 33, alnum))
		r.env("VITE_MAPBOX_TOKEN", "pk.eyJ1Ijoic2hvcCJ9."+random(122, 22, alnum))
		r.env("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", "pk_live_"+random(123, 24, alnum))
	}},
	{planted: "encrypted values in the environment", like: history, plant: func(r *recipe) { r.env("DB_PASSWORD", "ENC(dl1Gc7BEZ8nmKaCFoJeBycZlQgLOGJASWvanSxNNvScx)") }},
	{planted: "names that speak of where a secret is", like: history, plant: func(r *recipe) {
		r.env("AWS_SECRETS_MANAGER_REGION", "eu-west-1")
		r.env("DB_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-db-AbCdEf")
		r.env("AWS_SECRETS_MANAGER_SECRET_ID", "shop/production/db")
		r.env("AUTH_TOKEN_DOMAIN", "login.acme.io")
		r.env("AUTH_COOKIE_SECURE", "true")
		r.env("SECRETS_ENGINE", "kv-v2")
	}},
	{planted: "the provenance of a build without a secret", like: history, plant: attested(true, map[string]string{"build-arg:VERSION": "1.2.3", "build-arg:NPM_TOKEN": "", "label:org.opencontainers.image.source": "https://git.acme.io/shop", "filename": "Dockerfile"})},
}
