package node

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLogs(t *testing.T) {
	const dir = "/var/log/pods/shop_api_" + uid
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"rotated, and a restart": {map[string]string{
			"api/0.log.20261124-120000.gz": zipped(t, "a\nb\n"), "api/0.log.20261124-120100": "c\n", "api/0.log": "d\n",
			"api/1.log": "e\n", "migrate/0.log": "up\n",
		}, ">api\na\nb\nc\nd\ne\n>migrate\nup\n>\n"},
		"more than ten restarts": {map[string]string{"api/2.log": "2\n", "api/10.log": "10\n", "api/9.log": "9\n"}, ">api\n2\n9\n10\n>\n"},
		"rotated just now":       {map[string]string{"api/0.log.20261124-120100": "c\n"}, ">api\nc\n>\n"},
		"being compressed": {map[string]string{"api/0.log.20261124-120000": "a\n", "api/0.log.20261124-120000.tmp": zipped(t, "a\n")[:12], "api/0.log": "b\n"},
			">api\na\nb\n>\n"},
		"just compressed": {map[string]string{"api/0.log.20261124-120000": "a\n", "api/0.log.20261124-120000.gz": zipped(t, "a\n"), "api/0.log": "b\n"},
			">api\na\nb\n>\n"},
		"within a line":     {map[string]string{"api/0.log": "a\nb", "migrate/0.log": "up\n"}, ">api\na\nb\n>migrate\nup\n>\n"},
		"silent":            {map[string]string{"api/0.log": ""}, ">api\n>\n"},
		"other files":       {map[string]string{"api/0.txt": "no", "api/0.log/x": "no", "note": "no"}, ">api\n>\n"},
		"of a pod that was": {nil, ">\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := plant(t)
			for name, text := range c.files {
				tr.write(tr.Root, dir+"/"+name, text)
			}
			if got := tr.says("logs", dir); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A runtime may keep its logs elsewhere, behind links.
func TestLogsBehindLinks(t *testing.T) {
	tr := plant(t)
	tr.write(tr.Root, "data/api/json.log", "a\n")
	if err := os.MkdirAll(filepath.Join(tr.Root, "pod/api"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(tr.Root, "data/api/json.log"), filepath.Join(tr.Root, "pod/api/0.log")); err != nil {
		t.Fatal(err)
	}
	if got := tr.says("logs", "pod"); got != ">api\na\n>\n" {
		t.Errorf("%q", got)
	}
}

// A file that was rotated between two looks is read once.
func TestLogsRotatedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "0.log")
	if err := os.WriteFile(path, []byte("a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, path+".20261124-120000"); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := logsOf(dir, &out); err != nil || out.String() != "a\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	var f logFile
	if err := os.WriteFile(path+".2.gz", []byte(zipped(t, "z\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openRotated(path + ".2")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.copy(&out); err != nil || !strings.HasSuffix(out.String(), "z\n") {
		t.Errorf("compressed since it was found: %q, %v", out.String(), err)
	}
}

// Without the whole of it there is no line that says so.
func TestLogsThatCannotBeRead(t *testing.T) {
	tr := plant(t)
	tr.write(tr.Root, "pod/api/0.log.20261124-120000.gz", zipped(t, strings.Repeat("a\n", 99))[:20])
	tr.write(tr.Root, "pod/api/0.log", "b\n")
	if out, err := tr.run("logs", "pod"); err == nil || strings.HasSuffix(out, ">\n") {
		t.Errorf("%q, %v", out, err)
	}
	tr.write(tr.Root, "file", "")
	if out, err := tr.run("logs", "file"); err == nil {
		t.Errorf("a file for a folder: %q", out)
	}
}
