package corpus

import (
	"encoding/binary"
	"strings"
)

// made is the beginning of a program for a machine, by its number in the ELF specification.
func made(number uint16) string {
	return elf + strings.Repeat("\x00", 8) + "\x02\x00" + string(binary.LittleEndian.AppendUint16(nil, number)) + strings.Repeat("\x00", 40)
}

func scripts(scripts string, command ...string) func(*recipe) {
	return func(r *recipe) {
		node20("pm2-runtime", "main.js")(r)
		r.run("install npm", exe("usr/local/bin/npm", elf))
		r.copy("package.json .", text("app/package.json", `{"name":"shop","scripts":{`+scripts+`}}`))
		r.exec(command...)
	}
}

func sets(env ...string) func(*recipe) {
	return func(r *recipe) {
		for i := 0; i < len(env); i += 2 {
			r.env(env[i], env[i+1])
		}
	}
}

// installed is an image with a program that is started with these arguments.
func installed(command ...string) func(*recipe) {
	return func(r *recipe) {
		r.run("install "+command[0], exe("usr/local/bin/"+command[0], elf))
		r.exec(command...)
	}
}

var devServers = []specimen{
	{planted: "flask run", fails: []string{devs}, at: []string{"`flask run --host 0.0.0.0`"}, plant: installed("flask", "run", "--host", "0.0.0.0")},
	{planted: "python -m flask run", fails: []string{devs}, plant: commands("python", "-m", "flask", "--app", "main", "run")},
	{planted: "manage.py runserver", fails: []string{devs}, at: []string{"runserver"}, plant: commands("python", "manage.py", "runserver", "0.0.0.0:8000")},
	{planted: "runserver at the end of a script", fails: []string{devs}, plant: starting("#!/bin/sh\npython manage.py migrate\nexec python manage.py runserver\n")},
	{planted: "uvicorn --reload", fails: []string{devs}, plant: installed("uvicorn", "main:app", "--reload")},
	{planted: "gunicorn --reload behind an init", fails: []string{devs}, plant: func(r *recipe) {
		installed("gunicorn")(r)
		inited("tini", "--", "gunicorn", "main:app", "--reload")(r)
	}},
	{planted: "fastapi dev", fails: []string{devs}, plant: installed("fastapi", "dev", "main.py")},
	{planted: "next dev", fails: []string{devs, signal}, plant: installed("npx", "next", "dev")},
	{planted: "vite without a word", fails: []string{devs}, plant: installed("vite")},
	{planted: "a script called dev, which starts nodemon", fails: []string{devs, signal}, at: []string{"package.json", "nodemon"}, plant: scripts(`"dev":"nodemon main.js","start":"node main.js"`, "npm", "run", "dev")},
	{planted: "a script called start, which starts nodemon", fails: []string{devs, signal}, plant: scripts(`"start":"NODE_ENV=production nodemon main.js"`, "npm", "start")},
	{planted: "a script called dev, which nobody can read", fails: []string{devs, signal}, plant: installed("npm", "run", "dev")},
	{planted: "node --inspect", fails: []string{devs}, at: []string{"debugger"}, plant: installed("node", "--inspect=0.0.0.0:9229", "main.js")},
	{planted: "node --watch", fails: []string{devs}, plant: installed("node", "--watch", "main.js")},
	{planted: "php -S", fails: []string{devs}, plant: installed("php", "-S", "0.0.0.0:8000", "-t", "public")},
	{planted: "a debugger's port of Java", fails: []string{devs}, plant: installed("java", "-agentlib:jdwp=transport=dt_socket,server=y,address=*:5005", "-jar", "shop.jar")},
	{planted: "FLASK_DEBUG=1", fails: []string{devs}, at: []string{"history line", "FLASK_DEBUG=1"}, plant: sets("FLASK_DEBUG", "1")},
	{planted: "NODE_ENV=development", fails: []string{devs}, plant: sets("NODE_ENV", "development")},
	{planted: "ASPNETCORE_ENVIRONMENT=Development", fails: []string{devs}, plant: sets("ASPNETCORE_ENVIRONMENT", "Development")},
	{planted: "DEBUG=True", fails: []string{devs}, plant: sets("DEBUG", "True")},
	{planted: "a debugger's port by NODE_OPTIONS", fails: []string{devs}, plant: sets("NODE_OPTIONS", "--max-old-space-size=512 --inspect=0.0.0.0")},

	{planted: "uvicorn, gunicorn and their workers", like: devs, plant: installed("gunicorn", "main:app", "-k", "uvicorn.workers.UvicornWorker")},
	{planted: "manage.py migrate before a server", like: devs, plant: starting("#!/bin/sh\npython manage.py migrate\nexec python main.py\n")},
	{planted: "a development server in a branch that another argument takes", like: devs, plant: func(r *recipe) {
		starting("#!/bin/sh\ncase $1 in\n  dev) exec flask run ;;\n  web) exec python main.py ;;\nesac\n")(r)
		r.exec("web")
	}},
	{planted: "a development server where a variable asks for it", like: devs, at: []string{"flask run", "as far as podproof can tell"},
		plant: starting("#!/bin/sh\nif [ \"$DEV\" = 1 ]; then exec flask run; fi\nexec python main.py\n")},
	{planted: "scripts for development that are not started", like: devs, fails: nil, plant: scripts(`"dev":"nodemon main.js","start":"exec node main.js"`, "npm", "start")},
	{planted: "a script called dev, which starts a server", like: devs, at: []string{"the script dev"}, plant: scripts(`"dev":"exec node main.js"`, "npm", "run", "dev")},
	{planted: "debug modes that are off, and logs that are not", like: devs, plant: sets("FLASK_DEBUG", "0", "DEBUG", "false", "APP_DEBUG", "", "NODE_ENV", "production", "LOG_LEVEL", "debug", "DEBUG_COLORS", "1")},
	{planted: "names of logs to print, which DEBUG has for Node", like: devs, plant: sets("DEBUG", "express:*")},
	{planted: "an environment that the image names in its own way", like: devs, at: []string{"may be that of development"}, plant: sets("ENVIRONMENT", "dev")},
	{planted: "an argument of the program's own, called --watch", like: devs, plant: commands("python", "main.py", "--watch", "--inspect", "--reload-every=5")},
}

var platforms = []specimen{
	{planted: "a program for arm64 in an image for amd64", fails: []string{machine}, at: []string{"/app/server", "layer 5", "program for arm64", "linux/amd64"}, plant: func(r *recipe) {
		r.copy("server .", exe("app/server", made(183)))
		r.exec("./server")
	}},
	{planted: "an interpreter for arm64, behind an init", fails: []string{machine}, plant: func(r *recipe) {
		inited("tini", "--", "python", "main.py")(r)
		r.run("copy", exe("usr/local/bin/python3.12", made(183)))
	}},
	{planted: "an image for another platform alone", fails: []string{machine}, at: []string{"linux/arm64", "looked at for linux/amd64"}, plant: func(r *recipe) { r.architecture = "arm64" }},
	{planted: "an image for Windows", fails: []string{machine}, at: []string{"windows/amd64"}, plant: func(r *recipe) { r.os = "windows" }},

	{planted: "a program for the image's machine", like: machine, plant: func(r *recipe) {
		r.copy("server .", exe("app/server", made(62)))
		r.exec("./server")
	}},
	{planted: "a program of 32 bits", like: machine, plant: func(r *recipe) {
		r.copy("server .", exe("app/server", made(3)))
		r.exec("./server")
	}},
	{planted: "a program for arm64 in an image for it", like: machine, plant: func(r *recipe) {
		r.architecture, r.wanted = "arm64", "linux/arm64"
		r.copy("server .", exe("app/server", made(183)))
		r.exec("./server")
	}},
	{planted: "a library for another machine, which nothing starts", like: machine, plant: func(r *recipe) { r.copy("lib /app", exe("app/lib/arm64/libshop.so", made(183))) }},
}
