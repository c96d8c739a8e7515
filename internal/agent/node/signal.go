package node

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
)

// Signal sends a signal ("TERM") to those processes of an owner whose command line, with
// blanks between its arguments, matches a pattern as grep -E takes it. It counts those that got
// it.
func (h Host) Signal(o Owner, name, pattern string) (met int, err error) {
	like, err := regexp.CompilePOSIX(pattern)
	if err != nil {
		return 0, fmt.Errorf("the pattern of command lines: %w", err)
	}
	s, err := signalNamed(name)
	if err != nil {
		return 0, err
	}
	ps, err := h.processes(o)
	if err != nil {
		return 0, err
	}
	for _, p := range ps {
		command, _ := os.ReadFile(p.file("cmdline"))
		if like.Match(bytes.ReplaceAll(command, []byte{0}, []byte{' '})) && p.signal(s, o) {
			met++
		}
	}
	return met, nil
}

// signal tells whether the process got it. Go holds a process by a descriptor (pidfd_open(2)),
// which is taken before its owner is looked at again: where it has ended and another has its
// number, that one is left alone. Podproof itself is, too: it must see to the end of what it began.
func (p process) signal(s os.Signal, o Owner) bool {
	if p.pid == os.Getpid() {
		return false
	}
	held, err := os.FindProcess(p.pid)
	if err != nil {
		return false
	}
	defer func() { _ = held.Release() }() // nothing was started that could be waited for
	return p.isOf(o) && held.Signal(s) == nil
}
