package agent

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func endless(t *testing.T) Stream {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	return to(server, Stream{Name: "endless", Every: 1})
}

// A stream may break at any time: the load goes on, and the next stream is told all that the
// last one was not, once.
func TestAttachAgain(t *testing.T) {
	address, a := serve(t, time.Minute), Attachment{ID: "load", Plan: Plan{[]Stream{endless(t)}}}
	s := attach(t, address, a)
	for range 3 {
		a.From = s.next().Seq
	}
	s.c.Close()
	other := attach(t, address, Attachment{ID: "load", From: 1, Plan: a.Plan}) // one that broke earlier
	if l := other.next(); l.Seq != 2 {
		t.Errorf("the line behind the first is %+v", l)
	}
	again := attach(t, address, a)
	for _, gone := <-other.lines; gone; _, gone = <-other.lines { // it is the one that is attached no more
	}
	again.say(Stop)
	again.say(Stop)
	for want := a.From + 1; ; want++ {
		l := again.next()
		if l.Seq != want {
			t.Fatalf("line %d came in place of %d", l.Seq, want)
		}
		if l.Done {
			break
		}
	}
	// Also when the last line is what was lost.
	if l := attach(t, address, Attachment{ID: "load", From: a.From, Plan: a.Plan}).next(); l.Seq != a.From+1 {
		t.Errorf("after its end: %+v", l)
	}
}

func TestUnattended(t *testing.T) {
	address, a := serve(t, time.Millisecond), Attachment{ID: "load", Plan: Plan{[]Stream{endless(t)}}}
	s := attach(t, address, a)
	a.From = s.next().Seq
	s.c.Close()
	for {
		again := attach(t, address, a)
		l := again.next()
		again.c.Close()
		if strings.Contains(l.Problem, "knows nothing of the load") {
			break
		}
		a.From = max(a.From, l.Seq)
	}
}

func TestNoPlan(t *testing.T) {
	for _, in := range []string{"", "{"} {
		var out strings.Builder
		address := serve(t, time.Minute)
		err := Attach(t.Context(), address, strings.NewReader(in+"\n"), &out)
		if err != nil || out.Len() > 0 && !strings.Contains(out.String(), "no plan") {
			t.Errorf("%q is taken for a plan: %s %v", in, out.String(), err)
		}
	}
}
