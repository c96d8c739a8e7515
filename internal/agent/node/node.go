// Package node is podproof's own part on a node of the cluster: it looks at the processes of a
// container, signals them, and changes what their network answers, by /proc and the control
// groups alone. It runs as root in the node's own PID namespace, needs no shell there, and no
// right inside the container. It judges nothing.
//
// Ops is the list of what can be asked for, as `podproof agent node` offers it, and says of
// each what it prints.
package node

import "errors"

// Host is where a node is found. A test has folders of its own.
type Host struct {
	Proc, Cgroup, Root string
}

// Local is the machine that this program runs on.
func Local() Host { return Host{Proc: "/proc", Cgroup: "/sys/fs/cgroup", Root: "/"} }

// ErrGone is what is said of a container that has no process any more.
var ErrGone = errors.New("the container has no process any more")
