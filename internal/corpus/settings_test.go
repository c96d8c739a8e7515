package corpus

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
)

// wide writes a text in UTF-16, with a mark or without, the low byte first or last.
func wide(s string, mark, bigEndian bool) string {
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	var b strings.Builder
	for _, u := range units {
		low, high := byte(u), byte(u>>8)
		if bigEndian {
			low, high = high, low
		}
		b.WriteByte(low)
		b.WriteByte(high)
	}
	return b.String()
}

// inWide is holds for a file in UTF-16.
func inWide(name string, mark, bigEndian bool, of func(r *recipe) string) func(*recipe) {
	return func(r *recipe) { r.copy(". .", text(name, wide(of(r), mark, bigEndian))) }
}

// Beginnings of key stores, as far as they matter.
var (
	bag       = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01"
	encrypted = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06"
	jceksBoth = "\xce\xce\xce\xce\x00\x00\x00\x02\x00\x00\x00\x02" +
		"\x00\x00\x00\x02\x00\x02ca\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05X.509\x00\x00\x00\x03abc" + // a certificate
		"\x00\x00\x00\x01\x00\x03app\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02xx"
)

// pfx is a store of PKCS #12 with a content that a test chooses.
func pfx(content string) string {
	body := "\x02\x01\x03\x30" + string(rune(len(content))) + content
	return "\x30" + string(rune(len(body))) + body
}

var secretsInSettings = []specimen{
	{planted: "a DSN of libpq in YAML", fails: []string{layers}, at: []string{"/app/config.yaml:2", "connection string"},
		plant: holds("app/config.yaml", with("database:\n  dsn: \"host=db port=5432 user=app password=", "s3cr3t-Pa55", " dbname=app\"\n"))},
	{planted: "a connection string of ADO.NET in JSON", fails: []string{layers}, at: []string{"/app/appsettings.json:1"},
		plant: holds("app/appsettings.json", with(`{"ConnectionStrings":{"Default":"Server=db,1433;Database=shop;User Id=shop;Password=`, "Str0ng-Pa55", `;TrustServerCertificate=True"}}`))},
	{planted: "a connection string in an attribute of XML", fails: []string{layers}, at: []string{"/app/web.config:3"},
		plant: holds("app/web.config", with("<configuration>\n <connectionStrings>\n  <add name=\"Db\" connectionString=\"Data Source=db;User ID=shop;Pwd=", "Str0ng-Pa55", "\" />\n </connectionStrings>\n</configuration>\n"))},
	{planted: "a DSN in Python that is no settings", fails: []string{layers}, at: []string{"/app/store.py:2"},
		plant: holds("app/store.py", with("import psycopg2\nDB = psycopg2.connect(\"host=db user=app password=", "s3cr3t-Pa55", " dbname=app\")\n"))},
	{planted: "a connection string of Redis in JSON", fails: []string{layers}, plant: holds("app/config.json", with(`{"redis":"cache:6379,password=`, "Q9w-8e7r6t", `,ssl=True"}`))},
	{planted: "a connection string of ODBC with braces", fails: []string{layers}, plant: holds("app/db.go", with(`const dsn = "Driver={ODBC Driver 18};Server=db;UID=shop;PWD={`, "Str0ng;Pa55", `}"`+"\n"))},
	{planted: "the key of an Azure service bus", fails: []string{layers}, plant: holds("app/appsettings.json",
		with(`{"Bus":"Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=`, random(90, 43, alnum)+"=", `"}`))},
	{planted: "a DSN of Go's MySQL driver", fails: []string{layers}, plant: holds("app/config.yaml", with("dsn: \"shop:", "r00t-Pa55", "@tcp(db:3306)/shop?parseTime=true\"\n"))},
	{planted: "a login of Oracle's thin driver", fails: []string{layers}, plant: holds("app/conf/db.yml", with("url: jdbc:oracle:thin:shop/", "0rcl-Pa55", "@db:1521/XE\n"))},

	{planted: "an AWS secret key in a file that no rule knows", fails: []string{layers}, at: []string{"/app/temp-creds:2", "aws_secret_access_key"},
		plant: holds("app/temp-creds", with("[research]\naws_secret_access_key = ", random(91, 40, alnum), "\n"))},
	{planted: "a password in notes", fails: []string{layers}, plant: holds("app/notes.txt", with("staging\nuser: admin\npassword: ", "Tr0ub4dor-x9", "\n"))},
	{planted: "a copy of settings that an editor left", fails: []string{layers}, plant: holds("app/config.yaml.bak", with("db:\n  password: ", "hunter2-x", "\n"))},
	{planted: "a file that is named for its secret", fails: []string{layers}, at: []string{"/app/secrets/db_password", "named for"},
		plant: holds("app/secrets/db_password", with("", "Tr0ub4dor-x9", "\n"))},

	{planted: "a literal behind ?? in a program", fails: []string{layers}, at: []string{"/app/dist/auth.js:1", "JWT_SECRET"},
		plant: holds("app/dist/auth.js", with("exports.secret = process.env.JWT_SECRET ?? '", "kJ7h2Lq9Xv4Zt8Wm", "';\n"))},
	{planted: "a literal behind ||, in a bundle", fails: []string{layers}, plant: holds("app/dist/main.js", with(`a=1;const t=process.env["API_TOKEN"]||"`, "kJ7h2Lq9Xv4Zt8Wm", `";b=2`))},
	{planted: "a literal behind ??, as TypeScript compiles it", fails: []string{layers}, plant: holds("app/dist/auth.js",
		with("const s = (_a = process.env.JWT_SECRET) !== null && _a !== void 0 ? _a : '", "kJ7h2Lq9Xv4Zt8Wm", "';\n"))},
	{planted: "a literal for what process.env lacks", fails: []string{layers}, plant: holds("app/server.mjs", with("const { PORT = '80', SESSION_SECRET = '", "kJ7h2Lq9Xv4Zt8Wm", "' } = process.env\n"))},
	{planted: "os.getenv with a literal", fails: []string{layers}, at: []string{"/app/main.py:2", "SECRET_KEY"}, plant: holds("app/main.py", with("import os\nKEY = os.getenv('SECRET_KEY', '", "7k$9#2vq8m1x4z6w", "')\n"))},
	{planted: "os.environ.get with a literal behind or", fails: []string{layers}, plant: holds("app/main.py", with("import os\nKEY = os.environ.get(\"API_KEY\") or \"", "7k9a2vq8m1x4z6w", "\"\n"))},
	{planted: "env() of Laravel with a literal", fails: []string{layers}, plant: holds("app/services.php", with("<?php return ['key' => env('STRIPE_SECRET', '", "kJ7h2Lq9Xv4Zt8Wm", "')];\n"))},
	{planted: "ENV.fetch with a literal", fails: []string{layers}, plant: holds("app/app.rb", with("KEY = ENV.fetch('SECRET_KEY_BASE') { '", "kJ7h2Lq9Xv4Zt8Wm", "' }\n"))},
	{planted: "a field of pydantic's settings with a literal", fails: []string{layers}, plant: holds("app/settings.py", with("class Settings(BaseSettings):\n    db_password: str = \"", "hunter2-4711", "\"\n"))},
	{planted: "a literal in a reference of Spring", fails: []string{layers}, plant: holds("app/application.yml", with("spring:\n  datasource:\n    password: ${DB_PW:", "s3cr3t-Pa55", "}\n"))},

	{planted: "settings in UTF-16 with a mark", fails: []string{layers}, at: []string{"/app/appsettings.json:2"}, plant: inWide("app/appsettings.json", true, false, with("{\"Smtp\":{\r\n\"Password\":\"", "Tr0ub4dor-x9", "\"}}"))},
	{planted: "settings in UTF-16, the high byte first", fails: []string{layers}, plant: inWide("app/appsettings.json", true, true, with(`{"Smtp":{"Password":"`, "Tr0ub4dor-x9", `"}}`))},
	{planted: "settings in UTF-16 without a mark", fails: []string{layers}, plant: inWide("app/app.ini", false, false, with("[mail]\r\nhost=mail.internal\r\nuser=shop\r\npassword=", "Tr0ub4dor-x9", "\r\n"))},
	{planted: "a token far into a text in UTF-16", fails: []string{layers}, plant: inWide("app/dump.sql", true, false, func(r *recipe) string {
		return mixed(92, far) + " " + r.secret(githubToken()) + " " + mixed(93, far)
	})},

	{planted: "a key store of PKCS 12 with a key", fails: []string{layers}, at: []string{"/app/server.pfx", "private key"}, plant: copies(text("app/server.pfx", pfx(bag+"\x02key")))},
	{planted: "a key store of PKCS 12 that cannot be looked into", fails: []string{layers}, plant: copies(text("app/conf/server.p12", "\x30\x82\x0a\x00\x02\x01\x03"+random(94, 900, alnum)))},
	{planted: "a key store of Java whose second entry is a key", fails: []string{layers}, plant: copies(text("app/keys", jceksBoth))},
}

var harmlessSettings = []specimen{
	{planted: "connection strings that refer to their passwords", like: layers, plant: copies(
		text("app/config.yaml", "dsn: \"host=db user=app password=${DB_PASSWORD} dbname=app\"\n"),
		text("app/store.py", "dsn = f\"host=db user=app password={pw} dbname=app\"\nold = \"host=db user=app password=%s\" % pw\nnew = \"host=db user=app password=\" + pw\n"),
		text("app/appsettings.json", `{"Db":"Server=db;User Id=shop;Password={password};","Old":"Server=db;User Id=sa;Password=<password>"}`))},
	{planted: "arguments of a call that are named like a connection string's", like: layers, plant: copies(
		text("app/store.py", "conn = connect(host=\"db\", user=user, password=passw0rd, dbname=\"shop\")\n"), text("app/settings.py", "conn = connect(host=host, user=user, password=passw0rd)\n"))},
	{planted: "a connection string for a database of this machine", like: layers, plant: copies(text("app/test.py", "DSN = \"host=localhost user=postgres password=postgres dbname=x\"\n"))},
	{planted: "texts that speak of passwords", like: layers, plant: copies(
		text("app/NOTICE", "password: ask the operators\ntoken = session.token\nsecret: vault-agent\nsecret_name: shop-db-1\npassword : at least 12 characters\n"),
		text("app/test-summary", "PASS: ld-x86-64/pr19719b -O2\nPASS: tls64.s/A1-b2C3\n"), text("app/modules.txt", "token: github.com/acme/token/v2\nsecret-tool: 0.20.1\npassword_hash: bcrypt-12\n"), text("app/creds.txt", "password: changeme\napi_token: <your token>\nsecret=${SECRET}\n"))},
	{planted: "files that are named for a secret and hold none", like: layers, plant: copies(text("app/token", "placeholder\n"), text("app/secrets/db_password", "changeme\n"), text("app/password.txt", "see the vault\n"), text("app/bin/token", "#!/bin/sh\nexec cat /run/token\n"))},
	{planted: "messages for people, of which a value is the rest of its line", like: layers, plant: copies(
		text("app/LocalStrings.properties", "realm.getPassword.exception=Exception retrieving password for [{0}]\ntoken=Kennwort\n"),
		text("app/ValidationMessages_de.properties", "login.password=Kennwort\n"),
		text("app/errors.properties", "realm.getPassword=Exception retrieving it for [{0}]\nrealm.credential=Unable to obtain one\ncookie.token=Cookie[{0}]ist-keines\nzh.token=Cookie\\uff1a\\u65e0\\u6548\n"))},
	{planted: "what a configure script found out", like: layers, plant: copies(text("usr/local/lib/perl5/config.sh", "d_grpasswd='define'\nd_pwpasswd='undef'\ni_pwd='define'\n"))},
	{planted: "commands under a telling name", like: layers, plant: copies(text("usr/local/sbin/adduser.sh", "cat_passwd='getent passwd'\ncat_passwd=\"cat /etc/passwd\"\n"))},
	{planted: "literals for what is no secret", like: layers, plant: copies(
		text("app/server.js", "const env = process.env.NODE_ENV || 'production';\nconst url = process.env.TOKEN_URL ?? 'https://login.acme.io/token';\nconst s = process.env.JWT_SECRET || '';\nconst k = process.env.API_KEY ?? config.apiKey;\nconst t = process.env.AUTH_TOKEN || 'changeme';\n"),
		text("app/main.py", "import os\nKEY = os.getenv('SECRET_KEY', 'your-secret-key')\nTTL = os.getenv('TOKEN_TTL', '3600')\nFILE = os.environ.get('SECRET_FILE', '/run/secrets/key')\nP = os.environ.get('DB_PASSWORD', '')\n"),
		text("app/settings.py", "class Settings(BaseSettings):\n    secret_key: str\n    api_token: str = \"\"\n    token_type: str = \"bearer-jwt-1\"\n"))},
	{planted: "a text in UTF-16 without a secret", like: layers, plant: copies(text("app/appsettings.json", wide(`{"Smtp":{"Password":"${SMTP_PASSWORD}","Host":"mail.internal"}}`, true, false)))},
	{planted: "a store of trusted certificates in PKCS 12", like: layers, plant: copies(text("app/truststore.p12", pfx(encrypted)), text("app/certs.p12", pfx(encrypted)), text("app/ca-certs.pfx", "\x30\x82\x0a\x00\x02\x01\x03"+random(95, 200, alnum)))},
	{planted: "encrypted values", like: layers, plant: copies(
		text("app/sealed.yaml", "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec:\n  encryptedData:\n    password: AgBx"+random(96, 340, alnum)+"\n"),
		text("app/secrets.enc.yaml", "db_password: ENC[AES256_GCM,data:"+random(97, 16, alnum)+",iv:"+random(98, 44, alnum)+",tag:x,type:str]\nsops:\n    kms: []\n"),
		text("app/bootstrap.yml", "spring.datasource.password: '{cipher}"+random(99, 64, hex)+"'\n"),
		text("app/vars.yml", "db_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  "+random(100, 80, digits)+"\n"), text("app/.encrypted.properties", "DB_PASSWORD=\"encrypted:"+random(101, 80, alnum)+"\"\n"))},
	{planted: "keys that every visitor of a page has", like: layers, plant: copies(
		text("app/.next/static/chunks/main.js", `var c={apiKey:"AIzaSy`+random(102, 33, alnum)+`",authDomain:"shop.firebaseapp.com",messagingSenderId:"1234567890"};`),
		text("app/firebase.json", `{"apiKey":"AIzaSy`+random(103, 33, alnum)+`","authDomain":"shop.firebaseapp.com","projectId":"shop"}`),
		text("app/supabase.js", "const key = '"+roleToken("anon")+"'\n"), text("app/public/index.html", `<script src="https://maps.googleapis.com/maps/api/js?key=AIzaSy`+random(104, 33, alnum)+`"></script>`))},
}

// roleToken is a JWT as Supabase has one for each role.
func roleToken(role string) string {
	claims := `{"iss":"supabase","ref":"abcdefghijkl","role":"` + role + `","iat":1700000000,"exp":2000000000}`
	return "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "." + random(105, 43, alnum)
}
