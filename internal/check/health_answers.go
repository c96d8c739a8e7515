package check

import (
	"fmt"
	"net/http"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var healthAnswers = Check{
	ID:    "health/answers",
	Title: "GET on the health route answers 200 through the Service",
	Why: "Load balancers, probes and people ask this route whether the API lives. When it does not answer through the Service, " +
		"no traffic reaches the API either.",
	Fix:   "Serve the contract's http.health with status 200 on 0.0.0.0, and let the Service's targetPort be the port that is listened on.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionStartup, evidence.SectionHealth},
	Judge: judgeHealthAnswers,
}

func judgeHealthAnswers(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "GET " + c.HTTP.Health + " through the Service answers 200"}
	h := e.Health
	if h == nil {
		return inconclusive(e, evidence.SectionHealth, j.Promised)
	}
	j.Promised = "GET " + h.URL + " answers 200"
	j.Seconds = h.Seconds
	if len(h.Attempts) == 0 {
		return j.undecided("no request was sent", "Run podproof again.")
	}
	last := h.Attempts[len(h.Attempts)-1]
	if last.Status == http.StatusOK {
		return j.pass("Health check passed", fmt.Sprintf("200 in %.0f ms at attempt %d, asked from %s", last.Seconds*1000, len(h.Attempts), h.From))
	}
	seen := fmt.Sprintf("%s, %s from %s", answerWords(last), count(len(h.Attempts), "attempt"), h.From)
	if e.Startup != nil && !e.Startup.Ready && !anyAnswer(h.Attempts) {
		return j.undecided("the workload did not become Ready, so the Service had no pod to send a request to: "+seen,
			"See startup/ready for what keeps the pods from being Ready.")
	}
	if body := strings.TrimSpace(last.Body); body != "" {
		j.note(h.URL, "it said: %s", said(body, 200))
	}
	return j.fail(seen, answerFix(last))
}

func anyAnswer(as []evidence.HTTPAttempt) bool {
	for _, a := range as {
		if a.Status != 0 {
			return true
		}
	}
	return false
}

func answerWords(a evidence.HTTPAttempt) string {
	if a.Status == 0 {
		return "no answer: " + said(a.Error, 200)
	}
	return strings.TrimSpace(fmt.Sprintf("it answered %d %s", a.Status, http.StatusText(a.Status)))
}

func answerFix(a evidence.HTTPAttempt) string {
	switch {
	case a.Status == http.StatusNotFound:
		return "The route does not exist: let the contract's http.health name the one that the API serves, with its prefix."
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		return "The health route asks for a login: kubelet and load balancers have none. Serve it without."
	case a.Status >= 300 && a.Status < 400:
		return "The health route redirects: let the contract and the probes name the place that it sends to (often a slash at the end, or https)."
	case a.Status >= 500:
		return "The API says itself that it is not well: its log says why. Health should say that the process lives, readiness that its dependencies answer."
	case strings.Contains(a.Error, "refused"):
		return "Nothing listens there: let the process listen on 0.0.0.0, and the Service's targetPort and the contract's http.port be that port."
	case strings.Contains(a.Error, "no such host"):
		return "The Service does not exist under that name: its manifest belongs to the contract's manifests."
	}
	return ""
}
