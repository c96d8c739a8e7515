package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// three are a contract that passes, one that fails, and one that is wrong.
func three(t *testing.T) Several {
	t.Helper()
	of := func(name, which string) One {
		r := cases(t)[which].Among(name)
		return One{Name: name, Report: &r, Seconds: 41.3}
	}
	return Several{of("web", "pass"), of("worker", "fail"), {Name: "cron", Error: "all.yaml:3: no such kind\nmore", Wrong: true}}
}

func rendered(t *testing.T, format string, s Several) string {
	t.Helper()
	f, err := formatOf(format)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Several(&b, s, Console{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheWorstOfSeveralDecides(t *testing.T) {
	all := three(t)
	none := One{Name: "none", Error: "stopped"}
	for _, x := range []struct {
		of   Several
		want int
	}{{all, 2}, {all[:2], 1}, {append(Several{none}, all[1]), 1}, {Several{all[0], none}, 3}, {all[:1], 0}} {
		if got := x.of.ExitCode(); got != x.want {
			t.Errorf("%s got %d, want %d", x.of.lastLine(), got, x.want)
		}
	}
}

func TestTheTableOfSeveral(t *testing.T) {
	want := `[verify] CONTRACT  RESULT       SECONDS  WHAT
[verify] web       pass         41.3
[verify] worker    FAIL         41.3     termination/exit-zero
[verify] cron      wrong input  0.0      all.yaml:3: no such kind
[verify] 3 contracts: 1 passed, 1 failed, 1 with wrong input.
`
	var b strings.Builder
	if err := three(t).Table(&b, Console{}); err != nil || b.String() != want {
		t.Errorf("got\n%s\nwant\n%s(%v)", b.String(), want, err)
	}
	text := rendered(t, "terminal", three(t))
	if !strings.HasSuffix(text, want) || !strings.Contains(text, "[verify] Contract worker\n") {
		t.Errorf("the report is\n%s", text)
	}
	b.Reset()
	undecided := cases(t)["inconclusive"]
	if err := (Several{{Name: "a", Report: &undecided}}).Table(&b, Console{Color: true}); err != nil || !strings.Contains(b.String(), "8 promises could not be checked") || !strings.Contains(b.String(), "\x1b["+string(yellow)+"m") {
		t.Errorf("got %q (%v)", b.String(), err)
	}
	stopped := cases(t)["pass"]
	stopped.Incomplete, stopped.Result = "Ctrl-C", "inconclusive"
	if got := (One{Report: &stopped}).seen(); got != "stopped by Ctrl-C" {
		t.Errorf("got %q", got)
	}
}

func TestSeveralInOneJUnit(t *testing.T) {
	var e element
	if err := xml.Unmarshal([]byte(rendered(t, "junit", three(t))), &e); err != nil {
		t.Fatal(err)
	}
	if err := validate(e); err != nil {
		t.Error(err)
	}
	suites, names, ids := e.children("testsuite"), "", map[string]bool{}
	for _, s := range suites {
		names += s.attr("name") + "\n"
		ids[s.attr("id")] = true
	}
	last := suites[len(suites)-1]
	if len(ids) != len(suites) || !strings.Contains(names, "web: US1") || !strings.Contains(names, "worker: US1") || last.attr("name") != "cron" || last.attr("errors") != "1" || !strings.Contains(last.children("testcase")[0].children("error")[0].Text, "more") {
		t.Errorf("the suites are\n%s", names)
	}
	classes := map[string]bool{}
	for _, s := range suites {
		for _, c := range s.children("testcase") {
			key := c.attr("classname") + " " + c.attr("name")
			if classes[key] {
				t.Errorf("two cases are %s", key)
			}
			classes[key] = true
		}
	}
}

func TestSeveralInOneSARIF(t *testing.T) {
	text := rendered(t, "sarif", three(t))
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := demands(t).Validate(doc); err != nil {
		t.Error(err)
	}
	var log sarifLog
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	var categories []string
	for _, r := range log.Runs {
		categories = append(categories, r.AutomationDetails.ID)
	}
	if want := []string{"podproof/web/reactbin-api-prod/", "podproof/worker/reactbin-api-prod/", "podproof/cron/"}; !slices.Equal(categories, want) || log.Runs[2].Invocations[0].Successful || len(log.Runs[1].Results) == 0 {
		t.Errorf("the categories are %q", categories)
	}
}

func TestSeveralInOneJSON(t *testing.T) {
	var doc struct {
		SchemaVersion, Result string
		Contracts             []struct {
			Name, Error string
			Report      json.RawMessage
			Seconds     float64
		}
	}
	if err := json.Unmarshal([]byte(rendered(t, "json", three(t))), &doc); err != nil || doc.SchemaVersion != SeveralVersion || doc.Result != "wrong" || len(doc.Contracts) != 3 || doc.Contracts[2].Error == "" || doc.Contracts[2].Report != nil {
		t.Fatalf("got %+v (%v)", doc, err)
	}
	var one Report
	if err := json.Unmarshal(doc.Contracts[1].Report, &one); err != nil || one.Result != "fail" || one.SchemaVersion != SchemaVersion {
		t.Errorf("got %+v (%v)", one, err)
	}
}

// One finding of two contracts is two: GitLab shows one of a fingerprint.
func TestSeveralForGitHubAndGitLab(t *testing.T) {
	t.Setenv("GITHUB_STEP_SUMMARY", "")
	s := three(t)
	again := s[1].Report.Among("other")
	s = append(s, One{Name: "other", Report: &again})
	var issues []gitlabIssue
	if err := json.Unmarshal([]byte(rendered(t, "gitlab", s)), &issues); err != nil || len(issues) != 2 || issues[0].Fingerprint == issues[1].Fingerprint {
		t.Errorf("got %+v (%v)", issues, err)
	}
	if got := rendered(t, "github", s); strings.Count(got, "::error ") != 2 {
		t.Errorf("got %s", got)
	}
	text := rendered(t, "markdown", s)
	for _, want := range []string{"| worker | FAIL | 41.3 | termination/exit-zero |", "### podproof worker: ❌ 1 promise is broken", "### podproof: 4 contracts&#58; 1 passed, 2 failed, 1 with wrong input."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "### podproof web") {
		t.Error("what passes is told twice")
	}
	var many Several
	for range 60 {
		many = append(many, s[1])
	}
	if text = rendered(t, "markdown", many); len(text) > commentSize || !strings.Contains(text, "worker is left out here") || !strings.Contains(text, "### podproof worker") {
		t.Errorf("the page has %d bytes:\n%s", len(text), text)
	}
}

func TestOutputsOfSeveral(t *testing.T) {
	noCI(t)
	t.Chdir(t.TempDir())
	outs, err := ParseOutputs([]string{"terminal", "json={}.json", "junit=all.xml", "markdown=x/{}-{}.md", "github"})
	if err != nil {
		t.Fatal(err)
	}
	each, all, err := outs.ForSeveral()
	if got := each.Of("web"); err != nil || len(got) != 4 || got[1].File != "web.json" || got[2].File != "x/web-web.md" || got[0].File != "" || len(all) != 1 || all[0].File != "all.xml" {
		t.Errorf("each %v, all %v (%v)", got, all, err)
	}
	if err := all.WriteSeveral(three(t), os.Stdout, Console{}); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(filepath.Join(".", "all.xml")); err != nil || !bytes.Contains(b, []byte("worker: US1")) {
		t.Errorf("all.xml is %s (%v)", b, err)
	}
	alone := Outputs{{Format: Format{Name: "page", File: "page.html", Render: WriteTerminal}, File: "page.html"}}
	_, _, err = alone.ForSeveral()
	if want := "-o page=page.html: such a document holds one contract; write -o page={}.html, where {} is the contract's name"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	alone[0].File = "{}.html"
	if each, all, err := alone.ForSeveral(); err != nil || len(each) != 1 || len(all) != 0 {
		t.Errorf("each %v, all %v (%v)", each, all, err)
	}
	if !HasSlot("{}.json") || HasSlot("a.json") {
		t.Error("the place of a name is not seen")
	}
}

func TestProgressOfOneOfSeveral(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, Console{})
	of := p.Of("web")
	of.StepTo("Building", "Built")(nil)
	of.Note("a note")
	of.Waiting("the pod")
	if p.waiting != "the pod (web)" {
		t.Errorf("waiting for %q", p.waiting)
	}
	of.Waiting("")
	p.Close()
	if got := b.String(); p.waiting != "" || !strings.HasPrefix(got, "[verify] web: Building…\n[verify] web: Built (") || !strings.HasSuffix(got, "[verify] web: a note\n") {
		t.Errorf("got %q", got)
	}
}
