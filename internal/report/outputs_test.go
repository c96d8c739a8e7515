package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParseOutputs(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   Outputs
	}{
		{nil, Outputs{{Terminal, ""}}},
		{[]string{"json"}, Outputs{{JSON, ""}}},
		{[]string{"json=-"}, Outputs{{JSON, ""}}},
		{[]string{"terminal", "json=a=b.json", "junit=j.xml"}, Outputs{{Terminal, ""}, {JSON, "a=b.json"}, {JUnit, "j.xml"}}},
		{[]string{"junit=j.xml"}, Outputs{{JUnit, "j.xml"}, {Terminal, ""}}},
		{[]string{"terminal=t.txt", "json"}, Outputs{{Terminal, "t.txt"}, {JSON, ""}}},
	} {
		got, err := ParseOutputs(tt.values)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v: %v, %v", tt.values, got, err)
		}
	}
}

func TestParseOutputsRefuses(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   string
	}{
		{[]string{"xml"}, `-o xml: there is no format "xml"; write terminal, json or junit, with =FILE to write a file`},
		{[]string{""}, `-o : there is no format ""; write terminal, json or junit, with =FILE to write a file`},
		{[]string{"json="}, `-o json=: the file has no name; write -o json=FILE`},
		{[]string{"terminal", "json"}, `-o terminal and -o json would both write to standard output; give one a file, such as -o json=report.json`},
		{[]string{"json", "junit=-"}, `-o json and -o junit would both write to standard output; give one a file, such as -o junit=junit.xml`},
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
	good := Outputs{{Terminal, ""}, {JSON, "file"}, {JUnit, "new"}, {Terminal, os.DevNull}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile("file"); string(b) != "kept" {
		t.Error("the check changed a file")
	}
	bad := Outputs{{JSON, "no/such/r.json"}, {JUnit, "file/r.xml"}, {Terminal, "."}}
	want := "-o json: no/such/r.json cannot be written: there is no folder no/such; make it first, with mkdir -p no/such\n" +
		"-o junit: file/r.xml cannot be written: file is no folder\n" +
		"-o terminal: . is a folder; name a file in it"
	if err := bad.Check(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("the check left something behind: %v", left)
	}
}

func TestOutputsCheckOfAReadOnlyFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere")
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("locked", 0o555); err != nil {
		t.Fatal(err)
	}
	err := Outputs{{JSON, "locked/r.json"}}.Check()
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
	outs := Outputs{{Terminal, ""}, {JSON, "link.json"}, {JUnit, "gone/j.xml"}, {Terminal, "t.txt"}, {JUnit, os.DevNull}}
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
		{Outputs{{Terminal, ""}, {JSON, "a"}}, true},
		{Outputs{{JSON, ""}}, false},
		{Outputs{{JUnit, ""}, {Terminal, "t.txt"}}, false},
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
	if got := ConsoleOf(w, false, true); got != (Console{Verbose: true}) {
		t.Errorf("%+v", got)
	}
}
