package main

import (
	"fmt"
	"io"
	"net"
)

// greeting is more than Postgres says to refuse somebody, and less than it says after a
// login, in bytes.
const greeting = 300

// tunnel passes connections to an address on to a target, as a database driver with one
// connection for life would: once the target has ended one, it takes no more.
func tunnel(address, target string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("tunnel to %s: %w", target, err)
	}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return // it has broken
			}
			go func() {
				defer near.Close()
				far, err := net.Dial("tcp", target)
				if err != nil {
					return
				}
				defer far.Close()
				go func() { // the program hung up: so does the tunnel
					_, _ = io.Copy(far, near)
					_ = near.Close()
					_ = far.Close()
				}()
				if n, err := io.Copy(near, far); err == nil && n > greeting {
					_ = l.Close()
				}
			}()
		}
	}()
	return nil
}
