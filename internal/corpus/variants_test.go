package corpus

// Other spellings, languages and places of kinds that the other lists have.

const planKey = "r8Kq2ZvX0pLw7TnY4sBd6HgJ1mFc3Qa5"

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
}

var harmlessVariants = []specimen{
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
