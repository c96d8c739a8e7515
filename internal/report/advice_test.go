package report

import (
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// Advice is told by its name, and breaks nothing.
func TestAdviceIsTold(t *testing.T) {
	vs := allPass()
	vs[0].Status, vs[0].Advice, vs[0].Seen = check.Skipped, true, "under the profile baseline this breaks nothing: no EXPOSE"
	r := New(contract.Contract{}, evidence.Evidence{}, vs)
	if r.ExitCode() != 0 {
		t.Errorf("exit code %d", r.ExitCode())
	}
	text := terminal(t, r, Console{})
	if want := "Advice: " + vs[0].Check.ID + " (under the profile baseline this breaks nothing: no EXPOSE)"; !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
		t.Errorf("it does not say %q:\n%s", want, text)
	}
	if strings.Contains(text, "Skipped: "+vs[0].Check.ID) {
		t.Errorf("it is told twice:\n%s", text)
	}
	for _, want := range []string{"## Where it stands\n\nBroken, it breaks a run under each profile. That there is no EXPOSE at all is advice"} {
		var page strings.Builder
		for _, c := range check.Catalogue() {
			if err := WriteExplanation(&page, c); err != nil {
				t.Fatal(err)
			}
		}
		if !strings.Contains(page.String(), want) || strings.Count(page.String(), "## Where it stands") != len(check.Catalogue()) {
			t.Errorf("no page says %q", want)
		}
	}
}
