package contract

import (
	"encoding/json"
	"testing"
)

func TestPaths(t *testing.T) {
	for _, tt := range []struct{ pattern, file, at string }{
		{"/app/tests", "/app/tests", "/app/tests"},
		{"/app/tests", "/app/tests/test_api.py", "/app/tests"},
		{"/app/tests/", "/app/tests/test_api.py", "/app/tests"},
		{"/app/tests", "/srv/app/tests", ""},
		{"/app/tests", "/app/testsuite", ""},
		{"tests", "/app/tests/a/tests/b", "/app/tests"},
		{"app/tests", "/srv/app/tests/x", "/srv/app/tests"},
		{"*.pem", "/app/keys/a.pem", "/app/keys/a.pem"},
		{"*.pem", "/app/keys.pem/a", "/app/keys.pem"},
		{"/*.pem", "/app/a.pem", ""},
		{"/app/*", "/app/a/b", "/app/a"},
		{"/app/**/*.sql", "/app/a.sql", "/app/a.sql"},
		{"/app/**/*.sql", "/app/x/y/a.sql", "/app/x/y/a.sql"},
		{"/app/**", "/app", "/app"},
		{"/app/[a-c]?", "/app/b1", "/app/b1"},
		{"/app/[a-c]?", "/app/d1", ""},
		{"/app/.env", "app/../app/.env", "/app/.env"},
		{"/app/[", "/app/[", ""},
		{"x", "/", ""},
	} {
		want := tt.pattern
		if tt.at == "" {
			want = ""
		}
		if pattern, at := NewPaths([]string{"/nothing/**/there", tt.pattern}).Match(tt.file); pattern != want || at != tt.at {
			t.Errorf("%s on %s: %q at %q, want %q", tt.pattern, tt.file, pattern, at, tt.at)
		}
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]string{"150Mi": "150Mi", "1.5Gi": "1536Mi", "150M": "150M", "1G": "1G", "0": "0", "64Ki": "64Ki"} {
		b, err := parseBytes(text)
		if err != nil || b.String() != want {
			t.Errorf("%s: %s, %v; want %s", text, b, err, want)
		}
		kept, err := json.Marshal(Size{Wasted: &b})
		if err != nil {
			t.Fatal(err)
		}
		var read Size
		if err := json.Unmarshal(kept, &read); err != nil || *read.Wasted != b {
			t.Errorf("%s: kept as %s, read as %v, %v", text, kept, read.Wasted, err)
		}
	}
	var s Size
	if json.Unmarshal([]byte(`{"wasted": 150}`), &s) == nil {
		t.Error("a number is no quantity")
	}
}
