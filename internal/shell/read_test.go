package shell

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// words says a reading: its ends, each with what else is known of it, and its traps.
func (r Reading) words() string {
	var ends []string
	for _, e := range r.Ends {
		s := strings.Join(e.Words, " ")
		if e.Execs {
			s = strings.TrimSpace("exec " + s)
		}
		if e.Waits {
			s += " & wait"
		}
		for _, c := range e.When {
			s += fmt.Sprintf(" if $%d", c.Argument)
			if c.Default != "" {
				s += ":-" + c.Default
			}
			if c.Not {
				s += " not"
			}
			s += fmt.Sprintf(" in %q", c.Is)
		}
		if e.Maybe {
			s += " ?"
		}
		if e.Shifted > 0 {
			s += fmt.Sprintf(" shifted %d", e.Shifted)
		}
		ends = append(ends, s)
	}
	s := strings.Join(ends, " | ")
	if len(r.Traps) > 0 {
		s += fmt.Sprint(" traps ", r.Traps)
	}
	return s
}

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"python -m app":                                                "python -m app",
		"python -m app; exit $?":                                       "python -m app",
		"python -m app; exit 1":                                        "",
		"python -m app & wait":                                         "python -m app & wait",
		"exec python & wait":                                           "python & wait",
		"exec python -m app 2>&1 >/dev/null":                           "exec python -m app",
		"cd /app && ./migrate && exec python":                          "exec python",
		"A=${B:+x y} exec python":                                      "exec python",
		"exec -a name python":                                          "exec python",
		"exec python || exit 1":                                        "exec python",
		"exec >/log 2>&1; python":                                      "python",
		"exec > >(tee /log); exec python":                              "exec python",
		"python; exec >/log":                                           "python",
		"exec python | tee /log":                                       "python",
		"exec python 2>&1 |& grep x":                                   "python",
		"cat /list | xargs python":                                     "xargs python",
		"(cd /app; exec python)":                                       "python",
		"{ cd /app; exec python; }":                                    "exec python",
		"[ -x a ] && exec a":                                           "exec a ?",
		"[ -f x ] && . x; exec a":                                      "exec a",
		"[ -f x ] || exit 1; exec a":                                   "exec a",
		"./migrate || true; exec a":                                    "exec a",
		"a && exec b || exec c":                                        "exec b | exec c ?",
		"if a; then exec b; else exec c; fi":                           "exec b ? | exec c ?",
		"if a; then exec b; fi":                                        "exec b ?",
		"if a; then b; elif c; then exec d; fi":                        "b ? | exec d ?",
		"if exec a; then exit 1; fi":                                   "exec a",
		"if a; then exec b; fi; c":                                     "exec b ? | c",
		"if a; then echo no; exit 1; fi; exec c":                       "exec c",
		"if a; then b; fi; exec c":                                     "exec c",
		"if a; then b; else c; fi":                                     "b ? | c ?",
		"while true; do python; done":                                  "python",
		"while true; do python; sleep 1; done; x":                      "python",
		"while :; do if a; then break; fi; done; x":                    "x",
		"while ! nc -z db 1; do sleep 1; done\nexec a":                 "exec a",
		"until a; do :; done":                                          "a",
		"for i in 1 2; do run $i; done":                                "run $i",
		"case $1 in a) exec a;; *) exit 1;; esac":                      `exec a if $1 in ["a"]`,
		"case \"${1:-a}\" in a|b) exec a;; c*) d;; esac; exec \"$@\"":  `exec a if $1:-a in ["a" "b"] | exec $@ if $1:-a in ["c*"] if $1:-a not in ["a" "b"] | exec $@ if $1:-a not in ["a" "b" "c*"]`,
		"case $X in a) exec a;; b) exec b;; esac":                      "exec a ? | exec b ?",
		"role=$1; case $role in a) exec a;; esac; b":                   `exec a if $1 in ["a"] | b if $1 not in ["a"]`,
		"role=$1; role=x; case $role in a) exec a;; esac":              "exec a ?",
		"if [ \"$1\" = a ]; then shift; exec b \"$@\"; fi; exec c":     `exec b $@ if $1 in ["a"] shifted 1 | exec c if $1 not in ["a"]`,
		"if [[ $1 == a* || $1 == b ]]; then exec x; fi; y":             `exec x if $1 in ["a*" "b"] | y if $1 not in ["a*" "b"]`,
		"[ $# -eq 0 ] && exec a; exec \"$@\"":                          `exec a if $0 in ["0"] | exec $@ if $0 not in ["0"]`,
		"if [ $# -gt 0 ]; then exec \"$@\"; fi; a":                     `exec $@ if $0 not in ["0"] | a if $0 in ["0"]`,
		"if [ -z \"$1\" ]; then exec a; else exec b; fi":               `exec a if $1 in [""] | exec b if $1 not in [""]`,
		"if ! [ \"$1\" != a ]; then exec x; else exec b; fi":           `exec x if $1 in ["a"] | exec b if $1 not in ["a"]`,
		"set -- x \"$@\"; if [ $1 = x ]; then exec a; fi":              "exec a ?",
		"time exec python":                                             "exec python",
		"! python":                                                     "python",
		"exec \"$@\"":                                                  "exec $@",
		"exec gosu app \"${@}\"":                                       "exec gosu app ${@}",
		"exec app $*":                                                  "exec app $*",
		"exec \"${CMD[@]}\"":                                           "exec ${CMD[@]}",
		"\"$@\"":                                                       "$@",
		"(exec \"$@\"); a":                                             "a",
		"exec \"$@\" & a":                                              "a",
		"if a; then exec \"$@\"; fi\nb":                                "exec $@ ? | b",
		"eval exec java \"$@\" start\necho no":                         "exec java $@ start",
		"eval \"exec java $X\"":                                        "exec java $X",
		"command exec a":                                               "exec a",
		"main() { exec \"$@\"; }\nmain \"$@\"":                         "exec $@",
		"main() { case $1 in a) exec a;; esac; }\nmain \"$@\"":         `exec a if $1 in ["a"]`,
		"main() { case $1 in a) exec a;; esac; }\nmain b":              "exec a ?",
		"usage() { echo no; exit 1; }\n[ -n \"$1\" ] || usage\nexec a": `exec a if $1 not in [""]`,
		"f() { return 0; a; }; f; exec b":                              "exec b",
		"f() { exec a; }; b":                                           "b",
		"f() { f; }; f":                                                "",
		"f() { :; }; f":                                                "",
		"a & sleep 5; b":                                               "b",
		"a & sleep infinity":                                           "sleep infinity",
		"a & sleep infinity & wait":                                    "sleep infinity & wait",
		"a & while :; do sleep 1; done":                                "a & wait",
		"set -m; a & fg %1":                                            "a",
		"trap 'kill $p' TERM INT; a & p=$!; wait $p":                   "a & wait traps [{TERM acts} {INT acts}]",
		"a & p=$!; trap 'kill $p' TERM; wait $p":                       "a & wait traps [{TERM acts}]",
		"trap -- x SIGTERM; a":                                         "a traps [{TERM acts}]",
		"trap x 15 0; a":                                               "a traps [{TERM acts} {EXIT acts}]",
		"trap - TERM; trap; trap -l; a":                                "a",
		"trap x TERM; trap - TERM; a":                                  "a",
		"trap '' TERM; a & wait":                                       "a & wait traps [{TERM ignores}]",
		"trap 'echo bye; exit 0' TERM; a":                              "a traps [{TERM says}]",
		"f() { echo x; }; trap f TERM; a":                              "a traps [{TERM says}]",
		"f() { echo x; g; }; g() { kill 1; }; trap f TERM; a":          "a traps [{TERM acts}]",
		"f() { trap '' TERM; kill 0; }; trap f TERM; a & wait":         "a & wait traps [{TERM acts}]",
		"trap 'a\nb' \\\n TERM\nc":                                     "c traps [{TERM acts}]",
		"(trap x TERM; a)":                                             "a",
		"# trap x TERM\na":                                             "a",
		"# exec a\ncat <<E >x\nexec b\nE\n\"$@\"":                      "$@",
		"A=1":                             "",
		"export A=1; exec a; [[ -n $A ]]": "exec a",
		"":                                "",
		"'''exec' \"/venv/python\" \"$0\" \"$@\"": "exec /venv/python $0 $@",
		"exec 'a b' \"c\"d $e":                    "exec a b cd $e",
		"a; [ -n \"$b\" ] && exit 1":              "a",
		">x":                                      "",
		// What bash would refuse.
		"'''exec' \"/venv/python\" \"$0\" \"$@\"\n' '''\nimport sys\nif __name__ == '__main__':\n    sys.exit(main())": "exec /venv/python $0 $@ ? | main",
		"if a; then exec b":       "exec b",
		"exec \"$@\" )":           "exec $@",
		"trap x TERM; ) a; exit":  "a traps [{TERM acts}]",
		"python -m app 'it; exit": "python -m app 'it",
	} {
		if got := Read(text).words(); got != want {
			t.Errorf("%q reads as %q, want %q", text, got, want)
		}
	}
}

func TestReadText(t *testing.T) {
	for text, want := range map[string]string{
		"python -m app; exit $?":                  "python -m app",
		"python -m app & wait":                    "python -m app",
		"a; exec python | tee /log; true":         "exec python | tee /log",
		"set -e\nexec ./server --port 80 # now\n": "exec ./server --port 80 # now",
		"HOME=/app exec ./server >/log\n":         "HOME=/app exec ./server >/log",
		"python \\\n  app.py\n":                   "python app.py",
		"cat <<E\nnot this\nE\n":                  "cat <<E",
		"  A=1  ":                                 "A=1",
		"a\n(b\nc) | d":                           "c",
		"f() {\n  b\n}":                           "f() {",
		">x":                                      ">x",
		"#!/bin/sh\n":                             "",
		"python 'a\nb'":                           "python 'a",
	} {
		if got := Read(text).Main().Text; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A script comes from an image, and may be made to take long.
func TestReadEnds(t *testing.T) {
	for _, part := range []string{"(", "{ ", "$(", "`", "if ", "((", "$((", "${", "\"$(", "a && ", "a | ", "! ", "f() ", "case x in a) ", "<<E\n", "time "} {
		start := time.Now()
		Read(strings.Repeat(part, 16<<10/len(part)))
		Read(strings.Repeat(part, 200) + "exec a" + strings.Repeat(" }", 200))
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%q took %s", part, took)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{"exec \"$@\"", "if a; then b; fi", "trap x TERM", "a | b &", "f() { f; }; f", "cat <<E\nx\nE", "((", "${a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if r := Read(text).Main(); strings.Contains(r.Text, "\n") || r.Execs && len(r.Words) == 0 {
			t.Errorf("%q: %+v", text, r)
		}
		guess(text)
	})
}
