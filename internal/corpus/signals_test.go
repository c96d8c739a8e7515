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

// tool is an image that is started by a tool.
func tool(name string, args ...string) func(*recipe) {
	return func(r *recipe) {
		r.run("install "+name, exe("usr/local/bin/"+name, elf))
		r.exec(append([]string{name}, args...)...)
	}
}

// node20 is one of Node, started by a tool of it.
func node20(name string, args ...string) func(*recipe) {
	return func(r *recipe) {
		r.run("install node", exe("usr/local/bin/node", elf), exe("usr/local/lib/"+name+"-cli.js", "#!/usr/bin/env node\n"), link("usr/local/bin/"+name, "../lib/"+name+"-cli.js"))
		r.exec(append([]string{name}, args...)...)
	}
}

// serving is an image with a server, and a signal that stops it.
func serving(name string) func(r *recipe, signal string, command ...string) {
	return func(r *recipe, signal string, command ...string) {
		r.run("install "+name, exe("usr/sbin/"+name, elf))
		if signal != "" {
			stoppedBy(signal)(r)
		}
		r.exec(command...)
	}
}

// s6 is an image with s6-overlay's init, over a base that set a signal.
func s6(signal string) func(*recipe) {
	return func(r *recipe) {
		r.run("install s6-overlay", exe("init", "#!/bin/sh -e\nPATH=/command:$PATH\nexec /package/admin/s6-overlay/libexec/preinit \"$@\"\n"), exe("package/admin/s6-overlay/libexec/preinit", elf))
		stoppedBy(signal)(r)
		r.entrypoint("/init")
		r.config.Cmd = nil
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
	{planted: "exec before a pipe", fails: []string{signal}, at: []string{"/entrypoint.sh", "| sed"}, plant: starting("#!/bin/bash\nset -e\nexec python main.py 2>&1 | sed -u s/a/b/\n")},
	{planted: "exec before a pipe in the shell form", fails: []string{signal}, plant: func(r *recipe) { r.shell("exec python main.py |& tee /tmp/log") }},
	{planted: "a trap, and the program in the foreground", fails: []string{signal}, at: []string{"runs its trap for SIGTERM only once"}, plant: starting("#!/bin/sh\ntrap 'kill -TERM $!' INT TERM\necho starting\npython main.py\necho done\n")},
	{planted: "a trap that ignores TERM", fails: []string{signal}, at: []string{"ignores SIGTERM"}, plant: starting("#!/bin/sh\ntrap '' TERM\npython main.py &\nwait\n")},
	{planted: "a trap that prints and exits", fails: []string{signal}, at: []string{"does nothing to the program"}, plant: starting("#!/bin/bash\nbye() {\n  echo bye\n  exit 0\n}\ntrap bye SIGTERM\npython main.py &\nwait $!\n")},
	{planted: "a trap in a comment", fails: []string{signal}, plant: starting("#!/bin/bash\n# trap cleanup TERM\necho 'trap cleanup TERM'\npython main.py\n")},
	{planted: "a trap for EXIT alone", fails: []string{signal}, plant: starting("#!/bin/bash\ntrap 'kill $(jobs -p)' EXIT\npython main.py &\nwait\n")},
	{planted: "a trap for another signal than the one that stops it", fails: []string{signal}, plant: func(r *recipe) {
		starting("#!/bin/bash\ntrap 'kill $!' TERM\npython main.py &\nwait\n")(r)
		stoppedBy("SIGINT")(r)
	}},
	{planted: "a trap that was taken back", fails: []string{signal}, plant: starting("#!/bin/bash\ntrap 'kill $!' TERM\ntrap - TERM\npython main.py &\nwait\n")},
	{planted: "a server in the background, and sleep in the foreground, with a trap", fails: []string{signal}, plant: starting("#!/bin/bash\ntrap 'kill $!' TERM\npython main.py &\nsleep infinity\n")},
	{planted: "bash -c that becomes tail", fails: []string{signal}, at: []string{"tail is PID 1"}, plant: commands("bash", "-c", "python main.py & tail -f /dev/null")},
	{planted: "bash -c with a redirection", fails: []string{signal}, plant: commands("bash", "-c", "python main.py >/tmp/log")},
	{planted: "bash -c with a trap", fails: []string{signal}, plant: commands("bash", "-c", "trap 'rm -f /tmp/pid' EXIT; python main.py")},
	{planted: "a case whose arm for the argument has no exec", fails: []string{signal}, at: []string{"python main.py"}, plant: func(r *recipe) {
		starting("#!/bin/bash\ncase \"${1:-web}\" in\n  web) python main.py ;;\n  shell) exec bash ;;\nesac\n")(r)
		r.exec("web")
	}},
	{planted: "an exec in a branch for debugging alone", fails: []string{signal}, plant: starting("#!/bin/sh\nif [ -n \"$DEBUG\" ]; then exec python -m pdb main.py; fi\npython main.py\n")},
	{planted: "npm start", fails: []string{signal}, at: []string{"npm stands between"}, plant: node20("npm", "start")},
	{planted: "npm start behind tini", fails: []string{signal}, plant: func(r *recipe) {
		node20("npm", "start")(r)
		inited("tini", "--", "npm", "start")(r)
	}},
	{planted: "a script that becomes npm", fails: []string{signal}, at: []string{"/entrypoint.sh", "npm stands between"}, plant: func(r *recipe) {
		node20("npm", "start")(r)
		starting("#!/bin/bash\nset -e\nexec npm run -d $NPM_RUN\n")(r)
		r.config.Cmd = nil
	}},
	{planted: "yarn start", fails: []string{signal}, plant: node20("yarn", "start")},
	{planted: "pnpm run serve", fails: []string{signal}, plant: node20("pnpm", "run", "serve")},
	{planted: "npx serve", fails: []string{signal}, plant: node20("npx", "serve")},
	{planted: "make run", fails: []string{signal}, at: []string{"make stands between"}, plant: tool("make", "run")},
	{planted: "conda run", fails: []string{signal}, plant: tool("conda", "run", "--no-capture-output", "-n", "app", "python", "main.py")},
	{planted: "pm2 start", fails: []string{signal}, plant: node20("pm2", "start", "main.js")},
	{planted: "a Maven wrapper that packages and runs", fails: []string{signal}, plant: func(r *recipe) {
		r.copy("mvnw .", exe("app/mvnw", "#!/bin/sh\nexec java -jar wrapper.jar \"$@\"\n"))
		r.exec("./mvnw", "exec:java")
	}},
	{planted: "nginx without STOPSIGNAL", fails: []string{signal}, at: []string{"fast shutdown"}, plant: func(r *recipe) { serving("nginx")(r, "", "nginx", "-g", "daemon off;") }},
	{planted: "nginx behind its entrypoint, without STOPSIGNAL", fails: []string{signal}, plant: func(r *recipe) {
		starting(execs)(r)
		serving("nginx")(r, "", "nginx", "-g", "daemon off;")
	}},
	{planted: "PHP-FPM without STOPSIGNAL", fails: []string{signal}, plant: func(r *recipe) { serving("php-fpm8.3")(r, "", "php-fpm8.3", "-F") }},
	{planted: "uWSGI without die-on-term", fails: []string{signal}, at: []string{"reloads it"}, plant: func(r *recipe) {
		serving("uwsgi")(r, "", "uwsgi", "--ini", "uwsgi.ini")
		r.copy("uwsgi.ini .", text("app/uwsgi.ini", "[uwsgi]\nmaster = true\n# die-on-term = true\ndie-on-term = false\n"))
	}},
	{planted: "s6-overlay with the STOPSIGNAL of its base", fails: []string{signal}, at: []string{"STOPSIGNAL is SIGQUIT"}, plant: s6("SIGQUIT")},
	{planted: "su -c without exec", fails: []string{signal}, at: []string{"`sh -c` does not forward SIGTERM"}, plant: commands("su", "app", "-c", "python main.py")},
	{planted: "an exec in a subshell alone", fails: []string{signal}, plant: starting("#!/bin/sh\n(exec python main.py)\n")},
	{planted: "STOPSIGNAL SIGKILL", fails: []string{signal}, at: []string{"STOPSIGNAL", "SIGKILL"}, plant: stoppedBy("SIGKILL")},
	{planted: "STOPSIGNAL of no such signal", fails: []string{signal}, plant: stoppedBy("SIGTERN")},
	{planted: "STOPSIGNAL SIGQUIT for Java", fails: []string{signal}, plant: func(r *recipe) {
		r.run("install java", exe("usr/bin/java", elf))
		stoppedBy("3")(r)
		r.exec("java", "-jar", "shop.jar")
	}},

	{planted: "a case whose arm for the argument has an exec, and whose last one says what is wrong", like: signal, plant: func(r *recipe) {
		starting("#!/usr/bin/env bash\nset -eo pipefail\ncase \"${1}\" in\n  worker)\n    exec python worker.py\n    ;;\n  app)\n    echo starting\n    exec python main.py\n    ;;\n  *)\n    echo unknown\n    exit 1\n    ;;\nesac\n")(r)
		r.exec("app")
	}},
	{planted: "a case with arms of one line", like: signal, plant: func(r *recipe) {
		starting("#!/bin/sh\ncase \"$1\" in\n  web) exec python main.py ;;\n  worker) python worker.py ;;\nesac\n")(r)
		r.exec("web")
	}},
	{planted: "a case of a variable, with one arm without exec", like: signal, at: []string{"one of its branches ends with `python worker.py`"},
		plant: starting("#!/bin/sh\ncase \"$ROLE\" in\n  worker) python worker.py ;;\n  *) exec python main.py ;;\nesac\n")},
	{planted: "exec in an if, and a fallback that says what is wrong", like: signal, plant: func(r *recipe) {
		starting("#!/bin/sh\nset -e\nif [ \"$1\" = serve ]; then\n  shift\n  exec python main.py \"$@\"\nelse\n  echo 'usage: serve' >&2\n  exit 64\nfi\n")(r)
		r.exec("serve")
	}},
	{planted: "a script that starts itself again as another user", like: signal, plant: func(r *recipe) {
		r.run("install gosu", exe("usr/bin/gosu", elf))
		starting("#!/bin/bash\nset -e\nif [ \"$(id -u)\" = 0 ]; then\n  exec gosu app \"$0\" \"$@\"\nfi\nexec \"$@\"\n")(r)
	}},
	{planted: "exec of an array", like: signal, plant: starting("#!/bin/bash\nCMD=(python main.py)\nif [ -n \"$PORT\" ]; then CMD+=(--port \"$PORT\"); fi\nexec \"${CMD[@]}\"\n")},
	{planted: "a trap by number, and wait", like: signal, at: []string{"sets a trap"},
		plant: starting("#!/bin/sh\nterm() { kill -15 $pid; wait $pid; exit 0; }\ntrap term 2 15\npython main.py &\npid=$!\nwait $pid\n")},
	{planted: "a trap, and a loop of short sleeps", like: signal, at: []string{"sets a trap"},
		plant: starting("#!/bin/bash\ntrap 'kill $pid' TERM\npython main.py &\npid=$!\nwhile kill -0 $pid; do\n  sleep 1\ndone\n")},
	{planted: "a script that waits for its database before exec", like: signal, plant: starting("#!/bin/sh\nuntil nc -z db 5432; do\n  echo waiting\n  sleep 1\ndone\n[ -f .env ] && . ./.env\npython manage.py migrate || exit 1\nexec \"$@\"\n")},
	{planted: "output through a process substitution", like: signal, plant: starting("#!/bin/bash\nexec > >(tee -a /tmp/log) 2>&1\nexec python main.py\n")},
	{planted: "bash -lc of one command", like: signal, plant: commands("bash", "-lc", "python main.py")},
	{planted: "bash -lc of a list", like: signal, at: []string{"since bash 5.1"}, plant: commands("bash", "-lc", "cd /app && python main.py")},
	{planted: "sh that is a link to bash", like: signal, plant: func(r *recipe) {
		r.run("ln", link("usr/bin/sh", "bash"))
		r.shell("python main.py")
	}},
	{planted: "env -S before tini", like: signal, plant: func(r *recipe) {
		inited()(r)
		r.entrypoint("/usr/bin/env", "-S", "tini -- python main.py")
		r.config.Cmd = nil
	}},
	{planted: "npm start behind an init that tells every process", like: signal, at: []string{"npm stands between"}, plant: func(r *recipe) {
		node20("npm", "start")(r)
		inited("dumb-init", "--", "npm", "start")(r)
	}},
	{planted: "npm start of a script with exec", like: signal, at: []string{"npm stands between"}, plant: func(r *recipe) {
		node20("npm", "start")(r)
		r.copy("package.json .", text("app/package.json", `{"scripts":{"start":"exec node main.js"}}`))
	}},
	{planted: "pm2-runtime", like: signal, plant: node20("pm2-runtime", "main.js")},
	{planted: "uWSGI whose settings have die-on-term", like: signal, plant: func(r *recipe) {
		serving("uwsgi")(r, "", "uwsgi", "--ini", "uwsgi.ini")
		r.copy("uwsgi.ini .", text("app/uwsgi.ini", "[uwsgi]\nmaster = true\ndie-on-term = true\n"))
	}},
	{planted: "uWSGI with STOPSIGNAL SIGINT", like: signal, plant: func(r *recipe) { serving("uwsgi")(r, "SIGINT", "uwsgi", "--http", ":8000") }},
	{planted: "PHP-FPM with STOPSIGNAL SIGQUIT", like: signal, plant: func(r *recipe) { serving("php-fpm")(r, "SIGQUIT", "php-fpm") }},
	{planted: "a proxy of the image's own, beside nginx", like: signal, plant: func(r *recipe) { serving("nginx")(r, "", "python", "main.py") }},
	{planted: "s6-overlay with SIGTERM", like: signal, plant: s6("SIGTERM")},
	{planted: "tail alone", like: signal, skips: []string{signal}, plant: func(r *recipe) {
		r.run("base", exe("usr/bin/tail", elf))
		r.exec("tail", "-f", "/dev/null")
	}},
	{planted: "a program that is not there", like: signal, open: []string{signal}, plant: commands("gunicorn", "main:app")},
	{planted: "no command at all", like: signal, skips: []string{signal, devs}, plant: func(r *recipe) { r.config.Cmd = nil }},
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
