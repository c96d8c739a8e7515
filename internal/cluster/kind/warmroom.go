package kind

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	kind "sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/yaml"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/ledger"
)

// What waits costs memory and disk, though no CPU.
const (
	// mostWarm is how many clusters wait on an engine.
	mostWarm = 2
	// memoryShare is the part of the engine's memory that they may take together: one in so many.
	memoryShare = 4
	// waits is how long one does, and oldest how old it grows: what runs pull and leave adds up.
	waits  = 12 * time.Hour
	oldest = 7 * 24 * time.Hour
)

// expires is when nobody waits for a cluster any more.
func expires(w ledger.Warm) time.Time {
	until, end := w.Used.Add(waits), w.Made.Add(oldest)
	if end.Before(until) {
		return end
	}
	return until
}

// madeOf is what a cluster of now is made of: the engine, the node image, and what podproof asks of kind. It is
// empty where the engine has yet to pull the image.
func madeOf(ctx context.Context, e engine, nodeImage string) (string, error) {
	info, err := e.Info(ctx)
	if err != nil {
		return "", err
	}
	img, err := e.Image(ctx, Provider{NodeImage: nodeImage}.MadeOf())
	if errors.Is(err, docker.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	asked, err := yaml.Marshal(config(info.CgroupVersion == "1", true))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s %x", e.Host(), img.ID, sha256.Sum256(asked)), nil
}

// makeRoom removes the clusters of this engine that have waited longest, until one that takes so much memory
// may wait as well. Its error says that it may not even alone.
func makeRoom(ctx context.Context, e engine, s cluster.Spec, memory int64, remove func(context.Context, *Kind) error) error {
	info, err := e.Info(ctx)
	if err != nil {
		return err
	}
	room := info.Memory / memoryShare
	if room -= memory; room < 0 {
		return fmt.Errorf("its node takes %d MiB of memory, and what waits may take %d MiB, a quarter of the machine's", memory>>20, info.Memory/memoryShare>>20)
	}
	all, err := ledger.Abandoned(s.Runs, true)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b *ledger.Ledger) int { return used(b).Compare(used(a)) })
	others := 1
	var errs []error
	for _, l := range all {
		if w := l.Made.Warm; w != nil && l.Made.Kept && l.Made.Engine == e.Host() {
			others++
			room -= w.Memory
			if others > mostWarm || room < 0 {
				s.Note(fmt.Sprintf("Removing the warm cluster %s, which was used last on %s: %d may wait, with a quarter of the machine's memory", l.Made.Cluster, w.Used.Format(time.DateTime), mostWarm))
				err := remove(ctx, &Kind{name: l.Made.Cluster, owned: true, kubeconfig: os.DevNull, provider: kind.NewProvider(kind.ProviderWithDocker())})
				errs = append(errs, err, l.Release(err != nil))
				continue
			}
		}
		errs = append(errs, l.Release(true))
	}
	return errors.Join(errs...)
}

// used is when a cluster was used last.
func used(l *ledger.Ledger) (at time.Time) {
	if w := l.Made.Warm; w != nil {
		at = w.Used
	}
	return at
}
