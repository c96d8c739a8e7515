// Package node is podproof's own part on a node of the cluster: it looks at the processes of a
// container, signals them, and changes what their network answers, by /proc and the control
// groups alone. It runs as root in the node's own PID namespace, needs no shell there, and no
// right inside the container. It judges nothing.
//
// Where no node may be touched the same code looks from a container beside the one that is looked
// at, in its PID namespace and with its user: an ephemeral one of a pod of podproof's own. It reads
// no environ there either: that holds the values of Secrets.
//
// Ops is the list of what can be asked for, as `podproof agent node` offers it, and says of
// each what it prints; LookOps are those of `podproof agent look`, beside the container.
package node

import "errors"

// Host is where a node is found. A test has folders of its own.
type Host struct {
	Proc, Cgroup, Root string
	// Beside is a container beside the one that is looked at: neither that one's control group nor
	// the runtime's folders are in sight, and its root is where /proc/PID/root leads.
	Beside bool
}

// Local is the machine that this program runs on.
func Local() Host { return Host{Proc: "/proc", Cgroup: "/sys/fs/cgroup", Root: "/"} }

// Neighbour is a container beside the one that is looked at.
func Neighbour() Host { return Host{Proc: "/proc", Cgroup: "/sys/fs/cgroup", Root: "/", Beside: true} }

// ErrGone is what is said of a container that has no process any more.
var ErrGone = errors.New("the container has no process any more")
