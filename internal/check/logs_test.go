package check

import (
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var onStdout = contractWith(func(c *contract.Contract) { c.Startup.Stream = contract.StreamStdout })

// logOf gives both pods the same log.
func logOf(lines ...evidence.LogLine) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		for i := range e.Startup.Pods {
			e.Startup.Pods[i].Log = lines
		}
	})
}

var startupLogsExamples = []example{
	{name: "on stdout", c: onStdout, e: goodEvidence(), want: Pass, says: []string{"Stdout logging OK"}},
	{name: "on stderr, as uvicorn does", c: goodContract(), e: logOf(evidence.LogLine{Stream: "stderr", Text: "INFO:     Started server process [1]"}), want: Pass,
		says: []string{"Stderr logging OK"}, hides: []string{"Stdout logging"}},
	{name: "stream unknown, any will do", c: goodContract(), e: logOf(evidence.LogLine{Text: "Started server"}), want: Pass, says: []string{"Container logging OK"}},
	{name: "no texts asked for", c: contract.Contract{}, e: logOf(evidence.LogLine{Stream: "stdout", Text: "hello"}), want: Pass},
	{name: "no texts asked for, blank lines", c: contract.Contract{}, e: logOf(evidence.LogLine{Stream: "stdout", Text: " "}), want: Fail},
	{name: "nothing at all", c: goodContract(), e: logOf(), want: Fail, says: []string{"nothing at all", "log to a file"}},
	{name: "too many lines to keep", c: goodContract(), want: Inconclusive, says: []string{"9000 lines of its log were not kept"}, e: with(func(e *evidence.Evidence) {
		for i := range e.Startup.Pods {
			e.Startup.Pods[i].Log, e.Startup.Pods[i].Omitted = []evidence.LogLine{{Text: "noise"}}, 9000
		}
	})},
	{name: "a log that could not be read", c: goodContract(), want: Inconclusive, says: []string{"could not be read"}, e: with(func(e *evidence.Evidence) {
		for i := range e.Startup.Pods {
			e.Startup.Pods[i].Log, e.Startup.Pods[i].Unread = nil, "its log could not be read to the end: EOF"
		}
	})},
	{name: "other lines", c: goodContract(), e: logOf(evidence.LogLine{Stream: "stdout", Text: "logging to /var/log/shop.log, token=" + planted}), want: Fail,
		says: []string{`not in its log: "Started server"`, "/var/log/shop.log"}},
	{name: "a stack trace", c: goodContract(), want: Fail, says: []string{"stack trace in a healthy start", "Traceback"},
		e: logOf(evidence.LogLine{Text: "Started server"}, evidence.LogLine{Text: "Traceback (most recent call last):"}, evidence.LogLine{Text: "  File \"/app/a.py\""})},
	{name: "an error in text", c: goodContract(), want: Fail, says: []string{"level error"}, hides: []string{"stack"},
		e: logOf(evidence.LogLine{Text: "INFO: Started server"}, evidence.LogLine{Text: "2026-03-01 12:00:00 ERROR cannot reach the cache"})},
	{name: "an error in JSON", c: goodContract(), want: Fail, says: []string{"level error"},
		e: logOf(evidence.LogLine{Text: `{"level":"INFO","msg":"Started server"}`}, evidence.LogLine{Text: `{"severity":"error","msg":"x"}`})},
	{name: "the word error alone", c: goodContract(), want: Pass,
		e: logOf(evidence.LogLine{Text: "INFO: Started server, 0 errors, error_log=off"}, evidence.LogLine{Text: `{"level":"INFO","msg":"ERROR pages ready"}`[:0]})},
	{name: "two formats", c: goodContract(), want: Fail, says: []string{"lines of JSON, and lines that are not JSON: listening on"},
		e: logOf(evidence.LogLine{Text: `{"msg":"Started server"}`}, evidence.LogLine{Text: "listening on :8000"})},
	{name: "an empty line between lines of JSON", c: goodContract(), want: Pass,
		e: logOf(evidence.LogLine{Text: `{"msg":"Started server"}`}, evidence.LogLine{Text: " "})},
	{name: "a long line of JSON, of which the end was not kept", c: goodContract(), want: Pass,
		e: logOf(evidence.LogLine{Text: `{"msg":"Started server"}`}, evidence.LogLine{Text: `{"msg":"routes: /a, /b`, Cut: 9000})},
	{name: "a long line of JSON that says its level in time", c: goodContract(), want: Fail, says: []string{"level error"},
		e: logOf(evidence.LogLine{Text: `{"msg":"Started server"}`}, evidence.LogLine{Text: `{"at":1,"ctx":{"a":["b"]},"level":"error","msg":"rows: 1, 2`, Cut: 9000})},
	{name: "a long line of JSON is of the same format", c: goodContract(), want: Fail, says: []string{"lines that are not JSON: listening on"},
		e: logOf(evidence.LogLine{Text: `{"at":1,"msg":"Started server on /a, /b`, Cut: 9000}, evidence.LogLine{Text: "listening on :8000"})},
	{name: "a long line of text with an error", c: goodContract(), want: Fail, says: []string{"level error in a healthy start: ERROR in app"},
		e: logOf(evidence.LogLine{Text: "INFO: Started server"}, evidence.LogLine{Text: "ERROR in app: rows 1, 2", Cut: 9000})},
	{name: "a long line of text between lines of JSON", c: goodContract(), want: Fail, says: []string{"lines that are not JSON: routes"},
		e: logOf(evidence.LogLine{Text: `{"msg":"Started server"}`}, evidence.LogLine{Text: "routes: /a, /b", Cut: 9000})},
	{name: "a start that did not go well may say so", c: goodContract(), want: Pass, e: with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].Status.ContainerStatuses[0].RestartCount = 1
		e.Startup.Pods[0].Log = append(e.Startup.Pods[0].Log, evidence.LogLine{Text: `{"level":"ERROR","msg":"x"}`})
	})},
	{name: "nor one that a probe was told no of", c: goodContract(), want: Pass, e: with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].Events = append(e.Startup.Pods[0].Events, event(2, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500"))
		e.Startup.Pods[0].Log = append(e.Startup.Pods[0].Log, evidence.LogLine{Text: "ERROR in app: the database system is starting up"})
	})},
	{name: "but for one that only was not asked yet", c: goodContract(), want: Fail, e: with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].Events = append(e.Startup.Pods[0].Events, event(2, "Warning", "Unhealthy", "Readiness probe failed: Get \"http://10.0.0.1:8000/\": dial tcp 10.0.0.1:8000: connect: connection refused"))
		e.Startup.Pods[0].Log = append(e.Startup.Pods[0].Log, evidence.LogLine{Text: "ERROR in app: no such table"})
	})},
	{name: "one pod of two", c: goodContract(), want: Fail, says: []string{"pod api-2"}, hides: []string{"pod api-1:"},
		e: with(func(e *evidence.Evidence) { e.Startup.Pods[1].Log = nil })},
	{name: "stderr against the contract", c: onStdout, e: logOf(evidence.LogLine{Stream: "stderr", Text: "Started server"}), want: Fail, says: []string{"on stderr alone"}},
	{name: "stream unknown against the contract", c: onStdout, e: logOf(evidence.LogLine{Text: "Started server"}), want: Inconclusive, says: []string{"does not tell"}},
	{name: "never Ready but said it all", c: goodContract(), e: pods(func(*evidence.Pod) {}), want: Pass},
	{name: "never Ready and silent", c: goodContract(), e: pods(func(p *evidence.Pod) { p.Log = nil }), want: Inconclusive, says: []string{"did not become Ready"}},
	{name: "never started", c: goodContract(), e: pods(waits("ErrImageNeverPull", "")), want: Inconclusive},
	{name: "no pods", c: goodContract(), e: with(func(e *evidence.Evidence) { e.Startup.Pods = nil }), want: Inconclusive},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionStartup, func(e *evidence.Evidence) { e.Startup = nil }), want: Inconclusive},
}

func TestTheStreamsOfALogAreNamed(t *testing.T) {
	for want, streams := range map[string]map[string]bool{
		"stdout":            {"stdout": true},
		"stderr":            {"stdout": false, "stderr": true},
		"stdout and stderr": {"stdout": true, "stderr": true},
		"a stream that the cluster does not tell": {"": true},
	} {
		if got := streamWords(streams); got != want {
			t.Errorf("%v are called %q, want %q", streams, got, want)
		}
	}
}
