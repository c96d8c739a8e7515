package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// good is a contract of an image alone.
const good = "apiVersion: podproof/v1alpha1\nkind: Contract\nimage: shop/api:1\n"

func TestContractNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	if err := os.MkdirAll(filepath.Join(dir, "web"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, x := range []struct {
		files []string
		want  string
	}{
		{[]string{"podproof.yaml", "a.yaml", "./b.yml"}, "[shop a b] <nil>"},
		{[]string{"services/api/podproof.yaml", "web", "../other/podproof.yaml"}, "[services-api web other] <nil>"},
		{[]string{"a.yaml", "a/podproof.yaml"}, "[a.yaml a-podproof.yaml] <nil>"},
		{[]string{"a.yaml", "./a.yaml"}, "[] -f a.yaml and -f ./a.yaml are the same contract; give it once"},
		{[]string{"web", "web/podproof.yaml"}, "[] -f web and -f web/podproof.yaml are the same contract; give it once"},
		{[]string{"a-b.yaml", "a/b.yaml"}, "[] -f a-b.yaml and -f a/b.yaml would both be called a-b.yaml in reports and files; rename one of them"},
	} {
		got, err := contractNames(x.files)
		if s := fmt.Sprintf("%v %v", got, err); s != x.want && s != strings.Replace(x.want, "a-b.yaml in", "a-b in", 1) {
			t.Errorf("%v: got %s, want %s", x.files, s, x.want)
		}
	}
}

// What is wrong with flags and contracts is told at once, and each contract by its file.
func TestSeveralContractsThatCannotBegin(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PODPROOF_SET_IMAGE", "")
	for file, text := range map[string]string{"a.yaml": good, "b.yaml": good, "bad.yaml": good + "imag: x\n", "worse.yaml": "kind: Pod\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	two := []string{"verify", "-f", "a.yaml", "-f", "b.yaml"}
	for _, x := range []struct {
		args []string
		want []string
	}{
		{append(two, "shop/api:1"), []string{"IMAGE shop/api:1 is for one contract"}},
		{append(two, "-m", "deploy"), []string{"-m is for one contract"}},
		{append(two, "--attest", "r.example/api:1"), []string{"--attest is for one contract"}},
		{append(two, "--evidence", "e.json"), []string{"--evidence e.json: each contract has a file of its own; write --evidence e-{}.json"}},
		{append(two, "--write-waivers", "w.yaml", "--until", "2030-01-01"), []string{"write --write-waivers w-{}.yaml"}},
		{append(two, "--parallel", "-1"), []string{"--parallel -1: give a number above zero"}},
		{append(two, "--timeout", "0s"), []string{"--timeout 0s"}},
		{append(two, "-o", "json=no/{}.json"), []string{"no/a.json cannot be written", "no/b.json cannot be written"}},
		{append(two, "-o", "junit=no/all.xml"), []string{"no/all.xml cannot be written"}},
		{append(two, "--cluster", "none"), []string{`--cluster "none"`}},
		{append(two, "-f", "./a.yaml"), []string{"are the same contract"}},
		{append(two, "-f", "bad.yaml", "-f", "worse.yaml"), []string{"bad.yaml:", "imag", "worse.yaml"}},
		{append(two, "-f", "none.yaml"), []string{"none.yaml: there is no such file"}},
		{[]string{"verify", "-f", "a.yaml", "--parallel", "2"}, []string{"--parallel is about several contracts"}},
		{[]string{"plan", "-f", "a.yaml", "-f", "bad.yaml"}, []string{"bad: ", "imag"}},
		{[]string{"plan", "-f", "a.yaml", "-f", "b.yaml", "-m", "deploy"}, []string{"-m is for one contract"}},
		{[]string{"plan", "-f", "a.yaml", "-f", "b.yaml", "shop/api:1"}, []string{"IMAGE shop/api:1 is for one contract"}},
	} {
		err := execute(t.Context(), newRoot(), x.args)
		var code exitError
		if !errors.As(err, &code) || code.code != exitUsage {
			t.Errorf("%v: %v", x.args, err)
			continue
		}
		for _, want := range x.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: the error does not say %q: %v", x.args, want, err)
			}
		}
	}
}

// manyOf is a run of several contracts, of which nothing is known yet.
func manyOf(t *testing.T, outputs ...string) (*manyRun, *bytes.Buffer) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("GITHUB_ACTIONS", "")
	t.Setenv("GITLAB_CI", "")
	var files []string
	for _, name := range []string{"web", "worker", "cron"} {
		if err := os.WriteFile(name+".yaml", []byte(good), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, name+".yaml")
	}
	f := &verifyFlags{manyFlags: manyFlags{files: files}, timeout: time.Minute, where: clusterFlags{cluster: "kind"}}
	f.outputs, f.only, f.evidence = outputs, []string{"image/user-non-root"}, "{}.evidence"
	m := &manyRun{verifyFlags: f}
	if _, err := m.prepare(""); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	m.console = report.Console{Name: "verify"}
	m.progress = report.NewProgress(&out, m.console)
	for i := range m.options {
		m.options[i].Tell = m.progress.Of(m.names[i])
	}
	return m, &out
}

// sawUser is a result in which the image's user is this one.
func sawUser(m *manyRun, i int, user string) pipeline.Result {
	began := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return pipeline.Result{Contract: m.options[i].Contract, Evidence: evidence.Evidence{SchemaVersion: evidence.SchemaVersion, Run: evidence.Run{ID: fmt.Sprint("r", i), Started: began, Finished: began.Add(2 * time.Second)},
		Image: &evidence.Image{Ref: m.names[i] + ":1", Config: evidence.ImageConfig{User: user}}}}
}

// Each contract is told when it is known, under its name, and all of them last; the worst decides.
func TestSeveralContractsAreTold(t *testing.T) {
	m, out := manyOf(t, "terminal", "json={}.json", "junit=all.xml")
	m.done(t.Context(), 1, sawUser(m, 1, "0"), nil)
	if text := out.String(); !strings.Contains(text, "[verify] Contract worker\n") || !strings.Contains(text, "FAIL image/user-non-root") {
		t.Errorf("told was\n%s", text)
	}
	m.done(t.Context(), 0, sawUser(m, 0, "1001"), nil)
	if _, err := os.Stat("all.xml"); err == nil {
		t.Error("the document of all is written before all are known")
	}
	m.done(t.Context(), 2, pipeline.Result{}, &pipeline.InputError{Err: errors.New("all.yaml:3: no such kind")})
	err := m.end(t.Context())
	var code exitError
	if !errors.As(err, &code) || code.code != exitUsage || code.err != nil {
		t.Errorf("got %v", err)
	}
	if text := out.String(); !strings.Contains(text, "[verify] cron: all.yaml:3: no such kind\n") || !strings.HasSuffix(text, "[verify] web       pass         2.0\n[verify] worker    FAIL         2.0      image/user-non-root\n[verify] cron      wrong input  0.0      all.yaml:3: no such kind\n[verify] 3 contracts: 1 passed, 1 failed, 1 with wrong input.\n") {
		t.Errorf("told was\n%s", text)
	}
	for file, want := range map[string]string{"web.json": `"result": "pass"`, "worker.json": `"result": "fail"`, "all.xml": `name="worker: US2`, "web.evidence": "sawUser"} {
		b, err := os.ReadFile(file)
		if want == "sawUser" {
			want = `"user": "1001"`
		}
		if err != nil || !bytes.Contains(b, []byte(want)) {
			t.Errorf("%s has no %s: %s (%v)", file, want, b, err)
		}
	}
	if _, err := os.Stat("cron.json"); err == nil {
		t.Error("a contract without a result has a report")
	}
}

// Whoever stops all of them learns what is known by then, of each once; one whose own time is over leaves the rest.
func TestSeveralContractsAreStopped(t *testing.T) {
	m, out := manyOf(t, "terminal", "json=all.json")
	stopped := &pipeline.Stopped{By: "Ctrl-C"}
	ctx, stop := context.WithCancelCause(t.Context())
	stop(stopped)
	half := sawUser(m, 0, "1001")
	half.Evidence.Run.CutOff = "Ctrl-C"
	m.tell(ctx, 0, half) // as Options.Cut does
	m.done(ctx, 0, half, stopped)
	m.done(ctx, 1, sawUser(m, 1, "0"), nil)
	m.done(ctx, 2, pipeline.Result{}, stopped)
	if b, err := os.ReadFile("all.json"); err != nil || !bytes.Contains(b, []byte(`"result": "fail"`)) || !bytes.Contains(b, []byte(`"error": "stopped by Ctrl-C"`)) {
		t.Errorf("all.json is %s (%v)", b, err)
	}
	err := m.end(ctx)
	var code exitError
	if !errors.As(err, &code) || code.code != exitInterrupted || !strings.Contains(err.Error(), "the run was stopped by Ctrl-C; what it had created is removed") {
		t.Errorf("got %v", err)
	}
	if text := out.String(); strings.Count(text, "Contract web\n") != 1 || !strings.Contains(text, "web       inconclusive  2.0      stopped by Ctrl-C") || !strings.Contains(text, "cron      inconclusive  0.0      stopped by Ctrl-C") {
		t.Errorf("told was\n%s", text)
	}
}

// A file of one contract has its name, too, where that was asked for.
func TestTheNameOfOneContract(t *testing.T) {
	t.Chdir(t.TempDir())
	f := &verifyFlags{manyFlags: manyFlags{files: []string{"services/api/podproof.yaml"}}}
	f.outputs, f.evidence = []string{"json={}.json"}, "e-{}.json"
	if one, err := f.one(); !one || err != nil || f.file != "services/api/podproof.yaml" || f.outputs[0] != "json=services-api.json" || f.evidence != "e-services-api.json" {
		t.Errorf("%t, %+v (%v)", one, f, err)
	}
	f.files = append(f.files, "b.yaml")
	if one, err := f.one(); one || err != nil {
		t.Errorf("two contracts are one (%v)", err)
	}
}
