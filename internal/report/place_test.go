package report

import (
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// Whoever reads that a promise is broken reads where it is mended, whatever they read it in.
func TestABrokenPromiseHasItsPlaceBesideIt(t *testing.T) {
	for _, x := range []struct {
		name, seen string
		at         *check.Location
		terminal   string
	}{
		{"a field", "no probe", &check.Location{File: "deploy/app.yaml", Line: 31}, "where       deploy/app.yaml:31\n"},
		{"a program", "it hangs", &check.Location{File: "deploy/app.yaml", Line: 20, About: "the container"}, "where       deploy/app.yaml:20 (the container)\n"},
		{"a line that is not known", "it hangs", &check.Location{File: "deploy/app.yaml"}, "where       deploy/app.yaml\n"},
		{"a longer line is told", "Dockerfile:42, RUN npm ci: it ran again", &check.Location{File: "Dockerfile", Line: 4}, "where       Dockerfile:4\n"},
		{"what was piped", "no probe", &check.Location{Object: "deployment/api", Field: "spec.replicas"}, "where       deployment/api, spec.replicas\n"},
		{"told already", "Dockerfile:9, RUN npm ci: it ran again", &check.Location{File: "Dockerfile", Line: 9}, ""},
		{"in the image", "a key", &check.Location{Layer: 3, Path: "/app/.env"}, ""},
		{"nowhere", "a key", nil, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			vs := allPass()
			with(t, vs, "identity/non-root", func(v *check.Verdict) { v.Status, v.Seen, v.Location = check.Fail, x.seen, x.at })
			r := inRoot(New(promised(), observed(), vs))
			text, page, comment := terminal(t, r, Console{}), htmlText(t, r), md(t, r)
			if x.terminal == "" {
				if strings.Contains(text, "where  ") || strings.Contains(page, "<dt>Where</dt>") || strings.Contains(comment, "<code>") {
					t.Errorf("there is a place:\n%s", text)
				}
				return
			}
			if !strings.Contains(text, "[verify]     "+x.terminal) {
				t.Errorf("no %q in\n%s", x.terminal, text)
			}
			place := strings.TrimSpace(strings.TrimPrefix(x.terminal, "where"))
			bare, _, _ := strings.Cut(place, " (")
			if !strings.Contains(page, "<dt>Where</dt><dd>"+strings.ReplaceAll(place, "'", "&#39;")+"</dd>") {
				t.Errorf("the page has no %q", place)
			}
			if !strings.Contains(comment, mdCode(bare)) {
				t.Errorf("no code span of %q in\n%s", bare, comment)
			}
		})
	}
}

// Findings that stand elsewhere than the first name their own place; one in the text is enough.
func TestAFindingNamesItsOwnPlace(t *testing.T) {
	vs := allPass()
	with(t, vs, "identity/non-root", func(v *check.Verdict) {
		first := check.Location{File: "deploy/app.yaml", Line: 31}
		v.Status, v.Seen, v.Location = check.Fail, "two fields", &first
		v.Findings = []check.Finding{{Where: "a", Message: "one", Location: &first},
			{Where: "b", Message: "other", Location: &check.Location{File: "deploy/app.yaml", Line: 40}},
			{Where: "Dockerfile:9, RUN", Message: "third", Location: &check.Location{File: "Dockerfile", Line: 9}}}
	})
	r := inRoot(New(promised(), observed(), vs))
	for name, text := range map[string]string{"terminal": terminal(t, r, Console{}), "page": htmlText(t, r)} {
		if strings.Count(text, "deploy/app.yaml:31") != 1 || strings.Count(text, "(deploy/app.yaml:40)") != 1 || strings.Count(text, "Dockerfile:9") != 1 {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	if text := md(t, r); strings.Count(text, mdCode("deploy/app.yaml:40")) != 1 {
		t.Error(text)
	}
}

// A terminal tells a file as it is found from the current folder, and pages as it is in the repository.
func TestATerminalsPlacesAreOfTheCurrentFolder(t *testing.T) {
	aRepository(t, true, "svc", "svc/k8s/api.yaml")
	c := unwritten(t, []string{"k8s"}, nil)
	h, l := HomeOf(c), &check.Location{File: "k8s/api.yaml", Line: 7}
	if here, at := h.here(l), h.at(l); here != "k8s/api.yaml:7" || at != "svc/k8s/api.yaml:7" {
		t.Errorf("here %s, at %s", here, at)
	}
	above := &check.Location{File: "../k8s/api.yaml", Line: 7}
	if here := h.here(above); here != "k8s/api.yaml:7" {
		t.Errorf("above: %s", here)
	}
	r := New(contract.Contract{}, evidence.Evidence{}, nil)
	r.home = Home{Folder: "svc"}
	if got := r.home.here(l); got != "svc/k8s/api.yaml:7" {
		t.Errorf("of another machine's run: %s", got)
	}
}
