package trial

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// Copy is all that belongs to a workload once more, placed into another namespace, with nothing of it
// applied.
type Copy struct {
	// Dependency is the controller that goes away, Objects are all but it and the workload.
	Dependency workload.Controller
	Others     []workload.Controller // further dependencies, which stay
	Objects    []workload.Object
	Jobs       []workload.Controller // that run to their end as soon as the dependency is there
	Workload   workload.Object
	Services   []string // those that lead to the dependency
}

// copied is a workload beside its dependencies in a namespace of their own, of which one goes away
// on its node.
type copied struct {
	*onNode
	Copy
}

// byNode takes a dependency away on its node, in a namespace with everything in it once more.
func (b *TestBed) byNode(ctx context.Context, i int, d Taken, s OutageSpec) (OutageResult, error) {
	if b.Elsewhere == nil {
		return OutageResult{}, fmt.Errorf("%s, and without its proxy an outage of %s takes a namespace of its own, which this run may not make: --namespace names the only one", d.Unproxied, d.Name)
	}
	there, c, err := b.Elsewhere(ctx, numbered(b.Trial, i), d.Name)
	if err != nil {
		return OutageResult{}, err
	}
	defer there.End(ctx)
	there.Trial = b.Trial
	o := &outager{TestBed: there, OutageSpec: s, own: podsOf(there.Subject), optional: d.Optional, out: outagesOf(d)}
	o.setting = copied{&onNode{there, c.Dependency, c.Services, d.Unproxied}, c}
	result, err := o.outages(ctx)
	return result, ofTheTrial(err, there.Namespace)
}

// numbered is a name of a trial's for the dependency with an index, of which most contracts have one.
func numbered(name string, i int) string {
	if i == 0 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, i+1)
}

func outagesOf(d Taken) OutageResult {
	return OutageResult{Outages: &evidence.Outages{Dependency: d.Name, Unproxied: d.Unproxied}}
}

// ofTheTrial is an error that ends this trial alone. What the API server took once is not wrong:
// it is the trial's own copy of it that is refused.
func ofTheTrial(err error, namespace string) error {
	if wrong := (*workload.ManifestError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("in namespace %s: %s", namespace, strings.Join(wrong.Problems, "; "))
	}
	return err
}

func (c copied) prepare(ctx context.Context, without bool) error {
	objects, await := c.Objects, c.Others
	if !without {
		objects, await = append([]workload.Object{c.Dependency.Object}, objects...), append([]workload.Controller{c.Dependency}, await...)
	}
	if err := c.Applier.Apply(ctx, objects); err != nil {
		return err
	}
	for _, r := range await {
		if err := c.awaitReady(ctx, r, dependencyWithin); err != nil {
			return err
		}
	}
	if without {
		return nil
	}
	return c.jobs(ctx)
}

func (c copied) jobs(ctx context.Context) error {
	_, err := Jobs(ctx, c.Applier, c.Observer, c.Jobs)
	return err
}

func (c copied) begin(ctx context.Context) error {
	return c.Applier.Apply(ctx, []workload.Object{c.Workload})
}

func (c copied) bringUp(ctx context.Context) error {
	if err := c.Applier.Apply(ctx, []workload.Object{c.Dependency.Object}); err != nil {
		return err
	}
	if err := c.there(ctx); err != nil {
		return err
	}
	return c.jobs(ctx)
}

func (c copied) there(ctx context.Context) error {
	return c.awaitReady(ctx, c.Dependency, dependencyWithin)
}

// ways are those on its node.
func (c copied) ways(patience time.Duration) map[string]away {
	d := c.onNode
	return map[string]away{
		evidence.OutageDisconnected: {fault: d.disconnect},
		evidence.OutageRestarted:    {fault: d.restart},
		evidence.OutageRefused:      {fault: d.refuse, heal: d.back(d.accept), noticed: true},
		evidence.OutageFrozen:       {fault: d.freeze, heal: d.back(d.thaw), lasts: patience, noticed: true, stops: true},
		evidence.OutageSlow200ms:    {fault: d.slow}, evidence.OutageSlow2s: {fault: d.slow},
	}
}
