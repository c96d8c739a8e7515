package corpus

const (
	execs = "#!/bin/sh\nset -e\nmkdir -p /tmp/app\nexec \"$@\"\n"
	stays = "#!/bin/sh\nset -e\nmkdir -p /tmp/app\npython main.py\n"
)

// starting is an image whose ENTRYPOINT is a script.
func starting(script string) func(*recipe) {
	return func(r *recipe) {
		r.copy("entrypoint.sh /", exe("entrypoint.sh", script))
		r.entrypoint("/entrypoint.sh")
	}
}

func commands(command ...string) func(*recipe) {
	return func(r *recipe) { r.exec(command...) }
}

func inited(command ...string) func(*recipe) {
	return func(r *recipe) {
		r.run("apt-get install tini", exe("usr/bin/tini", elf), exe("usr/bin/dumb-init", elf))
		r.exec(command...)
	}
}

func stoppedBy(sig string) func(*recipe) {
	return func(r *recipe) {
		r.config.StopSignal = sig
		r.says("STOPSIGNAL " + sig)
	}
}

var signals = []specimen{
	{planted: "CMD in its shell form", fails: []string{signal}, at: []string{"history line", "does not forward SIGTERM"},
		plant: func(r *recipe) { r.shell("python main.py") }},
	{planted: "ENTRYPOINT sh -c without exec", fails: []string{signal}, plant: func(r *recipe) {
		r.entrypoint("sh", "-c", "python main.py")
		r.config.Cmd = nil
	}},
	{planted: "bash -o pipefail -c without exec", fails: []string{signal}, plant: commands("bash", "-o", "pipefail", "-c", "python main.py | tee /tmp/log")},
	{planted: "an entrypoint script without exec", fails: []string{signal}, at: []string{"/entrypoint.sh", "layer 5", "COPY entrypoint.sh", "python main.py"},
		plant: starting(stays)},
	{planted: "an entrypoint script of env bash without exec", fails: []string{signal}, plant: starting("#!/usr/bin/env bash\npython main.py \"$@\"\n")},
	{planted: "sh SCRIPT without exec", fails: []string{signal}, at: []string{"/app/start.sh"}, plant: func(r *recipe) {
		r.copy("start.sh .", text("app/start.sh", "cd /app\npython main.py\n"))
		r.exec("sh", "start.sh")
	}},
	{planted: "exec in a comment and in a here-document alone", fails: []string{signal},
		plant: starting("#!/bin/sh\n# exec \"$@\"\ncat <<EOF >/tmp/x\nexec \"$@\"\nEOF\n\"$@\"\n")},
	{planted: "a script whose later version lost its exec", fails: []string{signal}, at: []string{"layer 6"}, plant: func(r *recipe) {
		starting(execs)(r)
		r.copy("entrypoint.sh /", exe("entrypoint.sh", stays))
	}},
	{planted: "tini before a script without exec", fails: []string{signal}, at: []string{"tini"}, plant: func(r *recipe) {
		inited("/start.sh")(r)
		r.copy("start.sh /", exe("start.sh", stays))
		r.entrypoint("/usr/bin/tini", "--")
	}},
	{planted: "time before the program", fails: []string{signal}, at: []string{"time stands between"}, plant: commands("time", "python", "main.py")},
	{planted: "su -c without exec", fails: []string{signal}, at: []string{"`sh -c` does not forward SIGTERM"}, plant: commands("su", "app", "-c", "python main.py")},
	{planted: "an exec in a subshell alone", fails: []string{signal}, plant: starting("#!/bin/sh\n(exec python main.py)\n")},
	{planted: "STOPSIGNAL SIGKILL", fails: []string{signal}, at: []string{"STOPSIGNAL", "SIGKILL"}, plant: stoppedBy("SIGKILL")},
	{planted: "STOPSIGNAL of no such signal", fails: []string{signal}, plant: stoppedBy("SIGTERN")},
	{planted: "STOPSIGNAL SIGQUIT for Java", fails: []string{signal}, plant: func(r *recipe) {
		r.run("install java", exe("usr/bin/java", elf))
		stoppedBy("3")(r)
		r.exec("java", "-jar", "shop.jar")
	}},

	{planted: "a program that is not there", like: signal, open: []string{signal}, plant: commands("gunicorn", "main:app")},
	{planted: "no command at all", like: signal, skips: []string{signal}, plant: func(r *recipe) { r.config.Cmd = nil }},
	{planted: "CMD in its shell form, with exec", like: signal, plant: func(r *recipe) { r.shell("cd /app && exec python main.py") }},
	{planted: "sh -c with exec \"$@\"", like: signal, plant: commands("sh", "-c", "exec \"$@\"", "--", "python", "main.py")},
	{planted: "an entrypoint script with exec \"$@\"", like: signal, plant: starting(execs)},
	{planted: "exec in one branch of the script, for its arguments", like: signal,
		plant: starting("#!/bin/sh\nif [ \"$1\" = python ]; then\n  exec \"$@\"\nfi\nexec python \"$@\"\n")},
	{planted: "a script through /bin, which is a link", like: signal, plant: func(r *recipe) {
		r.copy("start /usr/bin/", exe("usr/bin/start", execs))
		r.entrypoint("/bin/start")
	}},
	{planted: "a script that sets a trap", like: signal, at: []string{"sets a trap"},
		plant: starting("#!/bin/sh\ntrap 'kill -TERM $child; wait $child' TERM\npython main.py &\nchild=$!\nwait $child\n")},
	{planted: "tini before the program", like: signal, plant: inited("/usr/bin/tini", "-g", "--", "python", "main.py")},
	{planted: "dumb-init before the program", like: signal, plant: inited("dumb-init", "--rewrite", "15:2", "python", "main.py")},
	{planted: "nice and nohup before the program", like: signal, plant: commands("nice", "-n", "5", "nohup", "python", "main.py")},
	{planted: "a script whose exec stands in a function", like: signal, plant: starting("#!/bin/bash\nmain() {\n  exec python main.py\n}\nmain\n")},
	{planted: "a script of Python that begins as one of sh, as pip writes it for a long path", like: signal,
		plant: starting("#!/bin/sh\n'''exec' \"/srv/venv/bin/python\" \"$0\" \"$@\"\n' '''\nimport sys\nfrom app import main\nsys.exit(main())\n")},
	{planted: "doppler run, which may hand the signal on", like: signal, at: []string{"doppler stands between"}, plant: func(r *recipe) {
		r.run("install doppler", exe("usr/local/bin/doppler", elf))
		r.exec("doppler", "run", "--", "python", "main.py")
	}},
	{planted: "env before the program", like: signal, plant: commands("env", "A=1", "python", "main.py")},
	{planted: "STOPSIGNAL 15", like: signal, plant: stoppedBy("15")},
	{planted: "STOPSIGNAL SIGQUIT for nginx", like: signal, plant: func(r *recipe) {
		r.run("install nginx", exe("usr/sbin/nginx", elf))
		stoppedBy("SIGQUIT")(r)
		r.exec("nginx", "-g", "daemon off;")
	}},
}
