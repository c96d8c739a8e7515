package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/collect/image/imagetest"
	"podproof.dev/podproof/internal/report"
)

// said runs podproof in this process and returns its exit code and all that it said.
func said(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	all := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, r)
		all <- b.String()
	}()
	code = run(args)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return code, <-all
}

func archive(t *testing.T, img v1.Image) string {
	t.Helper()
	tag, err := name.NewTag("app:1")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(file, tag, img); err != nil {
		t.Fatal(err)
	}
	return file
}

// alone makes the test independent of the user's cache, contract and Docker engine.
func alone(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("DOCKER_HOST", "unix:///nonexistent.sock")
	t.Chdir(t.TempDir())
}

func shop(t *testing.T, user string, files ...imagetest.File) v1.Image {
	files = append(files, imagetest.Exe("app/server", "\x7fELF"))
	return imagetest.Config(t, imagetest.Image(t, files), func(c *v1.ConfigFile) {
		c.OS, c.Architecture = "linux", runtime.GOARCH
		c.Config.User, c.Config.Entrypoint = user, []string{"/app/server"}
	})
}

func TestInspect(t *testing.T) {
	alone(t)
	good := archive(t, shop(t, "1001"))
	other := "arm64"
	if runtime.GOARCH == other {
		other = "amd64"
	}
	foreign := archive(t, imagetest.Config(t, shop(t, "1001"), func(c *v1.ConfigFile) { c.Architecture = other }))
	bad := archive(t, shop(t, "1001", imagetest.Text("app/.env", "DB_PASSWORD=hunter2x\n")))
	dir := t.TempDir()
	if p, err := layout.Write(dir, empty.Index); err != nil {
		t.Fatal(err)
	} else if err := p.AppendImage(shop(t, "root")); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "short.tar")
	if b, err := os.ReadFile(good); err != nil {
		t.Fatal(err)
	} else if err := os.WriteFile(short, b[:len(b)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	exported := filepath.Join(t.TempDir(), "rootfs.tar")
	if err := os.WriteFile(exported, imagetest.Tar(t, imagetest.Text("etc/passwd", "root:x:0:0::/:/bin/sh\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	contractFile := filepath.Join(t.TempDir(), "strict.yaml")
	if err := os.WriteFile(contractFile, []byte("apiVersion: podproof/v1alpha1\nkind: Contract\nfiles:\n  forbid: [/app/server]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	waiverFile := filepath.Join(t.TempDir(), "waiver.yaml")
	waiver := "waivers:\n  - {id: image/no-setuit, reason: soon, by: ann, until: 2030-01-01}\n"
	if err := os.WriteFile(waiverFile, []byte("apiVersion: podproof/v1alpha1\nkind: Contract\n"+waiver), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"a waiver of no check", []string{"-f", waiverFile, good}, exitUsage, []string{"waivers[0].id", `"image/no-setuit"`, `did you mean "image/no-setuid"?`}},
		{"good", []string{"tar:" + good}, exitPass, []string{"[inspect] ", "Image user non-root OK (UID 1001)", "No secrets in image files OK"}},
		{"a credential", []string{bad}, exitFail, []string{"FAIL image/no-secrets-in-layers", "/app/.env:1", "DB_PASSWORD"}},
		{"a credential, not asked for", []string{"--skip", "image/no-secrets-in-layers,image/no-source-leaks", bad}, exitPass, nil},
		{"a folder", []string{"oci:" + dir}, exitFail, []string{"FAIL image/user-non-root"}},
		{"a contract", []string{"-f", contractFile, "--only", "image/no-source-leaks", good}, exitFail, []string{"files.forbid"}},
		{"another platform", []string{"--platform", "linux/s390x", good}, exitUsage, []string{"no image for linux/s390x", "linux/" + runtime.GOARCH}},
		{"for another platform alone", []string{foreign}, exitFail, []string{"FAIL image/platform", "for linux/" + other + " alone", "--platform linux/" + other}},
		{"for another platform, which was asked for", []string{"--platform", "linux/" + other, foreign}, exitPass, []string{"Platform OK (linux/" + other + ")"}},
		{"no platform", []string{"--platform", "linux", good}, exitUsage, []string{"linux/amd64"}},
		{"cut short", []string{short}, exitUsage, []string{"short.tar", "byte"}},
		{"a container's files", []string{exported}, exitUsage, []string{"docker export", "docker save"}},
		{"no file", []string{"tar:none.tar"}, exitUsage, []string{"no file none.tar"}},
		{"no name", []string{"Shop API"}, exitUsage, []string{"Shop API"}},
		{"no engine", []string{"docker:app:1"}, exitInconclusive, []string{"unix:///nonexistent.sock"}},
		{"a check of pods", []string{"--only", "startup/ready", good}, exitUsage, []string{"startup/ready", "podproof verify"}},
		{"no contract of that name", []string{"-f", "none.yaml", good}, exitUsage, []string{"none.yaml"}},
		{"no image", nil, exitUsage, []string{"podproof inspect takes one argument, IMAGE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out := said(t, append([]string{"inspect"}, c.args...)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, s := range append(c.says, "") {
				if !strings.Contains(out, s) {
					t.Errorf("it does not say %q", s)
				}
			}
			if strings.Contains(out, "hunter2x") || strings.Contains(out, "goroutine ") {
				t.Error("it tells a secret, or panics")
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// The second time nothing is read, and the report says the same.
func TestInspectAgain(t *testing.T) {
	alone(t)
	file := archive(t, shop(t, "1001", imagetest.Text("app/.env", "DB_PASSWORD=hunter2x\n")))
	dir := t.TempDir()
	var reports []report.Report
	for _, n := range []string{"1", "2"} {
		js, kept := filepath.Join(dir, n+".json"), filepath.Join(dir, "evidence.json")
		if code, out := said(t, "inspect", "-o", "json="+js, "--evidence", kept, file); code != exitFail {
			t.Fatalf("exit code %d: %s", code, out)
		}
		b, err := os.ReadFile(js)
		if err != nil {
			t.Fatal(err)
		}
		var r report.Report
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
		e, err := os.ReadFile(kept)
		if err != nil {
			t.Fatal(err)
		}
		reused := map[string]string{"1": `"layersReused": 0`, "2": `"layersReused": 1`}[n]
		if !bytes.Contains(e, []byte(reused)) || bytes.Contains(e, []byte("hunter2x")) {
			t.Errorf("the evidence of run %s does not say %s, or tells a secret", n, reused)
		}
		if code, out := said(t, "judge", kept); code != exitFail || !strings.Contains(out, "[judge]   FAIL image/no-secrets-in-layers") || strings.Contains(out, "[verify]") {
			t.Errorf("judged again: exit code %d\n%s", code, out)
		}
	}
	for i, v := range reports[0].Verdicts {
		if w := reports[1].Verdicts[i]; v.Verdict != w.Verdict || v.Seen != w.Seen || v.Verdict == check.Fail && len(v.Findings) != len(w.Findings) {
			t.Errorf("%s: %s (%s), then %s (%s)", v.ID, v.Verdict, v.Seen, w.Verdict, w.Seen)
		}
	}
}

// On a fresh machine there is no cache folder yet, and what a failed run saw goes there.
func TestInspectWithoutCache(t *testing.T) {
	alone(t)
	file := archive(t, shop(t, "root"))
	if code, out := said(t, "inspect", "--no-cache", file); code != exitFail || !strings.Contains(out, "Evidence: ") || !strings.HasSuffix(out, ".json (kept until 10 more are written)\n") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	asked := filepath.Join(t.TempDir(), "evidence.json")
	if _, out := said(t, "inspect", "--no-cache", "--evidence", asked, file); !strings.HasSuffix(out, " Evidence: "+asked+"\n") {
		t.Errorf("what was asked for stays:\n%s", out)
	}
	layers, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "podproof", "layers", "*"))
	if err != nil || len(layers) > 0 {
		t.Errorf("layers are kept: %v, %v", layers, err)
	}
}

// What failing runs saw is kept, each by itself, and not for ever.
func TestEvidenceOfRunsIsKeptApart(t *testing.T) {
	alone(t)
	file := archive(t, shop(t, "root"))
	for range keptRuns + 3 {
		if code, out := said(t, "inspect", file); code != exitFail {
			t.Fatalf("exit code %d\n%s", code, out)
		}
	}
	kept, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "podproof", "evidence-*.json"))
	if err != nil || len(kept) != keptRuns+1 {
		t.Errorf("kept %v, %v", kept, err)
	}
	for _, f := range append(kept, filepath.Dir(kept[0])) {
		if i, err := os.Stat(f); err != nil || i.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v, %v", f, i.Mode(), err)
		}
	}
}

// What one looks at after a run that failed is what that saw.
func TestJudgeTakesTheLastRunThatFailed(t *testing.T) {
	alone(t)
	if code, out := said(t, "judge"); code != exitUsage || !strings.Contains(out, "--evidence FILE") {
		t.Errorf("nothing is kept: exit code %d\n%s", code, out)
	}
	said(t, "inspect", archive(t, shop(t, "root", imagetest.Text("app/.env", "DB_PASSWORD=hunter2x\n"))))
	said(t, "inspect", archive(t, shop(t, "root")))
	code, out := said(t, "judge")
	if code != exitFail || !strings.Contains(out, "FAIL image/user-non-root") || strings.Contains(out, "FAIL image/no-secrets-in-layers") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// Looking at many images does not push out what a run in a cluster saw.
func TestEvidenceOfAVerifyOutlastsInspections(t *testing.T) {
	alone(t)
	dir := filepath.Join(os.Getenv("XDG_CACHE_HOME"), "podproof")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	verified := filepath.Join(dir, "evidence-abcdefgh.json")
	if err := os.WriteFile(verified, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := archive(t, shop(t, "root"))
	for range keptRuns + 2 {
		said(t, "inspect", file)
	}
	if _, err := os.Stat(verified); err != nil {
		t.Error(err)
	}
}

// A folder's contract holds for the image that it names: another one would be judged by what
// nobody promised of it.
func TestInspectTakesTheFoldersContractForItsOwnImage(t *testing.T) {
	alone(t)
	file := archive(t, shop(t, "1001")) // app:1
	for _, c := range []struct {
		image string
		args  []string
		code  int
		says  string
	}{
		{"app:2", nil, exitFail, "Judged by this folder's podproof.yaml, which is for app:2"},
		{"other", nil, exitPass, "Not judged by this folder's podproof.yaml, which is for other: name it with -f to use it"},
		{"other", []string{"-f", "podproof.yaml"}, exitFail, "files.forbid"},
		{"", nil, exitFail, "files.forbid"},
	} {
		text := "apiVersion: podproof/v1alpha1\nkind: Contract\nfiles:\n  forbid: [/app/server]\n"
		if c.image != "" {
			text += "image: " + c.image + "\n"
		}
		if err := os.WriteFile("podproof.yaml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out := said(t, append(append([]string{"inspect"}, c.args...), file)...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%q %q: exit code %d, want %d, and %q\n%s", c.image, c.args, code, c.code, c.says, out)
		}
	}
}

// A team that begins with what is broken today is held to it: the next run with its waivers passes,
// and tells of them.
func TestInspectWritesWaivers(t *testing.T) {
	alone(t)
	ours := "strict.yaml"
	bad := archive(t, shop(t, "root", imagetest.Text("app/.env", "DB_PASSWORD=hunter2x\n")))
	code, out := said(t, "inspect", "--write-waivers", "waivers.yaml", "--until", "2999-12-31", "--by", "Ann", bad)
	if code != exitFail || !strings.Contains(out, "waiversFrom: [waivers.yaml]") {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	if err := os.WriteFile(ours, []byte("apiVersion: podproof/v1alpha1\nkind: Contract\nwaiversFrom: [waivers.yaml]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out = said(t, "inspect", "-f", ours, bad)
	if code != exitPass {
		t.Errorf("with its waivers: exit code %d:\n%s", code, out)
	}
	for _, text := range []string{"WAIVED image/no-secrets-in-layers", "WAIVED image/user-non-root", "waived by Ann until 2999-12-31", "waived      finding by finding"} {
		if !strings.Contains(out, text) {
			t.Errorf("it does not say %q:\n%s", text, out)
		}
	}
	worse := archive(t, shop(t, "root", imagetest.Text("app/.env", "DB_PASSWORD=hunter2x\n"), imagetest.Text("app/b/.env", "DB_PASSWORD=hunter3x\n")))
	if code, out = said(t, "inspect", "-f", ours, worse); code != exitFail || !strings.Contains(out, "FAIL image/no-secrets-in-layers") {
		t.Errorf("with a credential more: exit code %d:\n%s", code, out)
	}
}
