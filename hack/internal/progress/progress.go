// Package progress tells what is being done and for how long already: a live line on a terminal, plain lines elsewhere.
package progress

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// heartbeat is how often a line says that a long step still runs, where no live line can.
const heartbeat = 30 * time.Second

// Log writes lines that begin with a prefix. Its methods may be called from many goroutines.
type Log struct {
	mu      sync.Mutex
	out     *os.File
	prefix  string
	live    bool
	drawn   bool
	running []*Task
	stop    chan struct{}
}

// Task is a step that runs.
type Task struct {
	log   *Log
	what  string
	began time.Time
}

// New starts a log on out. Close ends it.
func New(out *os.File, prefix string) *Log {
	info, err := out.Stat()
	l := &Log{out: out, prefix: prefix, stop: make(chan struct{})}
	l.live = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" && os.Getenv("CI") == ""
	every := heartbeat
	if l.live {
		every = time.Second
	}
	go l.beat(every)
	return l
}

// Close removes the live line.
func (l *Log) Close() {
	close(l.stop)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	l.live = false
}

// Say writes a line.
func (l *Log) Say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	fmt.Fprintf(l.out, "%s %s\n", l.prefix, fmt.Sprintf(format, args...))
	l.draw()
}

// Start says that a step begins. note is said once, such as how long it takes.
func (l *Log) Start(what, note string) *Task {
	if note != "" {
		note = " (" + note + ")"
	}
	l.Say("%s%s…", what, note)
	task := &Task{log: l, what: what, began: time.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = append(l.running, task)
	l.draw()
	return task
}

// Done says that the step ended well, and after how long.
func (t *Task) Done() {
	t.drop()
	t.log.Say("%s: done  [%s]", t.what, t.elapsed())
}

// Dropped forgets a step that failed: the error is told elsewhere.
func (t *Task) Dropped() { t.drop() }

func (t *Task) drop() {
	l := t.log
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, other := range l.running {
		if other == t {
			l.running = append(l.running[:i], l.running[i+1:]...)
			break
		}
	}
	l.erase()
	l.draw()
}

func (t *Task) elapsed() time.Duration { return time.Since(t.began).Round(time.Second) }

func (l *Log) beat(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
			l.mu.Lock()
			if text := l.text(); l.live {
				l.erase()
				l.draw()
			} else if text != "" {
				fmt.Fprintf(l.out, "%s %s\n", l.prefix, text)
			}
			l.mu.Unlock()
		}
	}
}

// text names the steps that run, each with its time.
func (l *Log) text() string {
	var parts []string
	for _, t := range l.running {
		parts = append(parts, fmt.Sprintf("%s…  [%s]", t.what, t.elapsed()))
	}
	return strings.Join(parts, "; ")
}

func (l *Log) draw() {
	if text := l.text(); l.live && text != "" {
		fmt.Fprintf(l.out, "\x1b[?7l%s %s\x1b[?7h", l.prefix, text) // without line wrap, so that one line stays one
		l.drawn = true
	}
}

func (l *Log) erase() {
	if l.drawn {
		fmt.Fprint(l.out, "\r\x1b[K")
		l.drawn = false
	}
}
