package workload

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

func TestWhatIsLostWithTheAPIServer(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	const pods = "/api/v1/namespaces/shop/pods"
	type said struct {
		after   int // seconds
		watched string
		status  int // 0 is no answer
	}
	for name, c := range map[string]struct {
		said  []said
		since int
		lost  string
		down  int // after a minute
	}{
		"all is well":                   {said: []said{{1, pods, 200}, {2, "", 200}, {3, "", 404}}},
		"refusals":                      {said: []said{{1, pods, 403}, {2, "", 409}, {3, "", 429}, {4, pods, 410}, {5, "", 500}}},
		"away":                          {said: []said{{1, "", 0}}, down: 59},
		"away, and a watch":             {said: []said{{1, pods, 0}, {3, pods, 0}}, down: 59, lost: "has not answered since 12:00:01"},
		"back":                          {said: []said{{1, pods, 0}, {11, "", 200}, {12, pods, 200}}, lost: "was not heard from 12:00:01 to 12:00:12"},
		"back, and the watch is not":    {said: []said{{1, pods, 0}, {11, "", 200}, {12, pods, 403}}, lost: "has not answered since 12:00:01"},
		"back before it mattered":       {since: 20, said: []said{{1, pods, 0}, {12, pods, 200}}},
		"for a moment":                  {said: []said{{1, pods, 0}, {2, pods, 200}}},
		"starting":                      {said: []said{{1, pods, 503}}, down: 59, lost: "503"},
		"expired":                       {said: []said{{1, "", 401}}, down: 59, lost: "has not accepted this run's credentials since 12:00:01 (401 Unauthorized): the token has expired"},
		"renewed":                       {said: []said{{1, "", 401}, {2, "", 200}}},
		"another watch goes on":         {said: []said{{1, pods, 0}, {5, pods + "x", 200}}, lost: "has not answered"},
		"away, back, and forbidden yet": {said: []said{{1, "", 0}, {30, "", 403}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := &Line{open: map[string]gap{}}
			for _, s := range c.said {
				now := t0.Add(time.Duration(s.after) * time.Second)
				if s.status == 0 {
					l.took(s.watched, nil, errors.New("connection refused"), now)
				} else {
					l.took(s.watched, &http.Response{StatusCode: s.status, Status: http.StatusText(s.status)}, nil, now)
				}
			}
			c.lost = strings.Replace(strings.Replace(c.lost, "503", http.StatusText(http.StatusServiceUnavailable), 1), "401 ", "", 1)
			if got := l.Lost(t0.Add(time.Duration(c.since) * time.Second)); (got == "") != (c.lost == "") || !strings.Contains(got, c.lost) {
				t.Errorf("lost is %q, and should be %q", got, c.lost)
			}
			if down, _, _ := l.Down(t0.Add(time.Minute)); down != time.Duration(c.down)*time.Second {
				t.Errorf("down for %s", down)
			}
		})
	}
	if (*Line)(nil).Lost(t0) != "" {
		t.Error("nobody listens, and something is lost")
	}
}

// What a kubelet does not answer is no word of the API server's, and a request that is taken back none at all.
func TestWhoIsListenedTo(t *testing.T) {
	a, err := NewApplier(&rest.Config{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	h := listening{a.Line, nowhere{}}
	get := func(path string) {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x"+path, nil)
		if res, err := h.RoundTrip(r); err == nil {
			res.Body.Close()
		}
	}
	get("/api/v1/namespaces/shop/pods/p/log")
	get("/api/v1/namespaces/shop/pods/p/exec")
	if down, _, _ := a.Line.Down(time.Now()); down != 0 {
		t.Error("a kubelet's silence counts")
	}
	get("/api/v1/namespaces/shop/pods?watch=true")
	if why := a.Line.Lost(time.Now()); !strings.Contains(why, "has not answered") {
		t.Errorf("a watch that fails: %q", why)
	}
	if _, err := a.Client.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{}); err == nil {
		t.Error("somebody answers")
	}
}

type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

// A step that fails because the credentials have ended says so, and not "Unauthorized".
func TestAnUnknownCallerIsToldWhatToDo(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Message: "Unauthorized", Reason: metav1.StatusReasonUnauthorized, Code: http.StatusUnauthorized})
	}))
	defer server.Close()
	a, err := NewApplier(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Client.CoreV1().Pods("shop").Get(t.Context(), "p", metav1.GetOptions{})
	if !apierrors.IsUnauthorized(err) || !strings.Contains(err.Error(), "does not accept the credentials of the kubeconfig (401 Unauthorized): they have expired or were taken back; log in again") {
		t.Errorf("it says %v", err)
	}
	if _, denied, _ := a.Line.Down(time.Now()); !denied {
		t.Error("the run does not know")
	}
}
