package evidence

import (
	"encoding/json"
	"testing"
)

func TestWhatWasTakenAway(t *testing.T) {
	e := Evidence{SchemaVersion: SchemaVersion, Outages: &Outages{Dependency: "statefulset/db"}, OutageTermination: &Termination{Seconds: 2}}
	e.Also("deployment/redis").Outages = &Outages{Dependency: "deployment/redis", Seconds: 3}
	e.Also("s3 (s3.example.com:443)").Missing = map[Section]string{SectionSlow: "no room"}
	e.Also("deployment/redis").Slow = &Outages{Dependency: "deployment/redis"}

	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var read Evidence
	if err := json.Unmarshal(b, &read); err != nil {
		t.Fatal(err)
	}
	got := read.Taken()
	if len(got) != 3 || got[0].Dependency != "statefulset/db" || got[0].Termination.Seconds != 2 || got[1].Outages.Seconds != 3 || got[1].Slow == nil || got[2].Missing[SectionSlow] != "no room" {
		t.Errorf("got %+v", got)
	}
	if read.FirstAlone() || !(Evidence{SchemaVersion: "podproof/evidence/v1alpha2"}).FirstAlone() {
		t.Error("it is not known of which podproof the evidence is")
	}
	if got := (Evidence{Slow: &Outages{Dependency: "pod/db"}}).Taken(); len(got) != 1 || got[0].Dependency != "pod/db" {
		t.Errorf("got %+v", got)
	}
	if got := (Evidence{}).Taken(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}
