package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/workload"
)

// Sweep removes what runs left behind that were killed before they could clean up, and,
// when kept is true, also what --keep kept. It says what it removed.
func Sweep(ctx context.Context, root string, engine *docker.Engine, providers cluster.Providers, kept bool, note func(string)) error {
	ledgers, err := ledger.Abandoned(root, kept)
	if err != nil {
		return err
	}
	return remove(ctx, ledgers, engine, providers, note)
}

// Clean removes what runs left behind or kept: those of the given IDs, or all. It names first
// what it is about to remove, and leaves alone a cluster that a run which is under way uses.
func Clean(ctx context.Context, root string, engine *docker.Engine, providers cluster.Providers, only []string, note func(string)) error {
	used, err := ledger.InUse(root) // before the others' locks are taken
	if err != nil {
		return err
	}
	ledgers, err := ledger.Abandoned(root, true)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range only {
		if !slices.ContainsFunc(ledgers, func(l *ledger.Ledger) bool { return l.ID == id }) {
			errs = append(errs, fmt.Errorf("there is nothing of a run %s that has ended", id))
		}
	}
	var chosen []*ledger.Ledger
	for _, l := range ledgers {
		switch user := used[l.Made.Cluster]; {
		case len(only) > 0 && !slices.Contains(only, l.ID):
			errs = append(errs, l.Release(true))
		case user != "":
			note(fmt.Sprintf("Kept %s of run %s: run %s is using it", l.Made, l.ID, user))
			errs = append(errs, l.Release(true))
		default:
			note(fmt.Sprintf("Removing what run %s left: %s", l.ID, l.Made))
			chosen = append(chosen, l)
		}
	}
	return errors.Join(append(errs, remove(ctx, chosen, engine, providers, note))...)
}

// CleanCluster removes from a cluster of the kubeconfig what runs left of which this machine may know
// nothing: those that are over for certain, or those of the given IDs. A namespace limits it to what
// lies in that.
func CleanCluster(ctx context.Context, o Options, only []string, note func(string)) error {
	c, err := o.Providers[o.Provider].Prepare(ctx, cluster.Spec{Existing: o.Existing, Kubeconfig: o.Kubeconfig})
	if err != nil {
		return &InputError{err}
	}
	a, err := workload.NewApplier(c.REST())
	if err != nil {
		return err
	}
	if err := removeLeftovers(ctx, a, o.Namespace, only, note); err != nil {
		return err
	}
	return forget(o.Runs, only)
}

// forget ends the ledgers of runs whose objects are gone from a cluster that is somebody else's, unless
// they name something elsewhere, too.
func forget(root string, runs []string) error {
	ledgers, err := ledger.Abandoned(root, true)
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range ledgers {
		gone := slices.Contains(runs, l.ID) && l.Made.Cluster == "" && len(l.Made.Images)+len(l.Made.Built) == 0
		l.Made.Kept = l.Made.Kept && !gone
		errs = append(errs, l.Release(!gone))
	}
	return errors.Join(errs...)
}

// removeLeftovers removes those of the runs that are named, or else those that have expired.
func removeLeftovers(ctx context.Context, a *workload.Applier, namespace string, only []string, note func(string)) error {
	left, err := a.Leftovers(ctx, namespace)
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range left {
		expired := !l.Until.IsZero() && time.Now().After(l.Until)
		switch {
		case slices.Contains(only, l.Run), len(only) == 0 && expired:
			if err := a.RemoveLeftover(ctx, l); err != nil {
				errs = append(errs, err)
				continue
			}
			note(fmt.Sprintf("Removed %s", l))
		case len(only) == 0:
			why := "was to be kept"
			if !l.Until.IsZero() {
				why = "may be under way until " + l.Until.Format(time.RFC3339)
			}
			note(fmt.Sprintf("Left %s, which %s: `podproof clean %s` with the same flags removes it", l, why, l.Run))
		}
	}
	for _, id := range only {
		if !slices.ContainsFunc(left, func(l workload.Leftover) bool { return l.Run == id }) {
			errs = append(errs, fmt.Errorf("there is nothing of a run %s", id))
		}
	}
	return errors.Join(errs...)
}

// remove removes what ledgers name.
func remove(ctx context.Context, ledgers []*ledger.Ledger, engine *docker.Engine, providers cluster.Providers, note func(string)) error {
	var errs []error
	for _, l := range ledgers {
		if !within(l.Made, engine) {
			continue // a run that talks to that engine will see to it
		}
		what, err := sweep(ctx, l.ID, l.Made, engine, providers)
		if err != nil {
			errs = append(errs, fmt.Errorf("removing what run %s left: %w", l.ID, err))
			continue
		}
		l.Made.Kept = false
		if err := l.Release(false); err != nil {
			errs = append(errs, err)
			continue
		}
		note(fmt.Sprintf("Removed what an earlier run left behind (run %s): %s", l.ID, what))
	}
	return errors.Join(errs...)
}

// within tells whether the engine on which something was made is the one at hand, which may be nil.
func within(made ledger.Made, engine *docker.Engine) bool {
	return made.Engine == "" || engine != nil && made.Engine == engine.Host()
}

func sweep(ctx context.Context, run string, left ledger.Made, engine *docker.Engine, providers cluster.Providers) (what string, err error) {
	provider := providers[left.Provider]
	if provider == nil && left.Provider != "" {
		return "", fmt.Errorf("this podproof knows no clusters of the kind %q; a newer one may", left.Provider)
	}
	for _, name := range left.Built {
		if err := engine.RemoveImage(ctx, name); err != nil {
			return "", err
		}
	}
	switch {
	case left.Cluster != "":
		return left.String(), provider.Reclaim(ctx, left)
	case left.Existing != "":
		c, err := provider.Prepare(ctx, cluster.Spec{Existing: left.Existing, Kubeconfig: left.Kubeconfig, Run: run})
		if errors.Is(err, cluster.ErrGone) {
			return "its files; the cluster that it used is gone", nil
		}
		if errors.Is(err, fs.ErrNotExist) && left.Kubeconfig != "" {
			return fmt.Sprintf("its files; the kubeconfig %s is gone, and with it the way to %s, which the next run there removes, or `podproof clean --cluster … %s`", left.Kubeconfig, left, run), nil
		}
		if err != nil {
			return "", err
		}
		a, err := workload.NewApplier(c.REST())
		if err != nil {
			return "", err
		}
		for _, ns := range left.Namespaces {
			if err := a.DeleteNamespace(ctx, ns, run); err != nil {
				return "", err
			}
		}
		if left.Inside != "" {
			if err := a.RemoveAnchor(ctx, left.Inside, run); err != nil {
				return "", err
			}
		}
		if nodes := c.Nodes(); nodes != nil {
			if err := nodes.Remove(ctx); err != nil {
				return "", err
			}
		}
		if len(left.Images) > 0 {
			err = c.Images().Unload(ctx, left.Images...)
		}
		what = left.String()
		if n := len(left.Images); n > 0 {
			what += fmt.Sprintf(", with %d images", n)
		}
		return what, err
	}
	return "its files", nil
}
