package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const oneWaiver = "waivers:\n  - {id: image/*, reason: old, by: ops, until: 2026-12-31, where: /usr/bin/x}\n"

func TestWaiversFromAFileComeAfterTheContractsOwn(t *testing.T) {
	file := write(t, header2+"waivers: [{id: a/b, reason: r, by: b, until: 2026-12-31}]\nwaiversFrom: [w.yaml]\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "w.yaml"), []byte(oneWaiver), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []Waiver{{ID: "a/b", Reason: "r", By: "b", Until: "2026-12-31"},
		{ID: "image/*", Reason: "old", By: "ops", Until: "2026-12-31", Where: "/usr/bin/x"}}
	if diff := cmp.Diff(want, c.Waivers); diff != "" {
		t.Errorf("waivers (-want +got):\n%s", diff)
	}
	at := filepath.Join(filepath.Dir(file), "w.yaml")
	if got, want := c.Mistake(file, "waivers[1].id", "no such check").Error(), at+":2:10: no such check"; got != want {
		t.Errorf("a mistake in it: %s, want %s", got, want)
	}
}

func TestMistakesInAFileOfWaiversNameThatFile(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "W: the file is empty; start it with the line `waivers:`"},
		{"a list", "- {id: a/b}\n", "W:1:1: this is a list and not a list of waivers; start it with the line `waivers:`"},
		{"another key", "waiver: []\n", `W:1:1: unknown key "waiver"; did you mean "waivers"?`},
		{"no day", "waivers:\n  - {id: a/b, reason: r, by: b}\n", "W:2:5: waivers[0] has no until; add `until: 2026-12-31`"},
		{"broken", "waivers: [\n", "W:1: this is not YAML: did not find expected node content"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := write(t, header2+"waiversFrom: [w.yaml]\n")
			at := filepath.Join(filepath.Dir(file), "w.yaml")
			if err := os.WriteFile(at, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(file)
			if err == nil {
				t.Fatal("no error")
			}
			if want := at + c.want[1:]; err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
		})
	}
}

func TestAFileOfWaiversThatIsNotThere(t *testing.T) {
	_, err := Load(write(t, header2+"waiversFrom: [none.yaml]\n"))
	if err == nil {
		t.Fatal("no error")
	}
	for _, text := range []string{":3:15: waiversFrom[0] cannot be read", "no such file"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
}
