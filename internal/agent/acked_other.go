//go:build !linux

package agent

import "net"

// acknowledged is known on Linux alone, where the agent runs.
func acknowledged(net.Conn) (uint64, bool) { return 0, false }
