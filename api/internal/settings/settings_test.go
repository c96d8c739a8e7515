package settings

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"
)

// canary stands for a secret. No message may hold it.
const canary = "CANARY"

// required is a complete environment, in which every value holds the canary.
var required = map[string]string{
	"JWT_SECRET_KEY":       canary + strings.Repeat("k", minSecretKey),
	"OWNER_USERNAME":       canary,
	"OWNER_PASSWORD":       canary,
	"DATABASE_URL":         "postgresql+asyncpg://user:" + canary + "@postgres:5432/reactbin",
	"S3_ENDPOINT_URL":      "http://" + canary + ":9000",
	"S3_BUCKET_NAME":       "bucket-" + canary,
	"S3_ACCESS_KEY_ID":     canary,
	"S3_SECRET_ACCESS_KEY": canary,
	"S3_REGION":            canary,
}

func load(env map[string]string) (Settings, error) {
	return Load(func(name string) (string, bool) {
		value, set := env[name]
		return value, set
	})
}

func with(name, value string) map[string]string {
	env := maps.Clone(required)
	env[name] = value
	return env
}

// expectProblem checks that exactly this variable is named, and no value told.
func expectProblem(t *testing.T, err error, name, seen string) {
	t.Helper()
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 1 {
		t.Fatalf("got error %v, expected one problem, with %s", err, name)
	}
	if p := problems[0]; p.Variable != name || p.Seen != seen || p.Expected == "" {
		t.Errorf("got %+v, expected %s %s", p, name, seen)
	}
	if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(canary)) {
		t.Errorf("a part of the value is in the error: %v", err)
	}
}

func TestEachRequiredVariableIsMissed(t *testing.T) {
	for name := range required {
		t.Run(name, func(t *testing.T) {
			env := maps.Clone(required)
			delete(env, name)
			_, err := load(env)
			expectProblem(t, err, name, "is not set")

			_, err = load(with(name, ""))
			expectProblem(t, err, name, "is empty")

			_, err = load(with(name, required[name]+"\n"))
			expectProblem(t, err, name, "begins or ends with white space")
		})
	}
}

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	_, err := load(map[string]string{"PORT": canary})
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != len(required)+1 {
		t.Fatalf("got %v, expected all of the required variables and PORT", err)
	}
	for name := range required {
		if !strings.Contains(err.Error(), name+" is not set") {
			t.Errorf("%s is missing in: %v", name, err)
		}
	}
}

func TestMalformedValues(t *testing.T) {
	malformed := map[string][]string{
		"JWT_SECRET_KEY": {canary},
		"DATABASE_URL": {
			canary,
			"mysql://user:" + canary + "@host/name",
			"postgresql+psycopg2://user:" + canary + "@host/name",
			"postgresql://user:" + canary + "%zz@host/name",
			"postgresql://user:" + canary + "@host:port/name",
			"postgresql://user:" + canary + "@/name",
			"postgresql://user:" + canary + "@host",
			"postgresql://user:" + canary + "@host/",
			"postgresql://host/" + canary,
			"postgresql://user@host/name?sslmode=" + canary,
			"postgresql://user@host/name?pool_ping_timeout=" + canary,
			"postgresql+asyncpg://user@host/name?ssl=" + canary,
		},
		"S3_ENDPOINT_URL": {
			canary,
			canary + ":9000",
			"ftp://" + canary,
			"http://",
			"http://:9000",
			"http://" + canary + "/path",
			"http://user:" + canary + "@host",
			"http://host?" + canary,
			"http://host#" + canary,
			"http://host:0",
			"http://host:99999",
			"http://host:" + canary,
			"http://ho st/" + canary,
		},
		"S3_BUCKET_NAME":   {"no", canary + "/path", canary + strings.Repeat("x", 64)},
		"S3_ACCESS_KEY_ID": {canary + " ID", canary + "/ID"},
		"S3_REGION":        {canary + " 1", canary + "/1"},
		"PORT":             {canary, "0", "65536", "-1", "80.5", "http"},
		"SHUTDOWN_DELAY":   {canary, "3", "-3s"},
		"SHUTDOWN_TIMEOUT": {canary, "30", "-30s"},
		"LOG_LEVEL":        {canary},
	}
	for name, values := range malformed {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				_, err := load(with(name, value))
				expectProblem(t, err, name, "is malformed")
			})
		}
	}
}

func TestDefaults(t *testing.T) {
	s, err := load(required)
	if err != nil {
		t.Fatal(err)
	}
	if s.Port != 8000 || s.ShutdownDelay != 3*time.Second || s.ShutdownTimeout != 30*time.Second {
		t.Errorf("got port %d, delay %s, timeout %s", s.Port, s.ShutdownDelay, s.ShutdownTimeout)
	}
}

func TestDatabaseURLs(t *testing.T) {
	for url, encrypted := range map[string]bool{
		"postgres://reactbin:p%40ss@db:6543/bin?sslmode=disable":         false,
		"postgresql://reactbin:p%40ss@db:6543/bin?sslmode=require":       true,
		"postgresql+asyncpg://reactbin:p%40ss@db:6543/bin?ssl=require":   true,
		"postgresql+asyncpg://reactbin:p%40ss@db:6543/bin?ssl=disable":   false,
		"postgresql+asyncpg://reactbin:p%40ss@db:6543/bin?ssl=verify-ca": true,
	} {
		s, err := load(with("DATABASE_URL", url))
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		c := s.Database.ConnConfig
		if c.Host != "db" || c.Port != 6543 || c.User != "reactbin" || c.Password != "p@ss" || c.Database != "bin" {
			t.Errorf("%s was read as %s@%s:%d/%s", url, c.User, c.Host, c.Port, c.Database)
		}
		if got := c.TLSConfig != nil; got != encrypted {
			t.Errorf("%s: encrypted is %t, expected %t", url, got, encrypted)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for url, host := range map[string]string{
		"http://minio:9000":        "minio:9000",
		"https://s3.example.com/":  "s3.example.com",
		"http://192.0.2.1:9000":    "192.0.2.1:9000",
		"http://[2001:db8::1]:900": "[2001:db8::1]:900",
	} {
		s, err := load(with("S3_ENDPOINT_URL", url))
		if err != nil {
			t.Errorf("%s: %v", url, err)
		} else if got := s.Bucket.Endpoint; got.Host != host || got.Path != "" {
			t.Errorf("%s was read as %s", url, got)
		}
	}
}

func TestPortNeedsNoOtherVariable(t *testing.T) {
	for value, expected := range map[string]int{"": 8000, "9001": 9001} {
		got, err := Port(func(string) (string, bool) { return value, value != "" })
		if err != nil || got != expected {
			t.Errorf("PORT=%s: got %d, %v, expected %d", value, got, err, expected)
		}
	}
	_, err := Port(func(string) (string, bool) { return canary, true })
	expectProblem(t, err, "PORT", "is malformed")
}
