package trial

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// refuse lets the dependency refuse new connections, and ends those that are open. Its data
// stay, as they would not if the pod went.
func (d *onNode) refuse(ctx context.Context) error {
	err := d.reject(ctx, "on")
	if err == nil {
		_, err = d.endConnections(ctx)
	}
	if err != nil && d.Node != nil {
		return errors.Join(err, d.accept(context.WithoutCancel(ctx)))
	}
	return err
}

func (d *onNode) accept(ctx context.Context) error { return d.reject(ctx, "off") }

func (d *onNode) reject(ctx context.Context, how string) error {
	n, err := d.eachPod(ctx, "changing what the network answers", "refuse", func(p *corev1.Pod) []string { return append([]string{how}, filters(p)...) })
	if err == nil && n == 0 {
		return d.notRunning()
	}
	return err
}

// filters are the programs that filter packets to the pod's addresses.
func filters(p *corev1.Pod) []string {
	var out []string
	eachAddress(p, func(s string) {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return
		}
		program := "iptables"
		if a.Is6() {
			program = "ip6tables"
		}
		if !slices.Contains(out, program) {
			out = append(out, program)
		}
	})
	return out
}

// errUnfit marks a way to go that a dependency does not know.
var errUnfit = errors.New("cannot go away like that")

// disconnect ends every connection from the dependency's side, while it goes on.
func (d *onNode) disconnect(ctx context.Context) error {
	n, err := d.endConnections(ctx)
	if err == nil && n == 0 {
		return fmt.Errorf("%s %w: no connection to it could be ended: none was open, or it is not a Postgres, whose processes podproof knows, and the node's kernel ends none of others; a restart ends them as well",
			d.controller, errUnfit)
	}
	return err
}

// endConnections ends those that are open: as pg_terminate_backend does where the dependency is
// a Postgres, or else as the kernel can. It counts the pods or containers that had any.
func (d *onNode) endConnections(ctx context.Context) (int, error) {
	n, err := d.each(ctx, "ending connections by", "signal", "TERM", connectionProcess)
	if n > 0 || err != nil {
		return n, err
	}
	return d.eachPod(ctx, "ending the connections", "end", func(*corev1.Pod) []string { return nil })
}

// eachPod has something done, with more arguments, on the node of each of the dependency's pods, and
// counts those for which it prints something else than 0.
func (d *onNode) eachPod(ctx context.Context, doing, op string, more func(*corev1.Pod) []string) (n int, err error) {
	if d.Node == nil {
		return 0, d.noNode()
	}
	for _, p := range d.Observer.Pods(podsOf(d.controller)) {
		if p.Spec.HostNetwork {
			return n, fmt.Errorf("pod %s has the network of its node (hostNetwork), which podproof leaves alone", p.Name)
		}
		if p.Spec.NodeName == "" || p.Status.PodIP == "" {
			continue
		}
		out, err := d.Node.Run(ctx, p.Spec.NodeName, op, append([]string{string(p.UID)}, more(p)...)...)
		if err != nil {
			return n, fmt.Errorf("%s of pod %s: %w", doing, p.Name, err)
		}
		if strings.TrimSpace(string(out)) != "0" {
			n++
		}
	}
	return n, nil
}
