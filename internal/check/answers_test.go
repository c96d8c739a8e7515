package check

import (
	"slices"
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// routeless is one of a workload whose health route nobody names.
func routeless() contract.Contract {
	return contractWith(func(c *contract.Contract) { c.HTTP.Health = "" })
}

func speaksGRPC() contract.Contract {
	return contractWith(func(c *contract.Contract) {
		c.HTTP, c.GRPC = contract.HTTP{}, &contract.GRPC{Port: 8000, Service: "shop"}
	})
}

// grpcAnswer is health asked by gRPC.
func grpcAnswer(a evidence.HTTPAttempt) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		e.Health = &evidence.Health{URL: "grpc://10.96.0.7:80", Protocol: "grpc", Through: "the Service", From: "the agent", Attempts: []evidence.HTTPAttempt{a}}
	})
}

// loop redirects for as long as it is followed.
func loop() []evidence.HTTPAttempt {
	all := []evidence.HTTPAttempt{{Status: 307, Location: "/health/"}}
	return append(all, slices.Repeat([]evidence.HTTPAttempt{{Status: 307, URL: "http://api:8000/health/", Location: "/health/"}}, mostRedirects)...)
}

// What only requests can show is skipped for a worker, and for nobody else.
func TestWorkersAreNotAsked(t *testing.T) {
	for _, ch := range Catalogue() {
		asks := slices.Contains([]string{"health/answers", "termination/requests-in-flight", "termination/refuses-late", "rollout/no-lost-requests", "rollout/scale-down"}, ch.ID)
		if j := ch.Judge(worker, goodEvidence()); asks && j.Status != Skipped {
			t.Errorf("%s of a worker: %s, %s", ch.ID, j.Status, j.Seen)
		}
		// A run that broke before the manifests were applied knows nothing of it.
		unknown := with(func(e *evidence.Evidence) { *e = evidence.Evidence{} })
		if j := ch.Judge(worker, unknown); asks && j.Status != Inconclusive {
			t.Errorf("%s of nothing: %s, %s", ch.ID, j.Status, j.Seen)
		}
	}
}

// noConnection is a request whose packets nobody answers.
var noConnection = evidence.HTTPAttempt{Failure: "timeout", Error: "dial tcp 10.96.0.7:80: i/o timeout"}

// policed is in a namespace with a network policy.
func policed(e evidence.Evidence) evidence.Evidence {
	e.Cluster = &evidence.Cluster{Policies: []string{"deny-all"}}
	return e
}

// answers replaces the attempts.
func answers(as ...evidence.HTTPAttempt) evidence.Evidence {
	return with(func(e *evidence.Evidence) { e.Health.Attempts = as })
}

func unready(e evidence.Evidence) evidence.Evidence {
	e.Startup.Ready = false
	return e
}

var refused = evidence.HTTPAttempt{Error: "dial tcp 10.96.0.7:8000: connect: connection refused"}

var healthAnswersExamples = []example{
	{name: "200", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Health check passed"}},
	{name: "200 at the third", c: goodContract(), e: answers(refused, refused, evidence.HTTPAttempt{Status: 200}), want: Pass, says: []string{"attempt 3"}},
	{name: "200 although not all are Ready", c: goodContract(), e: unready(answers(evidence.HTTPAttempt{Status: 200})), want: Pass},
	{name: "200 and then no more", c: goodContract(), e: answers(evidence.HTTPAttempt{Status: 200}, refused), want: Fail},
	{name: "404", c: goodContract(), e: answers(evidence.HTTPAttempt{Status: 404}), want: Fail, says: []string{"404 Not Found", "http.health"}},
	{name: "redirect, as a kubelet takes it", c: goodContract(), e: answers(evidence.HTTPAttempt{Status: 307, Location: "https://login.example/"}), want: Pass,
		says: []string{"it redirects to another host, https://login.example/"}},
	{name: "redirect that leads to an error", c: goodContract(), want: Fail, says: []string{"500", "redirects to"},
		e: answers(evidence.HTTPAttempt{Status: 307, Location: "/health/"}, evidence.HTTPAttempt{Status: 500, URL: "http://api:8000/health/"})},
	{name: "redirect without end", c: goodContract(), e: answers(loop()...), want: Fail, says: []string{"again and again"}},
	{name: "400 for want of a host name", c: goodContract(), e: answers(evidence.HTTPAttempt{Status: 400}), want: Fail, says: []string{"http.header"}},
	{name: "a policy that drops what is sent", c: goodContract(), e: policed(answers(noConnection, noConnection)), want: Inconclusive, says: []string{"network policies of the namespace select the pods of the run (deny-all)", "--open-network"}},
	{name: "nobody listens, beside a policy", c: goodContract(), e: policed(answers(noConnection, refused)), want: Fail},
	{name: "a server that says nothing, beside a policy", c: goodContract(), e: policed(answers(evidence.HTTPAttempt{Failure: "timeout", Error: "context deadline exceeded while reading the answer"})), want: Fail},
	{name: "what is sent is dropped, and no policy is known", c: goodContract(), e: answers(noConnection), want: Fail},
	{name: "no TLS", c: goodContract(), e: answers(evidence.HTTPAttempt{Failure: "tls", Error: "first record does not look like a TLS handshake"}), want: Fail, says: []string{"http.scheme"}},
	{name: "a body that was kept once", c: goodContract(), e: answers(evidence.HTTPAttempt{Status: 503, Body: "migrating"}, evidence.HTTPAttempt{Status: 503}), want: Fail, says: []string{"migrating"}},
	{name: "no route is known, and / is served", c: routeless(), e: goodEvidence(), want: Pass, says: []string{"no health route is known"}},
	{name: "no route is known, nor is /", c: routeless(), e: answers(evidence.HTTPAttempt{Status: 404}), want: Inconclusive, says: []string{"GET / was answered 404", "http.health"}},
	{name: "no route is known, and / is broken", c: routeless(), e: answers(evidence.HTTPAttempt{Status: 500}), want: Fail},
	{name: "no route is known, and nobody answers", c: routeless(), e: answers(refused), want: Fail, says: []string{"0.0.0.0"}},
	{name: "no route is known, and it speaks no HTTP", c: routeless(), e: answers(evidence.HTTPAttempt{Failure: "protocol", Error: "malformed HTTP response"}), want: Inconclusive, says: []string{"grpc.port"}},
	{name: "a management port that no Service leads to", c: goodContract(), want: Pass, says: []string{"straight at pod api-1"},
		e: with(func(e *evidence.Evidence) { e.Health.Through = "no Service, straight at pod api-1" })},
	{name: "gRPC", c: speaksGRPC(), e: grpcAnswer(evidence.HTTPAttempt{Status: 200}), want: Pass, says: []string{"gRPC health of shop", "SERVING"}},
	{name: "gRPC, not well", c: speaksGRPC(), e: grpcAnswer(evidence.HTTPAttempt{Status: 503}), want: Fail, says: []string{"NOT_SERVING"}},
	{name: "gRPC, unknown service", c: speaksGRPC(), e: grpcAnswer(evidence.HTTPAttempt{Status: 404}), want: Fail, says: []string{"grpc.service"}},
	{name: "gRPC, no health service", c: speaksGRPC(), e: grpcAnswer(evidence.HTTPAttempt{Status: 501}), want: Fail, says: []string{"grpc.health.v1.Health"}},
	{name: "a worker", c: worker, e: goodEvidence(), want: Skipped, says: []string{"serves no port", "http.port"}},
	{name: "login", c: goodContract(), e: answers(evidence.HTTPAttempt{Status: 401}), want: Fail, says: []string{"asks for a login"}},
	{name: "503 with a body", c: goodContract(), want: Fail, says: []string{"503", "database"},
		e: answers(evidence.HTTPAttempt{Status: 503, Body: `{"database":"down","password":"` + planted + `"}`})},
	{name: "nothing listens", c: goodContract(), e: answers(refused), want: Fail, says: []string{"refused", "0.0.0.0"}},
	{name: "no Service", c: goodContract(), e: answers(evidence.HTTPAttempt{Error: "lookup api.shop: no such host"}), want: Fail, says: []string{"add its manifest to the contract's manifests"}},
	{name: "one answered 500 though not all are Ready", c: goodContract(), e: unready(answers(evidence.HTTPAttempt{Status: 500}, refused)), want: Fail},
	{name: "no endpoint", c: goodContract(), e: unready(answers(refused)), want: Inconclusive, says: []string{"no pod to send", "startup/ready"}},
	{name: "no attempt", c: goodContract(), e: answers(), want: Inconclusive},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionHealth, func(e *evidence.Evidence) { e.Health = nil }), want: Inconclusive},
}
