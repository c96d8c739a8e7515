package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
)

func github(t *testing.T, r Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteGitHub(&b, r, Console{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAnnotationsAreEscaped(t *testing.T) {
	noCI(t)
	f := at("my,dir/a: 100%.yaml", 7)
	f.Where, f.Message = "x", "100% wrong\r\n::error::forged"
	got := strings.Split(github(t, located(t, f)), "\n")
	want := "::error file=my%2Cdir/a%3A 100%25.yaml,line=7,title=image/no-secrets-in-history%3A history and configuration hold no secret::x: 100%25 wrong%0A::error::forged%0APromised: "
	if len(got) != 2 || !strings.HasPrefix(got[0], want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// GitHub shows ten of a kind: those that are left out are told in one of another kind.
func TestTheWorstAnnotationsComeFirst(t *testing.T) {
	noCI(t)
	var fs []check.Finding
	for i := range 15 {
		fs = append(fs, at("a", i+1))
	}
	vs := allPass()
	for _, id := range []string{"image/no-dev-dependencies", "image/no-secrets-in-history"} {
		with(t, vs, id, func(v *check.Verdict) { v.Status, v.Findings = check.Fail, fs })
	}
	with(t, vs, "startup/ready", undecided)
	text := github(t, New(promised(), observed(), vs))
	if strings.Count(text, "::error ") != 10 || strings.Count(text, "::warning ") != 1 || !strings.Contains(text, "::notice title=podproof::and 20 more of the kind error") {
		t.Errorf("%s", text)
	}
	lines := strings.Split(text, "\n")
	if !strings.Contains(lines[0], "no-dev-dependencies") || !strings.Contains(lines[1], "no-secrets-in-history") {
		t.Errorf("one promise hides the other:\n%s", text)
	}
}

func TestTheSummaryIsAppended(t *testing.T) {
	noCI(t)
	file := filepath.Join(t.TempDir(), "summary")
	t.Setenv("GITHUB_STEP_SUMMARY", file)
	if err := os.WriteFile(file, []byte("earlier\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	github(t, cases(t)["fail"])
	got, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(got), "earlier\n### podproof: ❌ 1 promise is broken") {
		t.Errorf("%.80s, %v", got, err)
	}
	if err := os.WriteFile(file, make([]byte, summarySize-10), 0o600); err != nil {
		t.Fatal(err)
	}
	github(t, cases(t)["fail"])
	if info, err := os.Stat(file); err != nil || info.Size() > summarySize {
		t.Errorf("the summary is longer than GitHub takes: %v", err)
	}
}

func TestGitLabTakesTheReport(t *testing.T) {
	render := func(r Report) []map[string]any {
		var b bytes.Buffer
		if err := WriteGitLab(&b, r, Console{}); err != nil {
			t.Fatal(err)
		}
		var out []map[string]any
		if err := json.Unmarshal(b.Bytes(), &out); err != nil || out == nil {
			t.Fatalf("no array: %v\n%s", err, b.String())
		}
		return out
	}
	if got := render(cases(t)["pass"]); len(got) != 0 {
		t.Errorf("%v", got)
	}
	r := located(t, at("./k8s/api.yaml", 7))
	first := render(r)
	if len(first) != 1 || first[0]["check_name"] != "image/no-secrets-in-history" || first[0]["severity"] != "major" ||
		fmt.Sprint(first[0]["location"]) != "map[lines:map[begin:7] path:k8s/api.yaml]" || !strings.Contains(fmt.Sprint(first[0]["description"]), "wrong") {
		t.Errorf("%v", first)
	}
	r.Subject.Image = "shop/other:1"
	if render(r)[0]["fingerprint"] == first[0]["fingerprint"] {
		t.Error("two images have one fingerprint")
	}
	for name, r := range cases(t) {
		seen := map[any]bool{}
		for _, i := range render(r) {
			if seen[i["fingerprint"]] && name != "fail-twice" { // its findings are equal, and were not fingerprinted
				t.Errorf("%s: %v is there twice", name, i["fingerprint"])
			}
			seen[i["fingerprint"]] = true
		}
	}
}
