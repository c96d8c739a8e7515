package attest

import (
	"testing"
)

func TestRoundTrip(t *testing.T) {
	for name, referrers := range map[string]bool{"referrers API": true, "fallback tag": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, referrers)
			a := w.attest()
			r := w.passes(w.ref)
			t.Log(a, "\n", terminal(t, r))
			w.passes(a.Image)
		})
	}
}
