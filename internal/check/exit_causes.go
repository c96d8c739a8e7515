package check

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// explain says why a container ended with the code that it ended with when its pod was
// deleted, and what to change.
func (p firstProcess) explain(t evidence.Termination, e evidence.Evidence) (why, fix string) {
	last := *t.Last
	signal := t.StopSignal
	if signal == "" {
		signal = "SIGTERM"
	}
	atTheEnd := t.Seconds >= float64(t.GraceSeconds)-1
	closed := closingWords(t)
	switch {
	case last.Reason == "OOMKilled":
		return "the memory limit ended it, not the deletion", exitFix(t.Pod, containerName(e), last)
	case last.ExitCode == 137 && atTheEnd:
		return fmt.Sprintf("SIGKILL at the end of the grace period of %d s; %s", t.GraceSeconds, p.deaf(signal)), p.fix()
	case last.ExitCode == 137:
		return fmt.Sprintf("SIGKILL before the grace period of %d s was over, so not from the kubelet: something in the container or on the node sent it", t.GraceSeconds),
			"Look for what sends SIGKILL: a supervisor's own time-out in the container, or the node or a memory limit running out."
	case last.ExitCode == 143:
		return p.by15(closed)
	case last.ExitCode == 130:
		return "130 = 128 + 2: it ended as on SIGINT: a launcher or an entrypoint script made that of " + signal + "; " + closed.words(),
			"Handle " + signal + " itself (Python: signal.signal(signal.SIGTERM, …), or catch KeyboardInterrupt), and exit 0 once the work is done."
	case last.ExitCode == 2 && (p.goMain || e.Image == nil):
		return "a Go program that does not handle SIGTERM as PID 1 ends itself with 2",
			"Handle SIGTERM (signal.NotifyContext, then http.Server.Shutdown), and return from main with 0."
	case last.ExitCode == 111 && strings.HasPrefix(p.program(), "s6-"):
		return "111 is s6's code for a failure while it ended its services", "Let the services' finish scripts and .s6-svscan/finish exit 0, within S6_KILL_GRACETIME."
	case last.ExitCode == 126, last.ExitCode == 127, last.ExitCode == 128:
		return "this is a shell's or the runtime's code for a command that could not be run, so a stop script or a trap calls a program that is not there",
			"Fix the command that runs at the end (a trap, an entrypoint script); the last lines of the log name it."
	case slices.Contains([]int32{128 + 4, 128 + 6, 128 + 7, 128 + 8, 128 + 11}, last.ExitCode):
		return fmt.Sprintf("it crashed with %s while it closed", signals[last.ExitCode-128]),
			"Find the crash: the last lines of the log, or a native library that is torn down while it is still used."
	case last.ExitCode > 128 && signals[last.ExitCode-128] != "":
		return fmt.Sprintf("%s ended it", signals[last.ExitCode-128]),
			"Handle " + signal + ", and exit 0 once the work is done."
	case last.ExitCode == 0:
		return "the contract asks for another exit code", "Let the contract's termination.exitCodes name 0."
	case p.runner != "":
		return fmt.Sprintf("%s stands between the container and the program, and makes an error of the signal that ended it; %s", p.runner, closed.words()),
			"Start the program itself as PID 1, not through " + p.runner + "."
	case len(closed) > 0:
		return "it ended in an orderly way (" + closed.quoted() + "), and then with an error",
			"Exit 0 after an orderly end; the last lines of its log say what went wrong after it had closed."
	}
	return fmt.Sprintf("it heard %s and gave up with an error", signal),
		"Exit 0 after an orderly end; the last lines of its log say what went wrong while it closed."
}

// by15 explains 143, with which a process ends that SIGTERM ends, and with which a JVM, .NET,
// npm or an init ends after an orderly end as well.
func (p firstProcess) by15(closed closingLines) (why, fix string) {
	why = "143 = 128 + 15: it ended as by SIGTERM; " + closed.words()
	const accept = "or, if it has finished and closed everything by then, say so in the contract (termination.exitCodes: [0, 143])."
	switch program := p.program(); {
	case program == "java":
		return why + "; a JVM ends with 143 after its shutdown hooks have run", "Exit 0 from the last shutdown hook (Runtime.halt), " + accept
	case program == "dotnet":
		return why + "; .NET ends with 143 after its host has stopped", "Set Environment.ExitCode = 0 when the host has stopped, " + accept
	case program == "tini" || program == "docker-init":
		return why + "; tini hands on the code of its child", "Handle SIGTERM in the child and exit 0, or let tini map the code (tini -e 143), " + accept
	case p.runner != "":
		return why + "; " + p.runner + " hands on how its child ended", "Start the program itself as PID 1, not through " + p.runner + ", let it handle SIGTERM and exit 0, " + accept
	}
	return why, "Handle SIGTERM: finish the requests in flight, close the pools, then exit 0, " + accept
}

// program is the name of the container's first process.
func (p firstProcess) program() string {
	if len(p.command) == 0 {
		return ""
	}
	return path.Base(p.command[0])
}

var (
	closes   = regexp.MustCompile(`(?i)\b(?:shut(?:ting)?[ -]?down|clos(?:ed|ing)|stopp(?:ed|ing)|graceful(?:ly)?|drain(?:ed|ing)|exiting)\b`)
	troubled = regexp.MustCompile(`(?i)\b(?:error|err|unexpected(?:ly)?|fail(?:ed|ure)?|exception|fatal|panic|refused|reset|timeout)\b`)
)

// closingLines are those of a log that tell of an orderly end.
type closingLines []string

// closingWords are the last lines of a log, from about the deletion on, that tell of an
// orderly end. Log times are the node's.
func closingWords(t evidence.Termination) closingLines {
	var out closingLines
	for _, l := range t.Pod.Log {
		if !l.At.IsZero() && l.At.Before(t.Deleted.Add(-time.Second)) || !closes.MatchString(l.Text) || troubled.MatchString(l.Text) {
			continue
		}
		out = append(out, said(l.Text, 60))
	}
	return out[max(0, len(out)-2):]
}

func (c closingLines) quoted() string {
	var parts []string
	for _, l := range c {
		parts = append(parts, "“"+l+"”")
	}
	return list(parts)
}

func (c closingLines) words() string {
	if len(c) == 0 {
		return "its log does not tell of an orderly end"
	}
	return "its log tells of an orderly end (" + c.quoted() + ")"
}
