package layer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// Blocks of a layer that are in memory at once, and their size.
const (
	blocks    = 4
	blockSize = 128 << 10
)

// ahead reads and hashes a stream on one core while what was read is used on another.
type ahead struct {
	full    chan block
	free    chan []byte
	stop    chan struct{}
	stopped chan struct{}

	current block
	at      int64 // bytes given out
	sum     hash.Hash
}

type block struct {
	b   []byte
	buf []byte // that b is part of
	err error  // after b
}

func readAhead(ctx context.Context, r io.Reader) *ahead {
	a := &ahead{full: make(chan block, blocks), free: make(chan []byte, blocks),
		stop: make(chan struct{}), stopped: make(chan struct{}), sum: sha256.New()}
	for range blocks {
		a.free <- make([]byte, blockSize)
	}
	go a.fill(ctx, r)
	return a
}

func (a *ahead) fill(ctx context.Context, r io.Reader) {
	defer close(a.stopped)
	defer func() {
		if p := recover(); p != nil { // of a decompressor
			a.full <- block{err: fmt.Errorf("podproof itself broke while it unpacked the layer (%v): a bug, please report it", p)}
		}
	}()
	for {
		var buf []byte
		select {
		case buf = <-a.free:
		case <-a.stop:
			return
		}
		n, err := 0, ctx.Err()
		for err == nil && n < len(buf) {
			var m int
			m, err = r.Read(buf[n:])
			n += m
		}
		a.sum.Write(buf[:n])
		a.full <- block{buf[:n], buf, err} // never blocks: it has room for every buffer
		if err != nil {
			return
		}
	}
}

// Read gives out what was read.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.current.b) == 0 {
		if a.current.err != nil {
			return 0, a.current.err
		}
		if a.current.buf != nil {
			a.free <- a.current.buf
		}
		a.current = <-a.full
	}
	n := copy(p, a.current.b)
	a.current.b = a.current.b[n:]
	a.at += int64(n)
	return n, nil
}

// digest is that of the whole stream. It must have been read to its end.
func (a *ahead) digest() string {
	<-a.stopped
	return hex.EncodeToString(a.sum.Sum(nil))
}

// close ends the reading. The stream may be closed afterwards.
func (a *ahead) close() {
	close(a.stop)
	<-a.stopped
}
