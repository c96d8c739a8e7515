package corpus

import (
	"encoding/base64"
	"strings"
)

// holds is an image with a file that keeps a secret; of keeps the body with the secret in it.
func holds(name string, of func(r *recipe) string) func(*recipe) {
	return func(r *recipe) { r.copy(". .", text(name, of(r))) }
}

// with puts a secret between two texts.
func with(before, value, after string) func(r *recipe) string {
	return func(r *recipe) string { return before + r.secret(value) + after }
}

func privateKey(kind string, seed uint64) func(r *recipe) string {
	return func(r *recipe) string {
		key := pemOf(kind, seed)
		r.secret(keyLine(key))
		return key
	}
}

var (
	googleKey = `{"type":"service_account","project_id":"shop-1","private_key_id":"` + random(70, 40, hex) + `","private_key":"` +
		strings.ReplaceAll(pemOf("PRIVATE KEY", 71), "\n", `\n`) + `","client_email":"a@shop-1.iam.gserviceaccount.com","client_id":"1",` +
		`"auth_uri":"https://accounts.google.com/o/oauth2/auth","token_uri":"https://oauth2.googleapis.com/token",` +
		`"auth_provider_x509_cert_url":"https://www.googleapis.com/oauth2/v1/certs","client_x509_cert_url":"https://www.googleapis.com/x"}`
	// far is a file longer than what is looked at at once, near with a key across that border.
	far  = 700 * kib
	near = 512*kib - 128*kib
)

var secretsInFiles = []specimen{
	{planted: "an RSA key", fails: []string{layers}, at: []string{"/app/tls.key:1", "layer 5", "COPY . .", "reachable", "private key"}, plant: holds("app/tls.key", privateKey("RSA PRIVATE KEY", 10))},
	{planted: "an SSH key", fails: []string{layers}, at: []string{"/root/.ssh/id_ed25519"}, plant: holds("root/.ssh/id_ed25519", privateKey("OPENSSH PRIVATE KEY", 11))},
	{planted: "a key behind its certificate, called .pem", fails: []string{layers}, at: []string{"/app/server.pem"},
		plant: holds("app/server.pem", func(r *recipe) string { return pemOf("CERTIFICATE", 12) + privateKey("EC PRIVATE KEY", 13)(r) })},
	{planted: "a private key of PGP", fails: []string{layers}, plant: holds("app/signing.asc", privateKey("PGP PRIVATE KEY BLOCK", 14))},
	{planted: ".env with a password", fails: []string{layers, leaks}, at: []string{"/app/.env:2", "DB_PASSWORD"}, plant: holds("app/.env", with("PORT=8000\nDB_PASSWORD=", "hunter2-4711", "\n"))},
	{planted: ".netrc", fails: []string{layers}, at: []string{"/root/.netrc"}, plant: holds("root/.netrc", with("machine git.acme.io\nlogin ci\npassword ", "9c1b77aa41", "\n"))},
	{planted: ".npmrc with a token", fails: []string{layers}, at: []string{"/app/.npmrc"}, plant: holds("app/.npmrc", with("//npm.acme.io/:_authToken=", "5d41402a-bc4b2a76", "\n"))},
	{planted: ".pypirc", fails: []string{layers}, at: []string{"/root/.pypirc"}, plant: holds("root/.pypirc", with("[acme]\nusername = ci\npassword = ", "pypi-pw-81", "\n"))},
	{planted: "pip.conf with a login", fails: []string{layers}, plant: holds("etc/pip.conf", with("[global]\nindex-url = https://ci:", "9c1b77aa41", "@pypi.acme.io/simple\n"))},
	{planted: ".git-credentials", fails: []string{layers}, plant: holds("root/.git-credentials", with("https://ci:", "9c1b77aa41ff", "@git.acme.io\n"))},
	{planted: "a token in .git/config", fails: []string{layers, leaks}, at: []string{"/app/.git/config:2"}, plant: holds("app/.git/config", with("[remote \"origin\"]\n\turl = https://ci:", "9c1b77aa41ff", "@git.acme.io/shop\n"))},
	{planted: ".aws/credentials", fails: []string{layers}, at: []string{"/root/.aws/credentials"}, plant: holds("root/.aws/credentials", func(r *recipe) string {
		return "[default]\naws_access_key_id = " + r.secret(awsKey()) + "\naws_secret_access_key = " + r.secret(random(15, 40, alnum)) + "\n"
	})},
	{planted: "a login to a registry in .docker/config.json", fails: []string{layers}, plant: holds("root/.docker/config.json",
		with(`{"auths":{"registry.acme.io":{"auth":"`, base64.StdEncoding.EncodeToString([]byte("ci:9c1b77aa41")), `"}}}`))},
	{planted: "a kubeconfig", fails: []string{layers}, at: []string{"/root/.kube/config"}, plant: holds("root/.kube/config",
		with("apiVersion: v1\nusers:\n- name: ci\n  user:\n    token: ", random(16, 40, alnum), "\n"))},
	{planted: "a client's key in a kubeconfig", fails: []string{layers}, plant: holds("app/prod.kubeconfig", func(r *recipe) string {
		key := base64.StdEncoding.EncodeToString([]byte(pemOf("RSA PRIVATE KEY", 17)))
		return "users:\n- name: ci\n  user:\n    client-key-data: " + r.secret(key) + "\n"
	})},
	{planted: "the key of a Google service account", fails: []string{layers}, plant: holds("app/gcp.json", func(*recipe) string { return googleKey })},
	{planted: "an AWS key in code", fails: []string{layers}, at: []string{"/app/upload.py:3", "AWS access key"}, plant: holds("app/upload.py", func(r *recipe) string {
		return "import boto3\n\nKEY = '" + r.secret(awsKey()) + "'\n"
	})},
	{planted: "a GitHub token in a script", fails: []string{layers}, at: []string{"/app/deploy.sh:2"}, plant: holds("app/deploy.sh", func(r *recipe) string {
		return "#!/bin/sh\ngit clone https://" + r.secret(githubToken()) + "@github.com/acme/shop\n"
	})},
	{planted: "a Slack webhook", fails: []string{layers}, plant: holds("app/alerts.yaml", func(r *recipe) string { return "alerts:\n  to: " + r.secret(slackHook()) + "\n" })},
	{planted: "a Stripe key in a bundle of one long line", fails: []string{layers}, at: []string{"/app/static/app.js:1"}, plant: holds("app/static/app.js", func(r *recipe) string {
		return strings.ReplaceAll(mixed(18, 300*kib), "\n", " ") + `k="` + r.secret(stripeKey()) + `";` + strings.ReplaceAll(mixed(19, 100*kib), "\n", " ")
	})},
	{planted: "a signed token", fails: []string{layers}, plant: holds("app/client.js", func(r *recipe) string { return "const t = '" + r.secret(jwt()) + "'\n" })},
	{planted: "a token in a compiled program", fails: []string{layers}, at: []string{"/app/sync", "GitHub"}, plant: func(r *recipe) {
		r.copy("sync /app", exe("app/sync", elf+mixed(22, 40*kib)+"\x00"+r.secret(githubToken())+"\x00"))
	}},
	{planted: "a key far into a large file", fails: []string{layers}, plant: holds("app/dump.sql", func(r *recipe) string {
		return mixed(23, far) + "\n" + privateKey("RSA PRIVATE KEY", 24)(r) + mixed(25, far)
	})},
	{planted: "a token across the border of two reads", fails: []string{layers}, plant: holds("app/dump.txt", func(r *recipe) string {
		return mixed(26, near-20) + " " + r.secret(githubToken()) + " " + mixed(27, far)
	})},
	{planted: "a token at the end of two reads", fails: []string{layers}, plant: holds("app/dump.txt", func(r *recipe) string {
		return mixed(28, 512*kib-17) + " " + r.secret(githubToken()) + " " + mixed(29, far)
	})},
	{planted: "a token behind many words that begin like one", fails: []string{layers}, plant: holds("app/npm.js", func(r *recipe) string {
		return strings.Repeat("process.env.npm_config_cache;", 500) + "'" + r.secret(npmToken()) + "'\n"
	})},
	{planted: "the password in application.properties", fails: []string{layers}, at: []string{"spring.datasource.password"}, plant: holds("app/application.properties", with("server.port=8000\nspring.datasource.password=", "s3cr3t-pw!", "\n"))},
	{planted: "the password in a YAML of settings", fails: []string{layers}, plant: holds("app/config.yaml", with("db:\n  host: db\n  password: ", "hunter2-x", "\n"))},
	{planted: "a Secret of Kubernetes with its values", fails: []string{layers}, at: []string{"/app/k8s/secret.yaml:5"},
		plant: holds("app/k8s/secret.yaml", with("apiVersion: v1\nkind: Secret\nmetadata: {name: shop}\nstringData:\n  DB_PASSWORD: ", "hunter2-y", "\n"))},
	{planted: "Django's SECRET_KEY", fails: []string{layers}, plant: holds("app/shop/settings.py", with("DEBUG = False\nSECRET_KEY = '", "8#x2k$l!w0qz77", "'\n"))},
	{planted: "settings in a package of the image's own, in site-packages", fails: []string{layers}, at: []string{"shop/settings.py"}, plant: func(r *recipe) {
		r.run("pip install .", append(distribution("shop", "1.0", text(site+"shop/settings.py", "DB_PASSWORD = '"+r.secret("hunter2-qq")+"'\n")),
			text(site+"shop-1.0.dist-info/direct_url.json", `{"url":"file:///src","dir_info":{}}`))...)
	}},
	{planted: "the password in a URL of the code", fails: []string{layers}, plant: holds("app/db.py", with("URL = 'postgresql+psycopg://app:", "s3cr3tpw", "@db.internal/app'\n"))},
	{planted: ".pgpass", fails: []string{layers}, plant: holds("root/.pgpass", with("db:5432:app:app:", "s3cr3tpw", "\n"))},
	{planted: "the hash of a password in /etc/shadow", fails: []string{layers}, plant: holds("etc/shadow", with("root:", "$6$saltsalt$"+random(32, 86, alnum), ":19700:0:99999:7:::\n"))},
	{planted: "a key store of Java with a private key", fails: []string{layers}, plant: func(r *recipe) {
		r.copy("key.jks /app", text("app/key.jks", "\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x03app"))
	}},
	{planted: "gitleaks:allow beside a token, which an image cannot say of itself", fails: []string{layers}, plant: holds("app/x.py", func(r *recipe) string { return "T = '" + r.secret(githubToken()) + "'  # gitleaks:allow\n" })},
}

var harmlessFiles = []specimen{
	{planted: "a bundle of CA certificates", like: layers, plant: copies(text("app/ca.pem", pemOf("CERTIFICATE", 40)+pemOf("CERTIFICATE", 41)))},
	{planted: "certifi", like: layers, plant: installs("certifi", "2024.8.30", text(site+"certifi/cacert.pem", "# Issuer: CN=X\n"+pemOf("CERTIFICATE", 42)))},
	{planted: "public keys", like: layers, plant: copies(text("app/jwt.pub", pemOf("PUBLIC KEY", 43)), text("root/.ssh/id_ed25519.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"+random(44, 43, alnum)+" ci\n"),
		text("app/release.asc", pemOf("PGP PUBLIC KEY BLOCK", 45)))},
	{planted: "a test key in a dependency's own tests", like: layers, at: []string{"python:trustme-not", "ships to everybody"},
		plant: installs("trustme-not", "1.0", text(site+"trustme_not/tests/data/key.pem", pemOf("RSA PRIVATE KEY", 46)))},
	{planted: "a test key in a node package's test folder", like: layers, at: []string{"node:tunnel"},
		plant: func(r *recipe) {
			r.run("npm ci", node("tunnel", "0.0.6"), text("app/node_modules/tunnel/test/keys/agent1-key.pem", pemOf("RSA PRIVATE KEY", 47)))
		}},
	{planted: "boto3's documentation of AKIAIOSFODNN7EXAMPLE", like: layers,
		plant: installs("boto3", "1.35.0", text(site+"boto3/examples/s3.rst", "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"))},
	{planted: "AKIAIOSFODNN7EXAMPLE in a file of the image's own", like: layers, plant: copies(text("app/README.md", "Set AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE first.\n"))},
	{planted: "the words for a key in a program", like: layers, plant: copies(exe("app/openssl", elf+"\x00-----BEGIN RSA PRIVATE KEY-----\x00-----END RSA PRIVATE KEY-----\x00"),
		text("app/keys.py", "BEGIN = '-----BEGIN PRIVATE KEY-----'\nEND = '-----END PRIVATE KEY-----'\n"))},
	{planted: "a program that looks for tokens itself", like: layers, plant: copies(exe("app/scan", elf+"\x00glrt-glft-xapp-xoxa-xoxb-xoxe-xoxe.xoxp-xoxr-xoxs-pplx-HRKU-PMAK-essu_\x00"))},
	{planted: "the keys that GnuTLS tests itself with, in an image of RPMs", like: layers, at: []string{"/usr/lib64/libgnutls.so.30.37.1", "tests itself"},
		plant: func(r *recipe) {
			r.run("dnf install gnutls", exe("usr/lib64/libgnutls.so.30.37.1", elf+pemOf("RSA PRIVATE KEY", 54)))
		}},
	{planted: "a GitHub token whose checksum is wrong", like: layers, plant: copies(text("app/README.md", "ghp_"+random(55, 36, alnum)+"\n"))},
	{planted: ".npmrc with a reference", like: layers, plant: copies(text("app/.npmrc", "registry=https://npm.acme.io\n//npm.acme.io/:_authToken=${NPM_TOKEN}\n"))},
	{planted: ".docker/config.json without a login", like: layers, plant: copies(text("root/.docker/config.json", `{"auths":{"registry.acme.io":{}},"credsStore":"desktop"}`))},
	{planted: "a kubeconfig without a credential", like: layers, plant: copies(text("root/.kube/config", "apiVersion: v1\nusers:\n- name: ci\n  user:\n    exec:\n      command: aws-iam-authenticator\n"))},
	{planted: "settings that are read from the environment", like: layers, plant: copies(text("app/settings.py", "import os\nSECRET_KEY = os.environ['SECRET_KEY']\nDB_PASSWORD = os.getenv('DB_PASSWORD', '')\n"))},
	{planted: "code inside of settings that reads the environment", like: layers, plant: copies(text("app/configmap.yaml",
		"data:\n  settings.py: |\n    password = os.environ[\"DB_PASSWORD\"]\n    token = ENV['API_TOKEN']\n    secret = process.env.APP_SECRET\n"))},
	{planted: "a token in a packed file that is damaged, which is told as not looked into", like: layers, at: []string{"not looked into", "damaged"},
		plant: copies(text("app/dump.sql.gz", "\x1f\x8b\x08\x00 "+githubToken()))},
	{planted: "placeholders in settings", like: layers, plant: copies(text("app/config.yaml", "db:\n  password: changeme\n  token: ${TOKEN}\n  secret: <your secret>\n  api_key: \"{{ api_key }}\"\n"))},
	{planted: "translations", like: layers, plant: copies(text("app/locales/de.json", `{"password":"Passwort","secret":"Geheimnis","token":"Zeichen1234"}`))},
	{planted: "digests in a lock file", like: layers, plant: copies(text("app/package-lock.json", `{"packages":{"node_modules/token":{"integrity":"sha512-`+random(48, 86, alnum)+`=="}}}`),
		text("app/uv.lock", "hash = \"sha256:"+random(49, 64, hex)+"\"\n"))},
	{planted: "a manifest that refers to a Secret", like: layers, plant: copies(text("app/k8s.yaml", "env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: shop-db\n      key: password\n"))},
	{planted: "the throwaway key of Debian's ssl-cert", like: layers, at: []string{"ssl-cert"}, plant: func(r *recipe) {
		r.run("apt-get install ssl-cert", text("etc/ssl/private/ssl-cert-snakeoil.key", pemOf("PRIVATE KEY", 52)))
	}},
	{planted: "a key that the contract allows", like: layers, plant: func(r *recipe) {
		copies(text("app/demo/demo.key", pemOf("PRIVATE KEY", 53)))(r)
		r.contract.Secrets.Allow = []string{"/app/demo/*.key"}
	}},
	{planted: "a key store of Java with certificates alone", like: layers, plant: copies(text("app/cacerts.jks", "\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\x03app"))},
	{planted: "locked accounts in /etc/shadow", like: layers, plant: copies(text("etc/shadow", "root:*:19700:0:99999:7:::\ndaemon:!!:19700::::::\napp:!:19700::::::\n"))},
}
