package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// chunkSize is what is read at a time.
	chunkSize = 32 << 10
	// underWay bounds what one direction of a connection holds back: what a slow line carries at a
	// time. A chunk counts as more than its bytes, since it is.
	underWay  = 2 << 20
	chunkCost = 128
)

// flow is one direction of a connection. What is read waits in a queue for its time, so that a
// line that is slow still carries as much as before, and everything in its order.
type flow struct {
	from, to *net.TCPConn
	passed   *atomic.Int64
	queue    *queue
}

func newFlow(from, to *net.TCPConn, passed *atomic.Int64) *flow {
	return &flow{from, to, passed, newQueue()}
}

// read takes in what comes, to its end. While the proxy is frozen it reads nothing more.
func (f *flow) read(p *Proxy, x *link) {
	buffer := make([]byte, chunkSize)
	for p.due(x, time.Time{}, 0) {
		n, err := f.from.Read(buffer)
		if n > 0 && !f.queue.put(chunk{bytes: append([]byte(nil), buffer[:n]...), came: time.Now()}) {
			return
		}
		switch {
		case errors.Is(err, io.EOF):
			f.queue.put(chunk{came: time.Now()}) // its end takes as long as its bytes
			return
		case err != nil:
			x.end(true)
			return
		}
	}
}

// write passes on what was read when it is due, and the end of it.
func (f *flow) write(p *Proxy, x *link) {
	for {
		c, ok := f.queue.get()
		if !ok || !p.due(x, c.came, 1) {
			return
		}
		if c.bytes == nil {
			_ = f.to.CloseWrite() // one that is gone needs no end
			return
		}
		n, err := f.to.Write(c.bytes)
		f.passed.Add(int64(n))
		if err != nil {
			x.end(true)
			return
		}
	}
}

// chunk is what was read at a time; without bytes it is the end.
type chunk struct {
	bytes []byte
	came  time.Time
}

// queue holds chunks in their order, so much of them.
type queue struct {
	mu     sync.Mutex
	more   *sync.Cond
	chunks []chunk
	size   int
	ended  bool
}

func newQueue() *queue {
	q := &queue{}
	q.more = sync.NewCond(&q.mu)
	return q
}

// put waits for room. It is false when the queue has ended.
func (q *queue) put(c chunk) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.size >= underWay && !q.ended {
		q.more.Wait()
	}
	if q.ended {
		return false
	}
	q.chunks = append(q.chunks, c)
	q.size += len(c.bytes) + chunkCost
	q.more.Broadcast()
	return true
}

// get waits for a chunk. It is false when the queue has ended.
func (q *queue) get() (chunk, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.chunks) == 0 && !q.ended {
		q.more.Wait()
	}
	if q.ended {
		return chunk{}, false
	}
	c := q.chunks[0]
	q.chunks[0] = chunk{}
	q.chunks = q.chunks[1:]
	q.size -= len(c.bytes) + chunkCost
	q.more.Broadcast()
	return c, true
}

func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.chunks = nil
	q.more.Broadcast()
}
