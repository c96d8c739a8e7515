package main

import (
	"net"
	"os"
	"syscall"
	"time"
)

// These are what wrap does with its program on SIGTERM. An error of a signal means that the
// program has ended.

// passOn is what it should do.
func passOn(p *os.Process) { _ = p.Signal(syscall.SIGTERM) }

// killAfter ends the program as a power cut would.
func killAfter(d time.Duration) func(*os.Process) {
	return func(p *os.Process) {
		time.Sleep(d)
		_ = p.Kill()
	}
}

// sslRequest is a question that Postgres answers with one byte to anybody (PostgreSQL's
// manual, "Message Formats").
var sslRequest = []byte{0, 0, 0, 8, 4, 210, 22, 47}

// farewell asks a Postgres something before it passes the signal on, with no limit of time.
func farewell(address string) func(*os.Process) {
	return func(p *os.Process) {
		if c, err := net.Dial("tcp", address); err == nil {
			_, _ = c.Write(sslRequest)
			_, _ = c.Read(make([]byte, 1))
			_ = c.Close()
		}
		passOn(p)
	}
}
