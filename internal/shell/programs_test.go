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
	for line, want := range map[string]string{
		"npm start": "npm", "node /usr/lib/npm-cli.js start": "npm", "node server.js": "", "python3 /usr/bin/pipenv run x": "pipenv",
		"go run .": "go", "dotnet run": "dotnet", "dotnet shop.dll": "", "dotnet": "", "/shop": "", "": "", "./mvnw spring-boot:run": "mvnw",
		"/app/watch": "", "watch ls": "watch",
	} {
		if got := Runner(strings.Fields(line)); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
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
	for line, want := range map[string]string{"a b": "a b", "$@": "x y", "$*": "x y", "a $@": "a $@", "": ""} {
		in := Invocation{Rest: []string{"--", "x", "y"}}
		if got := strings.Join(in.Expand(strings.Fields(line)), " "); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	if got := (Invocation{}).Expand([]string{"$@"}); len(got) != 0 {
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
