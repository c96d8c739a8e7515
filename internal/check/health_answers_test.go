package check

import "podproof.dev/podproof/internal/evidence"

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
	{name: "redirect", c: goodContract(), e: answers(evidence.HTTPAttempt{Status: 307}), want: Fail, says: []string{"redirects"}},
	{name: "login", c: goodContract(), e: answers(evidence.HTTPAttempt{Status: 401}), want: Fail, says: []string{"asks for a login"}},
	{name: "503 with a body", c: goodContract(), want: Fail, says: []string{"503", "database"},
		e: answers(evidence.HTTPAttempt{Status: 503, Body: `{"database":"down","password":"` + planted + `"}`})},
	{name: "nothing listens", c: goodContract(), e: answers(refused), want: Fail, says: []string{"refused", "0.0.0.0"}},
	{name: "no Service", c: goodContract(), e: answers(evidence.HTTPAttempt{Error: "lookup api.shop: no such host"}), want: Fail, says: []string{"manifests"}},
	{name: "one answered 500 though not all are Ready", c: goodContract(), e: unready(answers(evidence.HTTPAttempt{Status: 500}, refused)), want: Fail},
	{name: "no endpoint", c: goodContract(), e: unready(answers(refused)), want: Inconclusive, says: []string{"no pod to send", "startup/ready"}},
	{name: "no attempt", c: goodContract(), e: answers(), want: Inconclusive},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionHealth, func(e *evidence.Evidence) { e.Health = nil }), want: Inconclusive},
}
