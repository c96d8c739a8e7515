package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/workload"
)

// Sweep removes what runs left behind that were killed before they could clean up, and,
// when kept is true, also what --keep kept. It says what it removed.
func Sweep(ctx context.Context, root string, engine *docker.Engine, kept bool, note func(string)) error {
	leases, err := cluster.Abandoned(root, kept)
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range leases {
		if l.Left.Engine != "" && l.Left.Engine != engine.Host() {
			continue // on another engine: a run that talks to that one will see to it
		}
		what, err := sweep(ctx, l.Left, engine)
		if err != nil {
			errs = append(errs, fmt.Errorf("removing what run %s left: %w", l.ID, err))
			continue
		}
		l.Left.Kept = false
		if err := l.Release(false); err != nil {
			errs = append(errs, err)
			continue
		}
		note(fmt.Sprintf("Removed what an earlier run left behind (run %s): %s", l.ID, what))
	}
	return errors.Join(errs...)
}

func sweep(ctx context.Context, left cluster.Leftover, engine *docker.Engine) (what string, err error) {
	for _, name := range left.Built {
		if err := engine.RemoveImage(ctx, name); err != nil {
			return "", err
		}
	}
	switch {
	case left.Cluster != "":
		if err := cluster.DeleteByName(left.Cluster); err != nil {
			return "", err
		}
		return "the kind cluster " + left.Cluster, engine.RemoveNetwork(ctx, left.Cluster)
	case left.Borrowed != "":
		k, err := cluster.Borrow(left.Borrowed)
		if errors.Is(err, cluster.ErrNoSuchCluster) {
			return "its files; the cluster that it used is gone", nil
		}
		if err != nil {
			return "", err
		}
		a, err := workload.NewApplier(k.REST())
		if err != nil {
			return "", err
		}
		for _, ns := range left.Namespaces {
			if err := a.DeleteNamespace(ctx, ns); err != nil {
				return "", err
			}
		}
		if len(left.Images) > 0 {
			err = k.Unload(ctx, left.Images...)
		}
		return fmt.Sprintf("namespace %s and %d images in the kind cluster %s", strings.Join(left.Namespaces, ", "), len(left.Images), left.Borrowed), err
	}
	return "its files", nil
}
