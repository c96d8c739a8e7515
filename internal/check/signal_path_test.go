package check

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// starts is an image with that command and what its words are, without any pod.
func starts(command []string, files ...evidence.EntryFile) evidence.Evidence {
	e := fileImage(func(i *evidence.Image) { i.Config.Cmd, i.Entry = command, files })
	e.Workload, e.Termination = nil, nil
	return e
}

// shellForm is what "CMD line" becomes.
func shellForm(line string) evidence.Evidence {
	return starts([]string{"/bin/sh", "-c", line}, elf("/bin/sh"))
}

func elf(word string) evidence.EntryFile {
	return evidence.EntryFile{Word: word, Path: word, Kind: "elf", Executable: true, Layer: 1}
}

func script(word string, change func(*evidence.EntryFile)) evidence.EntryFile {
	f := evidence.EntryFile{Word: word, Path: word, Kind: "script", Executable: true, Interpreter: "/bin/sh -e", Layer: 1, LastCommand: "python -m app"}
	change(&f)
	return f
}

// scriptOf is a script as the collector reads it.
func scriptOf(word, text string) evidence.EntryFile {
	read := shell.Read(text)
	f := evidence.EntryFile{Word: word, Path: word, Kind: "script", Executable: true, Interpreter: "/bin/sh", Layer: 1, Trapped: map[string]string{}}
	for _, e := range read.Ends {
		end := evidence.ScriptEnd{Words: e.Words, Text: e.Text, Execs: e.Execs, Waits: e.Waits, Maybe: e.Maybe, Shifted: e.Shifted}
		for _, c := range e.When {
			end.When = append(end.When, evidence.ScriptCondition(c))
		}
		f.Ends = append(f.Ends, end)
	}
	for _, t := range read.Traps {
		f.Trapped[t.Signal] = string(t.Does)
	}
	return f
}

func packageJSON(name, command string) evidence.EntryFile {
	return evidence.EntryFile{Word: "package.json", Path: "/app/package.json", Kind: "other", Layer: 1, Scripts: map[string]string{name: command}}
}

func execs(f *evidence.EntryFile) { f.Execs, f.LastCommand = true, `exec "$@"` }

func asIs(*evidence.EntryFile) {}

// tried adds what the pod's deletion showed.
func tried(e evidence.Evidence, code int32, after float64, first ...string) evidence.Evidence {
	t := ended(code, after, first...)
	e.Termination = t.Termination
	return e
}

func stopping(signal string, command ...string) evidence.Evidence {
	e := starts(command, elf(command[0]))
	e.Image.Config.StopSignal = signal
	e.Image.History = append(e.Image.History, evidence.History{CreatedBy: "STOPSIGNAL " + signal, EmptyLayer: true, Layer: -1})
	return e
}

var entrypoint = "/entrypoint.sh"

var signalPathExamples = []example{
	{name: "exec form", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Signal path OK (SIGTERM to shop)", "the pod trial: exit code 0, 5.4 s after the deletion; PID 1 is `/shop`"}},
	{name: "Python", c: goodContract(), want: Pass, e: starts([]string{"python", "-m", "app"}, evidence.EntryFile{Word: "python", Path: "/usr/bin/python3.12", Kind: "elf"})},
	{name: "a script of Python", c: goodContract(), want: Pass, e: starts([]string{"uvicorn", "app:app"}, script("uvicorn", func(f *evidence.EntryFile) { f.Interpreter = "/app/.venv/bin/python" }))},

	{name: "shell form", c: goodContract(), e: shellForm("python -m app; exit $?"), want: Fail,
		says: []string{"! history line 4 of 4 (CMD [\"/shop\"])", "`sh -c` does not forward SIGTERM to its child", "exec python -m app"}},
	{name: "shell form of one command", c: goodContract(), e: shellForm("python -m app"), want: Fail},
	{name: "shell form with a secret", c: goodContract(), e: shellForm("python -m app --password " + planted), want: Fail},
	{name: "background and wait", c: goodContract(), e: shellForm("python -m app & wait"), want: Fail},
	{name: "pipe", c: goodContract(), e: shellForm("exec python -m app | tee /log"), want: Fail},
	{name: "a trap", c: goodContract(), e: shellForm("trap 'kill -TERM $p' TERM; python -m app & p=$!; wait $p"), want: Pass, says: []string{"sets a trap"}},
	{name: "exec", c: goodContract(), e: shellForm("exec python -m app"), want: Pass, says: []string{"to python"}},
	{name: "exec after preparation", c: goodContract(), e: shellForm("cd /app && ./migrate && exec python -m app 2>&1 >/dev/null"), want: Pass},
	{name: "exec with a variable", c: goodContract(), e: shellForm("DATABASE_URL=${DATABASE_URL:+postgres://x} exec python -m app"), want: Pass},
	{name: "exec in both branches", c: goodContract(), e: shellForm("if [ -n \"$DEBUG\" ]; then exec a; else exec b; fi"), want: Pass},
	{name: "exec in a subshell", c: goodContract(), e: shellForm("(cd /app; exec python -m app)"), want: Fail},
	{name: "exec in a function", c: goodContract(), e: shellForm("main() { exec python -m app; }; main"), want: Pass, says: []string{"to python"}},
	{name: "exec of a shell", c: goodContract(), e: shellForm("exec sh -c 'python -m app; true'"), want: Fail},
	{name: "exec of the arguments", c: goodContract(), e: starts([]string{"sh", "-c", `exec "$@"`, "--", "/shop"}), want: Pass, says: []string{"SIGTERM to shop"}},
	{name: "SHELL with options", c: goodContract(), e: starts([]string{"/bin/bash", "-eo", "pipefail", "-c", "exec /shop"}), want: Pass},
	{name: "SHELL with options, no exec", c: goodContract(), e: starts([]string{"/bin/bash", "-o", "pipefail", "-c", "/shop; true"}), want: Fail, says: []string{"`bash -c` does not"}},
	{name: "shell form, layers not read", c: goodContract(), e: starts([]string{"/bin/sh", "-c", "/shop"}), want: Inconclusive, says: []string{"cannot tell whether /bin/sh is bash"}},
	{name: "bash becomes its only command", c: goodContract(), e: starts([]string{"bash", "-lc", "/shop"}, elf("bash")), want: Pass, says: []string{"SIGTERM to shop"}, hides: []string{"5.1"}},
	{name: "bash becomes the last command of a list, since 5.1", c: goodContract(), e: starts([]string{"bash", "-lc", "cd /app && ./shop"}, elf("bash")), want: Pass, says: []string{"since bash 5.1"}},
	{name: "sh that is bash", c: goodContract(), want: Pass, e: starts([]string{"/bin/sh", "-c", "/shop"}, evidence.EntryFile{Word: "/bin/sh", Path: "/usr/bin/bash", Kind: "elf"})},
	{name: "bash with a redirection stays", c: goodContract(), e: starts([]string{"bash", "-c", "/shop >/log"}, elf("bash")), want: Fail},
	{name: "bash with a trap stays", c: goodContract(), e: starts([]string{"bash", "-c", "trap 'rm x' EXIT; /shop"}, elf("bash")), want: Fail},
	{name: "bash that becomes tail", c: goodContract(), e: starts([]string{"bash", "-c", "service nginx start && tail -f /log"}, elf("bash")), want: Fail, says: []string{"tail is PID 1"}},
	{name: "tail alone", c: goodContract(), e: starts([]string{"tail", "-f", "/dev/null"}, elf("tail")), want: Skipped, says: []string{"serves nothing"}},

	{name: "a script with exec", c: goodContract(), e: starts([]string{entrypoint, "/shop"}, script(entrypoint, execs), elf("/shop")), want: Pass, says: []string{"SIGTERM to shop"}},
	{name: "a script with exec and flags", c: goodContract(), e: starts([]string{entrypoint, "--port=1"}, script(entrypoint, execs)), want: Pass},
	{name: "a script with exec of a shell", c: goodContract(), e: starts([]string{entrypoint, "sh", "-c", "/shop; true"}, script(entrypoint, execs)), want: Fail},
	{name: "a case of the argument", c: goodContract(), e: starts([]string{entrypoint, "app"}, scriptOf(entrypoint, "case $1 in worker) exec celery;; app) exec gunicorn x;; *) echo no; exit 1;; esac")), want: Pass, says: []string{"SIGTERM to gunicorn"}},
	{name: "another arm of it without exec", c: goodContract(), e: starts([]string{entrypoint, "app"}, scriptOf(entrypoint, "case $1 in worker) celery;; app) exec gunicorn x;; esac")), want: Pass, hides: []string{"branches"}},
	{name: "the arm itself without exec", c: goodContract(), e: starts([]string{entrypoint, "app"}, scriptOf(entrypoint, "case $1 in worker) exec celery;; app) gunicorn x;; esac")), want: Fail, says: []string{"its last command is `gunicorn x`"}},
	{name: "an arm that a variable chooses", c: goodContract(), e: starts([]string{entrypoint}, scriptOf(entrypoint, "case $ROLE in worker) celery;; *) exec gunicorn x;; esac")), want: Pass, says: []string{"one of its branches ends with `celery`"}},
	{name: "exec in a branch alone", c: goodContract(), e: starts([]string{entrypoint}, scriptOf(entrypoint, "if [ -n \"$DEBUG\" ]; then exec a; fi\nb")), want: Fail, says: []string{"`b`"}},
	{name: "a script that starts itself as another user", c: goodContract(), e: starts([]string{entrypoint, "/shop"}, scriptOf(entrypoint, "if [ $(id -u) = 0 ]; then exec gosu app \"$0\" \"$@\"; fi\nexec \"$@\""), elf("/shop")), want: Pass, says: []string{"SIGTERM to shop"}},
	{name: "a variable that may be empty before the program", c: goodContract(), want: Pass, says: []string{"(SIGTERM to oosplash)"}, e: starts([]string{entrypoint}, scriptOf(entrypoint, "exec $RRCHECK $STRACECHECK \"$sd_prog/oosplash\" \"$@\""))},
	{name: "a variable that is the program", c: goodContract(), want: Pass, says: []string{"(SIGTERM to $JAVA)"}, e: starts([]string{entrypoint}, scriptOf(entrypoint, "exec $JAVA $OPTS -cp x Main"))},
	{name: "shift before exec", c: goodContract(), e: starts([]string{entrypoint, "serve", "/shop"}, scriptOf(entrypoint, "if [ $1 = serve ]; then shift; exec \"$@\"; fi"), elf("/shop")), want: Pass, says: []string{"SIGTERM to shop"}},
	{name: "exec of an array", c: goodContract(), e: starts([]string{entrypoint}, scriptOf(entrypoint, "CMD=(/shop --port 1)\nexec \"${CMD[@]}\"")), want: Pass},
	{name: "exec in a pipeline", c: goodContract(), e: starts([]string{entrypoint}, scriptOf(entrypoint, "exec /shop 2>&1 | sed s/a/b/")), want: Fail, says: []string{"`exec /shop 2>&1 | sed s/a/b/`"}},
	{name: "a script that becomes npm", c: goodContract(), e: starts([]string{entrypoint}, scriptOf(entrypoint, "exec npm run -d $NPM_RUN")), want: Fail, says: []string{"npm stands between"}},
	{name: "a trap and a program in the foreground", c: goodContract(), e: starts([]string{entrypoint}, scriptOf(entrypoint, "trap 'kill $!' TERM\n/shop\necho done")), want: Fail,
		says: []string{"runs its trap for SIGTERM only once `/shop` has ended", "program & wait"}},
	{name: "a trap and a wait", c: goodContract(), e: starts([]string{entrypoint}, scriptOf(entrypoint, "term() { kill -15 $pid; }\ntrap term 2 15\n/shop & pid=$!\nwait $pid")), want: Pass, says: []string{"sets a trap"}},
	{name: "a trap that only says so", c: goodContract(), e: starts([]string{entrypoint}, scriptOf(entrypoint, "trap 'echo bye; exit' TERM\n/shop &\nwait")), want: Fail, says: []string{"does nothing to the program"}},
	{name: "a trap that ignores", c: goodContract(), e: starts([]string{entrypoint}, scriptOf(entrypoint, "trap '' TERM\n/shop &\nwait")), want: Fail, says: []string{"ignores SIGTERM"}},
	{name: "a trap for another signal", c: goodContract(), e: starts([]string{entrypoint}, scriptOf(entrypoint, "trap 'kill $!' INT\n/shop &\nwait")), want: Fail},
	{name: "a script without exec", c: goodContract(), e: starts([]string{entrypoint}, script(entrypoint, asIs)), want: Fail,
		says: []string{"! /entrypoint.sh, layer 2 of 2 (COPY . .), reachable: sh runs the script /entrypoint.sh and does not forward SIGTERM; its last command is `python -m app`", `exec "$@"`}},
	{name: "a script of bash by env", c: goodContract(), want: Fail, e: starts([]string{entrypoint}, script(entrypoint, func(f *evidence.EntryFile) { f.Interpreter = "/usr/bin/env -S bash -e" }))},
	{name: "a script with a trap", c: goodContract(), e: starts([]string{entrypoint}, script(entrypoint, func(f *evidence.EntryFile) { f.Traps = true })), want: Pass, says: []string{"sets a trap"}},
	{name: "sh of a script", c: goodContract(), e: starts([]string{"sh", "-e", entrypoint}, elf("sh"), script(entrypoint, asIs)), want: Fail},
	{name: "sh of a script with exec", c: goodContract(), e: starts([]string{"sh", entrypoint}, elf("sh"), script(entrypoint, execs)), want: Pass},

	{name: "an init", c: goodContract(), e: starts([]string{"/usr/bin/tini", "-s", "--", "/shop"}, elf("/usr/bin/tini"), elf("/shop")), want: Pass},
	{name: "an init with an argument", c: goodContract(), e: starts([]string{"tini", "-e", "143", "/shop"}, elf("/shop")), want: Pass},
	{name: "an init before a shell", c: goodContract(), e: starts([]string{"dumb-init", "sh", "-c", "/shop; true"}), want: Fail, says: []string{"dumb-init sends SIGTERM to `sh -c`, which exits at once"}},
	{name: "an init before a script", c: goodContract(), e: starts([]string{"tini", entrypoint}, script(entrypoint, asIs)), want: Fail, says: []string{"to the script /entrypoint.sh"}},
	{name: "env and gosu", c: goodContract(), e: starts([]string{"env", "A=b", "gosu", "app", "/shop"}, elf("/shop")), want: Pass},

	{name: "time", c: goodContract(), e: starts([]string{"time", "-f", "%e", "/shop"}, elf("/shop")), want: Fail,
		says: []string{"time stands between the container and the program, and does not forward SIGTERM", "Start the program itself, without time."}, hides: []string{"reliably"}},
	{name: "an init before time", c: goodContract(), e: starts([]string{"tini", "time", "/shop"}, elf("/shop")), want: Fail, says: []string{"tini sends SIGTERM to time, which exits at once"}},
	{name: "time, and the pod ended all the same", c: goodContract(), e: tried(starts([]string{"time", "/shop"}, elf("/shop")), 0, 3, "time", "/shop"), want: Pass, says: []string{"in time all the same"}, hides: []string{"write `exec`"}},
	{name: "nice, nohup and stdbuf", c: goodContract(), e: starts([]string{"nice", "-n", "5", "nohup", "stdbuf", "-oL", "/shop"}, elf("/shop")), want: Pass, says: []string{"SIGTERM to shop"}},
	{name: "sudo before a shell", c: goodContract(), e: starts([]string{"sudo", "-u", "app", "sh", "-c", "/shop; true"}), want: Fail, says: []string{"sudo sends SIGTERM to `sh -c`"}},
	{name: "su before a line", c: goodContract(), e: starts([]string{"su", "app", "-c", "/shop; true"}), want: Fail, says: []string{"`sh -c` does not forward"}},
	{name: "su before a line with exec", c: goodContract(), e: starts([]string{"su", "app", "-c", "exec /shop"}), want: Pass, says: []string{"su stands between", "SIGTERM to shop"}},
	{name: "su before nothing", c: goodContract(), e: starts([]string{"su", "app"}), want: Skipped, says: []string{"su is given no program to start"}},
	{name: "go run", c: goodContract(), e: starts([]string{"go", "run", "."}, elf("go")), want: Fail, says: []string{"go stands between"}},
	{name: "a script of Maven that passes its arguments on", c: goodContract(), e: starts([]string{"mvn", "spring-boot:run"}, script("mvn", execs)), want: Fail, says: []string{"mvn stands between"}},
	{name: "doppler", c: goodContract(), e: starts([]string{"doppler", "run", "--", "/shop"}, elf("doppler")), want: Pass, says: []string{"doppler stands between", "reliably"}},

	{name: "npm", c: goodContract(), e: starts([]string{"npm", "start"}, script("npm", func(f *evidence.EntryFile) { f.Interpreter = "/usr/bin/env node" })), want: Fail, says: []string{"npm stands between", "not through npm."}},
	{name: "npm with a script that is known", c: goodContract(), e: starts([]string{"npm", "start"}, elf("npm"), packageJSON("start", "node index.js")), want: Fail, says: []string{"`node index.js`"}},
	{name: "npm with a script that execs", c: goodContract(), e: starts([]string{"npm", "start"}, elf("npm"), packageJSON("start", "exec node index.js")), want: Pass, says: []string{"npm stands between", "reliably"}},
	{name: "npm behind an init that tells its child alone", c: goodContract(), e: starts([]string{"tini", "--", "npm", "start"}, elf("npm")), want: Fail},
	{name: "npm behind an init that tells every process", c: goodContract(), e: starts([]string{"dumb-init", "npm", "start"}, elf("npm")), want: Pass, says: []string{"reliably"}},
	{name: "npm, and the pod ended all the same", c: goodContract(), e: tried(starts([]string{"npm", "start"}, elf("npm")), 0, 3, "npm", "start"), want: Pass, says: []string{"in time all the same"}},
	{name: "npm, and the pod did not hear", c: goodContract(), e: tried(starts([]string{"npm", "start"}, elf("npm")), 137, 45, "npm", "start"), want: Fail, says: []string{"npm stands between", "the pod trial: exit code 137"}},

	{name: "nginx without STOPSIGNAL", c: goodContract(), e: starts([]string{"nginx", "-g", "daemon off;"}, elf("nginx")), want: Fail, says: []string{"nginx gets SIGTERM, which is its fast shutdown", "STOPSIGNAL SIGQUIT"}},
	{name: "nginx with a preStop hook", c: goodContract(), want: Pass, says: []string{"its preStop hook may end it before that"}, e: func() evidence.Evidence {
		e := container(func(c *corev1.Container) { c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{}} })
		e.Image.Config.Cmd, e.Image.Entry, e.Termination = []string{"nginx"}, []evidence.EntryFile{elf("nginx")}, nil
		return e
	}()},
	{name: "PHP-FPM of a version", c: goodContract(), e: starts([]string{"php-fpm8.2", "-F"}, elf("php-fpm8.2")), want: Fail, says: []string{"php-fpm gets SIGTERM"}},
	{name: "PHP-FPM with its signal", c: goodContract(), e: stopping("SIGQUIT", "php-fpm"), want: Pass},
	{name: "Apache", c: goodContract(), e: starts([]string{"httpd-foreground"}, elf("httpd-foreground")), want: Fail, says: []string{"SIGWINCH"}},
	{name: "uWSGI", c: goodContract(), e: starts([]string{"uwsgi", "--http", ":8000"}, elf("uwsgi")), want: Fail, says: []string{"reloads it", "die-on-term"}},
	{name: "uWSGI that dies", c: goodContract(), e: starts([]string{"uwsgi", "--die-on-term"}, elf("uwsgi")), want: Pass},
	{name: "uWSGI that its settings let die", c: goodContract(), e: starts([]string{"uwsgi", "--ini", "uwsgi.ini"}, elf("uwsgi"), evidence.EntryFile{Word: "uwsgi.ini", Path: "/uwsgi.ini", Kind: "other", StopsOnTerm: true}), want: Pass, hides: []string{"reloads"}},
	{name: "uWSGI with settings without it", c: goodContract(), e: starts([]string{"uwsgi", "--ini=uwsgi.ini"}, elf("uwsgi"), evidence.EntryFile{Word: "uwsgi.ini", Path: "/uwsgi.ini", Kind: "other"}), want: Fail},
	{name: "uWSGI with settings that were not read", c: goodContract(), e: starts([]string{"uwsgi", "--yaml", "uwsgi.yaml"}, elf("uwsgi")), want: Pass, says: []string{"cannot tell what its settings say"}},
	{name: "s6-overlay with a signal of its base", c: goodContract(), want: Fail, says: []string{"STOPSIGNAL is SIGQUIT", "s6-overlay's init stops on SIGTERM alone"}, e: func() evidence.Evidence {
		e := stopping("SIGQUIT", "/init")
		e.Image.Entry = []evidence.EntryFile{scriptOf("/init", "exec /package/admin/s6-overlay/libexec/preinit \"$@\"")}
		return e
	}()},
	{name: "s6-overlay", c: goodContract(), e: starts([]string{"/init"}, scriptOf("/init", "exec /package/admin/s6-overlay/libexec/preinit \"$@\"")), want: Pass},

	{name: "the pod proved the shell form right", c: goodContract(), e: tried(shellForm("python -m app"), 0, 3, "python", "-m", "app"), want: Pass, says: []string{"write `exec` before it"}},
	{name: "the pod proved the shell form wrong", c: goodContract(), e: tried(shellForm("python -m app"), 137, 44.5, "/bin/sh", "-c", "python -m app"), want: Fail, says: []string{"the pod trial: exit code 137 (SIGKILL)"}},
	{name: "the pod ended with an error", c: goodContract(), e: tried(goodEvidence(), 1, 3, "/shop"), want: Pass, says: []string{"exit code 1", "see termination/exit-zero"}},
	{name: "the pod was deaf", c: goodContract(), e: tried(goodEvidence(), 137, 45, "/shop"), want: Pass, says: []string{"see termination/exit-zero"}},
	{name: "the pod proved what nobody could read", c: goodContract(), e: tried(starts([]string{"/shop"}), 0, 3, "/shop"), want: Pass},
	{name: "the pod's own command", c: goodContract(), want: Fail, says: []string{"! Deployment api, container api, command"}, e: func() evidence.Evidence {
		e := container(func(c *corev1.Container) { c.Command = []string{"sh", "-c", "/shop; true"} })
		e.Termination = nil
		return e
	}()},
	{name: "the pod's own arguments", c: goodContract(), want: Pass, e: func() evidence.Evidence {
		e := container(func(c *corev1.Container) { c.Args = []string{"/shop"} })
		e.Image.Config.Cmd, e.Image.Config.Entrypoint, e.Image.Entry = nil, []string{entrypoint}, []evidence.EntryFile{script(entrypoint, execs)}
		return e
	}()},

	{name: "SIGQUIT for nginx", c: goodContract(), e: stopping("SIGQUIT", "nginx", "-g", "daemon off;"), want: Pass, says: []string{"SIGQUIT to nginx"}, hides: []string{"must handle"}},
	{name: "SIGINT for a program", c: goodContract(), e: stopping("INT", "/shop"), want: Pass, says: []string{"must handle SIGINT"}},
	{name: "SIGTERM by its number", c: goodContract(), e: stopping("15", "/shop"), want: Pass, hides: []string{"must handle"}},
	{name: "SIGRTMIN+3", c: goodContract(), e: stopping("SIGRTMIN+3", "/sbin/init"), want: Pass},
	{name: "SIGKILL", c: goodContract(), e: stopping("9", "/shop"), want: Fail, says: []string{"! history line 5 of 5 (STOPSIGNAL 9): STOPSIGNAL is SIGKILL, which no program can handle"}},
	{name: "SIGKILL, and the shell form", c: goodContract(), want: Fail, says: []string{"no program can handle", "`sh -c` does not forward", "Remove STOPSIGNAL", "Use the exec form"}, e: stopping("SIGKILL", "sh", "-c", "/shop")},
	{name: "SIGQUIT for Java", c: goodContract(), e: stopping("SIGQUIT", "/usr/bin/java", "-jar", "x.jar"), want: Fail, says: []string{"prints its threads"}},
	{name: "no signal at all", c: goodContract(), e: stopping("SIGTREM", "/shop"), want: Fail, says: []string{"not a Linux signal"}},
	{name: "the pod's own stop signal", c: goodContract(), want: Pass, says: []string{"SIGUSR1 to shop", "lifecycle.stopSignal"}, e: container(func(c *corev1.Container) {
		c.Lifecycle = &corev1.Lifecycle{StopSignal: ptr(corev1.SIGUSR1)}
	})},

	{name: "no command", c: goodContract(), e: starts(nil), want: Skipped},
	{name: "a bare shell", c: goodContract(), e: starts([]string{"/bin/sh"}, elf("/bin/sh")), want: Skipped, says: []string{"bare sh"}},
	{name: "layers not read", c: goodContract(), e: starts([]string{"/shop"}), want: Inconclusive, says: []string{"podproof cannot tell what /shop is"}},
	{name: "script, layers not read", c: goodContract(), e: starts([]string{"sh", entrypoint}), want: Inconclusive},
	{name: "not there", c: goodContract(), e: starts([]string{"/shop"}, evidence.EntryFile{Word: "/shop", Kind: "missing"}), want: Inconclusive, says: []string{"there is no /shop"}},
	{name: "no #! line", c: goodContract(), e: starts([]string{"/shop"}, evidence.EntryFile{Word: "/shop", Path: "/shop", Kind: "other"}), want: Inconclusive},
	{name: "a shell's script without #!", c: goodContract(), e: starts([]string{entrypoint}, script(entrypoint, func(f *evidence.EntryFile) { f.Interpreter = "" })), want: Inconclusive},
	{name: "sh of a script without #!", c: goodContract(), e: starts([]string{"sh", entrypoint}, script(entrypoint, func(f *evidence.EntryFile) { f.Interpreter, f.Execs = "", true })), want: Pass},
	{name: "exec of what a script puts there", c: goodContract(), e: starts([]string{"sh", "-c", ". ./env && exec tool"}, evidence.EntryFile{Word: "tool", Kind: "missing"}), want: Pass},
	{name: "not observed", c: goodContract(), e: noImage(), want: Inconclusive},
}

// A command that goes in circles must come to an end.
func TestFollowEnds(t *testing.T) {
	command := []string{entrypoint}
	for range 20 {
		command = append(command, entrypoint)
	}
	tr := tracer{files: []evidence.EntryFile{script(entrypoint, execs)}, signal: "SIGTERM"}
	if r := tr.follow(command); r.open == "" {
		t.Errorf("%+v", r)
	}
}

// The end that a script comes to for certain decides, though another one may lose the signal, too.
func TestTheMainEndOfAScriptDecides(t *testing.T) {
	ends := []shell.End{{Text: "a", Maybe: true}, {Text: "b"}, {Text: "c", Maybe: true}}
	tr := tracer{signal: "SIGTERM"}
	if r := tr.weigh(ends, []route{{lost: "a loses it"}, {lost: "b loses it"}, {program: "c"}}); r.lost != "b loses it" {
		t.Errorf("%+v", r)
	}
	if r := tr.weigh(ends, []route{{lost: "a loses it"}, {program: "b"}, {program: "c"}}); r.lost != "" || r.program != "b" || !strings.Contains(r.doubt, "ends with `a`") {
		t.Errorf("%+v", r)
	}
}
