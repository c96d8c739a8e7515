package corpus

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/collect/image"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
)

// Short names of the checks.
const (
	history  = "image/no-secrets-in-history"
	layers   = "image/no-secrets-in-layers"
	tooling  = "image/no-dev-dependencies"
	user     = "image/user-non-root"
	signal   = "image/signal-path"
	leaks    = "image/no-source-leaks"
	setuid   = "image/no-setuid"
	writable = "image/no-world-writable"
	size     = "image/size-budget"
	config   = "image/config-complete"
	devs     = "image/no-dev-server"
	machine  = "image/platform"
)

// specimen is one image with one thing planted in it.
type specimen struct {
	planted string
	plant   func(*recipe)
	// fails are the checks that must fail; all others must hold. Empty: a look-alike.
	fails []string
	// like is the check that a look-alike tries to deceive.
	like string
	// open are the checks that must be inconclusive, skips those that must not judge.
	open, skips []string
	// at are texts that one finding of the first failing check must hold: which layer, which
	// instruction, which path, whether it is reachable; for a look-alike, a finding of like.
	at []string
}

// corpus is all specimens, by theme.
func corpus() []specimen {
	return slices.Concat(healthyImage, secretsInHistory, harmlessHistory, secretsInFiles, harmlessFiles, layerTruths,
		secretsInSettings, harmlessSettings, secretsInArchives, harmlessArchives, secretsInArguments, harmlessArguments,
		devTooling, harmlessTooling, users, signals, devServers, platforms, sourceLeaks, harmlessLeftovers, rights, budgets, configurations, variants, harmlessVariants)
}

var healthyImage = []specimen{{planted: "nothing", plant: func(*recipe) {}, like: layers}}

func TestCorpus(t *testing.T) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\n#\tPLANTED\tMUST FAIL\tFAILED\t")
	faults, alike, wrong := 0, 0, 0
	for i, s := range corpus() {
		var failed []string
		ok := t.Run(s.planted, func(t *testing.T) { failed = s.test(t) })
		verdict := ""
		if !ok {
			verdict = "WRONG"
			wrong++
		}
		must := short(s.fails)
		if len(s.fails) == 0 {
			alike++
			must = "- (like " + short([]string{s.like}) + ")"
		} else {
			faults++
		}
		_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", i+1, s.planted, must, short(failed), verdict)
	}
	_ = w.Flush()
	t.Logf("%s\n%d images: %d with a fault, %d with a look-alike; %d judged wrongly", table.String(), faults+alike, faults, alike, wrong)
}

func short(ids []string) string {
	var out []string
	for _, id := range ids {
		out = append(out, strings.TrimPrefix(id, "image/"))
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ", ")
}

// test judges the specimen, and returns what failed.
func (s specimen) test(t *testing.T) (failed []string) {
	r := healthy(t)
	s.plant(r)
	e := collect(t, r)
	got := judge(t, r, e)
	for _, v := range got {
		want := check.Pass
		switch {
		case slices.Contains(s.fails, v.Check.ID):
			want = check.Fail
		case slices.Contains(s.open, v.Check.ID):
			want = check.Inconclusive
		case slices.Contains(s.skips, v.Check.ID):
			want = check.Skipped
		}
		if v.Status == check.Fail {
			failed = append(failed, v.Check.ID)
		}
		if v.Status != want {
			t.Errorf("%s: %s, want %s\n%s", v.Check.ID, v.Status, want, said(v))
		}
	}
	s.finds(t, got)
	s.keepsQuiet(t, r, e, got)
	return failed
}

// finds demands the finding that the specimen is about.
func (s specimen) finds(t *testing.T, got []check.Verdict) {
	t.Helper()
	id := s.like
	if len(s.fails) > 0 {
		id = s.fails[0]
	}
	i := slices.IndexFunc(got, func(v check.Verdict) bool { return v.Check.ID == id })
	if i < 0 {
		t.Fatalf("no check %q", id)
	}
	if len(s.at) > 0 && !slices.ContainsFunc(got[i].Findings, func(f check.Finding) bool {
		return f.Note == (len(s.fails) == 0) && !slices.ContainsFunc(s.at, func(x string) bool { return !strings.Contains(f.Where+": "+f.Message, x) })
	}) {
		t.Errorf("no finding of %s holds all of %q\n%s", id, s.at, said(got[i]))
	}
}

// keepsQuiet demands that no value of a secret is said, nor kept in the evidence that a run
// writes, and that the kept evidence is judged the same.
func (s specimen) keepsQuiet(t *testing.T, r *recipe, e evidence.Evidence, got []check.Verdict) {
	t.Helper()
	masked := redact.Image(*e.Image)
	e.Image = &masked
	kept, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var again evidence.Evidence
	if err := json.Unmarshal(kept, &again); err != nil {
		t.Fatal(err)
	}
	for i, v := range judge(t, r, again) {
		if said(v) != said(got[i]) {
			t.Errorf("judged again from the kept evidence:\n%sand at first:\n%s", said(v), said(got[i]))
		}
	}
	for _, value := range r.planted {
		if strings.Contains(string(kept), value) {
			t.Errorf("the kept evidence holds the planted value")
		}
		for _, v := range got {
			if strings.Contains(said(v), value) {
				t.Errorf("%s says the planted value", v.Check.ID)
			}
		}
	}
}

func collect(t testing.TB, r *recipe) evidence.Evidence {
	t.Helper()
	img, err := image.Collect(t.Context(), r.image(), image.Options{Ref: "corpus:1", Source: "tar", Compressed: r.compressed, Forbidden: r.contract.Files.Forbid, Statements: r.statements})
	if err != nil {
		t.Fatal(err)
	}
	return evidence.Evidence{SchemaVersion: evidence.SchemaVersion, Run: evidence.Run{Platform: r.wanted}, Image: &img, Workload: r.workload}
}

func judge(t testing.TB, r *recipe, e evidence.Evidence) []check.Verdict {
	t.Helper()
	selected, err := check.Select([]string{"image/*"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := contract.Derive(r.contract, contract.Facts{Image: contract.ImageFacts{User: e.Image.Config.User,
		ExposedPorts: e.Image.Config.ExposedPorts, Healthcheck: e.Image.Config.Healthcheck}})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(check.Judge(selected, c, e), func(v check.Verdict) bool { return !strings.HasPrefix(v.Check.ID, "image/") })
}

func said(v check.Verdict) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%s %s: %s\n  fix: %s\n  line: %s\n", v.Check.ID, v.Status, v.Seen, v.Fix, v.Line)
	for _, f := range v.Findings {
		mark := "!"
		if f.Note {
			mark = " "
		}
		_, _ = fmt.Fprintf(&b, "%s %s: %s\n", mark, f.Where, f.Message)
	}
	return b.String()
}

// Every check of the group must be broken by a specimen, and tempted by a look-alike.
func TestCorpusCoversTheCatalogue(t *testing.T) {
	selected, err := check.Select([]string{"image/*"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all, names := corpus(), map[string]bool{}
	for _, s := range all {
		if names[s.planted] || s.planted == "" || (len(s.fails) == 0) == (s.like == "") {
			t.Errorf("specimen %q has no name of its own, or not exactly one of fails and like", s.planted)
		}
		names[s.planted] = true
	}
	for _, ch := range selected {
		if !slices.ContainsFunc(all, func(s specimen) bool { return slices.Contains(s.fails, ch.ID) }) {
			t.Errorf("no specimen breaks %s", ch.ID)
		}
		if !slices.ContainsFunc(all, func(s specimen) bool { return s.like == ch.ID }) {
			t.Errorf("no look-alike tempts %s", ch.ID)
		}
	}
	if len(all) < 40 {
		t.Errorf("%d specimens, and 40 are the least", len(all))
	}
}
