package trial

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/workload"
)

// The states of a TCP socket (proc_pid_net(5), include/net/tcp_states.h): established, or that
// and those that come after it.
var (
	established = []string{"01"}
	connected   = []string{"01", "04", "05", "06", "08", "09", "0B"}
)

const (
	// connectedWithin is how long a connection is looked for before an outage: some last for one
	// query only.
	connectedWithin = 2 * time.Second
	// lookForConnection is the time between two looks.
	lookForConnection = 200 * time.Millisecond
)

// await waits for a connection of the workload's pod to the dependency, or for one that it has just
// had, and says when it was seen. The answer is nil where that cannot be seen.
func (d *onNode) await(ctx context.Context, limit time.Duration, was bool) (has *bool, at time.Time, err error) {
	states := established
	if was {
		states = connected
	}
	if d.Node == nil {
		return nil, at, nil
	}
	until := time.Now().Add(limit)
	for {
		seen, err := d.isConnected(ctx, states)
		switch {
		case ctx.Err() != nil:
			return nil, at, context.Cause(ctx)
		case err != nil:
			return nil, at, nil // it is not known, which is what the evidence says then
		case seen:
			return &seen, time.Now(), nil
		case !time.Now().Before(until):
			return &seen, at, nil
		}
		select {
		case <-time.After(lookForConnection):
		case <-ctx.Done():
		}
	}
}

// isConnected looks at the sockets of the workload's pod once.
func (d *onNode) isConnected(ctx context.Context, states []string) (bool, error) {
	there, err := d.addresses(ctx)
	if err != nil {
		return false, err
	}
	for _, p := range d.Observer.Pods(podsOf(d.Subject)) {
		id := workload.ContainerID(p, d.Container)
		if id == "" {
			continue
		}
		out, err := d.Node.Run(ctx, p.Spec.NodeName, "sockets", id)
		if err != nil {
			return false, err
		}
		if leadsTo(string(out), there, states) {
			return true, nil
		}
	}
	return false, nil
}

// leadsTo tells whether one of the sockets, as /proc/net/tcp lists them, leads to one of the
// addresses in one of the states.
func leadsTo(sockets string, there []netip.Addr, states []string) bool {
	const v4In6 = "0000000000000000FFFF0000" // ::ffff:0:0/96
	for line := range strings.Lines(sockets) {
		f := strings.Fields(line)
		if len(f) < 4 || !slices.Contains(states, f[3]) {
			continue
		}
		remote, _, _ := strings.Cut(f[2], ":")
		if slices.ContainsFunc(there, func(a netip.Addr) bool { return strings.TrimPrefix(remote, v4In6) == procAddress(a) }) {
			return true
		}
	}
	return false
}

// addresses are those at which the dependency is reached: its pods' own and its Services'.
func (d *onNode) addresses(ctx context.Context) ([]netip.Addr, error) {
	var out []netip.Addr
	add := func(s string) {
		if a, err := netip.ParseAddr(s); err == nil { // a headless Service has "None"
			out = append(out, a)
		}
	}
	for _, p := range d.Observer.Pods(podsOf(d.controller)) {
		eachAddress(p, add)
	}
	for _, name := range d.services {
		s, err := d.client().CoreV1().Services(d.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("reading the address of service/%s: %w", name, err)
		}
		for _, ip := range append(s.Spec.ClusterIPs, s.Spec.ClusterIP) {
			add(ip)
		}
	}
	return out, nil
}

func eachAddress(p *corev1.Pod, add func(string)) {
	add(p.Status.PodIP)
	for _, ip := range p.Status.PodIPs {
		add(ip.IP)
	}
}
