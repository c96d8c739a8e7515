package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kept unpacks the recorded evidence of a run.
func kept(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "internal", "report", "testdata", "recorded", name+".json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name+".json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDiffExitCodes(t *testing.T) {
	good, old, bad := kept(t, "good"), kept(t, "good-v1alpha1"), kept(t, "closes-its-pool-first")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{old, good}, exitPass, "Nothing is worse, and no verdict changed."},
		{[]string{good, bad}, exitFail, "Worse: 2 broken now; 1 number is worse."},
		{[]string{good, "none.json"}, exitUsage, "there is no file none.json"},
		{[]string{good}, exitUsage, "takes 2 arguments, BEFORE.json AFTER.json; it received 1"},
	} {
		root := newRoot()
		var out, errs strings.Builder
		root.SetOut(&out)
		if code := exitCode(execute(t.Context(), root, append([]string{"diff"}, c.args...)), &errs); code != c.code || !strings.Contains(out.String()+errs.String(), c.says) {
			t.Errorf("%v: exit code %d, not %d\n%s%s", c.args, code, c.code, out.String(), errs.String())
		}
	}
}

// An old run as a page: its evidence is all that this needs.
func TestJudgeWritesAPage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.html")
	if err := execute(t.Context(), newRoot(), []string{"judge", kept(t, "good-v1alpha1"), "-o", "html=" + file}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(data), ">41 promises hold</h1>") || !strings.Contains(string(data), "<figcaption>Rollout restart</figcaption>") {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}
