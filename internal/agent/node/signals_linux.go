package node

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// signalNamed is a signal by its name without SIG.
func signalNamed(name string) (os.Signal, error) {
	if s := unix.SignalNum("SIG" + name); s != 0 {
		return s, nil
	}
	return nil, fmt.Errorf("%q is not the name of a signal", name)
}
