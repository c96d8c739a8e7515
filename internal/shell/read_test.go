package shell

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// words says a reading as "exec a b", with what else it has behind it.
func (r Reading) words() string {
	s := strings.Join(r.Last, " ")
	if r.Execs {
		s = strings.TrimSpace("exec " + s)
	}
	if r.PassesOn {
		s += " +args"
	}
	if len(r.Traps) > 0 {
		s += fmt.Sprint(" traps ", r.Traps)
	}
	return s
}

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"python -m app":                              "python -m app",
		"python -m app; exit $?":                     "python -m app",
		"python -m app & wait":                       "python -m app",
		"exec python & wait":                         "python",
		"exec python -m app 2>&1 >/dev/null":         "exec python -m app",
		"cd /app && ./migrate && exec python":        "exec python",
		"A=${B:+x y} exec python":                    "exec python",
		"exec -a name python":                        "exec python",
		"exec python || exit 1":                      "exec python",
		"exec >/log 2>&1; python":                    "python",
		"python; exec >/log":                         "python",
		"exec python | tee /log":                     "tee /log",
		"(cd /app; exec python)":                     "python",
		"{ cd /app; exec python; }":                  "exec python",
		"[ -x a ] && exec a":                         "exec a",
		"if a; then exec b; else exec c; fi":         "exec c",
		"if a; then exec b; fi":                      "exec b",
		"if a; then b; elif c; then exec d; fi":      "exec d",
		"if exec a; then exit 1; fi":                 "exec a",
		"if a; then exec b; fi; c":                   "c",
		"while true; do python; done":                "python",
		"until a; do :; done":                        "a",
		"for i in 1 2; do run $i; done":              "run $i",
		"case $1 in a) exec a;; *) exit 1;; esac":    "exec a",
		"time exec python":                           "exec python",
		"! python":                                   "python",
		"exec \"$@\"":                                "exec $@ +args",
		"exec gosu app \"${@}\"":                     "exec gosu app ${@} +args",
		"exec app $*":                                "exec app $* +args",
		"\"$@\"":                                     "$@",
		"(exec \"$@\"); a":                           "a",
		"exec \"$@\" & a":                            "a",
		"if a; then exec \"$@\"; fi\nb":              "b +args",
		"eval exec java \"$@\" start\necho no":       "echo no +args",
		"main() { exec \"$@\"; }\nmain \"$@\"":       "exec $@ +args",
		"f() { exec a; }; b":                         "b",
		"f() { f; }; f":                              "f",
		"f() { :; }; f":                              "f",
		"trap 'kill $p' TERM INT; a & p=$!; wait $p": "a traps [TERM INT]",
		"a & p=$!; trap 'kill $p' TERM; wait $p":     "a traps [TERM]",
		"trap -- x SIGTERM; a":                       "a traps [TERM]",
		"trap x 15 0; a":                             "a traps [TERM EXIT]",
		"trap - TERM; trap; trap -l; a":              "a",
		"trap 'a\nb' \\\n TERM\nc":                   "c traps [TERM]",
		"(trap x TERM; a)":                           "a",
		"# exec a\ncat <<E >x\nexec b\nE\n\"$@\"":    "$@",
		"A=1":                             "",
		"export A=1; exec a; [[ -n $A ]]": "exec a",
		"":                                "",
		"'''exec' \"/venv/python\" \"$0\" \"$@\"": "exec /venv/python $0 $@ +args",
		"exec 'a b' \"c\"d $e":                    "exec a b cd $e",
		"a; [ -n \"$b\" ] && exit 1":              "a",
		">x":                                      "",
		// What bash would refuse.
		"'''exec' \"/venv/python\" \"$0\" \"$@\"\n' '''\nimport sys\nif __name__ == '__main__':\n    sys.exit(main())": "main +args",
		"if a; then exec b":       "exec b",
		"exec \"$@\" )":           "exec $@ +args",
		"trap x TERM; ) a; exit":  "a traps [TERM]",
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
		"a\n(b\nc) | d":                           "d",
		"f() {\n  b\n}":                           "f() {",
		">x":                                      ">x",
		"#!/bin/sh\n":                             "",
		"python 'a\nb'":                           "python 'a",
	} {
		if got := Read(text).Text; got != want {
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
		if r := Read(text); strings.Contains(r.Text, "\n") || r.Execs && len(r.Last) == 0 {
			t.Errorf("%q: %+v", text, r)
		}
		guess(text)
	})
}
