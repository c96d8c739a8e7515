package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hard has what every escape changes; the shapes of secrets.
const (
	hard  = `kT9&x"q2Vn7LmZ4wR1&hJ`
	short = `s3cr3t!/`
	quiet = "for-tests-only"
)

func nothing(string) bool { return false }

func one(text string) *Redactor { return New([]Value{{"secret/api:KEY", text}}, nothing) }

const mark = "[value of secret/api:KEY]"

func toJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// A value is found in every form in which programs print it, and no other one is left in the text.
func TestFormsOfAValue(t *testing.T) {
	for _, v := range []string{hard, short, quiet, "a'b\"c\\d/e<f>1", "pässwörd-mit-Ümlaut", "Tr0ub4dor&3 with spaces"} {
		r := one(v)
		for name, text := range map[string]string{
			"as it is":                  "key=" + v + ";",
			"Go's JSON":                 toJSON(map[string]string{"key": v}),
			"a JSON message in JSON":    toJSON(map[string]string{"message": toJSON(map[string]string{"key": v})}),
			"PHP's JSON":                `{"key":"` + strings.ReplaceAll(inJSON(v), "/", `\/`) + `"}`,
			"Go's quotes":               strconv.Quote(v),
			"ASCII quotes":              strconv.QuoteToASCII(v),
			"HTML":                      "<p>" + html.EscapeString(v) + "</p>",
			"Python's HTML":             "<p>" + htmlWith(v, "&quot;", "&#x27;") + "</p>",
			"a query":                   "/x?key=" + url.QueryEscape(v) + "&y=1",
			"a path":                    "/x/" + url.PathEscape(v) + "/y",
			"a URL's password":          (&url.URL{Scheme: "redis", User: url.UserPassword("u", v), Host: "h"}).String(),
			"encodeURIComponent":        encodeURIComponent(v),
			"hex":                       hex.EncodeToString([]byte(v)),
			"hex in capitals":           fmt.Sprintf("%X", v),
			"hex of a part":             hex.EncodeToString([]byte("user:" + v + "@db")),
			"base64":                    b64(v),
			"base64 with a line's end":  b64(v + "\n"),
			"base64 for URLs":           base64.RawURLEncoding.EncodeToString([]byte(v)),
			"a login in base64":         "Authorization: Basic " + b64("app:"+v),
			"base64, one byte before":   b64("x" + v + "yz"),
			"base64, two bytes before":  b64("xy" + v + "z"),
			"base64, more bytes before": b64("xyz" + v),
		} {
			got := r.Replace(text)
			if !strings.Contains(got, mark) {
				t.Errorf("%q, %s: not found in %q", v, name, text)
			}
			if strings.Contains(got, v) || r.Replace(got) != got {
				t.Errorf("%q, %s: left in %q", v, name, got)
			}
		}
	}
}

func TestPythonsRepr(t *testing.T) {
	for value, repr := range map[string]string{
		`back\slash-1`:    `'back\\slash-1'`,
		`it's "both" 1\2`: `'it\'s "both" 1\\2'`,
	} {
		if got := one(value).Replace(repr); got != "'"+mark+"'" {
			t.Errorf("%s becomes %s", repr, got)
		}
	}
}

// What a Secret's key holds is often more than a value: the parts are secrets, too.
func TestPartsOfAValue(t *testing.T) {
	for _, c := range []struct{ name, value, text string }{
		{"a URL's password", "postgres://app:pa55/word-of-db@db/app", "password pa55/word-of-db is wrong"},
		{"and as it is meant", "postgres://app:pa55%2Fword%40db@db/app", "password pa55/word@db is wrong"},
		{"a URL without its end", "postgres://app:pw1@db:5432/app", "dialing postgres://app:pw1@other"},
		{"a token as a URL's user", "https://0f3a9c1be2d4@sentry.io/1", "key 0f3a9c1be2d4"},
		{"JDBC", "jdbc:postgresql://db/app?user=app&password=Zx81-spectrum", "with Zx81-spectrum"},
		{"SQL Server's JDBC", "jdbc:sqlserver://db:1433;user=app;password=Zx81-spectrum;encrypt=true", "with Zx81-spectrum"},
		{"libpq", "host=db port=5432 user=app password=hunter2-and-3", "password hunter2-and-3"},
		{"libpq, in quotes", `host=db password='it\'s 4 words' user=app`, "password it's 4 words"},
		{"ODBC", "Driver={ODBC Driver 18};Server=db;Uid=app;Pwd={Zx;81-spectrum};", "with Zx;81-spectrum"},
		{"ADO", "Server=db;User Id=app;Password=Zx81-spectrum;Encrypt=True", "with Zx81-spectrum"},
		{"Azure", "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=Zx81spectrum+9/8==;EndpointSuffix=x", "key Zx81spectrum+9/8=="},
		{"StackExchange.Redis", "redis:6380,password=Zx81-spectrum,ssl=True", "with Zx81-spectrum"},
		{"Go's MySQL", "app:Zx81-spectrum@tcp(db:3306)/app", "with Zx81-spectrum"},
		{"a line of an .env file", "# settings\nLOG_LEVEL=info\nexport DB_PASSWORD=\"Zx81-spectrum\"\n", "with Zx81-spectrum"},
		{"Java's properties", "spring.datasource.url=jdbc:x\nspring.datasource.password=Zx81\\:spectrum\n", "with Zx81:spectrum"},
		{"a leaf of JSON", `{"db":{"host":"db","password":"Zx81-spectrum"}}`, "with Zx81-spectrum"},
		{"a list in JSON", `{"keys":["Zx81-spectrum","other"]}`, "with Zx81-spectrum"},
		{"a leaf of YAML", "db:\n  host: db\n  password: Zx81-spectrum\n", "with Zx81-spectrum"},
		{"a line of YAML", "password: Zx81-spectrum", "with Zx81-spectrum"},
		{"a number in YAML", "password: 8273645192", "with 8273645192"},
		{"a URL in JSON in a line", "CONFIG={\"url\":\"redis://:Zx81-spectrum@r:6379\"}\nA=b\n", "with Zx81-spectrum"},
		{".pgpass", "db:5432:app:app:Zx81-spectrum", "with Zx81-spectrum"},
		{"a login", "app:Zx81-spectrum", "with Zx81-spectrum"},
		{"an image pull secret", `{"auths":{"r.io":{"auth":"` + b64("robot:Zx81-spectrum") + `"}}}`, "auth " + b64("robot:Zx81-spectrum")},
		{"one line of several", "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n", "key MIGHAgEAMBMGByqGSM49"},
		{"all of it in base64", "first line of it\nsecond line of it\n", b64("first line of it\nsecond line of it\n")},
		{"without its line's end", "0123456789abcdef\n", "key 0123456789abcdef"},
		{"six characters of several classes", "a1b2c3", "a1b2c3 is wrong"},
	} {
		if got := one(c.value).Replace(c.text); !Mark.MatchString(got) {
			t.Errorf("%s: not found in %q", c.name, got)
		}
	}
}

// A value that was shortened is one all the same, when enough of it is there.
func TestShortened(t *testing.T) {
	for _, c := range []struct{ name, value, text, want string }{
		{"in its middle", hard, `{'PW': '` + hard[:12] + `...` + hard[17:] + `'}`, `{'PW': '[value of secret/api:KEY, shortened]'}`},
		{"at its end", hard, "pw " + hard[:14], "pw [value of secret/api:KEY, shortened]"},
		{"escaped, too", hard, "pw " + goJSON(hard[:12]) + "…", "pw [value of secret/api:KEY, shortened]"},
		{"most of a short one", "Zx81-Q4w", "pw Zx81-Q...", "pw [value of secret/api:KEY, shortened]"},
		{"words, with the dots", "correct-horse-battery-staple", "pw correct-horse-bat...", "pw [value of secret/api:KEY, shortened]"},
		{"words, without", "production-grade-secret", "production-grade logging", "production-grade logging"},
		{"too little of it", hard, "pw " + hard[:6] + "...", "pw " + hard[:6] + "..."},
		{"a URL's scheme", "postgresql+asyncpg://app:Zx81-spectrum@db/app", "postgresql+asyncpg://app:***@db/app", "postgresql+asyncpg://app:***@db/app"},
		{"a hook's host", "https://hooks.slack.com/services/T012AB/B345CD/x9Y8z7W6v5", "https://hooks.slack.com/...", "https://hooks.slack.com/..."},
		{"the head that all tokens have", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "eyJhbGciOiJIUzI1NiJ9.eyJvdGhl", "eyJhbGciOiJIUzI1NiJ9.eyJvdGhl"},
	} {
		if got := one(c.value).Replace(c.text); got != c.want {
			t.Errorf("%s: %q becomes %q, want %q", c.name, c.text, got, c.want)
		}
	}
}

// What is no secret is left: logs stay readable, and nobody is accused for a common word.
func TestWhatIsLeft(t *testing.T) {
	r := New([]Value{
		{"secret/db:POSTGRES_USER", "shopuser"}, {"secret/db:POSTGRES_PASSWORD", "postgres"}, {"secret/db:POSTGRES_DB", "shop"}, {"secret/db:HOST", "db-primary"},
		{"secret/api:DEBUG", "true"}, {"secret/api:PIN", "1234"}, {"secret/api:NAME", "backend-of-shop"},
		{"secret/api:URL", "postgres://shopuser:postgres@db-primary:5432/shopbase?sslmode=verify-full"},
		{"secret/api:JSON", `{"type":"service_account","project_id":"shop-prod-4711","log":{"level":"warning"},"auth_uri":"https://accounts.example.com/o/auth"}`},
		{"secret/tls:tls.crt", "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE\n-----END CERTIFICATE-----\n"},
		{"secret/api:EMPTY", " \n"}, {"secret/api:WORD", "lettersonly"},
	}, func(s string) bool { return s == "backend-of-shop" })
	for _, text := range []string{
		"connected to postgres as shopuser at db-primary:5432/shopbase", "true", "pin 1234", "backend-of-shop started",
		"type service_account in shop-prod-4711, level warning", "https://accounts.example.com/o/auth", "MIIDdzCCAl+gAwIBAgIE",
		"lettersonlymore", "morelettersonly", "verify-full", mark, "[value of",
	} {
		if got := r.Replace(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	if got, want := r.Replace(`"\nlettersonly"`), `"\n[value of secret/api:WORD]"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if diff := cmp.Diff([]string{"secret/api:DEBUG", "secret/api:PIN", "secret/db:POSTGRES_DB"}, r.Short); diff != "" {
		t.Errorf("too short (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"secret/api:NAME", "secret/api:URL, its password", "secret/db:HOST", "secret/db:POSTGRES_PASSWORD", "secret/db:POSTGRES_USER"}, r.Common); diff != "" {
		t.Errorf("common (-want +got):\n%s", diff)
	}
	if r.Looked != 3 { // URL, JSON, WORD
		t.Errorf("%d values are looked for", r.Looked)
	}
}

func TestTheLongestIsFound(t *testing.T) {
	r := New([]Value{{"secret/a:SHORT", "correct-horse"}, {"secret/a:LONG", "correct-horse-battery"}}, nothing)
	if got, want := r.Replace("correct-horse-battery correct-horse."), "[value of secret/a:LONG] [value of secret/a:SHORT]."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var none *Redactor
	if none.Replace("x") != "x" || New(nil, nothing).Replace("x") != "x" {
		t.Error("without values a text changes")
	}
}

func TestEverywhere(t *testing.T) {
	type leaf struct {
		Text   string
		hidden string
		N      []int
	}
	type tree struct {
		Leaf  *leaf
		List  []leaf
		Map   map[string]string
		Any   any
		Array [2]string
		Bytes []byte
	}
	v := tree{Leaf: &leaf{Text: quiet, hidden: quiet}, List: []leaf{{Text: "a"}, {Text: "b " + quiet, N: []int{1}}},
		Map: map[string]string{quiet: quiet, "other": "x"}, Any: []any{quiet, 1}, Array: [2]string{"", quiet}, Bytes: []byte(quiet)}
	before := toJSON(v)
	got := Everywhere(v, one(quiet).Replace)
	if toJSON(v) != before {
		t.Error("the original was changed")
	}
	want := tree{Leaf: &leaf{Text: mark, hidden: quiet}, List: []leaf{{Text: "a"}, {Text: "b " + mark, N: []int{1}}},
		Map: map[string]string{quiet: mark, "other": "x"}, Any: []any{mark, 1}, Array: [2]string{"", mark}, Bytes: []byte(quiet)}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(leaf{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// However odd a value is: it is taken apart, what is looked for is found, and a text without it stays.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{hard, quiet, "postgres://app:pa55/word@db/app?x=y", "host=db password='a b'", "A=b\nC=\"d e\"\n", `{"a":["b",{"c":1}]}`,
		"a: b\nc: {d: [e]}", "Driver={x};Pwd={a;b}", "-----BEGIN X-----\nabc\n", "\xff\xfe\x00", "%zz:%@", "=", "{", "&a: [*a]", "jdbc:x://y;a=b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := one(value)
		const text = "Started server on port 8000"
		if got := r.Replace(text); got != text && !strings.Contains(text, strings.TrimSpace(value)) && len(value) > 200 {
			t.Errorf("%q becomes %q", text, got)
		}
		got := r.Replace(value + " " + value)
		if again := r.Replace(got); again != got {
			t.Errorf("%q becomes %q, and then %q", value, got, again)
		}
	})
}

func BenchmarkReplace(b *testing.B) {
	var values []Value
	for i := range 40 {
		values = append(values, Value{fmt.Sprintf("secret/api:KEY_%d", i), fmt.Sprintf("%x-%s-%d", i*7919+65537, hard, i)})
	}
	r := New(values, nothing)
	line := `{"level":"info","time":"2026-11-24T12:00:00.123Z","msg":"request","method":"GET","path":"/api/v1/reactions","status":200,"took":0.0042}`
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		r.Replace(line)
	}
}
