package trial

import (
	"bufio"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/runtime"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
)

// Sampler samples how scarce CPU is on a machine. A nil Sampler knows nothing.
type Sampler struct {
	mu      sync.Mutex
	samples []evidence.Pressure
	next    chan struct{} // closed and replaced at each sample
	done    chan struct{}
	stop    context.CancelFunc
}

// StartSampler samples until Stop, or until the context ends. The nodes share one machine, as those of
// a kind cluster do, and what the others of them use is no stranger's. Where one cannot tell, there are no
// samples.
func StartSampler(ctx context.Context, n NodeStream, nodes ...string) *Sampler {
	ctx, cancel := context.WithCancel(ctx)
	g := &Sampler{next: make(chan struct{}), done: make(chan struct{}), stop: cancel}
	m := newMachine(len(nodes))
	var reading sync.WaitGroup
	for i, node := range nodes {
		r, w := io.Pipe()
		go func() {
			// What cannot be known is no error: there are no samples then.
			w.CloseWithError(n.Stream(ctx, node, w, "pressure"))
		}()
		reading.Go(func() {
			defer runtime.HandleCrash()
			defer r.Close() // whoever still writes must not wait for a reader
			for lines := bufio.NewScanner(r); lines.Scan(); {
				now, ok := readPressure(lines.Text())
				if !ok {
					return
				}
				for _, p := range m.add(i, now) {
					g.add(p)
				}
			}
		})
	}
	go func() {
		reading.Wait()
		close(g.done)
	}()
	return g
}

func (g *Sampler) add(p evidence.Pressure) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.samples = append(g.samples, p)
	close(g.next)
	g.next = make(chan struct{})
}

// Stop ends the sampling.
func (g *Sampler) Stop() {
	if g == nil {
		return
	}
	g.stop()
	<-g.done
}

// Samples are those taken so far.
func (g *Sampler) Samples() []evidence.Pressure {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.samples)
}

// Await waits until the samples taken so far are enough, and returns them: earlier when the context ends,
// and when there will be no more.
func (g *Sampler) Await(ctx context.Context, enough func([]evidence.Pressure) bool) []evidence.Pressure {
	if g == nil {
		return nil
	}
	for {
		g.mu.Lock()
		samples, next := slices.Clone(g.samples), g.next
		g.mu.Unlock()
		if enough(samples) {
			return samples
		}
		select {
		case <-next:
		case <-g.done:
			return g.Samples()
		case <-ctx.Done():
			return samples
		}
	}
}

// Starved tells whether the machine was short of CPU when it was last asked. It never is where
// that cannot be known.
func (g *Sampler) Starved() bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.samples) > 0 && check.Starved(g.samples[len(g.samples)-1])
}

// reading is one line of the agent's: counters that only grow.
type reading struct {
	at time.Time

	waited, busy, stolen, idle, used int64
}

func readPressure(line string) (reading, bool) {
	words := strings.Fields(line)
	if len(words) != 6 {
		return reading{}, false // without /proc/pressure there is one word less
	}
	var ns [6]int64
	for i, w := range words {
		n, err := strconv.ParseInt(strings.Replace(w, ".", "", 1), 10, 64)
		if err != nil {
			return reading{}, false
		}
		ns[i] = n
	}
	return reading{time.UnixMicro(ns[0]), ns[1], ns[2], ns[3], ns[4], ns[5]}, true
}
