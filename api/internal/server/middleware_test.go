package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestUnknownPathsAndMethods(t *testing.T) {
	a := newAPI(t)
	for target, status := range map[string]int{
		"GET /":                     404,
		"GET /api/v1/nothing":       404,
		"POST /api/v1/nothing":      404,
		"GET /api/v1/reactions/1/2": 404,
		"POST /api/v1/health":       405,
		"DELETE /api/v1/reactions":  405,
		"GET /api/v1/auth/token":    405,
		"PUT /api/v1/reactions/1":   405,
	} {
		method, path, _ := strings.Cut(target, " ")
		expectStatus(t, a.do(method, path, ""), status)
	}
	for path, allow := range map[string]string{
		"/api/v1/health":     "GET, HEAD",
		"/api/v1/auth/token": "POST",
		"/api/v1/reactions":  "GET, HEAD, POST",
	} {
		if got := a.do("PATCH", path, "").Header().Get("Allow"); got != allow {
			t.Errorf("%s allows %q, expected %q", path, got, allow)
		}
	}
}

func TestNoSecretIsLogged(t *testing.T) {
	a := newAPI(t)
	a.do("POST", tokenPath, "username=owner&password=CANARY-password", "Content-Type", formType)
	a.do("POST", tokenPath, `{"username": "CANARY-user", "password": "CANARY-x"}`, "Content-Type", jsonType)
	a.do("GET", "/api/v1/reactions?tag=CANARY-query", "", "Authorization", "Bearer CANARY-token")
	a.do("POST", "/api/v1/reactions", "{}", "Authorization", "Bearer CANARY-token")
	created := a.create(t, `{"name": "cat", "content_type": "image/gif"}`)
	expectStatus(t, created, 201)

	if lines := strings.Count(a.log.String(), `"msg":"Request"`); lines != 5 {
		t.Errorf("%d requests are in the log, expected 5: %s", lines, a.log)
	}
	if strings.Contains(a.log.String(), "CANARY") || strings.Contains(a.log.String(), "X-Amz") {
		t.Errorf("a secret is in the log: %s", a.log)
	}
	if strings.Contains(created.Body.String(), "CANARY") {
		t.Errorf("a secret is in the answer: %s", created.Body)
	}
}

func TestProbesAreLoggedForDebuggingOnly(t *testing.T) {
	a := newAPI(t)
	a.do("GET", "/api/v1/health", "")
	a.do("GET", "/api/v1/ready", "")
	if got := strings.Count(a.log.String(), `"level":"DEBUG"`); got != 2 {
		t.Errorf("got %d lines of level debug, expected 2: %s", got, a.log)
	}
}

func TestAPanicIsAnAnswerAndALogLine(t *testing.T) {
	a := newAPI(t)
	handler := a.logged(a.recovered(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") })))
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest("GET", "/x", nil))
	expectStatus(t, recorder, 500)
	for _, part := range []string{`"panic":"oh"`, "middleware_test.go", `"status":500`} {
		if !strings.Contains(a.log.String(), part) {
			t.Errorf("%q is not in the log: %s", part, a.log)
		}
	}
}

func TestAPanicInTheMiddleOfAnAnswerBreaksTheConnection(t *testing.T) {
	a := newAPI(t)
	server := httptest.NewServer(a.logged(a.recovered(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half of"))
		panic("oh")
	}))))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err == nil {
		_ = response.Body.Close()
		t.Errorf("got %s, expected a broken connection", response.Status)
	}
}

func TestClientsAreSentAwayWhileShuttingDown(t *testing.T) {
	a := newAPI(t)
	if got := a.do("GET", "/api/v1/reactions", "").Header().Get("Connection"); got != "" {
		t.Errorf("while serving, Connection is %q", got)
	}
	a.Gate.Close()
	got := a.do("GET", "/api/v1/reactions", "")
	expectStatus(t, got, 200)
	if got.Header().Get("Connection") != "close" {
		t.Errorf("while shutting down, Connection is %q", got.Header().Get("Connection"))
	}
}
