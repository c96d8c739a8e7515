package main

import "testing"

func TestRun(t *testing.T) {
	// The script's parent is the test's process, which is its wrap.
	const asks, waits = "kill -TERM $PPID", "while :; do :; done"
	for _, tt := range []struct {
		name   string
		flags  []string
		script string
		want   int
	}{
		{"the program's code", []string{"-exit", "1"}, "exit 3", 3},
		{"a code of its own", []string{"-exit", "1"}, "exit 0", 1},
		{"nothing to do wrong", nil, "exit 0", 0},
		{"a variable that is missing", []string{"-default", "OWNER=a"}, `test "$OWNER" = a`, 0},
		{"a variable that is set", []string{"-default", "PATH=b"}, `test "$PATH" != b`, 0},
		{"SIGTERM is passed on", []string{"-exit", "4"}, "trap 'exit 0' TERM; " + asks + "; " + waits, 4},
		{"SIGTERM is not heard", []string{"-deaf", "1m"}, "trap 'exit 5' TERM; " + asks + "; sleep 0.2; exit 6", 6},
		{"dropped", []string{"-drop"}, "trap 'exit 5' TERM; " + asks + "; " + waits, 0},
		{"lingering", []string{"-linger", "10ms", "-exit", "4"}, "trap 'exit 5' TERM; " + asks + "; " + waits, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := run(append(tt.flags, "/bin/sh", "-c", tt.script)); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
		})
	}
	if got := run([]string{"/nowhere/program"}); got != 127 {
		t.Errorf("exit code %d without a program, want 127", got)
	}
}
