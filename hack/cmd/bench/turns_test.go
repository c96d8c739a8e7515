package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fake writes a program that notes its name and arguments in a file beside it, and then does what it is told to.
func fake(t *testing.T, file, does string) {
	t.Helper()
	script := "#!/bin/sh\necho \"${0##*/} $*\" >>\"${0%/*}/calls\"\n" + does + "\n"
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}

// calls are what fakes in a folder noted.
func calls(t *testing.T, dir string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

func TestTasksTakeTurns(t *testing.T) {
	dir := t.TempDir()
	fake(t, dir+"/a", "echo said; printf 0123456789 >"+dir+"/record-1; exit 3")
	fake(t, dir+"/b", "")
	fake(t, dir+"/around", "")
	b := bench{dir: dir}
	around := func(when string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := b.do(ctx, b.program(dir+"/around", when))
			return err
		}
	}
	settled := 0
	rows, err := turns{n: 2, settle: func(context.Context) error { settled++; return nil }}.measure(t.Context(), b,
		task{name: "one", command: b.program(dir + "/a"), also: []int{3}, record: dir + "/record-*", remark: func(end finish) []string {
			if end.code != 3 || end.said != "said\n" {
				t.Errorf("it ended with %+v", end)
			}
			return []string{"odd"}
		}},
		task{name: "two", command: b.program(dir + "/b"), before: around("before"), after: around("after")})
	if err != nil {
		t.Fatal(err)
	}
	turn := []string{"a ", "around before", "b ", "around after"}
	if got, want := calls(t, dir), slices.Repeat(turn, 3); !slices.Equal(got, want) {
		t.Errorf("called were %q, want %q", got, want)
	}
	if settled != 3 || len(rows) != 2 || len(rows[0].runs) != 2 || len(rows[1].runs) != 2 {
		t.Errorf("settled %d times and measured %+v, want 3 times, and 2 runs of each beside the one that does not count", settled, rows)
	}
	if got := rows[0].title(); got != "one (odd: 2 of 2)" {
		t.Errorf("the row is called %q", got)
	}
	if one := rows[0].runs[1]; one.record == 0 || one.rss == 0 || one.seconds == 0 {
		t.Errorf("measured %+v of a run with a record", one)
	}
	if _, err := os.Stat(dir + "/record-1"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the record of a run is there for the next (%v)", err)
	}
}

func TestARunThatFailsEndsTheTurnsAndIsTold(t *testing.T) {
	dir := t.TempDir()
	fake(t, dir+"/bad", "echo 'it is broken' >&2; exit 1")
	b, removed := bench{dir: dir}, false
	ctx, stop := context.WithCancel(t.Context())
	_, err := turns{n: 5}.measure(ctx, b, task{name: "row", command: b.program(dir+"/bad", "-f", "a b"), also: []int{3},
		after: func(ctx context.Context) error { removed = true; stop(); return ctx.Err() }})
	if err == nil || !removed {
		t.Fatalf("measured, or what it made is not removed: %v", err)
	}
	for _, want := range []string{"row, turn 0 of 5", "cd " + dir + " && XDG_CACHE_HOME=" + dir + "/cache " + dir + "/bad -f 'a b': exit status 1", "it is broken"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error has no %q:\n%v", want, err)
		}
	}
}

func TestACommandIsReadyToPaste(t *testing.T) {
	c := command{env: []string{"A=", "B=it's"}, args: []string{"x", "--only", "image/*", "--evidence", "/tmp/record-{}.json"}}
	if got, want := c.String(), `A='' B='it'\''s' x --only 'image/*' --evidence /tmp/record-{}.json`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
