package workload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Line is what became of the requests to the API server: since when it has not answered, or not let
// this run in, and when its watches were interrupted by that. What happens meanwhile is not seen.
type Line struct {
	mu    sync.Mutex
	open  map[string]gap // by what is watched; "" is any request
	ended []gap
}

// gap is a time in which nothing was heard.
type gap struct {
	from, to time.Time // to is zero while it lasts
	denied   bool      // 401: the caller is not known any more
	said     string
}

// shortGap is how long a watch may be interrupted without harm: it goes on from where it was.
const shortGap = 2 * time.Second

// hear listens to what a client says and hears.
func (l *Line) hear(next http.RoundTripper) http.RoundTripper { return listening{l, next} }

type listening struct {
	line *Line
	next http.RoundTripper
}

// RoundTrip passes on.
func (h listening) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := h.next.RoundTrip(r)
	if err == nil && res.StatusCode == http.StatusUnauthorized && !throughNode(r.URL.Path) {
		if err := inWords(res); err != nil {
			return nil, err
		}
	}
	if r.Context().Err() == nil && !throughNode(r.URL.Path) {
		watched := ""
		if r.URL.Query().Get("watch") != "" {
			watched = r.URL.Path
		}
		h.line.took(watched, res, err, time.Now())
	}
	return res, err
}

// unknownCaller is what a client hears instead of the API server's own word, which is "Unauthorized".
var unknownCaller = metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Reason: metav1.StatusReasonUnauthorized, Code: http.StatusUnauthorized,
	Message: "the API server does not accept the credentials of the kubeconfig (401 Unauthorized): they have expired or were taken back; log in again and run podproof again"}

// inWords has an answer to an unknown caller say what the matter is, to whatever step of a run asked.
func inWords(res *http.Response) error {
	b, err := json.Marshal(unknownCaller)
	if err != nil {
		return err
	}
	res.Body.Close()
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	res.Header = res.Header.Clone()
	res.Header.Set("Content-Type", "application/json")
	res.Header.Del("Content-Encoding")
	return nil
}

// throughNode tells of requests that a kubelet answers, which may be away alone.
func throughNode(path string) bool {
	return strings.HasSuffix(path, "/log") || strings.HasSuffix(path, "/exec") || strings.HasSuffix(path, "/proxy")
}

// took takes down how a request ended. What the API server refuses is an answer; of a watch only what
// goes on is one, since a server that has just been started refuses all.
func (l *Line) took(watched string, res *http.Response, err error, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var g gap
	switch {
	case err != nil:
		g = gap{from: now, said: err.Error()}
	case res.StatusCode == http.StatusUnauthorized:
		g = gap{from: now, said: res.Status, denied: true}
	case res.StatusCode == http.StatusBadGateway, res.StatusCode == http.StatusServiceUnavailable, res.StatusCode == http.StatusGatewayTimeout:
		g = gap{from: now, said: res.Status}
	default:
		l.close("", now)
		if watched != "" && res.StatusCode == http.StatusOK {
			l.close(watched, now)
		}
		return
	}
	for _, of := range []string{"", watched} {
		if was, open := l.open[of]; open {
			g.from = was.from
		}
		l.open[of] = g
	}
}

func (l *Line) close(of string, now time.Time) {
	if g, open := l.open[of]; open {
		g.to = now
		delete(l.open, of)
		if of != "" && now.Sub(g.from) >= shortGap {
			l.ended = append(l.ended, g)
		}
	}
}

// Lost says why what happened since a time was not all seen, empty where it was.
func (l *Line) Lost(since time.Time) string {
	if l == nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for of, g := range l.open {
		if of != "" || g.denied {
			return g.words(time.Time{})
		}
	}
	for _, g := range l.ended {
		if g.to.After(since) {
			return g.words(g.to)
		}
	}
	return ""
}

// Down says for how long the API server has not answered, or let this run in, and why; zero where it does.
func (l *Line) Down(now time.Time) (long time.Duration, denied bool, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g, open := l.open[""]; open {
		return now.Sub(g.from), g.denied, g.words(time.Time{})
	}
	return 0, false, ""
}

// words say what was the matter, and until when.
func (g gap) words(to time.Time) string {
	at := g.from.UTC().Format(time.TimeOnly)
	switch {
	case g.denied && to.IsZero():
		return fmt.Sprintf("the API server has not accepted this run's credentials since %s (%s): the token has expired or was taken back; log in again, with one that outlasts the run or is renewed (an exec plugin, or tokenFile), and run podproof again", at, g.said)
	case to.IsZero():
		return fmt.Sprintf("the API server has not answered since %s (%s)", at, g.said)
	}
	return fmt.Sprintf("the API server was not heard from %s to %s (%s), so what happened meanwhile was not seen; run podproof again", at, to.UTC().Format(time.TimeOnly), g.said)
}
