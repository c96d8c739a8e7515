package trial

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// hungShop is a shop whose queries are never answered any more once a connection of theirs was ended.
func hungShop(t *testing.T) *shop {
	s := newShop(t, life{})
	hangs := false
	s.ops["signal"] = func(...string) (string, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		hangs = true
		return "1", nil
	}
	s.b.agent = answers(func(x agent.Stream, at time.Time) evidence.Request {
		s.mu.Lock()
		hung := hangs && x.Name == evidence.StreamQuery
		s.mu.Unlock()
		if hung {
			return evidence.Request{Connected: 0.001, End: 30, Failure: evidence.FailureTimeout, Error: "no answer"}
		}
		return s.answer(x, at)
	}).attach
	return s
}

// tells tells whether a person was told something that has all the words.
func (k *kubelet) tells(words ...string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, what := range k.told {
		has := true
		for _, w := range words {
			has = has && strings.Contains(what, w)
		}
		if has {
			return true
		}
	}
	return false
}

// A route that is not answered any more is named while it is waited for, and is not waited for again after the next outage.
func TestARouteThatHangsIsNamedAndWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hungShop(t)
		_, es, err := s.outages(evidence.OutageDisconnected)
		if err != nil || len(es) != 1 || es[0].Problem != "" {
			t.Fatalf("got %+v (%v)", es, err)
		}
		if last := es[0].Requests[len(es[0].Requests)-1]; last.Ended().Sub(es[0].Healed) < s.b.recovery(0) {
			t.Errorf("it was given only %s", last.Ended().Sub(es[0].Healed))
		}
		if !s.tells("the query route (GET /items)", "after statefulset/db was back (outage: disconnected)", "its request has waited for 15 s") {
			t.Errorf("told was %q", s.told)
		}
	})
	synctest.Test(t, func(t *testing.T) { // one that says no for good is not waited for again
		s := newShop(t, life{})
		broken := false
		s.ops["signal"] = func(...string) (string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			broken = true
			return "1", nil
		}
		s.b.agent = answers(func(x agent.Stream, at time.Time) evidence.Request {
			s.mu.Lock()
			no := broken && x.Name == evidence.StreamQuery
			s.mu.Unlock()
			if no {
				return always(500)(x, at)
			}
			return s.answer(x, at)
		}).attach
		_, es, err := s.outages(evidence.OutageDisconnected, evidence.OutageRefused)
		if err != nil || len(es) != 2 || es[0].Problem+es[1].Problem != "" || es[1].Ready.IsZero() {
			t.Fatalf("%d outages (%v)", len(es), err)
		}
		if !s.tells("outage: disconnected") || s.tells("outage: refused") {
			t.Errorf("told was %q", s.told)
		}
	})
	synctest.Test(t, func(t *testing.T) { // one that comes back late is waited for
		s := newShop(t, life{})
		var since time.Time
		s.ops["signal"] = func(...string) (string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			since = time.Now()
			return "1", nil
		}
		s.b.agent = answers(func(x agent.Stream, at time.Time) evidence.Request {
			s.mu.Lock()
			broken := x.Name == evidence.StreamQuery && at.Sub(since) < 18*time.Second
			s.mu.Unlock()
			if broken {
				return always(500)(x, at)
			}
			return s.answer(x, at)
		}).attach
		_, es, err := s.outages(evidence.OutageDisconnected)
		if err != nil || len(es) != 1 || es[0].Problem != "" || !s.tells("its last answer was status 500") {
			t.Fatalf("got %+v (%v), told was %q", es, err, s.told)
		}
		if last := es[0].Requests[len(es[0].Requests)-1]; last.Status != 200 {
			t.Errorf("the last answer is %d", last.Status)
		}
	})
}

// A trial that is cut off meanwhile says what it waited for.
func TestATrialThatIsCutOffNamesTheRouteThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hungShop(t)
		cause := errors.New("its time is over")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Second, cause)
		defer cancel()
		s.spec.Kinds = briefOutages
		_, err := s.takes(ctx, Outages)
		var waited *workload.WaitError
		if !errors.Is(err, cause) || !errors.As(err, &waited) || !strings.Contains(waited.Seen, "waiting for an answer of the query route (GET /items)") {
			t.Errorf("got %v", err)
		}
	})
}
