package proxy

import (
	"os"
	"strconv"
	"strings"
)

// resets is the counter OutRsts of a network, as /proc/net/snmp has it (proc_pid_net(5)): a line with
// the names, and one with the values. It is -1 where there is none.
func resets(file string) int64 {
	data, err := os.ReadFile(file)
	if err != nil {
		return -1
	}
	var names []string
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "Tcp:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		for i, n := range names {
			if n == "OutRsts" && i < len(f) {
				if v, err := strconv.ParseInt(f[i], 10, 64); err == nil {
					return v
				}
			}
		}
	}
	return -1
}
