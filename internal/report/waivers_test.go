package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
)

// half is an image with two findings of which one is waived, a promise that is judged as a whole, and
// one that could not be decided.
func half(t *testing.T) Report {
	vs := allPass()
	with(t, vs, "image/no-dev-dependencies", func(v *check.Verdict) {
		v.Status, v.Seen, v.Check.ByPlace = check.Fail, "2 files", true
		v.Findings = []check.Finding{
			{Where: "/app/a, layer 2", Message: "mode 4755", Fingerprint: "00000000000000aa"},
			{Where: "/app/b, layer 2", Message: "mode 4755", Fingerprint: "00000000000000bb", Waiver: &contract.Waiver{ID: "image/no-dev-dependencies", Where: "/app/b", Reason: "old", By: "ops", Until: "2026-12-31"}},
			{Where: "img", Message: "a note", Note: true},
		}
	})
	with(t, vs, "termination/exit-zero", func(v *check.Verdict) {
		v.Status, v.Seen = check.Fail, "exit code 137: killed"
		v.Findings = []check.Finding{{Where: "pod api", Message: "killed", Fingerprint: "00000000000000cc"}}
	})
	with(t, vs, "startup/logs", undecided)
	return New(promised(), observed(), vs)
}

func TestWriteWaivers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.yaml")
	n, err := half(t).WriteWaivers(file, "Ann", "2026-12-31")
	if err != nil || n != 2 {
		t.Fatalf("%d waivers, %v", n, err)
	}
	// A contract takes them as they are.
	own := filepath.Join(filepath.Dir(file), "podproof.yaml")
	if err := os.WriteFile(own, []byte("apiVersion: podproof/v1alpha1\nkind: Contract\nwaiversFrom: [w.yaml]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := contract.Load(own)
	if err != nil {
		t.Fatal(err)
	}
	want := []contract.Waiver{
		{ID: "termination/exit-zero", By: "Ann", Until: "2026-12-31", Reason: "found on 2026-03-04, to be fixed: exit code 137: killed"},
		{ID: "image/no-dev-dependencies", By: "Ann", Until: "2026-12-31", Where: "00000000000000aa", Reason: "found on 2026-03-04, to be fixed: /app/a, layer 2: mode 4755"},
	}
	if diff := cmp.Diff(want, c.Waivers); diff != "" {
		t.Errorf("waivers (-want +got):\n%s", diff)
	}
}

func TestNoWaiversAreWrittenWhereNothingIsBroken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.yaml")
	for _, name := range []string{"pass", "inconclusive", "waived"} {
		if n, err := cases(t)[name].WriteWaivers(file, "Ann", "2026-12-31"); n != 0 || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file is there (%v)", err)
	}
}

// What is waived, and what waives nothing, stays visible in every format that tells all verdicts.
func TestEveryFormatTellsOfWaivers(t *testing.T) {
	r := half(t)
	r.IdleWaivers = []string{"the waiver of a/b by ops ended"}
	for _, f := range formats {
		if f.Open {
			continue
		}
		var b strings.Builder
		if err := f.Render(&b, r, Console{}); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"the waiver of a/b by ops ended", "/app/b", "2026-12-31", "old"} {
			if !strings.Contains(strings.ReplaceAll(b.String(), "&#58;", ":"), text) {
				t.Errorf("%s does not say %q:\n%s", f.Name, text, b.String())
			}
		}
	}
}
