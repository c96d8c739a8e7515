package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSpecFile(t *testing.T) {
	for want, args := range map[string][]string{
		"/b/config.json": {"--root", "/r", "create", "--bundle", "/b", "--pid-file", "/p", "id"},
		"/c/config.json": {"run", "-b", "/c", "id"},
		"/d/config.json": {"create", "--bundle=/d", "id"},
		"/run/process1":  {"exec", "--process", "/run/process1", "--detach", "id"},
		"":               {"delete", "--force", "id"},
	} {
		if got := specFile(args); got != want {
			t.Errorf("%v: got %q, want %q", args, got, want)
		}
	}
}

func TestDrop(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"bundle": {
			`{"linux":{"limit":9223372036854771712},"process":{"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE"],"effective":["CAP_SYS_RESOURCE"]}}}`,
			`{"linux":{"limit":9223372036854771712},"process":{"capabilities":{"bounding":["CAP_CHOWN"],"effective":[]}}}`,
		},
		"process":         {`{"args":["a"],"capabilities":{"bounding":["CAP_SYS_RESOURCE","CAP_KILL"]}}`, `{"args":["a"],"capabilities":{"bounding":["CAP_KILL"]}}`},
		"no capabilities": {`{"args":["a"]}`, `{"args":["a"]}`},
	} {
		file := filepath.Join(t.TempDir(), "spec.json")
		if err := os.WriteFile(file, []byte(test.in), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := drop(file, []string{"CAP_SYS_RESOURCE"}); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}
