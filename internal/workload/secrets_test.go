package workload

import (
	"encoding/base64"
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/evidence"
)

func TestRedactor(t *testing.T) {
	base := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	redact, secrets, err := Redactor(parse(t, `apiVersion: v1
kind: Secret
metadata: {name: api}
stringData:
  TOKEN: correct-horse
  LONGER: correct-horse-battery
  USER: postgres
  EMPTY: ""
  DB: shopbase
  TEAM: team-of-shop
  NAME: shop-backend
  LITERAL: literal-token-1
  ARGUMENT: argument-key-1
  PIN: "1234"
  URL: postgres://app:pa55/word-of-db@db/app
  PEM: |
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49
    -----END PRIVATE KEY-----
data:
  KEY: `+base("0123456789abcdef\n")+`
---
apiVersion: v1
kind: ConfigMap
metadata: {name: api}
data: {GREETING: good-morning-all, DATABASE: shopbase}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-backend}
spec: {template: {spec: {containers: [{name: api, image: registry/team-of-shop/api, args: [--key=argument-key-1],
  env: [{name: API_TOKEN, value: literal-token-1}, {name: DATABASE_URL, value: "postgres://u:pass-of-literal@db/x"}]}]}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &evidence.Secrets{LookedFor: 7, Secrets: 1, TooShort: []string{"secret/api:PIN"}, Shortest: 8,
		Common: []string{"secret/api:DB", "secret/api:NAME", "secret/api:TEAM", "secret/api:USER"}}
	if diff := cmp.Diff(want, secrets); diff != "" {
		t.Errorf("looked for (-want +got):\n%s", diff)
	}
	for _, c := range []struct{ name, text, want string }{
		{"stringData", "token=correct-horse.", "token=[value of secret/api:TOKEN]."},
		{"data, without its line's end", "key 0123456789abcdef", "key [value of secret/api:KEY]"},
		{"in base64", "auth " + base("correct-horse"), "auth [value of secret/api:TOKEN]"},
		{"more than once", "correct-horse correct-horse", "[value of secret/api:TOKEN] [value of secret/api:TOKEN]"},
		{"one within another", "correct-horse-battery", "[value of secret/api:LONGER]"},
		{"a short one is left", "user postgres", "user postgres"},
		{"a ConfigMap's is left", "good-morning-all", "good-morning-all"},
		{"as part of a URL", "?u=postgres%3A%2F%2Fapp%3Apa55%2Fword-of-db%40db%2Fapp", "?u=[value of secret/api:URL]"},
		{"one line of several", "key: MIGHAgEAMBMGByqGSM49", "key: [value of secret/api:PEM]"},
		{"but not what every key has", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----"},
		{"nothing secret", "started", "started"},
		{"a name of the manifests", "shop-backend of team-of-shop uses shopbase", "shop-backend of team-of-shop uses shopbase"},
		{"a literal that is a secret by its name", "literal-token-1", "[value of secret/api:LITERAL]"},
		{"an argument", "--key=argument-key-1", "--key=[value of secret/api:ARGUMENT]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := redact(c.text); got != c.want {
				t.Errorf("%q becomes %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestRedactorOfNoSecret(t *testing.T) {
	redact, secrets, err := Redactor(parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: api}, data: {A: good-morning-all}}"))
	if err != nil || redact("x") != "x" || secrets.LookedFor != 0 || len(secrets.TooShort) != 0 {
		t.Errorf("%+v, %v", secrets, err)
	}
}
