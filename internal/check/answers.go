package check

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var healthAnswers = Check{
	ID:    "health/answers",
	Title: "The health route answers as a kubelet takes it",
	Why: "Load balancers, probes and people ask this route whether the API lives. When it does not answer through the Service, " +
		"no traffic reaches the API either.",
	Fix: "Serve the contract's http.health with a status of 200 to 399 (gRPC: SERVING) on 0.0.0.0, and let the Service's targetPort be " +
		"the port that is listened on.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionStartup, evidence.SectionHealth},
	At:    []Spot{theProgram},
	Judge: asking(judgeHealthAnswers),
}

func judgeHealthAnswers(c contract.Contract, e evidence.Evidence) Judgement {
	asked := c.HealthEndpoint()
	takes := "answers 200 to 399"
	if asked.Protocol == contract.ProtocolGRPC {
		takes = "answers SERVING"
	}
	j := Judgement{Promised: asked.String() + " " + takes}
	h := e.Health
	if h == nil {
		return inconclusive(e, evidence.SectionHealth, j.Promised)
	}
	j.Promised = fmt.Sprintf("%s at %s %s", asked, h.URL, takes)
	j.Seconds = h.Seconds
	if len(h.Attempts) == 0 {
		return j.undecided("no request was sent", "Run podproof again.")
	}
	last := h.Attempts[len(h.Attempts)-1]
	through := "through " + cmp.Or(h.Through, "the Service")
	guessed := asked.Protocol != contract.ProtocolGRPC && c.HTTP.Health == ""
	if guessed {
		j.note(h.URL, "no health route is known: GET / was asked; the contract's http.health names one")
	}
	if contract.Healthy(last.Status) {
		if redirected(h.Attempts) >= mostRedirects && last.Location != "" {
			return j.fail(fmt.Sprintf("it redirects again and again, %d times, %s", mostRedirects, through), "Let the health route answer by itself.")
		}
		if last.Location != "" {
			j.note(h.URL, "it redirects to another host, %s; a kubelet does not follow that, and takes it for healthy", said(last.Location, 120))
		}
		return j.pass("Health check passed", fmt.Sprintf("%s in %.0f ms at attempt %d, %s, asked from %s",
			statusWords(h.Protocol, last), last.Seconds*1000, len(h.Attempts), through, h.From))
	}
	if body := lastBody(h.Attempts); body != "" {
		j.note(h.URL, "it said: %s", said(body, 200))
	}
	seen := fmt.Sprintf("%s, %s %s from %s", answerWords(h.Protocol, last), count(len(h.Attempts), "attempt"), through, h.From)
	switch {
	case e.Cluster != nil && len(e.Cluster.Policies) > 0 && cutOff(h.Attempts):
		return j.undecided(fmt.Sprintf("network policies of the namespace select the pods of the run (%s), and may cut them off from each other: %s", strings.Join(e.Cluster.Policies, ", "), seen),
			"Give --open-network, which lets the pods of the run talk to each other, or take a namespace without such a policy.")
	case e.Startup != nil && !e.Startup.Ready && !anyAnswer(h.Attempts):
		return j.undecided("the workload did not become Ready, so the Service had no pod to send a request to: "+seen,
			"See startup/ready for what keeps the pods from being Ready.")
	case guessed && last.Status >= http.StatusBadRequest && last.Status < http.StatusInternalServerError:
		return j.undecided(fmt.Sprintf("no health route is known, and GET / was answered %d: %s", last.Status, seen),
			"Name the route that says that the process lives in the contract's http.health, or give the container a probe.")
	case guessed && last.Failure == evidence.FailureProtocol:
		return j.undecided("no health route is known, and what answers on that port speaks no HTTP: "+seen,
			"Name the port that speaks HTTP in the contract's http.port, or gRPC's in grpc.port.")
	}
	return j.fail(seen, answerFix(c, h.Protocol, last))
}

// mostRedirects is how often a kubelet follows (pkg/probe/http/request.go), and so the collector.
const mostRedirects = 10

// redirected is how often an answer sent on to another place of the workload's.
func redirected(as []evidence.HTTPAttempt) (n int) {
	for _, a := range as {
		n += count01(a.URL != "")
	}
	return n
}

// lastBody is what the newest answer said that said something.
func lastBody(as []evidence.HTTPAttempt) string {
	for i := len(as) - 1; i >= 0; i-- {
		if body := strings.TrimSpace(as[i].Body); body != "" {
			return body
		}
	}
	return ""
}

func anyAnswer(as []evidence.HTTPAttempt) bool {
	for _, a := range as {
		if a.Status != 0 {
			return true
		}
	}
	return false
}

// cutOff tells whether no attempt got as far as a connection, as where a policy drops its packets. A
// server that takes connections and says nothing is another matter.
func cutOff(as []evidence.HTTPAttempt) bool {
	for _, a := range as {
		if a.Failure != evidence.FailureTimeout && a.Failure != evidence.FailureUnreachable || !strings.Contains(a.Error, "dial ") {
			return false
		}
	}
	return true
}

func answerWords(protocol string, a evidence.HTTPAttempt) string {
	if a.Status == 0 {
		return "no answer: " + said(a.Error, 200)
	}
	where := ""
	if a.URL != "" {
		where = " at " + said(a.URL, 120) + ", where the health route redirects to"
	}
	return "it answered " + statusWords(protocol, a) + where
}

// statusWords are "200", "404 Not Found", or what a gRPC server said.
func statusWords(protocol string, a evidence.HTTPAttempt) string {
	switch {
	case protocol == contract.ProtocolGRPC:
		return map[int]string{http.StatusOK: "SERVING", http.StatusServiceUnavailable: "NOT_SERVING", http.StatusNotFound: "that it does not know the service (NOT_FOUND)",
			http.StatusNotImplemented: "that it has no health service (UNIMPLEMENTED)", http.StatusInternalServerError: "with an error of gRPC"}[a.Status]
	case contract.Healthy(a.Status):
		return fmt.Sprint(a.Status)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status)))
}

func answerFix(c contract.Contract, protocol string, a evidence.HTTPAttempt) string {
	switch {
	case protocol == contract.ProtocolGRPC && a.Status != 0:
		return grpcFix(a.Status)
	case a.Status == http.StatusNotFound:
		return "The route does not exist: let the contract's http.health name the one that the API serves, with its prefix."
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		return "The health route asks for a login: kubelet and load balancers have none. Serve it without."
	case a.Status == http.StatusBadRequest && c.HTTP.Header == nil:
		return "A server that answers 400 may take its own host name alone: let the contract's http.header, or the probe's httpHeaders, give the Host."
	case a.Status >= 500:
		return "The API says itself that it is not well: its log says why. Health should say that the process lives, readiness that its dependencies answer."
	case a.Failure == evidence.FailureTLS:
		return "The port speaks no TLS: let the probes and the contract's http.scheme say HTTP, or serve HTTPS."
	case a.Failure == evidence.FailureProtocol:
		return "What answers there speaks another protocol: let the contract's http.scheme say https, or name gRPC's port in grpc.port."
	case strings.Contains(a.Error, "refused"):
		return "Nothing listens there: let the process listen on 0.0.0.0, and the Service's targetPort and the contract's http.port be that port."
	case strings.Contains(a.Error, "no such host"):
		return "The Service does not exist under that name: add its manifest to the contract's manifests."
	}
	return ""
}

func grpcFix(status int) string {
	switch status {
	case http.StatusNotFound:
		return "Set the status of that service in the server's health service, or let the probe's grpc.service and the contract's grpc.service name one that it knows."
	case http.StatusNotImplemented:
		return "Register gRPC's health service (grpc.health.v1.Health) with the server."
	case http.StatusServiceUnavailable:
		return "The server says itself that it is not well: its log says why. Health should say that the process lives."
	}
	return ""
}
