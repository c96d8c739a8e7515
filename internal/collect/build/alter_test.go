package build

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/moby/patternmatcher/ignorefile"
	"go.yaml.in/yaml/v3"
)

func TestAlter(t *testing.T) {
	for _, text := range []string{"", "a", "a\n", "a\r\n"} {
		one, two := alter("main.py", []byte(text)), alter("main.py", []byte(text))
		if bytes.Equal(one, two) {
			t.Errorf("%q became the same twice", text)
		}
		added := strings.TrimPrefix(string(one), text)
		if added == string(one) && text != "" || strings.Trim(added, " \n") != "" || !strings.HasSuffix(added, "\n") {
			t.Errorf("%q became %q", text, one)
		}
		if text == "a" && added[0] != '\n' {
			t.Errorf("the last line itself changed: %q", one)
		}
	}
}

// What reads a lock file must read the same out of it.
func TestAlterKeepsTheMeaning(t *testing.T) {
	if got := alter("web/package-lock.json", []byte(`{"lockfileVersion": 3}`)); !json.Valid(got) {
		t.Errorf("no JSON any more: %q", got)
	}
	var read map[string]string
	if err := yaml.Unmarshal(alter("pnpm-lock.yaml", []byte("lockfileVersion: '9.0'\na: |\n  text\n")), &read); err != nil || read["a"] != "text\n" {
		t.Errorf("YAML reads %v (%v)", read, err)
	}
	for name, mark := range map[string]string{"yarn.lock": "#", "api/uv.lock": "#", "poetry.lock": "#", "Cargo.lock": "#", "requirements.txt": "#", "go.mod": "//", "go.sum": "", "Gemfile.lock": "", "pom.xml": ""} {
		added := strings.TrimPrefix(string(alter(name, []byte("x\n"))), "x\n")
		if !strings.HasPrefix(strings.TrimSpace(added), mark) || (mark == "") != (strings.TrimSpace(added) == "") || mark != "" && strings.Count(added, "\n") != 1 {
			t.Errorf("%s gets %q, want a comment with %q", name, added, mark)
		}
	}
	lines, err := ignorefile.ReadAll(bytes.NewReader(alter(".dockerignore", []byte("*.md\n"))))
	if err != nil || len(lines) != 1 {
		t.Errorf("%v, %v", lines, err)
	}
}
