package check

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// firstProcess is a container's PID 1, which gets the signal when its pod ends. The
// kernel gives it no default action: without a handler SIGTERM does nothing to it.
type firstProcess struct {
	command []string
	// shell is set when it is one; child is the command that the shell runs, or the
	// script that it reads; rest are the arguments of either.
	shell  string
	child  string
	script bool
	rest   []string
	// runner is a tool between the container and the program: "npm".
	runner string
	goMain bool
}

// pid1 reads the process as it ran, or what pod and image say that would be it.
func pid1(e evidence.Evidence) firstProcess {
	var p firstProcess
	if t := e.Termination; t != nil && t.PID1 != nil && len(t.PID1.Command) > 0 {
		p.command = t.PID1.Command
	} else {
		p.command = declaredCommand(e)
	}
	if len(p.command) == 0 {
		return p
	}
	p.readShell()
	p.runner = runnerOf(p.command)
	p.goMain = isGo(e.Image, p.command[0])
	return p
}

// declaredCommand is the pod's command and args over the image's ENTRYPOINT and CMD,
// combined as Kubernetes does.
func declaredCommand(e evidence.Evidence) []string {
	var command, args []string
	if e.Workload != nil {
		if c := containerOf(*e.Workload); c != nil {
			command, args = c.Command, c.Args
		}
	}
	if e.Image != nil && len(command) == 0 {
		command = e.Image.Config.Entrypoint
		if len(args) == 0 {
			args = e.Image.Config.Cmd
		}
	}
	return slices.Concat(command, args)
}

var (
	shellName  = regexp.MustCompile(`^-?(?:ba|da|a|z|k)?sh$`)
	shellFlagC = regexp.MustCompile(`^-[a-z]*c$`)
	shellFlagO = regexp.MustCompile(`^[-+][a-zA-Z]*[oO]$`)
)

// readShell recognises "sh -c …", which a shell-form CMD becomes, and "sh script".
func (p *firstProcess) readShell() {
	at := 0
	if path.Base(p.command[0]) == "busybox" && len(p.command) > 1 {
		at = 1
	}
	name := path.Base(p.command[at])
	if !shellName.MatchString(name) {
		return
	}
	p.shell = name
	for i := at + 1; i < len(p.command); i++ {
		switch a := p.command[i]; {
		case shellFlagC.MatchString(a):
			if i+1 < len(p.command) {
				p.child, p.rest = p.command[i+1], p.command[i+2:]
			}
			return
		case shellFlagO.MatchString(a): // its argument is the option's name: -o pipefail
			i++
		case !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "+"):
			p.child, p.script, p.rest = a, true, p.command[i+1:]
			return
		}
	}
}

// runnerOf knows the tools that start a program and stay before it.
func runnerOf(command []string) string {
	line := path.Base(command[0])
	// "node /usr/local/bin/npm start" is npm, too.
	if len(command) > 1 && (line == "node" || strings.HasPrefix(line, "python")) {
		line = path.Base(command[1])
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, ".js"), "-cli")
	switch line {
	case "npm", "npx", "yarn", "pnpm", "uv", "poetry", "pipenv", "pdm", "make":
		return line
	}
	return ""
}

// isGo tells whether a program of the image carries Go build information.
func isGo(img *evidence.Image, program string) bool {
	return img != nil && slices.ContainsFunc(img.GoBinaries, func(b evidence.GoBinary) bool {
		return b.Path == program || path.Base(b.Path) == path.Base(program)
	})
}

// words says which process it was, for a sentence.
func (p firstProcess) words() string {
	if len(p.command) == 0 {
		return ""
	}
	return "; PID 1 is `" + brief(strings.Join(maskArguments(p.command), " "), 120) + "`"
}

// explain says why a container ended with the code that it ended with when its pod was
// deleted, and what to change.
func (p firstProcess) explain(t evidence.Termination, e evidence.Evidence) (why, fix string) {
	last := *t.Last
	signal := t.StopSignal
	if signal == "" {
		signal = "SIGTERM"
	}
	atTheEnd := t.Seconds >= float64(t.GraceSeconds)-1
	switch {
	case last.Reason == "OOMKilled":
		return "the memory limit ended it, not the deletion", exitFix(t.Pod, containerName(e), last)
	case last.ExitCode == 137 && atTheEnd:
		return fmt.Sprintf("SIGKILL at the end of the grace period of %d s; %s", t.GraceSeconds, p.deaf(signal)), p.fix()
	case last.ExitCode == 137:
		return fmt.Sprintf("SIGKILL, though %d s of grace were given: not by the kubelet's clock, so something in the container or on the node sent it", t.GraceSeconds),
			"Look for what sends SIGKILL: a supervisor's own time-out in the container, or the node running out of memory."
	case last.ExitCode == 143:
		return "SIGTERM ended it without being handled, so nothing was finished or closed (143 = 128 + 15)",
			"Handle SIGTERM: finish the requests in flight, then exit 0. If a supervisor as PID 1 only hands the code on, say so in the contract: termination.exitCodes [0, 143]."
	case last.ExitCode == 2 && (p.goMain || e.Image == nil):
		return "a Go program that does not handle SIGTERM as PID 1 ends itself with 2",
			"Handle SIGTERM (signal.NotifyContext, then http.Server.Shutdown), and return from main with 0."
	case last.ExitCode == 126, last.ExitCode == 127, last.ExitCode == 128:
		return "this is a shell's or the runtime's code for a command that could not be run, so a stop script or a trap calls what is not there",
			"Mend the command that runs at the end (a trap, an entrypoint script); the last lines of the log name it."
	case slices.Contains([]int32{128 + 4, 128 + 6, 128 + 7, 128 + 8, 128 + 11}, last.ExitCode):
		return fmt.Sprintf("it crashed with %s while it closed", signals[last.ExitCode-128]),
			"Find the crash: the last lines of the log, or a native library that is torn down while it is still used."
	case last.ExitCode > 128 && signals[last.ExitCode-128] != "":
		return fmt.Sprintf("%s ended it", signals[last.ExitCode-128]),
			"Handle " + signal + ", and exit 0 once the work is done."
	case last.ExitCode == 0:
		return "the contract asks for another exit code", "Let the contract's termination.exitCodes name 0."
	}
	return fmt.Sprintf("it heard %s and gave up with an error", signal),
		"Exit 0 after an orderly end; the last lines of its log say what went wrong while it closed."
}

// deaf says why the signal had no effect.
func (p firstProcess) deaf(signal string) string {
	switch {
	case p.shell != "" && p.script:
		return fmt.Sprintf("%s runs the script %s and does not forward %s", p.shell, p.child, signal)
	case p.shell != "":
		return fmt.Sprintf("`%s -c` does not forward %s to its child", p.shell, signal)
	case p.runner != "":
		return fmt.Sprintf("%s stands between the container and the program, and does not forward %s reliably", p.runner, signal)
	}
	return fmt.Sprintf("the process did not end on %s: as PID 1 it is not ended by a signal that it does not handle, or it took too long", signal)
}

// closing are commands that end a shell line after the program that serves.
var (
	commandEnd = regexp.MustCompile(`;|&&|\|\||\n`)
	closing    = regexp.MustCompile(`^(?:exit|wait|true|:)?(?:\s|$)`)
)

// lastCommand is the one of a shell line that serves: what comes before it is preparation.
func lastCommand(line string) string {
	commands := commandEnd.Split(line, -1)
	for i := len(commands) - 1; i > 0; i-- {
		if c := strings.TrimSpace(commands[i]); !closing.MatchString(c) {
			return c
		}
	}
	return strings.TrimSpace(commands[0])
}

func (p firstProcess) fix() string {
	child := said(lastCommand(p.child), 80)
	switch {
	case p.shell != "" && p.script:
		return fmt.Sprintf("End %s with `exec` before the program that serves (exec \"$@\"), so that it becomes PID 1.", child)
	case p.shell != "" && child != "":
		return fmt.Sprintf("Use the exec form, CMD [\"program\", \"argument\"], or `exec` in the shell: exec %s.", strings.TrimPrefix(child, "exec "))
	case p.shell != "":
		return "Use the exec form, CMD [\"program\", \"argument\"]."
	case p.runner != "":
		return "Start the program itself as PID 1, not through " + p.runner + "."
	}
	return "Handle the signal: stop accepting, finish the requests in flight in less than the grace period, then exit 0."
}
