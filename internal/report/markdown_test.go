package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
)

func md(t *testing.T, r Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteMarkdown(&b, r, Console{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMarkdownTellsTheResultFirst(t *testing.T) {
	for name, want := range map[string]string{
		"pass":         "### podproof: ✅ 12 promises hold\n",
		"fail":         "### podproof: ❌ 1 promise is broken\n",
		"fail-twice":   "### podproof: ❌ 2 promises are broken, ❔ 1 promise is undecided\n",
		"inconclusive": "### podproof: ❔ 8 promises are undecided\n",
	} {
		if got := md(t, cases(t)[name]); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %.80s", name, got)
		}
	}
	text := md(t, cases(t)["fail"])
	for _, want := range []string{"| ❌ broken | <b>termination/exit-zero</b>", "<b>promised</b>&#58;", "<b>what to do</b>", "\n11 promises hold: startup/ready"} {
		if !strings.Contains(text, strings.ReplaceAll(want, "&#58;", ":")) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// ours are the marks that podproof itself writes.
var ours = regexp.MustCompile(`</?(b|ul|li|details|summary|code)>|<br>|<!-- -->|&#\d+;|(?m)^### podproof: |^\|---\|---\|---\|$`)

func TestMarkdownIsTextThroughout(t *testing.T) {
	const hostile = "<img src=x onerror=alert(1)> `code` | cell | @octocat #12 [x](https://evil.example) ![i](http://evil.example/i.png) **b** _i_ www.evil.example ~~s~~ </details> \x1b[31m $math$ &lt;\n| row |\n::error::x\r"
	vs := allPass()
	with(t, vs, "termination/exit-zero", func(v *check.Verdict) {
		v.Status, v.Promised, v.Seen, v.Fix = check.Fail, hostile, hostile, hostile
		v.Findings = []check.Finding{{Where: hostile, Message: hostile}}
	})
	r := New(promised(), observed(), vs)
	r.Subject.Image, r.Evidence = hostile, hostile
	text := md(t, r)
	rows := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| ❌") {
			rows++
			if strings.Count(line, "|") != 4 {
				t.Errorf("a row of %d bars: %s", strings.Count(line, "|"), line)
			}
		}
		rest := strings.TrimSpace(ours.ReplaceAllString(line, ""))
		rest = strings.Trim(rest, "| ")
		if strings.ContainsAny(rest, "<>`[]*_~\x1b\r$\\") || strings.Contains(rest, "://") || strings.Contains(rest, "www.") {
			t.Errorf("not only text: %q", rest)
		}
	}
	if rows != 1 || regexp.MustCompile(`[@#][a-z0-9]`).MatchString(strings.ReplaceAll(text, "&#", "")) {
		t.Errorf("%d rows, or somebody is called:\n%s", rows, text)
	}
}

func TestMarkdownFitsAComment(t *testing.T) {
	r := cases(t)["fail"]
	for i := range 200 {
		v := r.with(check.Fail)[0]
		v.ID = "many/" + strings.Repeat("x", i%7) + string(rune('a'+i%26))
		v.Seen = strings.Repeat("<long> ", 2000)
		r.Verdicts = append(r.Verdicts, v)
	}
	for _, size := range []int{commentSize, summarySize} {
		text := string(markdown(r, size))
		if len(text) > size || len(text) < size/4 {
			t.Errorf("%d bytes of %d", len(text), size)
		}
		if size == commentSize && !strings.Contains(text, "left out here, for lack of room: many/") {
			t.Error("what is left out is not told")
		}
		if strings.Count(text, "<details>") != strings.Count(text, "</details>") {
			t.Error("a row was cut in the middle")
		}
	}
}
