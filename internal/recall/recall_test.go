package recall

import (
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// goodRun is the record of a real run that passed, which began 12 minutes ago.
func goodRun(t *testing.T) report.Record {
	t.Helper()
	f, err := os.Open("../report/testdata/recorded/good.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := report.ReadRecord("good.json", data)
	if err != nil {
		t.Fatal(err)
	}
	rec.Selected = []string{"startup/ready", "identity/non-root", "image/no-dev-dependencies"}
	rec.Evidence.Run.Started = now.Add(-12 * time.Minute)
	rec.Evidence.Run.Finished = rec.Evidence.Run.Started.Add(time.Minute)
	return rec
}

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// grounds are those of the good run.
func grounds() pipeline.Grounds {
	return pipeline.Grounds{"image": "sha256:1", "manifests": "kind: Secret, password: hunter2", "contract": "c", "podproof": "v1 abc"}
}

// memory is one that answers by runs of the last hour.
func memory(t *testing.T, dir string) (*Memory, *[]string) {
	t.Helper()
	selected, err := check.Select([]string{"startup/ready", "identity/non-root", "image/no-dev-dependencies"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	return &Memory{Store: Store{dir}, MaxAge: time.Hour, Selected: selected, Debug: func(s string) { said = append(said, s) }, Now: func() time.Time { return now }}, &said
}

func keep(t *testing.T, m *Memory, rec report.Record, on pipeline.Grounds) string {
	t.Helper()
	file, err := m.Keep(rec, on)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAnEqualRunIsAnswered(t *testing.T) {
	m, said := memory(t, filepath.Join(t.TempDir(), "a", "passed"))
	here := filepath.Join(t.TempDir(), contract.DefaultFile)
	if err := os.WriteFile(here, []byte("apiVersion: podproof/v1alpha1\nkind: Contract\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if m.Contract, err = contract.Load(here); err != nil {
		t.Fatal(err)
	}
	file := keep(t, m, goodRun(t), grounds())
	yet := grounds()
	delete(yet, pipeline.GroundImage)
	if !m.May(yet) || !m.May(grounds()) {
		t.Errorf("it may not: %q", *said)
	}
	r := m.Recall(grounds())
	if r == nil || r.Record != file || r.Evidence.Run.ID != goodRun(t).Evidence.Run.ID || r.Contract.Workload != "deployment/api" || r.Contract.File() != here || len(*said) > 0 {
		t.Fatalf("%+v: %q", r, *said)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("a Secret's value is written down (%v)", err)
	}
	if _, err := report.ReadFile(file); err != nil {
		t.Errorf("the file is no record: %v", err)
	}
	for path, mode := range map[string]os.FileMode{m.Dir: 0o700, file: 0o600, filepath.Join(m.Dir, secretFile): 0o600} {
		if i, err := os.Stat(path); err != nil || i.Mode().Perm() != mode {
			t.Errorf("%s: %v, want %v (%v)", path, i.Mode(), mode, err)
		}
	}
	m.MaxAge = 0 // --fresh
	if m.May(grounds()) || m.Recall(grounds()) != nil || len(*said) > 0 {
		t.Errorf("without an age it is answered: %q", *said)
	}
}

func TestNothingElseAnswers(t *testing.T) {
	edit := func(old, to string) func(*testing.T, string) {
		return func(t *testing.T, file string) {
			text, err := os.ReadFile(file)
			if err != nil || !strings.Contains(string(text), old) {
				t.Fatalf("%s has no %q (%v)", file, old, err)
			}
			if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, to, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, x := range []struct {
		name   string
		change func(*report.Record)
		spoil  func(*testing.T, string)
		other  func(pipeline.Grounds)
		ask    func(*Memory)
		says   string
	}{
		{name: "another image", other: func(on pipeline.Grounds) { on["image"] = "sha256:2" }, says: "had another image"},
		{name: "other manifests", other: func(on pipeline.Grounds) { on["manifests"] += "!" }, says: "had another manifests"},
		{name: "another contract", other: func(on pipeline.Grounds) { on["contract"] = "d" }, says: "had another contract"},
		{name: "another podproof", other: func(on pipeline.Grounds) { on["podproof"] = "v1 abd" }, says: "had another podproof"},
		{name: "something more", other: func(on pipeline.Grounds) { on["moon"] = "full" }, says: "had another moon"},
		{name: "something less", other: func(on pipeline.Grounds) { delete(on, "contract") }, says: "stood on the same"},
		{name: "older", ask: func(m *Memory) { m.MaxAge = 12 * time.Minute }, says: "older than --max-age 12m0s"},
		{name: "yet to come", change: func(r *report.Record) { r.Evidence.Run.Started = now.Add(time.Second) }, says: "yet to come"},
		{name: "failed", change: func(r *report.Record) { r.Evidence.Startup.Ready = false }, says: "did not pass: "},
		{name: "inconclusive", change: func(r *report.Record) { r.Evidence.Image = nil }, says: "did not pass: inconclusive"},
		{name: "undecided, and waived", change: func(r *report.Record) {
			r.Evidence.Image = nil
			r.Contract.Waivers = []contract.Waiver{{ID: "image/*", By: "ops", Until: "2026-03-09"}}
		}, says: "image/no-dev-dependencies was not decided, and is waived"},
		{name: "stopped", change: func(r *report.Record) { r.Evidence.Run.CutOff = "SIGTERM" }, says: "stopped by SIGTERM"},
		{name: "other checks", ask: func(m *Memory) { m.Selected = m.Selected[:1] }, says: "other checks were selected"},
		{name: "a waiver that has ended", change: func(r *report.Record) {
			r.Evidence.Run.Started = time.Date(2026, 3, 3, 23, 59, 0, 0, time.UTC)
			r.Contract.Waivers = []contract.Waiver{{ID: "image/*", By: "ops", Until: "2026-03-03"}}
		}, ask: func(m *Memory) { m.MaxAge = 24 * time.Hour }, says: "the waiver of image/* by ops has ended since"},
		{name: "changed", spoil: edit(`"ready": true`, `"ready": false`), says: "is taken for changed"},
		{name: "changed by a blank", spoil: edit("{", "{ "), says: "is taken for changed"},
		{name: "cut", spoil: func(t *testing.T, file string) {
			if err := os.Truncate(file, 4096); err != nil {
				t.Fatal(err)
			}
		}, says: "is taken for changed"},
		{name: "empty", spoil: func(t *testing.T, file string) {
			if err := os.Truncate(file, 0); err != nil {
				t.Fatal(err)
			}
		}, says: "is taken for changed"},
		{name: "another's record under its name", spoil: func(t *testing.T, file string) {
			m, _ := memory(t, filepath.Dir(file))
			on := grounds()
			on["image"] = "sha256:2"
			other := keep(t, m, goodRun(t), on)
			parts := strings.Split(filepath.Base(file), "-")
			sealed := strings.Split(filepath.Base(other), "-")[2]
			if err := os.Rename(other, filepath.Join(m.Dir, parts[0]+"-"+parts[1]+"-"+sealed)); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}, says: "stood on something else"},
		{name: "another machine's", spoil: func(t *testing.T, file string) {
			if err := os.Remove(filepath.Join(filepath.Dir(file), secretFile)); err != nil {
				t.Fatal(err)
			}
		}, says: "none that passed stood on the same"},
		{name: "a secret that was cut", spoil: func(t *testing.T, file string) {
			if err := os.WriteFile(filepath.Join(filepath.Dir(file), secretFile), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, says: "has 0 bytes, and should have 32"},
		{name: "gone", spoil: func(t *testing.T, file string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}, says: "no run that passed is on record"},
	} {
		t.Run(x.name, func(t *testing.T) {
			m, said := memory(t, t.TempDir())
			rec := goodRun(t)
			if x.change != nil {
				x.change(&rec)
			}
			file := keep(t, m, rec, grounds())
			if x.spoil != nil {
				x.spoil(t, file)
			}
			on := maps.Clone(grounds())
			if x.other != nil {
				x.other(on)
			}
			if x.ask != nil {
				x.ask(m)
			}
			if r := m.Recall(on); r != nil {
				t.Fatalf("it is answered by %s", r.Record)
			}
			if len(*said) != 1 || !strings.HasPrefix((*said)[0], "No record of an earlier run answers this one: ") || !strings.Contains((*said)[0], x.says) || strings.Contains((*said)[0], "\n") {
				t.Errorf("it says %q, want %q", *said, x.says)
			}
		})
	}
}

// Nothing is built first for a run that differs in more than the image.
func TestARunThatMayBeKnown(t *testing.T) {
	m, said := memory(t, t.TempDir())
	keep(t, m, goodRun(t), grounds())
	on := grounds()
	delete(on, pipeline.GroundImage)
	on["build"] = "another context"
	if m.May(on) || len(*said) != 1 {
		t.Errorf("it may: %q", *said)
	}
}

// Of one key the newest is kept, and of all no more than so many.
func TestWhatIsKept(t *testing.T) {
	m, _ := memory(t, t.TempDir())
	first := keep(t, m, goodRun(t), grounds())
	young := goodRun(t)
	young.Evidence.Run.Started = now.Add(-time.Minute)
	second := keep(t, m, young, grounds())
	if _, err := os.Stat(first); !os.IsNotExist(err) || len(m.files("*")) != 1 {
		t.Errorf("both are there: %q (%v)", m.files("*"), err)
	}
	if r := m.Recall(grounds()); r == nil || r.Record != second {
		t.Errorf("%+v, want %s", r, second)
	}
	on := grounds()
	for i := range most + 3 {
		on["image"] = strings.Repeat("x", i+1)
		file := keep(t, m, goodRun(t), on)
		if err := os.Chtimes(file, now, now.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(m.files("*")); n != most || m.Recall(on) == nil {
		t.Errorf("%d are kept, want %d and the last among them", n, most)
	}
	list, err := os.ReadDir(m.Dir)
	if err != nil || len(list) != most+1 {
		t.Errorf("%d files in the folder, want the records and the secret (%v)", len(list), err)
	}
	if n, err := m.Clean(); n != most || err != nil {
		t.Errorf("%d are removed (%v)", n, err)
	}
	if _, err := os.Stat(m.Dir); !os.IsNotExist(err) {
		t.Errorf("the folder is there: %v", err)
	}
	if n, err := m.Clean(); n != 0 || err != nil {
		t.Errorf("%d are removed from nothing (%v)", n, err)
	}
}
