package report

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func TestRecordComesBackAsItWas(t *testing.T) {
	t.Chdir(t.TempDir())
	c := promised()
	uid := int64(1001)
	c.Identity.UID = &uid
	c.Startup.Within = contract.Duration(30 * time.Second)
	c.Waivers = []contract.Waiver{{ID: "a/b", Reason: "r", By: "ops", Until: "2026-12-31"}}
	want := NewRecord(c, []string{"startup/ready"}, observed())
	if err := want.WriteFile("run.json"); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile("run.json")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
}

// TestReadFileOfV1alpha1 reads what earlier versions wrote.
func TestReadFileOfV1alpha1(t *testing.T) {
	t.Chdir(t.TempDir())
	r := NewRecord(promised(), nil, observed())
	r.Evidence.SchemaVersion = "podproof/evidence/v1alpha1"
	if err := r.WriteFile("old.json"); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFile("old.json"); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, r)
	}
}

func TestReadFileSaysWhatIsWrong(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := NewRecord(promised(), nil, observed()).WriteFile("good.json"); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile("good.json")
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, new string) []byte {
		out := bytes.Replace(good, []byte(old), []byte(new), 1)
		if bytes.Equal(out, good) {
			t.Fatalf("the record holds no %s", old)
		}
		return out
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "the file is empty; it was not written completely"},
		{"truncated", good[:300], "the file ends in the middle, at line 13 (byte 300); the copy is not complete"},
		{"YAML", []byte("apiVersion: v1\n"), "this is not JSON, at line 1 (byte 1): invalid character 'a'"},
		{"a comma too many", swap(`"contract": {`, `"contract": {,`), "this is not JSON, at line 3 (byte 63): invalid character ','"},
		{"two values", append(bytes.Clone(good), "{}"...), "this is not JSON, at line "},
		{"a report", []byte(`{"schemaVersion": "podproof/report/v1alpha1"}`), "is a report, which holds verdicts alone; judging needs the evidence"},
		{"something else", []byte(`{"kind": "Pod"}`), "is not evidence of podproof: it has no schemaVersion"},
		{"a list", []byte(`[1]`), "has a value that podproof does not write there (array), at line 1"},
		{"another version", swap(RecordVersion, "podproof/record/v9"), `has the schemaVersion "podproof/record/v9", but this podproof reads "podproof/record/v1alpha1"`},
		{"another version of evidence", swap(evidence.SchemaVersion, "podproof/evidence/v9"), `holds evidence of the schemaVersion "podproof/evidence/v9"`},
		{"a field of another type", swap(`"seconds": 12.25`, `"seconds": "long"`), "evidence.steps.seconds has a value that podproof does not write there (string), at line "},
		{"a duration that is none", swap(`"contract": {`, `"contract": {"startup": {"within": "soon"},`), `a value is not as podproof writes it: time: invalid duration "soon"; the file was changed`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile("bad.json", tt.data, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := ReadFile("bad.json")
			if err == nil || !strings.HasPrefix(err.Error(), "bad.json") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant bad.json … %s", err, tt.want)
			}
		})
	}
	if _, err := ReadFile("none.json"); err == nil || err.Error() != "there is no file none.json; `podproof verify --evidence none.json` makes it" {
		t.Errorf("%v", err)
	}
}

// Every beginning of a record is told as such: what a full disk or a broken copy leaves.
func TestReadFileNeverTakesHalf(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := NewRecord(promised(), nil, observed()).WriteFile("good.json"); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile("good.json")
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(good)-2; n += 7 {
		if err := os.WriteFile("half.json", good[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFile("half.json"); err == nil {
			t.Fatalf("the first %d of %d bytes were taken", n, len(good))
		}
	}
}
