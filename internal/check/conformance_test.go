package check

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// example is a contract and evidence with the verdict that they must get. The test of each
// check lists its own.
type example struct {
	name string
	c    contract.Contract
	e    evidence.Evidence
	want Status
	// says and hides are texts that the whole judgement holds, and that it does not.
	says  []string
	hides []string
}

// examples of all checks, by ID.
var examples = map[string][]example{
	"startup/ready":                    slices.Concat(startupReadyExamples, startupTroubleExamples, meanwhileExamples),
	"startup/logs":                     startupLogsExamples,
	"health/answers":                   healthAnswersExamples,
	"probes/declared":                  probesDeclaredExamples,
	"termination/exit-zero":            terminationExamples,
	"config/missing-env-fails":         missingEnvExamples,
	"startup/time":                     startupTimeExamples,
	"config/malformed-env-fails":       malformedEnvExamples,
	"config/secrets-stay-secret":       secretsStaySecretExamples,
	"resources/limits":                 resourcesExamples,
	"filesystem/stays-clean":           staysCleanExamples,
	"identity/arbitrary-uid":           arbitraryUIDExamples,
	"security/restricted":              restrictedExamples,
	"security/read-only-root":          readOnlyRootExamples,
	"security/no-token":                noTokenExamples,
	"startup/waits-for-database":       waitsForDatabaseExamples,
	"probes/readiness-tells-the-truth": readinessTruthExamples,
	"probes/liveness-survives-outage":  livenessOutageExamples,
	"database/recovers":                databaseRecoversExamples,
	"database/slow":                    databaseSlowExamples,
	"termination/during-startup":       duringStartupExamples,
	"termination/requests-in-flight":   inFlightExamples,
	"termination/refuses-late":         refusesLateExamples,
	"termination/exit-under-outage":    exitUnderOutageExamples,
	"rollout/no-lost-requests":         lostRequestsExamples,
	"rollout/scale-down":               scaleDownExamples,
	"identity/non-root":                nonRootExamples,
	"identity/as-declared":             asDeclaredExamples,
	"image/signal-path":                signalPathExamples,
	"image/config-complete":            configCompleteExamples,
	"image/user-non-root":              userNonRootExamples,
	"image/no-dev-dependencies":        devDependenciesExamples,
	"image/no-dev-server":              devServerExamples,
	"image/platform":                   platformExamples,
	"image/no-secrets-in-history":      secretsExamples,
	"image/no-secrets-in-layers":       secretsInLayersExamples,
	"image/no-source-leaks":            sourceLeaksExamples,
	"image/no-setuid":                  setuidExamples,
	"image/no-world-writable":          worldWritableExamples,
	"image/size-budget":                sizeBudgetExamples,
	"build/succeeds":                   buildExamples,
	"build/dependency-layer-cached":    layerCachedExamples,

	"build/lockfile-change-rebuilds": lockfileExamples,
	"build/frozen-dependencies":      frozenExamples,
	"build/context-lean":             contextLeanExamples,
	"build/reproducible":             reproducibleExamples,
}

// planted is a secret in logs, commands and instructions of the examples; no judgement shows it.
const planted = "hunter2-planted"

func TestExamples(t *testing.T) {
	for _, ch := range Catalogue() {
		for _, x := range examples[ch.ID] {
			t.Run(ch.ID+"/"+x.name, func(t *testing.T) {
				j := ch.Judge(x.c, x.e)
				told := append([]string{j.Promised, j.Seen, j.Fix, j.Line}, findingTexts(j)...)
				for _, m := range story(ch, x.e) {
					told = append(told, fmt.Sprintf("%+.2f s %s: %s", m.Seconds, m.Source, m.What))
				}
				text := strings.Join(told, "\n")
				if j.Status != x.want {
					t.Errorf("verdict %s, want %s\n%s", j.Status, x.want, text)
				}
				for _, s := range x.says {
					if !strings.Contains(text, s) {
						t.Errorf("the judgement does not say %q\n%s", s, text)
					}
				}
				for _, s := range append(x.hides, planted) {
					if strings.Contains(text, s) {
						t.Errorf("the judgement says %q\n%s", s, text)
					}
				}
				if again := ch.Judge(x.c, x.e); !reflect.DeepEqual(j, again) {
					t.Error("judged twice, the same evidence gave two judgements")
				}
				complete(t, j)
			})
		}
	}
}

func findingTexts(j Judgement) []string {
	var out []string
	for _, f := range j.Findings {
		mark := "! "
		if f.Note {
			mark = "  "
		}
		out = append(out, mark+f.Where+": "+f.Message)
	}
	return out
}

// complete demands of a judgement what a report shows.
func complete(t *testing.T, j Judgement) {
	t.Helper()
	broken := j.firstBroken() != nil
	switch j.Status {
	case Pass:
		if j.Line == "" || j.Seen == "" || j.Promised == "" || broken {
			t.Errorf("a pass has a line, what was promised and seen, and no broken finding: %+v", j)
		}
	case Fail:
		if j.Seen == "" || j.Promised == "" {
			t.Errorf("a fail has what was promised and seen: %+v", j)
		}
	case Inconclusive:
		if j.Seen == "" || j.Promised == "" || j.Fix == "" {
			t.Errorf("an inconclusive judgement says what was missing, and what to do: %+v", j)
		}
	case Skipped:
		if j.Seen == "" {
			t.Errorf("a skip has a reason: %+v", j)
		}
	}
	for _, f := range j.Findings {
		if f.Where == "" || f.Message == "" {
			t.Errorf("a finding says where and what: %+v", f)
		}
	}
}

// TestConformance is what every check of the catalogue must hold to: it can be told, and it
// is shown to pass, to fail and to leave open.
func TestConformance(t *testing.T) {
	id := regexp.MustCompile(`^[a-z]+/[a-z0-9]+(?:-[a-z0-9]+)*$`)
	sections := sectionFields()
	seen := map[string]bool{}
	for _, ch := range Catalogue() {
		if !id.MatchString(ch.ID) || seen[ch.ID] {
			t.Errorf("%q is no ID, or is there twice", ch.ID)
		}
		seen[ch.ID] = true
		if ch.Title == "" || strings.HasSuffix(ch.Title, ".") || !isSentence(ch.Why) || !isSentence(ch.Fix) {
			t.Errorf("%s: its title is a line; why and fix are sentences", ch.ID)
		}
		if !slices.Contains(Stories(), ch.Story) || ch.Judge == nil {
			t.Errorf("%s: it belongs to no story, or judges nothing", ch.ID)
		}
		if len(ch.Needs) == 0 {
			t.Errorf("%s: it needs nothing, so that no run would collect anything for it", ch.ID)
		}
		for _, s := range ch.Needs {
			if _, ok := sections[string(s)]; !ok {
				t.Errorf("%s needs %s, and Evidence has no field of that JSON name", ch.ID, s)
			}
		}
		for _, s := range []Status{Pass, Fail, Inconclusive} {
			if !has(examples[ch.ID], s) {
				t.Errorf("%s has no example that is %s", ch.ID, s)
			}
		}
	}
	for id := range examples {
		if !seen[id] {
			t.Errorf("there are examples of %s, and no such check", id)
		}
	}
}

// sectionFields are the fields of Evidence that hold a section, by their JSON names.
func sectionFields() map[string]int {
	out := map[string]int{}
	e := reflect.TypeFor[evidence.Evidence]()
	for i := range e.NumField() {
		name, omitted, _ := strings.Cut(e.Field(i).Tag.Get("json"), ",")
		if kind := e.Field(i).Type.Kind(); omitted == "omitempty" && (kind == reflect.Pointer || kind == reflect.Slice) {
			out[name] = i
		}
	}
	return out
}

// A run collects what the checks that it was asked for need: one that needs another section than
// it judges by would never be decided. It may read more, where there is more.
func TestChecksNeedWhatTheyRead(t *testing.T) {
	always := []string{"workload", "cluster", "dependencies", "steps", "pressure"} // a run with pods has these in any case
	fields := sectionFields()
	for _, ch := range Catalogue() {
		passes, seen := false, ""
		for _, x := range examples[ch.ID] {
			if x.want != Pass {
				continue
			}
			bare := x.e
			for name, i := range fields {
				if !slices.Contains(ch.Needs, evidence.Section(name)) && !slices.Contains(always, name) {
					reflect.ValueOf(&bare).Elem().Field(i).SetZero()
				}
			}
			j := ch.Judge(x.c, bare)
			passes, seen = passes || j.Status == Pass, j.Seen
		}
		if !passes {
			t.Errorf("%s passes nothing with the sections alone that its Needs names: %s", ch.ID, seen)
		}
	}
}

func isSentence(s string) bool {
	return len(s) > 40 && strings.HasSuffix(s, ".") && unicode.IsUpper([]rune(s)[0])
}

func has(xs []example, s Status) bool {
	for _, x := range xs {
		if x.want == s {
			return true
		}
	}
	return false
}

// What a check of the image says before the layers are read must be what it says after.
func TestConfigurationIsJudgedTheSameWithoutLayers(t *testing.T) {
	decided := 0
	for _, ch := range Catalogue() {
		for _, x := range examples[ch.ID] {
			if !slices.Equal(ch.Needs, []evidence.Section{evidence.SectionImage}) || x.e.Image == nil {
				continue
			}
			early, img := x.e, *x.e.Image
			onlyConfig(&img)
			early.Image = &img
			if j := ch.Judge(x.c, early); j.Status != Inconclusive {
				decided++
				if j.Status != x.want {
					t.Errorf("%s/%s: %s without its layers, %s with them", ch.ID, x.name, j.Status, x.want)
				}
			}
		}
	}
	if decided < 50 {
		t.Errorf("%d examples were decided by the configuration alone", decided)
	}
}

// A finding about a file says where it lies, which instruction put it there, and whether it
// is still to be seen.
func TestFindingsOfFilesSayWhere(t *testing.T) {
	for _, id := range []string{"image/no-dev-dependencies", "image/no-secrets-in-layers", "image/no-source-leaks", "image/no-setuid", "image/no-world-writable"} {
		i := slices.IndexFunc(Catalogue(), func(c Check) bool { return c.ID == id })
		for _, x := range examples[id] {
			for _, f := range Catalogue()[i].Judge(x.c, x.e).Findings {
				if f.Note {
					continue
				}
				for _, part := range []string{"layer ", " of ", "(", "/"} {
					if !strings.Contains(f.Where+" "+f.Message, part) {
						t.Errorf("%s/%s: %q says nothing of %q", id, x.name, f.Where, part)
					}
				}
				if !strings.Contains(f.Where, "reachable") && !strings.Contains(f.Where, "history only") {
					t.Errorf("%s/%s: %q does not say whether it is reachable", id, x.name, f.Where)
				}
			}
		}
	}
}
