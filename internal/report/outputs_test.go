package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/asnobody"
)

// outputs are those of FORMAT or FORMAT=FILE, whatever they are together.
func outputs(values ...string) Outputs {
	var outs Outputs
	for _, v := range values {
		name, file, _ := strings.Cut(v, "=")
		f, err := formatOf(name)
		if err != nil {
			panic(err)
		}
		outs = append(outs, Output{f, file})
	}
	return outs
}

func TestParseOutputs(t *testing.T) {
	noCI(t)
	for _, tt := range []struct {
		values []string
		want   []string
	}{
		{nil, []string{"terminal"}},
		{[]string{"json"}, []string{"json"}},
		{[]string{"json=-"}, []string{"json"}},
		{[]string{"terminal", "json=a=b.json", "junit=j.xml"}, []string{"terminal", "json=a=b.json", "junit=j.xml"}},
		{[]string{"junit=j.xml"}, []string{"terminal", "junit=j.xml"}},
		{[]string{"github"}, []string{"terminal", "github"}},
		{[]string{"github", "terminal"}, []string{"github", "terminal"}},
		{[]string{"github", "json=j.json"}, []string{"terminal", "github", "json=j.json"}},
		{[]string{"terminal=t.txt", "json"}, []string{"terminal=t.txt", "json"}},
	} {
		got, err := ParseOutputs(tt.values)
		if want := outputs(tt.want...); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v: %v, %v", tt.values, got, err)
		}
	}
}

// noCI has a test see no CI, also in one.
func noCI(t *testing.T) {
	t.Helper()
	for _, name := range []string{"GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_STEP_SUMMARY"} {
		t.Setenv(name, "")
	}
}

func TestACIHasItsOwnFormat(t *testing.T) {
	for name, want := range map[string]string{"GITHUB_ACTIONS": "github", "GITLAB_CI": "gitlab=gl-code-quality-report.json"} {
		t.Run(name, func(t *testing.T) {
			noCI(t)
			t.Chdir(t.TempDir())
			t.Setenv(name, "true")
			if got, err := ParseOutputs(nil); err != nil || fmt.Sprint(got) != fmt.Sprint(outputs("terminal", want)) {
				t.Errorf("%v, %v", got, err)
			}
			if got, err := ParseOutputs([]string{"terminal"}); err != nil || len(got) != 1 {
				t.Errorf("asked for the terminal alone: %v, %v", got, err)
			}
			if err := os.Mkdir("gl-code-quality-report.json", 0o755); err != nil {
				t.Fatal(err)
			}
			if got, err := ParseOutputs(nil); name == "GITLAB_CI" && (err != nil || len(got) != 1) {
				t.Errorf("a file that cannot be written: %v, %v", got, err)
			}
		})
	}
}

func TestParseOutputsRefuses(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   string
	}{
		{[]string{"xml"}, `-o xml: unknown format "xml"; there are terminal, json, junit, sarif, markdown, html, github and gitlab, each with =FILE to write a file`},
		{[]string{""}, `-o : unknown format ""; there are terminal, json, junit, sarif, markdown, html, github and gitlab, each with =FILE to write a file`},
		{[]string{"jnuit=j.xml"}, `-o jnuit=j.xml: unknown format "jnuit"; did you mean junit? There are terminal, json, junit, sarif, markdown, html, github and gitlab, each with =FILE to write a file`},
		{[]string{"json="}, `-o json=: the file has no name; write -o json=FILE`},
		{[]string{"terminal", "json"}, `-o terminal and -o json would both write to standard output; give one a file, such as -o json=report.json`},
		{[]string{"json", "junit=-"}, `-o json and -o junit would both write to standard output; give one a file, such as -o junit=junit.xml`},
		{[]string{"json", "github"}, `-o json and -o github would both write to standard output; give one a file, such as -o github=annotations.txt`},
		{[]string{"json=a", "junit=./a"}, `-o json=a and -o junit=./a would write the same file; name two`},
	} {
		_, err := ParseOutputs(tt.values)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%v: got  %v\nwant %s", tt.values, err, tt.want)
		}
	}
}

func TestOutputsCheck(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("file", []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	good := outputs("terminal", "json=file", "junit=new", "terminal="+os.DevNull)
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile("file"); string(b) != "kept" {
		t.Error("the check changed a file")
	}
	bad := outputs("json=no/such/r.json", "junit=file/r.xml", "terminal=.")
	want := "-o json: no/such/r.json cannot be written: there is no folder no/such; make it first, with mkdir -p no/such\n" +
		"-o junit: file/r.xml cannot be written: file is not a folder\n" +
		"-o terminal: . is a folder; name a file in it"
	if err := bad.Check(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("the check left something behind: %v", left)
	}
}

func TestOutputsCheckOfAReadOnlyFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("locked", 0o555); err != nil {
		t.Fatal(err)
	}
	var err error
	asnobody.Do(t, func() { err = outputs("json=locked/r.json").Check() })
	if want := "-o json: locked/r.json cannot be written: permission denied; name a file in a folder that you may write to"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestOutputsWrite(t *testing.T) {
	t.Chdir(t.TempDir())
	r := cases(t)["fail"]
	if err := os.WriteFile("old.json", []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("old.json", "link.json"); err != nil {
		t.Fatal(err)
	}
	outs := outputs("terminal", "json=link.json", "junit=gone/j.xml", "terminal=t.txt", "junit="+os.DevNull)
	var stdout bytes.Buffer
	err := outs.Write(r, &stdout, Console{Color: true})
	if err == nil || !strings.HasPrefix(err.Error(), "-o junit: gone/j.xml cannot be written: no such file or directory") {
		t.Errorf("the file that cannot be written: %v", err)
	}
	if !strings.Contains(stdout.String(), "\x1b[") {
		t.Error("no colours on the console")
	}
	text, _ := os.ReadFile("t.txt")
	if len(text) == 0 || bytes.ContainsRune(text, '\x1b') {
		t.Errorf("the terminal report in a file: %q", text)
	}
	var doc map[string]any
	data, _ := os.ReadFile("old.json")
	if err := json.Unmarshal(data, &doc); err != nil || doc["result"] != "fail" {
		t.Errorf("the file behind the link: %v, %v", doc["result"], err)
	}
	if info, err := os.Lstat("link.json"); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Error("a device was replaced by a file")
	}
	if left, _ := filepath.Glob(".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestProgressTo(t *testing.T) {
	for _, tt := range []struct {
		outs   Outputs
		stdout bool
	}{
		{outputs("terminal", "json=a"), true},
		{outputs("json"), false},
		{outputs("junit", "terminal=t.txt"), false},
	} {
		if got := tt.outs.ProgressTo(os.Stdout, os.Stderr); (got == os.Stdout) != tt.stdout {
			t.Errorf("%v: %s", tt.outs, got.Name())
		}
	}
}

func TestConsoleOfAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if got := ConsoleOf(w, "inspect", false, true); got != (Console{Name: "inspect", Verbose: true}) {
		t.Errorf("%+v", got)
	}
}
