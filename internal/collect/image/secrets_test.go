package image

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/evidence"
)

func TestSecretsOfAllLayers(t *testing.T) {
	const env = "DB_PASSWORD=hunter2x\n"
	const site = "usr/lib/python3.12/site-packages/"
	out := collect(t,
		[]file{
			text("app/.env", "PORT=1\n"+env), text("app/kept.env", env),
			text("cache/ab12", env), {Name: "srv/.env", Link: "cache/ab12", Hard: true},
			text(site+"boto/settings.py", "SECRET_KEY = 'ab12cd34ef'\n"), text(site+"boto-1.dist-info/RECORD", "boto/settings.py,,\n"),
			text("app/node_modules/@a/b/config.js", "token: 'ab12cd34ef'\n"),
		},
		[]file{text("app/.wh..env", ""), text("cache/.wh.ab12", ""), text("app/kept.env", "PORT=2\n")},
		[]file{text("app/kept.env", env)},
	)
	var got []string
	seen := map[string]bool{}
	for _, s := range out.Secrets {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s:%d %s %s %s", s.Layer, s.Path, s.Line, s.Rule, s.Reach, s.Owner)))
		if key := fmt.Sprint(s.Fingerprint, s.Layer); seen[key] || len(s.Fingerprint) != 16 {
			t.Errorf("fingerprint %q is not one of its own", s.Fingerprint)
		} else {
			seen[key] = true
		}
	}
	want := []string{
		"0 /app/.env:2 named-secret history",
		"0 /app/kept.env:1 named-secret history",
		"0 /app/node_modules/@a/b/config.js:1 named-secret final node:@a/b",
		"0 /srv/.env:1 named-secret final",
		"0 /usr/lib/python3.12/site-packages/boto/settings.py:1 named-secret final python:boto",
		"2 /app/kept.env:1 named-secret final",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A file larger than what is looked at at once, with a line that never ends.
func TestSecretsOfLargeFiles(t *testing.T) {
	token := "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"
	for _, at := range []int{0, 100, 384<<10 - 30, 384 << 10, 512<<10 - 20, 512 << 10, 900 << 10, 2<<20 - 41} {
		for _, filler := range []string{"x\n", "y "} {
			body := []byte(strings.Repeat(filler, 1<<20))
			copy(body[at:], " "+token+" ")
			out := collect(t, []file{text("data.txt", string(body))}).Secrets
			line := 1 + strings.Count(string(body[:at+1]), "\n")
			if len(out) != 1 || out[0].Line != line || out[0].Rule != "github-token" || out[0].Reach != evidence.Reachable {
				t.Errorf("at %d between %q: found %+v, want line %d", at, filler, out, line)
			}
		}
	}
}
