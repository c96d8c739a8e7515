package trial

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/workload"
)

// onNode is a dependency that is taken away, and given back, by what is done to its processes on its
// node.
type onNode struct {
	*TestBed
	controller workload.Controller
	// services are the names of those that lead to it.
	services []string
	// unproxied says why podproof's proxy does not stand in front of it.
	unproxied string
}

const (
	anyProcess = "."
	// connectionProcess are Postgres' server processes of a client over TCP: "postgres: app
	// shop 10.244.0.7(41324) idle".
	connectionProcess = `^postgres: .*[0-9.:a-f]+\([0-9]+\)`
)

// errNoNode is where nothing can be taken away.
var errNoNode = errors.New("this cluster lets podproof run nothing on a node, where it would take the dependency away")

// noNode is that, with why it needs one.
func (d *onNode) noNode() error {
	if d.unproxied == "" {
		return errNoNode
	}
	return fmt.Errorf("%s, and its proxy cannot stand in front of it: %w", d.unproxied, errNoNode)
}

// back gives it back, if it went: without a node it never did.
func (d *onNode) back(give func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if d.Node == nil {
			return nil
		}
		return give(ctx)
	}
}

// slow is what nothing on a node does.
func (d *onNode) slow(context.Context) error {
	return fmt.Errorf("%s %w: only podproof's proxy in front of it makes it slow, and that cannot be: %s", d.controller, errUnfit, d.unproxied)
}

// signal sends a signal to all processes of the dependency.
func (d *onNode) signal(ctx context.Context, name string) error {
	return d.all(ctx, "sending "+name+" to", "signal", name, anyProcess)
}

// all has something done with all processes of the dependency. That there are none is an error.
func (d *onNode) all(ctx context.Context, doing, op string, args ...string) error {
	n, err := d.each(ctx, doing, op, args...)
	if err == nil && n == 0 {
		return d.notRunning()
	}
	return err
}

// each has something done on the nodes of the dependency's containers, for each with its ID and the
// arguments, and counts those in which it met a process.
func (d *onNode) each(ctx context.Context, doing, op string, args ...string) (n int, err error) {
	if d.Node == nil {
		return 0, d.noNode()
	}
	for _, p := range d.Observer.Pods(podsOf(d.controller)) {
		for _, c := range p.Status.ContainerStatuses {
			if c.State.Running == nil {
				continue
			}
			_, id, _ := strings.Cut(c.ContainerID, "://")
			out, err := d.Node.Run(ctx, p.Spec.NodeName, op, append([]string{id}, args...)...)
			if err != nil {
				return n, fmt.Errorf("%s the processes of pod %s: %w", doing, p.Name, err)
			}
			if strings.TrimSpace(string(out)) != "0" {
				n++
			}
		}
	}
	return n, nil
}

func (d *onNode) notRunning() error { return fmt.Errorf("no container of %s runs", d.controller) }

// freeze stops all processes of the dependency. What it has stopped goes on where others do.
func (d *onNode) freeze(ctx context.Context) error {
	n, err := d.each(ctx, "stopping", "freeze")
	switch {
	case err != nil && d.Node != nil:
		return errors.Join(err, d.thaw(context.WithoutCancel(ctx)))
	case err == nil && n == 0:
		return d.notRunning()
	}
	return err
}

func (d *onNode) thaw(ctx context.Context) error {
	return d.all(ctx, "letting go on", "thaw")
}

// restart kills the dependency's processes, and waits until the kubelet has started its
// container again and it is Ready.
func (d *onNode) restart(ctx context.Context) error {
	before := d.restarts()
	if err := d.signal(ctx, "KILL"); err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, startWithin, fmt.Errorf("%s was not Ready again %s after its processes were killed", d.controller, startWithin))
	defer cancel()
	return d.Observer.Wait(limited, podsOf(d.controller), func(ps []*workload.Observed) (bool, string, error) {
		n, ready := int32(0), true
		for _, p := range ps {
			for _, s := range p.Pod.Status.ContainerStatuses {
				n += s.RestartCount
			}
			ready = ready && workload.IsReady(p.Pod)
		}
		return n > before && ready, fmt.Sprintf("%s is starting again", d.controller), nil
	})
}

func (d *onNode) restarts() int32 {
	n := int32(0)
	for _, p := range d.Observer.Pods(podsOf(d.controller)) {
		for _, s := range p.Status.ContainerStatuses {
			n += s.RestartCount
		}
	}
	return n
}
