package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func environment(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, set := env[name]
		return value, set
	}
}

var complete = map[string]string{
	"JWT_SECRET_KEY":       strings.Repeat("k", 32),
	"OWNER_USERNAME":       "owner",
	"OWNER_PASSWORD":       "CANARY-password",
	"DATABASE_URL":         "postgresql+asyncpg://reactbin:CANARY-secret@127.0.0.1:1/reactbin",
	"S3_ENDPOINT_URL":      "http://s3:9000",
	"S3_BUCKET_NAME":       "reactions",
	"S3_ACCESS_KEY_ID":     "ID",
	"S3_SECRET_ACCESS_KEY": "CANARY-secret",
	"S3_REGION":            "eu",
}

func TestWrongSettingsEndTheProcess(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), []string{"serve"}, environment(map[string]string{
		"OWNER_PASSWORD": "CANARY-password",
		"DATABASE_URL":   "postgresql://CANARY-user:CANARY%zz@host/name",
	}), &stdout, &stderr)
	if code != 1 {
		t.Errorf("the exit code is %d, expected 1", code)
	}
	named := map[string]bool{}
	for line := range strings.Lines(stdout.String()) {
		var record struct{ Level, Variable, Seen, Expected string }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if record.Level != "ERROR" || record.Seen == "" || record.Expected == "" {
			t.Errorf("got %s", line)
		}
		named[record.Variable] = true
	}
	for name := range complete {
		if expected := name != "OWNER_PASSWORD"; named[name] != expected {
			t.Errorf("%s: named is %t, expected %t", name, named[name], expected)
		}
	}
	if strings.Contains(stdout.String()+stderr.String(), "CANARY") {
		t.Errorf("a value was printed: %s %s", &stdout, &stderr)
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())

	env := map[string]string{"PORT": port}
	for name, value := range complete {
		env[name] = value
	}
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), nil, environment(env), &stdout, &stderr); code != 1 {
		t.Errorf("the exit code is %d, expected 1", code)
	}
	if !strings.Contains(stdout.String(), "listen tcp :"+port) {
		t.Errorf("the address is not in the log: %s", &stdout)
	}
}

func TestHealthcheck(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	check := func(port string) (int, string) {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), []string{"healthcheck"}, environment(map[string]string{"PORT": port}), &stdout, &stderr)
		return code, stderr.String()
	}
	if code, message := check(u.Port()); code != 0 || message != "" {
		t.Errorf("healthy: got %d, %q", code, message)
	}
	status = http.StatusServiceUnavailable
	if code, message := check(u.Port()); code != 1 || !strings.Contains(message, "503") {
		t.Errorf("unhealthy: got %d, %q", code, message)
	}
	if code, message := check("http"); code != 1 || !strings.Contains(message, "PORT is malformed") {
		t.Errorf("wrong port: got %d, %q", code, message)
	}
}

func TestUnknownCommands(t *testing.T) {
	for _, args := range [][]string{{"migrate"}, {"serve", "now"}, {"--help"}} {
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), args, environment(complete), &stdout, &stderr); code != 2 {
			t.Errorf("%q: the exit code is %d, expected 2", args, code)
		}
		if !strings.Contains(stderr.String(), "usage:") {
			t.Errorf("%q: got %q", args, &stderr)
		}
	}
}
