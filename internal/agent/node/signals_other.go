//go:build !linux

package node

import (
	"errors"
	"os"
)

// signalNamed knows none: nodes run Linux, and nothing else has a /proc to find processes in.
func signalNamed(string) (os.Signal, error) {
	return nil, errors.New("processes are signalled on Linux alone")
}
