package trial

import (
	"testing"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

func TestSince(t *testing.T) {
	began := time.Now()
	sent := func(stream string, after time.Duration, connected, end float64) evidence.Request {
		return evidence.Request{Stream: stream, Start: began.Add(after), Connected: connected, End: end}
	}
	got := since(began, []evidence.Request{
		sent("over", -time.Second, 0.001, 0.5), sent("found no pod", -time.Second, 0, 3),
		sent("under way", -time.Second, 0.001, 3), sent("refused", time.Second, 0, 0.001),
	})
	if len(got) != 2 || got[0].Stream != "under way" || got[1].Stream != "refused" {
		t.Errorf("got %+v", got)
	}
}
