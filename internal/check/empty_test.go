package check

import (
	"reflect"
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// empty is evidence in which the sections are there, and nothing was seen in them: what a
// collector leaves that had no chance.
func empty(sections ...evidence.Section) evidence.Evidence {
	var e evidence.Evidence
	v := reflect.ValueOf(&e).Elem()
	for _, s := range sections {
		for i := range v.NumField() {
			if name := v.Type().Field(i).Tag.Get("json"); name != string(s)+",omitempty" {
				continue
			}
			switch f := v.Field(i); f.Kind() {
			case reflect.Pointer:
				f.Set(reflect.New(f.Type().Elem()))
			case reflect.Slice:
				f.Set(reflect.MakeSlice(f.Type(), 1, 1))
			}
		}
	}
	return e
}

// passOnNothing are the checks to which an empty section says enough, with the reason.
var passOnNothing = map[string]string{
	"image/config-complete": "a contract that promises nothing of the configuration is told so",
	"build/context-lean":    "a context without a file is lean; a listing that failed is an error of its step",
}

// No check passes on evidence in which nothing was seen.
func TestNothingSeenIsNoPass(t *testing.T) {
	all := map[evidence.Section]bool{}
	for _, ch := range Catalogue() {
		for _, s := range ch.Needs {
			all[s] = true
		}
	}
	var sections []evidence.Section
	for s := range all {
		sections = append(sections, s)
		if reflect.DeepEqual(empty(s), evidence.Evidence{}) {
			t.Errorf("%s is no field of the evidence", s)
		}
	}
	for name, c := range map[string]contract.Contract{"a contract": goodContract(), "an empty contract": {}} {
		for _, ch := range Catalogue() {
			for which, e := range map[string]evidence.Evidence{"its sections": empty(ch.Needs...), "all sections": empty(sections...), "no section": {}} {
				j := judge(ch, c, e)
				if j.Status == Pass && passOnNothing[ch.ID] == "" {
					t.Errorf("%s passes %s with %s empty: %s", ch.ID, name, which, j.Seen)
				}
				if j.Status == Inconclusive && j.Promised == "" {
					t.Errorf("%s breaks on %s with %s empty: %s", ch.ID, name, which, j.Seen)
				}
			}
		}
	}
}
