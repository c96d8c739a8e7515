package check

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var signalPath = Check{
	ID:    "image/signal-path",
	Title: "The program that serves is the one that gets the signal to stop",
	Why: "The signal goes to the container's first process alone. A shell in that place does not hand it on, so the program " +
		"learns nothing, and is killed with its requests in flight at the end of the grace period.",
	Fix: "Use the exec form, CMD [\"program\", \"argument\"], end an entrypoint script with `exec \"$@\"`, and leave STOPSIGNAL out " +
		"unless the program handles another signal than SIGTERM.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionImage},
	At:    []Spot{theCommand, inContainer("image")},
	Judge: judgeSignalPath,
}

func judgeSignalPath(c contract.Contract, e evidence.Evidence) Judgement {
	signal, setBy := stopSignal(e)
	j, img := imageOf(e, signal+" reaches the program that serves")
	if img == nil {
		return j
	}
	command, where := declaredCommand(e), place{words: commandPlace(e)}
	if len(command) == 0 {
		return j.skip("the image names no program to start, so it looks like a base image")
	}
	t := tracer{files: img.Entry, signal: signal}
	r := t.follow(command)
	if r.file != nil && r.file.Path != "" {
		where = placesOf(*img).final(r.file.Path, r.file.Layer)
	}
	words := firstProcess{command: command}.words()
	proof, heard, deaf := proven(c, e.Termination)
	var fixes []string
	abrupt := abruptEnd(signal, r, e)
	switch why := badStopSignal(signal, r); {
	case why != "":
		j.broken(setBy, "%s", why)
		fixes = append(fixes, "Remove STOPSIGNAL, so that the program gets SIGTERM; or name the signal that it handles.")
	case abrupt.why != "" && r.clear():
		j.brokenAt(where, "%s", abrupt.why)
		fixes = append(fixes, abrupt.fix)
	}
	if r.lost != "" && !heard || r.doubt != "" && deaf {
		j.brokenAt(where, "%s%s", r.lost+r.doubt, words)
		fixes = append(fixes, r.fix)
	}
	if proof != "" {
		j.Findings = append(j.Findings, Finding{Where: "pod " + e.Termination.Pod.Name, Message: proof, Note: true, Detail: heard && r.lost == ""})
		words += "; " + proof
	}
	switch f := j.firstBroken(); {
	case f != nil:
		return j.fail(f.Message, strings.TrimSpace(strings.Join(fixes, " ")))
	case r.bare != "":
		return j.skip(r.bare)
	case r.open != "" && !heard:
		return j.undecided(r.open+words, "Let podproof read the image's layers, or run `podproof verify`: the pod trial shows it.")
	case r.wrapper != "":
		j.note(where.words, "%s; in this run the program ended in time all the same", r.lost)
	case r.lost != "":
		j.note(where.words, "%s; in this run the shell made way for the program, which not every shell does: write `exec` before it", r.lost)
	case r.doubt != "":
		j.note(where.words, "%s", r.doubt)
	case abrupt.doubt != "":
		j.note(where.words, "%s", abrupt.doubt)
	}
	if signal != "SIGTERM" && !handles(r.program, signal) {
		j.note(setBy, "the program must handle %s, which it gets in the place of SIGTERM", signal)
	}
	return j.pass(fmt.Sprintf("Signal path OK (%s to %s)", signal, said(path.Base(r.program), 40)), "nothing that keeps "+signal+" from the program"+words)
}

// proven says what the pod that was deleted showed: that the signal was heard, that it was
// not, or neither.
func proven(c contract.Contract, t *evidence.Termination) (proof string, heard, deaf bool) {
	if t == nil || !t.WasRunning || !t.Exited || t.Last == nil || t.Last.Reason == "ContainerStatusUnknown" {
		return "", false, false
	}
	codes := exitCodes(c)
	atTheEnd := t.Seconds >= float64(t.GraceSeconds)-1
	heard = slices.Contains(codes, t.Last.ExitCode) && !atTheEnd
	deaf = t.Last.ExitCode == 137 && atTheEnd && t.Last.Reason != "OOMKilled"
	proof = fmt.Sprintf("the pod trial: %s, %s after the deletion", exitWords(*t.Last), seconds(t.Seconds))
	if t.PID1 != nil && len(t.PID1.Command) > 0 {
		proof += firstProcess{command: t.PID1.Command}.words()
	}
	if !heard {
		proof += " (see termination/exit-zero)"
	}
	return proof, heard, deaf
}

// stopSignal is the signal that ends the container, by its name, and where it is set.
func stopSignal(e evidence.Evidence) (signal, place string) {
	if e.Workload != nil {
		if c := containerOf(*e.Workload); c != nil && c.Lifecycle != nil && c.Lifecycle.StopSignal != nil {
			return string(*c.Lifecycle.StopSignal), fmt.Sprintf("%s %s, container %s, lifecycle.stopSignal", e.Workload.Kind, e.Workload.Name, c.Name)
		}
	}
	if e.Image == nil || e.Image.Config.StopSignal == "" {
		return "SIGTERM", ""
	}
	s := strings.ToUpper(e.Image.Config.StopSignal)
	if n, err := strconv.ParseInt(s, 10, 32); err == nil && signals[int32(n)] != "" {
		s = signals[int32(n)]
	} else if err != nil && !strings.HasPrefix(s, "SIG") {
		s = "SIG" + s
	}
	return s, instructionPlace(*e.Image, "STOPSIGNAL")
}

// signalNames are those that Linux has (signal(7)), the real-time ones aside.
var (
	signalNames = set("SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGIOT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE " +
		"SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPOLL SIGPWR SIGSYS")
	realTime = regexp.MustCompile(`^(?:SIGRT(?:MIN(?:\+\d+)?|MAX(?:-\d+)?)|[1-9]|[1-5]\d|6[0-4])$`)
)

// handled are the signals other than SIGTERM that ask a program for an orderly end.
var handled = map[string]string{
	"nginx": "SIGQUIT SIGINT", "nginx-debug": "SIGQUIT SIGINT", "angie": "SIGQUIT SIGINT", "openresty": "SIGQUIT SIGINT", "httpd": "SIGWINCH", "httpd-foreground": "SIGWINCH", "apache2": "SIGWINCH",
	"apache2-foreground": "SIGWINCH", "apachectl": "SIGWINCH", "php-fpm": "SIGQUIT", "postgres": "SIGINT SIGQUIT", "haproxy": "SIGUSR1",
	"gunicorn": "SIGINT", "uvicorn": "SIGINT", "hypercorn": "SIGINT", "uwsgi": "SIGINT SIGQUIT SIGHUP", "puma": "SIGINT", "unicorn": "SIGQUIT",
	"java": "SIGINT SIGHUP", "caddy": "SIGINT SIGQUIT", "envoy": "SIGINT", "traefik": "SIGINT", "systemd": "SIGRTMIN+3", "init": "SIGRTMIN+3",
}

func handles(program, signal string) bool {
	return slices.Contains(strings.Fields(handled[path.Base(program)]), signal)
}

// badStopSignal says why no program, or not this one, ends in an orderly way on a signal.
func badStopSignal(signal string, r route) string {
	switch {
	case signal == "SIGKILL" || signal == "SIGSTOP":
		return fmt.Sprintf("STOPSIGNAL is %s, which no program can handle", signal)
	case !signalNames[signal] && !realTime.MatchString(signal):
		return fmt.Sprintf("STOPSIGNAL is %s, which is not a Linux signal", said(signal, 40))
	case signal == "SIGQUIT" && path.Base(r.program) == "java":
		return "STOPSIGNAL is SIGQUIT, on which Java prints its threads and runs on"
	case r.isS6() && (signal == "SIGQUIT" || signal == "SIGWINCH" || signal == "SIGUSR1"):
		return fmt.Sprintf("STOPSIGNAL is %s, as base images of nginx, PHP-FPM and Apache set it, and s6-overlay's init stops on SIGTERM alone", signal)
	}
	return ""
}
