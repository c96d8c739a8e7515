package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
	"podproof.dev/podproof/internal/shell"
)

// firstProcess is a container's PID 1, which gets the signal when its pod ends. The
// kernel gives it no default action: without a handler SIGTERM does nothing to it.
type firstProcess struct {
	command []string
	// invoked is set when it is a shell.
	invoked shell.Invocation
	// runner is a tool that stays between the container and the program: "npm", "time".
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
	p.invoked, _ = shell.Invoked(p.command)
	p.runner, _ = shell.Runner(p.command)
	if w, _, ok := shell.Wrapped(p.command); ok && (w.Manner == shell.Keeps || w.Manner == shell.Unreliable) {
		p.runner = w.Name
	}
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
	return "; PID 1 is `" + brief(strings.Join(redact.Arguments(p.command), " "), 120) + "`"
}

// deaf says why the signal had no effect.
func (p firstProcess) deaf(signal string) string {
	switch {
	case p.invoked.Script != "":
		return fmt.Sprintf("%s runs the script %s and does not forward %s", p.invoked.Shell, p.invoked.Script, signal)
	case p.invoked.Shell != "":
		return fmt.Sprintf("`%s -c` does not forward %s to its child", p.invoked.Shell, signal)
	case p.runner != "":
		return stands(p.runner, signal, " reliably")
	}
	return fmt.Sprintf("the process did not end on %s: as PID 1 it is not ended by a signal that it does not handle, or it took too long", signal)
}

// child is what a shell runs: the script that it reads, or of a line the command that serves,
// as what comes before that is preparation.
func (p firstProcess) child() string {
	if p.invoked.Script != "" {
		return p.invoked.Script
	}
	return shell.Read(p.invoked.Line).Main().Text
}

func (p firstProcess) fix() string {
	child := said(p.child(), 80)
	switch {
	case p.invoked.Script != "":
		return fmt.Sprintf("End %s with `exec` before the program that serves (exec \"$@\"), so that it becomes PID 1.", child)
	case p.invoked.Shell != "" && child != "":
		return fmt.Sprintf("Use the exec form, CMD [\"program\", \"argument\"], or `exec` in the shell: exec %s.", strings.TrimPrefix(child, "exec "))
	case p.invoked.Shell != "":
		return "Use the exec form, CMD [\"program\", \"argument\"]."
	case p.runner != "":
		return "Start the program itself as PID 1, not through " + p.runner + "."
	}
	return "Handle the signal: stop accepting, finish the requests in flight in less than the grace period, then exit 0."
}
