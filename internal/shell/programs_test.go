package shell

import (
	"slices"
	"strings"
	"testing"
)

func TestWrapped(t *testing.T) {
	for line, want := range map[string]string{
		"tini -g -- /shop":                      "/shop",
		"/sbin/tini -p SIGTERM -s -- /shop":     "/shop",
		"tini -e 143 /shop -- x":                "/shop -- x",
		"dumb-init --rewrite 15:2 /shop":        "/shop",
		"dumb-init --rewrite=15:2 /shop":        "/shop",
		"env -u X A=b /shop":                    "/shop",
		"env -S node:app.js --port":             "node:app.js --port",
		"env -Snode app.js":                     "node app.js",
		"env -vS node app.js":                   "node app.js",
		"env --split-string=node app.js":        "node app.js",
		"gosu app /shop":                        "/shop",
		"setpriv --reuid 1000 /shop":            "/shop",
		"setpriv --reuid=1000 --no-new-privs x": "x",
		"nice -n 5 /shop":                       "/shop",
		"nice -5 /shop":                         "/shop",
		"nohup /shop":                           "/shop",
		"stdbuf -oL /shop":                      "/shop",
		"stdbuf -o L /shop":                     "/shop",
		"chroot /srv /shop":                     "/shop",
		"chroot --userspec=app /srv /shop":      "/shop",
		"chroot -- /srv /shop":                  "/shop",
		"sudo -u app A=1 /shop":                 "/shop",
		"timeout -k 5 60 /shop":                 "/shop",
		"time /shop":                            "/shop",
		"time -f %e /shop":                      "/shop",
		"setsid --wait /shop":                   "/shop",
		"ionice -c 2 /shop":                     "/shop",
		"taskset -c 0,1 /shop":                  "/shop",
		"su app -c /shop":                       "sh -c /shop",
		"su -c /shop app":                       "sh -c /shop",
		"su - app --command=/shop":              "sh -c /shop",
		"su app":                                "",
		"runuser -u app -- sh -c x":             "sh -c x", "runuser app -c /shop": "sh -c /shop", "runuser app": "",
		"runuser -u app -- /shop":     "/shop",
		"script -qec /shop /dev/null": "sh -c /shop",
		"script out.log":              "",
		"flock /lock /shop":           "/shop",
		"tini":                        "",
		"gosu":                        "",
		"env -u":                      "",
		"chroot --":                   "",
		"":                            "none",
		"/app/script -c x":            "none", "/usr/bin/time /shop": "/shop",
		"/shop env": "none",
	} {
		_, command, ok := Wrapped(strings.Fields(line))
		got := strings.Join(command, " ")
		if !ok {
			got = "none"
		}
		if got != want {
			t.Errorf("%q starts %q, want %q", line, got, want)
		}
	}
	if _, command, _ := Wrapped([]string{"env", "-S", `-i A=1 tini -- "/my app" x`}); !slices.Equal(command, []string{"tini", "--", "/my app", "x"}) {
		t.Errorf("%q", command)
	}
	if w, _, _ := Wrapped([]string{"/sbin/tini-static", "x"}); w.Name != "tini-static" || w.Manner != HandsOn {
		t.Errorf("%+v", w)
	}
	if w, _, _ := Wrapped([]string{"time", "x"}); w.Manner != Keeps {
		t.Errorf("%+v", w)
	}
}

// A command line comes from an image, and may be anything.
func FuzzWrapped(f *testing.F) {
	for name := range wrappers {
		f.Add(name + " -u -c x=1 -- y")
	}
	f.Fuzz(func(_ *testing.T, line string) {
		words := strings.Fields(line)
		Wrapped(words)
		Invoked(words)
		Runner(words)
	})
}

func TestRunner(t *testing.T) {
	keeps, unreliable := []string{"npm start", "node /usr/lib/npm-cli.js start", "/usr/bin/yarn start", "pnpm start", "npx next start", "make run", "./mvnw spring-boot:run",
		"gradle bootRun", "conda run -n app python app.py", "conda --no-plugins run python", "go run .", "pm2 start app.js"},
		[]string{"python3 /usr/bin/pipenv run x", "dotnet run", "doppler run -- /shop", "uv run x", "watch ls", "pm2 start app.js --no-daemon", "bun run x", "deno task x"}
	none := []string{"node server.js", "dotnet shop.dll", "dotnet", "/shop", "", "/app/watch", "conda", "pm2-runtime app.js", "bun server.ts", "deno run x.ts"}
	for want, lines := range map[Manner][]string{Keeps: keeps, Unreliable: unreliable, Becomes: none} {
		for _, line := range lines {
			if name, got := Runner(strings.Fields(line)); got != want || (name == "") != (want == Becomes) {
				t.Errorf("%q: %q, %d, want %d", line, name, got, want)
			}
		}
	}
}

func TestNodeScript(t *testing.T) {
	for line, want := range map[string]Script{
		"npm start": {Name: "start"}, "npm run dev": {Name: "dev"}, "npm run-script a:b -- --port 1": {Name: "a:b"}, "npm --prefix web run dev": {"dev", "web"},
		"npm --prefix=web start": {"start", "web"}, "npm ci": {}, "npm run": {}, "yarn dev": {Name: "dev"}, "yarn run dev": {Name: "dev"}, "yarn --cwd web dev": {"dev", "web"},
		"pnpm -C web start": {"start", "web"}, "pnpm --filter web dev": {Name: "dev"}, "bun run dev": {Name: "dev"}, "bun server.ts": {}, "node npm-cli.js run x": {Name: "x"}, "node x": {}, "": {},
	} {
		if got, ok := NodeScript(strings.Fields(line)); got != want && want.Name != "" || ok != (want.Name != "") {
			t.Errorf("%q: %+v, %t, want %+v", line, got, ok, want)
		}
	}
}

func TestInvoked(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  Invocation
	}{
		{[]string{"/bin/sh", "-c", "a b", "--", "x"}, Invocation{Shell: "sh", Line: "a b", Rest: []string{"--", "x"}}},
		{[]string{"bash", "-eo", "pipefail", "-c", "a"}, Invocation{Shell: "bash", Line: "a"}},
		{[]string{"busybox", "sh", "-e", "/x.sh", "y"}, Invocation{Shell: "sh", Script: "/x.sh", Rest: []string{"y"}}},
		{[]string{"-ash"}, Invocation{Shell: "-ash"}},
		{[]string{"sh", "-c"}, Invocation{Shell: "sh"}},
		{[]string{"busybox"}, Invocation{}},
		{[]string{"fish", "-c", "a"}, Invocation{}},
		{nil, Invocation{}},
	} {
		got, ok := Invoked(c.words)
		if ok != (c.want.Shell != "") || got.Shell != c.want.Shell || got.Line != c.want.Line || got.Script != c.want.Script || !slices.Equal(got.Rest, c.want.Rest) {
			t.Errorf("%q: %+v, want %+v", c.words, got, c.want)
		}
	}
}

func TestExpand(t *testing.T) {
	for line, want := range map[string]string{"a b": "a b", "$@": "x y", "$*": "x y", "a $@ b": "a x y b", "$0 ${*}": "-- x y", "": ""} {
		in := Invocation{Rest: []string{"--", "x", "y"}}
		if got := strings.Join(in.Expand(strings.Fields(line), 0), " "); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	if got := (Invocation{}).Expand([]string{"$@"}, 1); len(got) != 0 {
		t.Errorf("%q without arguments", got)
	}
}

func TestShellOf(t *testing.T) {
	for line, want := range map[string]string{
		"/bin/sh -e": "sh", "/usr/bin/env bash": "bash", "/usr/bin/env -S A=b bash -e": "bash", "/bin/busybox ash": "ash",
		"/command/with-contenv sh": "sh", "/usr/bin/env node": "", "/usr/bin/python3 -u": "", "": "",
	} {
		if got := ShellOf(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	for text, want := range map[string]string{"#!/bin/sh  -e\nx": "/bin/sh -e", "#! /bin/sh": "/bin/sh", "#!\nx": "", "echo\n#!/bin/sh": ""} {
		if got := Interpreter(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
