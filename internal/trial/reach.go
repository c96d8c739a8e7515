package trial

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// reachWithin is how long a Service may take to lead to a pod that is Ready.
const reachWithin = 30 * time.Second

// reach starts the load, with an answer to each stream and a connection to each pod: one that
// has none could end in any way, and nothing would be lost. A Service leads to a new pod a
// moment after that is Ready, and by chance. It returns the names of the pods that it did
// not lead to in time.
func (r *roller) reach(ctx context.Context, uids []string) (*Load, []string, error) {
	limit := time.Now().Add(reachWithin)
	for {
		load, err := r.StartLoad(ctx, r.plan)
		if err != nil {
			return nil, nil, err
		}
		err = load.Begin(ctx, func(_ int, rs []evidence.Request) bool { return connections(rs) >= len(r.plan.Streams) })
		if err != nil {
			load.cancel()
			return nil, nil, err
		}
		missed := r.unreached(ctx, uids)
		if len(missed) == 0 || time.Now().After(limit) {
			return load, missed, nil
		}
		if _, err := load.Stop(ctx); err != nil {
			return nil, nil, err
		}
	}
}

// unreached names the pods to which the agent has no connection. It names none where that
// cannot be seen: where addresses are translated on the way, and the nodes may not be looked at.
func (r *roller) unreached(ctx context.Context, uids []string) (missed []string) {
	switch {
	case r.sticky:
		return nil
	case r.Node == nil:
		missed, _ = r.unreachedBySockets(ctx, uids)
		return missed
	}
	names := map[string]string{}   // by container ID
	nodes := map[string][]string{} // container IDs, by node
	for _, p := range r.Observer.Pods(podsOf(r.Subject)) {
		if id := workload.ContainerID(p, r.Container); id != "" && slices.Contains(uids, string(p.UID)) {
			names[id] = p.Name
			nodes[p.Spec.NodeName] = append(nodes[p.Spec.NodeName], id)
		}
	}
	for node, ids := range nodes {
		out, err := r.Node.Run(ctx, node, "unreached", append([]string{r.from}, ids...)...)
		if err != nil {
			return nil
		}
		for _, id := range strings.Fields(string(out)) {
			missed = append(missed, names[id])
		}
	}
	if len(missed) == len(names) {
		return nil
	}
	return missed
}

// unreachedBySockets names them by the agent's own sockets, which lead to pods where a Service's
// address is translated before a connection is made, as some networks do; and tells whether it is.
func (r *roller) unreachedBySockets(ctx context.Context, uids []string) (missed []string, seen bool) {
	out, err := r.AgentNode().Run(ctx, "", "remotes")
	if err != nil {
		return nil, false
	}
	led := map[netip.Addr]bool{}
	for word := range strings.FieldsSeq(string(out)) {
		if a, err := netip.ParseAddrPort(word); err == nil {
			led[a.Addr()] = true
		}
	}
	for _, p := range r.Observer.Pods(podsOf(r.Subject)) {
		a, err := netip.ParseAddr(p.Status.PodIP)
		if err != nil || !slices.Contains(uids, string(p.UID)) {
			continue
		}
		if led[a] {
			seen = true
		} else {
			missed = append(missed, p.Name)
		}
	}
	if !seen {
		return nil, false
	}
	return missed, true
}

// agentAddress is the agent's own address, as /proc/net/tcp writes it.
func (b *TestBed) agentAddress(ctx context.Context) (string, error) {
	p, err := b.client().CoreV1().Pods(b.AgentNamespace).Get(ctx, agentName, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("reading the address of podproof's agent: %w", err)
	}
	a, err := netip.ParseAddr(p.Status.PodIP)
	if err != nil {
		return "", fmt.Errorf("the address of podproof's agent: %w", err)
	}
	return procAddress(a), nil
}

// procAddress is an address as /proc/net/tcp has it: words of 32 bits, in the byte order of a
// little-endian machine, such as all those that podproof runs on.
func procAddress(a netip.Addr) string {
	b := a.AsSlice()
	for word := range slices.Chunk(b, 4) {
		slices.Reverse(word)
	}
	return strings.ToUpper(hex.EncodeToString(b))
}

// isSticky tells whether a Service sends all that a client asks to one pod.
func isSticky(s corev1.Service) bool { return s.Spec.SessionAffinity == corev1.ServiceAffinityClientIP }
