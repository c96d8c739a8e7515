package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var startupLogs = Check{
	ID:    "startup/logs",
	Title: "Startup is logged to stdout or stderr",
	Why: "Every log collector, and kubectl logs, read a container's stdout and stderr. What goes to a file inside the container " +
		"is read by nobody, and is gone with the pod.",
	Fix: "Log to stdout (or stderr) instead of a file; a base image's log file may be a link to /dev/stdout. " +
		"Write one format, and errors only when there is one.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionStartup},
	At:    []Spot{theProgram},
	Judge: judgeStartupLogs,
}

func judgeStartupLogs(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: logsPromise(c.Startup)}
	if e.Startup == nil {
		return inconclusive(e, evidence.SectionStartup, j.Promised)
	}
	j.Seconds = e.Startup.Seconds
	if len(e.Startup.Pods) == 0 {
		return j.undecided("no pod was started", "See startup/ready.")
	}
	streams := map[string]bool{}
	open, fix := "", ""
	for _, p := range e.Startup.Pods {
		where := "pod " + p.Name
		missing, unclear := missingTexts(c.Startup, p.Log, streams)
		switch {
		case len(missing) > 0 && !isReady(p):
			open = fmt.Sprintf("%s did not become Ready, so its startup log is incomplete (missing: %s)", where, list(missing))
			fix = "See startup/ready for what keeps the pod from being Ready."
		case len(missing) > 0 && len(p.Log) == 0 && p.Unread == "":
			j.broken(where, "it wrote nothing at all to its log; does it log to a file?")
		case len(missing) > 0 && p.Omitted > 0:
			open = fmt.Sprintf("%s wrote so much that %s of its log were not kept, and what was kept does not say %s", where, count(p.Omitted, "line"), list(missing))
			fix = logLess
		case len(missing) > 0 && p.Unread != "":
			open = fmt.Sprintf("%s: %s (missing: %s)", where, p.Unread, list(missing))
			fix = runAgain
		case len(missing) > 0:
			j.broken(where, "not in its log: %s", list(missing))
			j.tail(p, 5)
		case len(unclear) > 0:
			open = fmt.Sprintf("the cluster does not tell on which stream %s wrote %s", where, list(unclear))
			fix = "Verify in a kind cluster, where the CRI log file tells the stream, or let the contract's startup.stream be any."
		}
		if isReady(p) && startedWell(*e.Startup) {
			j.unwell(p)
		}
	}
	if f := j.firstBroken(); f != nil {
		return j.fail(f.Where+": "+f.Message, "")
	}
	if open != "" {
		return j.undecided(open, fix)
	}
	stream := "Container"
	switch {
	case streams["stdout"] && streams["stderr"]:
		stream = "Stdout and stderr"
	case streams["stdout"]:
		stream = "Stdout"
	case streams["stderr"]:
		stream = "Stderr"
	}
	return j.pass(stream+" logging OK", fmt.Sprintf("found in the log of %s, on %s", count(len(e.Startup.Pods), "pod"), streamWords(streams)))
}

// startedWell tells whether nothing went wrong that a log would have to tell.
func startedWell(s evidence.Startup) bool {
	for _, p := range s.Pods {
		if saysNo(p, "Readiness", "Startup") { // until what it needs was there
			return false
		}
		for _, st := range p.Status.ContainerStatuses {
			if st.RestartCount > 0 {
				return false
			}
		}
	}
	return s.Ready
}

func logsPromise(s contract.Startup) string {
	stream := "stdout or stderr"
	if s.Stream == contract.StreamStdout {
		stream = "stdout"
	}
	if len(s.Logs) == 0 {
		return "each container writes to its own log, on " + stream
	}
	return fmt.Sprintf("each container's own log, on %s, says %s", stream, list(quoted(s.Logs)))
}

func quoted(ss []string) []string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = fmt.Sprintf("%q", s)
	}
	return out
}

// missingTexts lists what the log lacks, and what it has on a stream that is not known.
// It records on which streams the texts were found.
func missingTexts(s contract.Startup, log []evidence.LogLine, streams map[string]bool) (missing, unclear []string) {
	texts := s.Logs
	if len(texts) == 0 {
		texts = []string{""} // any line will do
	}
	for _, text := range texts {
		at := linesWith(log, text)
		name := fmt.Sprintf("%q", text)
		if text == "" {
			name = "any line"
		}
		switch {
		case len(at) == 0:
			missing = append(missing, name)
		case s.Stream != contract.StreamStdout || slices.Contains(at, "stdout"):
			for _, stream := range at {
				if s.Stream != contract.StreamStdout || stream == "stdout" {
					streams[stream] = true
				}
			}
		case slices.Contains(at, ""):
			unclear = append(unclear, name)
		default:
			missing = append(missing, name+" (on stderr alone)")
		}
	}
	return missing, unclear
}

// linesWith returns the streams of the lines that hold a text.
func linesWith(log []evidence.LogLine, text string) (streams []string) {
	for _, l := range log {
		if strings.TrimSpace(l.Text) != "" && strings.Contains(l.Text, text) {
			streams = append(streams, l.Stream)
		}
	}
	return streams
}

func streamWords(streams map[string]bool) string {
	var names []string
	for _, s := range []string{"stdout", "stderr", ""} {
		if streams[s] {
			if s == "" {
				s = "a stream that the cluster does not tell"
			}
			names = append(names, s)
		}
	}
	return list(names)
}
