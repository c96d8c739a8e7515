package report

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestDiffForAProgram(t *testing.T) {
	d := Compare(cases(t)["pass"], cases(t)["fail"])
	var b bytes.Buffer
	if err := WriteDiffJSON(&b, d); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(&b)
	dec.DisallowUnknownFields()
	var got diffJSON
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.SchemaVersion != DiffVersion || !got.Worse || got.Before.Result != "pass" || got.After.Result != "fail" || len(got.Numbers) != len(d.Numbers) {
		t.Errorf("%+v", got)
	}
	if len(got.Changes) != 1 || got.Changes[0].ID != "termination/exit-zero" || got.Changes[0].Turn != BrokenNow || !got.Changes[0].Worse ||
		got.Changes[0].Before.Verdict != "pass" || got.Changes[0].After.Verdict != "fail" || got.Changes[0].After.Seen == "" {
		t.Errorf("%+v", got.Changes)
	}
}

// What did not change is an empty list, and not null.
func TestDiffOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := WriteDiffJSON(&b, Compare(cases(t)["pass"], cases(t)["pass"])); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b.Bytes(), []byte("null")) || bytes.Contains(b.Bytes(), []byte(`"worse": true`)) {
		t.Error(b.String())
	}
}
