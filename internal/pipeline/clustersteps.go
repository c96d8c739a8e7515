package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const kubeconfigFile = "kubeconfig"

// clusterOptions describe the cluster of our own that this run makes.
func (r *run) clusterOptions() cluster.Options {
	return cluster.Options{
		Name: cluster.NamePrefix + r.lease.ID, NodeImage: r.NodeImage, Kubeconfig: r.file(kubeconfigFile),
		CgroupV1: r.info.CgroupVersion == "1",
		Started:  func(s string) { r.Tell.Waiting("kind: " + s) },
		Ended: func(s string, took time.Duration, _ bool) {
			r.mu.Lock()
			r.kindSteps = append(r.kindSteps, evidence.Step{Name: "kind: " + s,
				Started: (time.Since(r.began) - took).Seconds(), Seconds: took.Seconds()})
			r.mu.Unlock()
			r.Debug(fmt.Sprintf("kind: %s (%.1f s)", s, took.Seconds()))
		},
		Debug: r.Debug,
	}
}

// create makes a kind cluster; its removal is arranged for first.
func (r *run) create(ctx context.Context) error {
	defer r.kind.End() // also when it is never begun
	o := r.clusterOptions()
	if o.CgroupV1 {
		r.Debug("this host has cgroup v1, so the kubelet is told failCgroupV1: false")
	}
	err := r.lease.Record(func(l *cluster.Leftover) {
		l.Engine, l.Cluster, l.Namespaces, l.Kept = r.engine.Host(), o.Name, []string{r.namespace()}, r.Keep
	})
	if err != nil {
		return err
	}
	r.clean.add("removing the cluster "+o.Name, func(ctx context.Context) error {
		if r.Keep {
			return nil
		}
		return errors.Join(r.kind.Delete(o.Kubeconfig), r.engine.RemoveNetwork(ctx, o.Name))
	})
	return r.kind.Create(ctx, o)
}

// settle makes the run's namespace and starts observing it.
func (r *run) settle(ctx context.Context) error {
	var err error
	if r.applier, err = workload.NewApplier(r.kind.REST()); err != nil {
		return err
	}
	if err := cluster.AwaitNode(ctx, r.applier.Client); err != nil {
		return err
	}
	version, err := r.applier.Client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("asking the API server for its version: %w", err)
	}
	r.set(func(e *evidence.Evidence) { e.Cluster = r.kind.Evidence(version.GitVersion) })
	r.observer, err = r.makeNamespace(ctx, r.namespace())
	return err
}

func (r *run) awaitDNS(ctx context.Context) error {
	if r.Borrow == "" {
		if err := cluster.HastenDNS(ctx, r.applier.Client); err != nil {
			return err
		}
	}
	return cluster.AwaitDNS(ctx, r.applier.Client)
}

// makeNamespace makes a namespace of the run's and observes it. In a cluster of our own it
// goes with that; its removal from a borrowed one is arranged for first.
func (r *run) makeNamespace(ctx context.Context, ns string) (*workload.Observer, error) {
	if r.Borrow != "" {
		err := r.lease.Record(func(l *cluster.Leftover) {
			l.Engine, l.Borrowed, l.Kept = r.engine.Host(), r.Borrow, r.Keep
			l.Namespaces = append(l.Namespaces, ns)
		})
		if err != nil {
			return nil, err
		}
		r.clean.add("removing namespace "+ns, func(ctx context.Context) error {
			if r.Keep {
				return nil
			}
			return r.applier.DeleteNamespace(ctx, ns)
		})
	}
	if err := r.applier.CreateNamespace(ctx, ns, r.lease.ID); err != nil {
		return nil, err
	}
	o, err := workload.Observe(ctx, r.applier.Client, ns, r.redact, r.Tell.Waiting)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.observers = append(r.observers, o)
	}
	return o, err
}

// load puts the image under test into the cluster, under a name that no other run has.
func (r *run) load(ctx context.Context) error {
	ref := fmt.Sprintf("podproof.local/%s:run-%s", r.title(), r.lease.ID)
	if err := r.recordImage(ref); err != nil {
		return err
	}
	l, err := r.kind.Load(ctx, r.archive, ref)
	if err != nil {
		return err
	}
	r.Debug(fmt.Sprintf("loaded %s: sent %d layers (%d MiB), the node had %d", ref, l.Sent, l.Bytes>>20, l.Reused))
	r.substitute(r.container.Image, ref)
	return nil
}

// loadOthers gets the images of the other pods into the cluster. One that neither the node
// nor the Docker engine has is left to the kubelet to pull.
func (r *run) loadOthers(ctx context.Context) error {
	for _, name := range workload.Images(r.runners) {
		if name == r.container.Image {
			continue
		}
		ref := name
		if to, ok := workload.Substitute(r.SetImages, name); ok {
			ref = to
			r.Debug(fmt.Sprintf("image %s is stood in for by %s", name, ref))
		}
		has, err := r.kind.Has(ctx, ref)
		if err != nil {
			return err
		}
		if !has {
			has, err = r.loadOther(ctx, ref)
			if err != nil {
				return err
			}
		}
		if has || ref != name {
			r.substitute(name, ref)
		}
	}
	return nil
}

func (r *run) loadOther(ctx context.Context, ref string) (bool, error) {
	file, err := source.Save(ctx, r.engine, ref, r.lease.Dir)
	if errors.Is(err, docker.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer os.Remove(file)
	a, err := source.OpenArchive(file, v1.Platform{OS: "linux", Architecture: r.info.Architecture})
	if err != nil {
		return false, err
	}
	defer a.Close()
	if err := r.recordImage(ref); err != nil {
		return false, err
	}
	l, err := r.kind.Load(ctx, a, ref)
	r.Debug(fmt.Sprintf("loaded %s: sent %d layers (%d MiB), the node had %d", ref, l.Sent, l.Bytes>>20, l.Reused))
	return err == nil, err
}

// recordImage arranges for an image's removal from a cluster that stays.
func (r *run) recordImage(ref string) error {
	if r.Borrow == "" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clean.add("cleaning up the cluster's images", func(ctx context.Context) error {
		if r.Keep {
			return nil
		}
		return r.kind.Unload(ctx, ref)
	})
	return r.lease.Record(func(l *cluster.Leftover) { l.Images = append(l.Images, ref) })
}

func (r *run) substitute(from, to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.images[from] = to
}
