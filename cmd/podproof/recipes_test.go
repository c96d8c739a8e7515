package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
	"sigs.k8s.io/yaml"

	"podproof.dev/podproof/internal/report"
)

// understood tells whether podproof has the command, the flags and the formats of a line.
func understood(t *testing.T, line []string) {
	t.Helper()
	c, rest, err := newRoot().Find(line)
	if err == nil {
		err = c.ParseFlags(rest)
	}
	if err == nil {
		err = c.ValidateArgs(c.Flags().Args())
	}
	if f := c.Flags().Lookup("output"); err == nil && f != nil && f.Changed {
		formats, _ := c.Flags().GetStringArray("output")
		_, err = report.ParseOutputs(formats)
	}
	if err != nil {
		t.Errorf("podproof %s: %v", strings.Join(line, " "), err)
	}
}

// ran is what a script calls podproof with, where git, go, docker and podproof do nothing. Those
// calls of others are in the log.
func ran(t *testing.T, script string, env ...string) (calls [][]string, log string, code int) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "log")
	for _, name := range []string{"git", "go", "docker", "podproof"} {
		body := "#!/bin/sh\nfor a in " + name + " \"$@\"; do printf '%s\\037' \"$a\"; done >>" + file + "\necho >>" + file + "\n"
		if name == "podproof" {
			body += "[ -z \"$SARIF_FILE\" ] || echo {} >\"$SARIF_FILE\"\nexit ${CODE:-0}\n"
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o700); err != nil { //nolint:gosec // it is run
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + dir + ":" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if len(out) > 0 {
		t.Logf("%s", out)
	}
	text, _ := os.ReadFile(file)
	for l := range strings.Lines(string(text)) {
		words := strings.Split(strings.TrimSuffix(l, "\x1f\n"), "\x1f")
		log += strings.Join(words, " ") + "\n"
		if words[0] == "podproof" {
			calls = append(calls, words[1:])
		}
	}
	return calls, log, code
}

func parsed(t *testing.T, file string, into any) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", file))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return string(text)
}

func TestTheActionCallsPodproof(t *testing.T) {
	var action struct {
		Name, Description string
		Inputs            map[string]struct{ Description, Default string }
		Runs              struct {
			Using string
			Steps []struct {
				Name, ID, Uses, Shell, Run, If string
				Env                            map[string]string
				With                           map[string]any
				Dir                            string `json:"working-directory"`
			}
		}
	}
	text := parsed(t, "action.yml", &action)
	for _, m := range regexp.MustCompile(`inputs\.([a-z-]+)`).FindAllStringSubmatch(text, -1) {
		if _, ok := action.Inputs[m[1]]; !ok {
			t.Errorf("action.yml uses an input %s, which it does not have", m[1])
		}
	}
	for name := range action.Inputs {
		if !strings.Contains(text, "inputs."+name+" }}") {
			t.Errorf("action.yml has an input %s that it does not use", name)
		}
	}
	if action.Runs.Using != "composite" || len(action.Runs.Steps) != 5 {
		t.Fatalf("it is %s, with %d steps", action.Runs.Using, len(action.Runs.Steps))
	}
	temp := t.TempDir()
	outputs := filepath.Join(temp, "outputs")
	common := []string{"RUNNER_TEMP=" + temp, "GITHUB_OUTPUT=" + outputs, "GITHUB_PATH=" + filepath.Join(temp, "path")}

	if _, log, code := ran(t, action.Runs.Steps[1].Run, append(common, "SOURCE=/src", "REF=v1.2.3")...); code != 0 || !strings.Contains(log, "go -C /src build -ldflags -s -w -X main.stamped=v1.2.3 -o "+temp+"/podproof-bin/podproof ./cmd/podproof\n") {
		t.Errorf("exit code %d: %s", code, log)
	}
	verify := action.Runs.Steps[2]
	calls, _, code := ran(t, verify.Run, append(common, "IMAGE=", "CONTRACT=", "MANIFESTS=", "FLAGS=", "SARIF=false")...)
	if code != 0 || len(calls) != 1 || slices.ContainsFunc(calls[0], func(a string) bool { return a == "" || strings.HasPrefix(a, "sarif") }) {
		t.Fatalf("exit code %d: %q", code, calls)
	}
	understood(t, calls[0])
	if _, err := os.Stat(outputs); err == nil {
		t.Error("it tells of a SARIF file that there is not")
	}

	sarif := filepath.Join(temp, "podproof", "podproof.sarif")
	calls, _, code = ran(t, verify.Run, append(common, "IMAGE=shop/api:1", "CONTRACT=a b.yaml", "MANIFESTS=deploy/a\nk8s/*.yaml\n", "FLAGS=--timeout 5m -v", "SARIF=true", "SARIF_FILE="+sarif, "CODE=3")...)
	if code != 3 || len(calls) != 1 {
		t.Fatalf("exit code %d: %q", code, calls)
	}
	understood(t, calls[0])
	line := strings.Join(calls[0], "|") + "|"
	for _, want := range []string{"verify|", "|--file|a b.yaml|", "|--manifests|deploy/a|--manifests|k8s/*.yaml|", "|--timeout|5m|-v|", "|shop/api:1|", "|-o|sarif=" + sarif + "|"} {
		if !strings.Contains(line, want) {
			t.Errorf("there is no %s in %s", want, line)
		}
	}
	if got, err := os.ReadFile(outputs); err != nil || string(got) != "sarif="+sarif+"\n" {
		t.Errorf("the step's outputs are %q (%v)", got, err)
	}
}

func TestTheGitLabTemplateCallsPodproof(t *testing.T) {
	var template map[string]struct {
		Stage, Timeout string
		Variables      map[string]string
		Before         []string `json:"before_script"`
		Script         []string
		After          []string `json:"after_script"`
		Artifacts      struct {
			When    string
			Paths   []string
			Reports map[string]string
		}
	}
	parsed(t, filepath.Join("examples", "ci", "gitlab.yml"), &template)
	job := template["podproof"]
	env := []string{"CI_PROJECT_DIR=" + filepath.Join(t.TempDir(), "shop"), "CI_COMMIT_SHA=abc"}
	for name, value := range job.Variables {
		env = append(env, name+"="+strings.ReplaceAll(value, "$CI_COMMIT_SHA", "abc"))
	}
	calls, log, code := ran(t, strings.Join(slices.Concat(job.Before, job.Script, job.After), "\n"), env...)
	if code != 0 || len(calls) != 1 || !slices.Contains(calls[0], "shop/api:abc") || !strings.Contains(log, "shop.podproof/podproof ./cmd/podproof\n") {
		t.Fatalf("exit code %d: %s", code, log)
	}
	understood(t, calls[0])
	kept := job.Artifacts.Paths
	for _, file := range job.Artifacts.Reports {
		kept = append(kept, file)
	}
	for _, file := range kept {
		if !slices.ContainsFunc(calls[0], func(a string) bool { return a == file || strings.HasSuffix(a, "="+file) }) {
			t.Errorf("%s is kept, and podproof is not told to write it: %s", file, log)
		}
	}
}

// What the documents tell a reader to type is there.
func TestTheDocumentsCommands(t *testing.T) {
	command := regexp.MustCompile(`(?m)^ *(?:\$|- run:|-) (.*\bpodproof .*)$`)
	block := regexp.MustCompile("(?s)```(?:console|yaml)\n(.*?)```")
	n := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/*.md", "hack/*.md"} {
		files, err := filepath.Glob(filepath.Join("..", "..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range block.FindAllStringSubmatch(string(text), -1) {
				for _, m := range command.FindAllStringSubmatch(b[1], -1) {
					for _, line := range podproofCalls(t, file, m[1]) {
						n++
						understood(t, line)
					}
				}
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d commands were found", n)
	}
}

// podproofCalls are the calls of podproof in a line of shell, with x for what a shell would put in.
func podproofCalls(t *testing.T, file, line string) (calls [][]string) {
	t.Helper()
	line = regexp.MustCompile(`\$\{\{.*?\}\}`).ReplaceAllString(line, "x")
	f, err := syntax.NewParser().Parse(strings.NewReader(line), file)
	if err != nil {
		t.Errorf("%s: %q is no line of shell: %v", file, line, err)
		return nil
	}
	syntax.Walk(f, func(node syntax.Node) bool {
		call, ok := node.(*syntax.CallExpr)
		if !ok {
			return true
		}
		var words []string
		for _, w := range call.Args {
			words = append(words, spoken(w.Parts))
		}
		if i := slices.IndexFunc(words, func(w string) bool { return w == "podproof" || w == "bin/podproof" }); i >= 0 {
			calls = append(calls, words[i+1:])
		}
		return true
	})
	return calls
}

func spoken(parts []syntax.WordPart) string {
	var b strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			b.WriteString(spoken(p.Parts))
		default:
			b.WriteString("x")
		}
	}
	return b.String()
}
