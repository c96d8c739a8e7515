package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestDirNamesWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", file)
	_, err := Dir("images")
	if err == nil || !strings.Contains(err.Error(), "set XDG_CACHE_HOME") {
		t.Errorf("got %v, expected an error that says what to set", err)
	}
}

func TestExplain(t *testing.T) {
	full := &os.PathError{Op: "write", Path: "/c/part", Err: syscall.ENOSPC}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"own write":     {full, "the disk is full"},
		"a child's":     {errors.New("tar: part: Cannot write: No space left on device"), "the disk is full"},
		"read-only":     {&os.PathError{Op: "mkdir", Path: "/c", Err: syscall.EROFS}, "cannot be written to"},
		"anything else": {errors.New("unknown package"), "unknown package"},
	} {
		if got := Explain(test.err, "/c").Error(); !strings.HasPrefix(got, test.want) && !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q in it", name, got, test.want)
		}
	}
}

func TestLockIsForOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path, func() { t.Error("busy, with nobody else there") })
	if err != nil {
		t.Fatal(err)
	}
	waits, got := make(chan struct{}), make(chan error)
	go func() {
		second, err := Lock(t.Context(), path, func() { close(waits) })
		if err == nil {
			second()
		}
		got <- err
	}()
	<-waits
	select {
	case err := <-got:
		t.Fatalf("the second got the lock while the first held it: %v", err)
	default:
	}
	unlock()
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}

func TestLockCanBeInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, interrupt := context.WithCancel(t.Context())
	if _, err := Lock(ctx, path, interrupt); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
