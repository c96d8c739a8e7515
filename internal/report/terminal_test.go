package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"podproof.dev/podproof/internal/check"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update writes it anew); got:\n%s", file, got)
	}
}

func terminal(t *testing.T, r Report, c Console) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteTerminal(&b, r, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTerminal(t *testing.T) {
	for name, r := range cases(t) {
		t.Run(name, func(t *testing.T) {
			got := terminal(t, r, Console{})
			golden(t, name, []byte(got))
			for l := range strings.Lines(got) {
				if !strings.HasPrefix(l, "[verify] ") {
					t.Errorf("a line without its prefix: %q", l)
				}
				if strings.ContainsRune(l, '\x1b') {
					t.Errorf("an escape character came through: %q", l)
				}
			}
		})
	}
}

func TestTerminalVerbose(t *testing.T) {
	r := cases(t)["fail"]
	golden(t, "verbose", []byte(terminal(t, r, Console{Verbose: true})))
}

// Details explain a promise that is broken; of one that holds they are for the curious.
func TestTerminalLeavesDetailsOut(t *testing.T) {
	const detail = "12 lines were read"
	kept, lost := cases(t)["pass"], cases(t)["pass"]
	for i, v := range lost.Verdicts {
		if len(v.Findings) > 0 {
			lost.Verdicts[i].Verdict = check.Fail
		}
	}
	for _, x := range []struct {
		r       Report
		c       Console
		visible bool
	}{{kept, Console{}, false}, {kept, Console{Verbose: true}, true}, {lost, Console{}, true}} {
		if got := terminal(t, x.r, x.c); strings.Contains(got, detail) != x.visible {
			t.Errorf("visible %t, want %t:\n%s", !x.visible, x.visible, got)
		}
	}
}

func TestTerminalWrapsAndColours(t *testing.T) {
	r := cases(t)["fail"]
	narrow := terminal(t, r, Console{Width: 60})
	golden(t, "narrow", []byte(narrow))
	for l := range strings.Lines(narrow) {
		if n := utf8.RuneCountInString(strings.TrimSpace(l)); n > 60 && !strings.Contains(l, "broken: ") {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	golden(t, "colour", []byte(terminal(t, r, Console{Color: true})))
}

func TestLastLine(t *testing.T) {
	for name, want := range map[string]string{
		"pass":               "[verify] All checks passed (US1 + US2 + US3).",
		"waived":             "[verify] All other checks passed (US1 + US2 + US3); 1 waived: image/no-dev-dependencies.",
		"skipped":            "[verify] All checks that were run passed (US1 + US3); 4 skipped.",
		"waived-and-skipped": "[verify] All other checks that were run passed (US1 + US2 + US3); 1 waived: image/no-dev-dependencies; 1 skipped.",
		"fail":               "[verify] 1 promise is broken: termination/exit-zero. Evidence: run.json",
		"inconclusive":       "[verify] 8 promises could not be checked; none was seen broken. Evidence: run.json",
		"fail-twice":         "[verify] 2 promises are broken: termination/exit-zero, image/no-secrets-in-history; 1 promise could not be checked. Run it again with --evidence FILE to keep what was seen.",
	} {
		// Neither a narrow terminal nor -v may change the line that people and scripts look for.
		for _, c := range []Console{{}, {Width: 30}, {Verbose: true}} {
			lines := strings.Split(strings.TrimSuffix(terminal(t, cases(t)[name], c), "\n"), "\n")
			if got := lines[len(lines)-1]; got != want {
				t.Errorf("%s: got  %s\nwant %s", name, got, want)
			}
		}
	}
}

func TestLastLineWithoutAPass(t *testing.T) {
	vs := allPass()[:2]
	waived(&vs[0])
	skipped(&vs[1])
	text, _ := New(promised(), observed(), vs).lastLine()
	if want := "No check passed; 1 waived: startup/ready; 1 skipped."; text != want {
		t.Errorf("got %s", text)
	}
	skipped(&vs[0])
	r := New(promised(), observed(), vs)
	text, _ = r.lastLine()
	if want := "No promise was checked: every check that was selected is skipped; 2 skipped."; !strings.HasPrefix(text, want) || r.ExitCode() != 3 {
		t.Errorf("got %s, exit code %d", text, r.ExitCode())
	}
}

// A run that was stopped passes nothing, whatever was decided by then.
func TestStoppedRunDoesNotPass(t *testing.T) {
	e := observed()
	e.Run.CutOff = "SIGTERM"
	if r := New(promised(), e, allPass()); r.ExitCode() != 3 || r.Incomplete != "SIGTERM" {
		t.Errorf("exit code %d, incomplete %q", r.ExitCode(), r.Incomplete)
	}
	if r := cases(t)["stopped"]; r.ExitCode() != 1 {
		t.Errorf("a promise that was broken by then: exit code %d", r.ExitCode())
	}
}

func TestSeconds(t *testing.T) {
	for s, want := range map[float64]string{0: "<0.1 s", 0.05: "0.1 s", 4.21: "4.2 s", 99.94: "99.9 s", 99.96: "100 s", 3725: "3725 s"} {
		if got := seconds(s); got != want {
			t.Errorf("seconds(%v) = %s, want %s", s, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for s, want := range map[string]string{
		"a\x1b[2Jb":   "a\uFFFD[2Jb",
		"a\r\nb\tc\n": "a\nb c",
		"a\rb":        "a\uFFFDb",
		"\u202eabc":   "\uFFFDabc", // right-to-left override
		"\xff":        "\uFFFD",
		"grüße, 世界…":  "grüße, 世界…",
	} {
		if got := Clean(s); got != want {
			t.Errorf("Clean(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestFoldKeepsReasonsApart(t *testing.T) {
	vs := []Verdict{
		{ID: "a/a", Verdict: check.Inconclusive, Seen: "x", Fix: "1"},
		{ID: "b/b", Verdict: check.Inconclusive, Seen: "x", Fix: "2"},
		{ID: "c/c", Verdict: check.Inconclusive, Seen: "x", Fix: "1"},
	}
	got := fold(vs)
	if len(got) != 1 || ids(got[0].verdicts) != "a/a, c/c" {
		t.Errorf("%+v", got)
	}
}

func TestQuietTellsWhatDoesNotHold(t *testing.T) {
	for name, want := range map[string]string{
		"pass":   "",
		"waived": "",
		"fail": "[verify] FAIL termination/exit-zero: exit code 137 after 30.2 s: SIGKILL at the end of the grace period; PID 1 is `sh -c uvicorn app:app`…\n" +
			"[verify] 1 promise is broken: termination/exit-zero. Evidence: run.json\n",
	} {
		if got := terminal(t, cases(t)[name], Console{Quiet: true}); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

// What failed comes first, and what holds is a line; with -v each is told.
func TestTerminalTellsWhatFailedFirst(t *testing.T) {
	r := cases(t)["fail-twice"]
	got := strings.Split(terminal(t, r, Console{}), "\n")
	if got[1] != "[verify] Broken" || !strings.HasPrefix(got[2], "[verify]   FAIL termination/exit-zero: ") {
		t.Errorf("not what failed comes first: %q", got[:3])
	}
	const held = "[verify] 9 promises hold: Reliable 5, Secure 3, Reproducible 1 (-v tells each)"
	if text := terminal(t, r, Console{}); !strings.Contains(text, held) || strings.Contains(text, "Health check passed") {
		t.Errorf("no %q in\n%s", held, text)
	}
	if text := terminal(t, r, Console{Verbose: true}); strings.Contains(text, held) || !strings.Contains(text, "[verify] Reliable (US1)\n[verify]   Ready OK") {
		t.Errorf("-v does not tell each that holds:\n%s", text)
	}
	for _, s := range check.Stories() {
		if groupName(Story(s)) == s.ID {
			t.Errorf("the group %s has no name", s.ID)
		}
	}
}

// At 40 columns, nothing but a word that is longer stands out.
func TestTerminalOfFortyColumns(t *testing.T) {
	for name, r := range cases(t) {
		lines := strings.Split(strings.TrimSuffix(terminal(t, r, Console{Width: 40}), "\n"), "\n")
		for _, l := range lines[:len(lines)-1] { // the last is for scripts, and stays a line
			text := strings.TrimPrefix(l, "[verify]")
			if n := utf8.RuneCountInString(l); n > 40 && strings.Contains(strings.TrimSpace(text), " ") {
				t.Errorf("%s: %d columns: %s", name, n, l)
			}
		}
	}
}

func TestColours(t *testing.T) {
	for _, c := range []struct {
		env   string
		shown bool
		want  bool
	}{
		{"", true, true}, {"", false, false},
		{"NO_COLOR=1", true, false}, {"NO_COLOR=1 CLICOLOR_FORCE=1", true, false},
		{"CLICOLOR=0", true, false}, {"CLICOLOR=1", true, true}, {"CLICOLOR=1", false, false},
		{"CLICOLOR_FORCE=1", false, true}, {"CLICOLOR_FORCE=0", false, false}, {"CLICOLOR_FORCE=0", true, true}, {"CLICOLOR=0 CLICOLOR_FORCE=1", true, true},
	} {
		env := func(name string) string {
			for _, pair := range strings.Fields(c.env) {
				if v, ok := strings.CutPrefix(pair, name+"="); ok {
					return v
				}
			}
			return ""
		}
		if got := colored(c.shown, env); got != c.want {
			t.Errorf("%q on a terminal that shows colours (%v): %v", c.env, c.shown, got)
		}
	}
}

// What was seen of a promise that does not hold, and how it is fixed, is read once. The last line names it.
func TestTerminalTellsWhatDoesNotHoldOnce(t *testing.T) {
	for name, r := range cases(t) {
		for _, c := range []Console{{}, {Verbose: true}} {
			text := terminal(t, r, c)
			seen := map[string]int{}
			for _, v := range append(r.with(check.Fail), r.with(check.Inconclusive)...) {
				seen[strings.TrimSuffix(short(v.Seen), "…")]++
			}
			for s, n := range seen {
				if got := strings.Count(text, s); got != 1 {
					t.Errorf("%s: %d times %q, of %d promises:\n%s", name, got, s, n, text)
				}
			}
		}
	}
}

// A promise that others are broken for comes before them.
func TestTerminalTellsACauseFirst(t *testing.T) {
	r := cases(t)["fail-twice"]
	for i, v := range r.Verdicts {
		if v.ID == "termination/exit-zero" {
			r.Verdicts[i].Fix = "Fix image/no-secrets-in-history first."
		}
	}
	text := terminal(t, r, Console{})
	if cause, other := strings.Index(text, "FAIL image/no-secrets-in-history"), strings.Index(text, "FAIL termination/exit-zero"); cause < 0 || cause > other {
		t.Errorf("not first what is to be fixed first:\n%s", text)
	}
}
