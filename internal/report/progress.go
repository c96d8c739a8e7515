package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"
)

const (
	// redraw is how often the live line changes.
	redraw = 100 * time.Millisecond
	// silence is after how long a plain log is told that the run is still at work.
	silence = 15 * time.Second
)

// Progress tells what a run is at, while it runs. On a live console the running steps are one
// line that is drawn again and again; elsewhere a line tells that a step starts and another
// that it ended. It may be used from many goroutines.
//
// It is an io.Writer for whatever else goes to the same stream, so that the live line is out
// of the way first.
type Progress struct {
	mu      sync.Mutex
	w       io.Writer
	console Console
	running []*step
	waiting string
	partial []byte    // of what was written: a line without its end
	drawn   bool      // the live line is on the screen
	frame   int       // of the spinner
	told    time.Time // when the last whole line was written

	stop    chan struct{}
	stopped sync.WaitGroup
	once    sync.Once
}

type step struct {
	name, ended string
	started     time.Time
	usual, most time.Duration // that it takes, and may take; zero is not known, and no limit
}

// NewProgress starts telling; Close ends it.
func NewProgress(w io.Writer, c Console) *Progress {
	p := &Progress{w: w, console: c, told: time.Now(), stop: make(chan struct{})}
	every := silence / 3
	if c.Live {
		every = redraw
	}
	p.stopped.Go(func() { p.tick(every) })
	return p
}

// Step tells that a step starts. The returned function tells how it ended; nil is well.
// Only its first call counts.
func (p *Progress) Step(name string) (done func(err error)) {
	return p.StepTo(name, name+": done")
}

// StepTo is a Step whose good end has words of its own: "Creating the cluster", "Cluster ready".
func (p *Progress) StepTo(name, ended string) (done func(err error)) {
	return p.StepWithin(name, ended, 0, 0)
}

// StepWithin is a StepTo that usually takes so long, and may take so long at most.
func (p *Progress) StepWithin(name, ended string, usual, most time.Duration) (done func(err error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &step{Clean(name), Clean(ended), time.Now(), usual, most}
	p.running = append(p.running, s)
	if !p.console.Live && !p.console.Quiet {
		p.tell(plain, s.name+"…")
	}
	var once sync.Once
	return func(err error) { once.Do(func() { p.end(s, err) }) }
}

func (p *Progress) end(s *step, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.running {
		if other == s {
			p.running = append(p.running[:i], p.running[i+1:]...)
			break
		}
	}
	p.waiting = ""
	took := seconds(time.Since(s.started).Seconds())
	switch {
	case err == nil && p.console.Quiet:
	case err == nil:
		p.tell(green, fmt.Sprintf("%s (%s)", s.ended, took))
	case errors.Is(err, context.Canceled):
		p.tell(yellow, fmt.Sprintf("%s: stopped (%s)", s.name, took))
	default:
		// The report, or the error that ends the command, has all of it.
		p.tell(red, fmt.Sprintf("%s: failed (%s): %s", s.name, took, short(Clean(err.Error()))))
	}
}

// Waiting tells what is being waited for right now; empty is nothing. The end of any step
// ends it, too. It shows on the live line, and in a plain log when it takes long.
func (p *Progress) Waiting(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = short(strings.ReplaceAll(Clean(what), "\n", " "))
}

// Begin tells what is begun, unless nobody wants to know.
func (p *Progress) Begin(text string) {
	if !p.console.Quiet {
		p.Note(text)
	}
}

// Note tells one thing, in a line that stays.
func (p *Progress) Note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range strings.Split(Clean(text), "\n") {
		p.tell(plain, l)
	}
}

// Write passes whole lines on. A line without its end waits for the rest, or for Close.
func (p *Progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partial = append(p.partial, b...)
	end := bytes.LastIndexByte(p.partial, '\n') + 1
	if end == 0 {
		return len(b), nil
	}
	p.erase()
	p.told = time.Now()
	_, err := p.w.Write(p.partial[:end])
	p.partial = append(p.partial[:0], p.partial[end:]...)
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close takes the live line off the screen and leaves the cursor at the start of a clean one.
// What is told afterwards, such as the cleaning up after an interrupt, comes as plain lines.
func (p *Progress) Close() {
	p.once.Do(func() { close(p.stop) })
	p.stopped.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.console.Live = false
	if len(p.partial) > 0 {
		_, _ = p.w.Write(append(p.partial, '\n'))
		p.partial = nil
	}
}

func (p *Progress) tick(every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
			p.beat()
		}
	}
}

func (p *Progress) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case len(p.running) == 0 || p.console.Quiet:
		p.erase()
	case p.console.Live:
		p.draw()
	case time.Since(p.told) >= silence:
		p.tell(plain, "Still running: "+p.activity())
	}
}

// activity names what is waited for, which must not be cut off, and the running steps, each
// with its time, and with what it took before or may take at most.
func (p *Progress) activity() string {
	var parts []string
	for _, s := range p.running {
		took := time.Since(s.started)
		part := fmt.Sprintf("%s %d s", s.name, int(took.Seconds()))
		switch {
		case s.usual >= took:
			part += fmt.Sprintf(" of about %d s", int(math.Ceil(s.usual.Seconds())))
		case s.most > 0:
			part += fmt.Sprintf(" of %d s at most", int(s.most.Seconds()))
		}
		parts = append(parts, part)
	}
	text := strings.Join(parts, ", ")
	if p.waiting != "" {
		text = "Waiting for " + p.waiting + "; " + text
	}
	return text
}

// draw replaces the live line. It is cut to the terminal's width: a line that the terminal
// wraps could not be taken back. Two columns stay free for the ^C that an interrupt echoes.
func (p *Progress) draw() {
	width := columns(p.w)
	if width == 0 {
		width = p.console.Width
	}
	p.frame++
	line := []rune(fmt.Sprintf("%s%c %s", p.console.prefix(), `|/-\`[p.frame%4], p.activity()))
	if width > 4 && len(line) > width-3 {
		line = append(line[:max(0, width-4)], '…')
	}
	p.drawn = true
	// To the line's start, the text, and erase what an older, longer one left behind.
	_, _ = fmt.Fprintf(p.w, "\r%s\x1b[K", string(line))
}

func (p *Progress) erase() {
	if p.drawn {
		_, _ = io.WriteString(p.w, "\r\x1b[K")
		p.drawn = false
	}
}

// tell writes a line that stays. A stream that cannot be written any more is no reason to end
// a run: the report's own writing will say so.
func (p *Progress) tell(color paint, text string) {
	p.erase()
	p.told = time.Now()
	_, _ = fmt.Fprintf(p.w, "%s%s\n", p.console.prefix(), p.console.paint(color, text))
}
