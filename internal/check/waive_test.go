package check

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var waiverDay = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// twoSetuid breaks image/no-setuid at two places.
func twoSetuid() evidence.Evidence {
	e := privileged("COPY . .", evidence.PrivilegedFile{Path: "/app/a", Mode: "4755"}, evidence.PrivilegedFile{Path: "/app/b", Mode: "4755"})
	e.Run.Started = waiverDay
	return e
}

func waiverAt(where string) contract.Waiver {
	return contract.Waiver{ID: "image/no-setuid", Reason: "r", By: "ops", Until: "2026-12-31", Where: where}
}

func TestAWaiverOfOneFinding(t *testing.T) {
	prints := fingerprints(verdictOn(t, "image/no-setuid", goodContract(), twoSetuid()))
	ended := waiverAt("/app/b")
	ended.Until = "2026-02-28"
	other := waiverAt("/app/b")
	other.ID = "image/no-world-writable"
	for name, x := range map[string]struct {
		ws   []contract.Waiver
		want Status
		left []string // findings that nobody accepts
	}{
		"one path":                  {[]contract.Waiver{waiverAt("/app/a")}, Fail, []string{"/app/b"}},
		"both paths":                {[]contract.Waiver{waiverAt("/app/a"), waiverAt("/app/b")}, Waived, nil},
		"their folder":              {[]contract.Waiver{waiverAt("/app")}, Waived, nil},
		"a fingerprint and a path":  {[]contract.Waiver{waiverAt(prints[0]), waiverAt("/app/b")}, Waived, nil},
		"a fingerprint":             {[]contract.Waiver{waiverAt(prints[1])}, Fail, []string{"/app/a"}},
		"another path":              {[]contract.Waiver{waiverAt("/opt/a")}, Fail, []string{"/app/a", "/app/b"}},
		"one whose day is past":     {[]contract.Waiver{waiverAt("/app/a"), ended}, Fail, []string{"/app/b"}},
		"one of another check":      {[]contract.Waiver{waiverAt("/app/a"), other}, Fail, []string{"/app/b"}},
		"the whole promise besides": {[]contract.Waiver{waiverAt("/app/a"), waiverAt("")}, Waived, []string{"/app/a", "/app/b"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := goodContract()
			c.Waivers = x.ws
			v := verdictOn(t, "image/no-setuid", c, twoSetuid())
			var left []string
			for _, f := range v.Findings {
				if !f.Note && f.Waiver == nil {
					left = append(left, f.Location.Path)
				}
			}
			if diff := cmp.Diff(x.left, left); v.Status != x.want || diff != "" {
				t.Errorf("%s, want %s; not accepted (-want +got):\n%s", v.Status, x.want, diff)
			}
			if (v.Waiver != nil) != (x.want == Waived) {
				t.Errorf("%s with the waiver %v", v.Status, v.Waiver)
			}
		})
	}
}

// A waiver of one finding says nothing about a promise that nobody could look at.
func TestAWaiverOfOneFindingAcceptsNoUndecidedPromise(t *testing.T) {
	c, e := goodContract(), twoSetuid()
	c.Waivers = []contract.Waiver{waiverAt("/app/a")}
	e.Image = nil
	e.Missing = map[evidence.Section]string{evidence.SectionImage: "no image"}
	if v := verdictOn(t, "image/no-setuid", c, e); v.Status != Inconclusive {
		t.Errorf("%s", v.Status)
	}
}

// A place in a waiver is ignored where a check does not list all that it found.
func TestAWaiverOfOneFindingNeedsACheckByPlace(t *testing.T) {
	v := Verdict{Check: Check{ID: "a/b"}, Judgement: Judgement{Status: Fail, Findings: []Finding{{Where: "x", Location: &Location{Path: "/x"}}}}}
	w := waiverAt("/x")
	w.ID = "a/b"
	if waive(&v, []contract.Waiver{w}, waiverDay); v.Status != Fail {
		t.Errorf("%s", v.Status)
	}
}

func TestAWaiverOfAGroup(t *testing.T) {
	c := goodContract()
	c.Waivers = []contract.Waiver{{ID: "image/*", Reason: "r", By: "ops", Until: "2026-12-31"}}
	if v := verdictOn(t, "image/no-setuid", c, twoSetuid()); v.Status != Waived {
		t.Errorf("%s", v.Status)
	}
}

func TestFingerprints(t *testing.T) {
	at := func(path, message string, line, layer int) Finding {
		return Finding{Where: fmt.Sprintf("%s:%d", path, line), Message: message, Location: &Location{Path: path, Line: line, Layer: layer}}
	}
	of := func(fs ...Finding) []string {
		v := Verdict{Check: Check{ID: "a/b"}, Judgement: Judgement{Findings: fs}}
		fingerprint(&v)
		return fingerprints(v)
	}
	base := of(at("/x", "a key", 1, 1))[0]
	if got := of(at("/x", "a key", 9, 4))[0]; got != base {
		t.Error("it changes with the line and the layer")
	}
	for name, other := range map[string]string{
		"another path":           of(at("/y", "a key", 1, 1))[0],
		"another message":        of(at("/x", "a token", 1, 1))[0],
		"a second one like it":   of(at("/x", "a key", 1, 1), at("/x", "a key", 2, 1))[1],
		"a key of its own":       of(Finding{key: "k", Where: "/x", Message: "a key"})[0],
		"a place without a file": of(Finding{Where: "/x", Message: "a key"})[0],
	} {
		if other == base || len(other) != 16 {
			t.Errorf("%s has the fingerprint %s, and the first %s", name, other, base)
		}
	}
	if a, b := of(Finding{key: "k", Where: "history line 3", Message: "1 value"}), of(Finding{key: "k", Where: "history line 4", Message: "2 values"}); a[0] != b[0] {
		t.Error("one with a key of its own changes with its place and its words")
	}
	if got := of(Finding{Where: "x", Note: true}); len(got) != 0 {
		t.Error("a note has one")
	}
}

func fingerprints(v Verdict) []string {
	var out []string
	for _, f := range v.Findings {
		if f.Fingerprint != "" {
			out = append(out, f.Fingerprint)
		}
	}
	return out
}

func TestIdleWaivers(t *testing.T) {
	e := twoSetuid()
	with := func(change func(*contract.Waiver)) contract.Waiver {
		w := waiverAt("")
		change(&w)
		return w
	}
	for name, x := range map[string]struct {
		w    contract.Waiver
		want string // empty: nothing is said
	}{
		"used":                   {with(func(*contract.Waiver) {}), ""},
		"used by a finding":      {waiverAt("/app/a"), ""},
		"no such finding":        {waiverAt("/opt"), "the waiver of image/no-setuid at /opt by ops waives nothing: nothing is found there; remove it"},
		"kept":                   {with(func(w *contract.Waiver) { w.ID = "image/no-world-writable" }), "the waiver of image/no-world-writable by ops waives nothing: what it accepts is not broken; remove it"},
		"its day is past":        {with(func(w *contract.Waiver) { w.Until = "2026-02-28" }), "the waiver of image/no-setuid by ops ended on 2026-02-28, so it waives nothing: keep the promise, or decide on a new day"},
		"not run":                {with(func(w *contract.Waiver) { w.ID = "startup/ready" }), ""},
		"a group, used":          {with(func(w *contract.Waiver) { w.ID = "image/*" }), ""},
		"a group, nothing there": {with(func(w *contract.Waiver) { w.ID, w.Where = "image/no-w*", "/x" }), "the waiver of image/no-w* at /x by ops waives nothing: nothing is found there; remove it"},
	} {
		t.Run(name, func(t *testing.T) {
			c := goodContract()
			c.Waivers = []contract.Waiver{x.w}
			selected, err := Select([]string{"image/*"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(Idle(c.Waivers, Judge(selected, c, e), waiverDay), "\n"); got != x.want {
				t.Errorf("got  %q\nwant %q", got, x.want)
			}
		})
	}
	// What could not be looked at may be broken yet.
	c := goodContract()
	c.Waivers = []contract.Waiver{waiverAt("/app/a")}
	e.Image = nil
	if got := Idle(c.Waivers, Judge(Catalogue(), c, e), waiverDay); got != nil {
		t.Errorf("of a promise that was not decided: %v", got)
	}
}
