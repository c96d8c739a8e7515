package server

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestHealthAsksNobody(t *testing.T) {
	a := newAPI(t)
	a.memory.err = errors.New("down")
	a.Gate.Close()
	expectStatus(t, a.do("GET", "/api/v1/health", ""), 200)
	expectStatus(t, a.do("HEAD", "/api/v1/health", ""), 200)
}

func TestReady(t *testing.T) {
	a := newAPI(t)
	expectStatus(t, a.do("GET", "/api/v1/ready", ""), 200)

	a.memory.err = errors.New("dial CANARY-host: refused")
	down := a.do("GET", "/api/v1/ready", "")
	expectStatus(t, down, 503)
	expectBody(t, down, `"database: the connection failed"`)

	a.memory.err = nil
	expectStatus(t, a.do("GET", "/api/v1/ready", ""), 200)

	a.Gate.Close()
	closed := a.do("GET", "/api/v1/ready", "")
	expectStatus(t, closed, 503)
	expectBody(t, closed, shuttingDown)
}

func TestAChangeOfReadinessIsLoggedOnce(t *testing.T) {
	a := newAPI(t)
	for range 3 {
		for _, err := range []error{nil, nil, errors.New("CANARY"), errors.New("CANARY")} {
			a.memory.err = err
			a.do("GET", "/api/v1/ready", "")
		}
	}
	if lost, back := strings.Count(a.log.String(), "Not ready"), strings.Count(a.log.String(), "Ready again"); lost != 3 || back != 2 {
		t.Errorf("%d losses and %d returns are in the log, expected 3 and 2: %s", lost, back, a.log)
	}
	if strings.Contains(a.log.String(), "CANARY") {
		t.Errorf("the error's text is in the log: %s", a.log)
	}
}

func TestNotReadyBeforeTheGateOpens(t *testing.T) {
	a := newAPI(t)
	a.Server.Gate = &Gate{}
	a.handler = a.Handler()
	early := a.do("GET", "/api/v1/ready", "")
	expectStatus(t, early, 503)
	expectBody(t, early, startingUp)
}

func TestAGateThatWasClosedStaysClosed(t *testing.T) {
	var g Gate
	if g.Close() {
		t.Error("it says that it had been open")
	}
	if g.Open() {
		t.Error("it opened again")
	}
	if g.Closed() != shuttingDown {
		t.Errorf("got %q", g.Closed())
	}
}

// The clock in a bubble jumps when everything waits, so the test takes no time.
func TestAFrozenDatabaseHoldsUpNoRequest(t *testing.T) {
	for _, request := range [][2]string{
		{"GET", "/api/v1/ready"},
		{"GET", "/api/v1/reactions"},
		{"GET", "/api/v1/reactions/00000000-0000-0000-0000-000000000001"},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := newAPI(t)
			a.memory.frozen = true
			expectStatus(t, a.do(request[0], request[1], ""), 503)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t)
		a.memory.frozen = true
		expectStatus(t, a.create(t, `{"name": "cat", "content_type": "image/gif"}`), 503)
	})
}
