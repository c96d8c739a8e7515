package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/workload"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// namePrefix begins the name of every cluster that podproof makes.
const namePrefix = "podproof-"

// clusterSpec describes the cluster of this run.
func (r *run) clusterSpec() cluster.Spec {
	l, _ := r.holder()
	return cluster.Spec{
		Run: l.ID, Existing: r.Existing, Kubeconfig: r.Kubeconfig, Name: namePrefix + l.ID, Dir: l.Dir, Warm: r.Warm, Runs: r.Runs, Stained: r.stained,
		Waiting: r.Tell.Waiting, Note: r.Tell.Note, Debug: r.Debug,
		Ended: func(step string, took time.Duration) {
			r.saw.mu.Lock()
			r.saw.clusterSteps = append(r.saw.clusterSteps, evidence.Step{Name: step, Started: (time.Since(r.saw.began) - took).Seconds(), Seconds: took.Seconds()})
			r.saw.mu.Unlock()
			r.Debug(fmt.Sprintf("%s (%.1f s)", step, took.Seconds()))
		},
	}
}

// prepare finds the cluster, or arranges for the removal of the one that is to be made.
func (r *run) prepare(ctx context.Context) (err error) {
	if r.session != nil && r.session.cluster != nil {
		r.place.Cluster = r.session.cluster
		return nil
	}
	if r.place.Cluster, err = r.Providers[r.Provider].Prepare(ctx, r.clusterSpec()); err != nil {
		return err
	}
	about := r.place.About()
	if !about.Owned || !r.needs(podSections...) {
		return nil
	}
	l, clean := r.holder()
	if about.Warm { // it has a ledger of its own
		clean.add("leaving the cluster for the next run", r.place.Close)
		return nil
	}
	err = l.Record(func(m *ledger.Made) {
		m.Engine, m.Provider, m.Cluster, m.Kept = r.host(), about.Provider, about.Name, r.Keep
		if r.session == nil {
			m.Namespaces = []string{r.namespace()}
		}
	})
	clean.add("removing the cluster "+about.Name, func(ctx context.Context) error {
		if r.keeps() {
			return nil
		}
		return r.place.Close(ctx)
	})
	return err
}

// stained says what of the run may be left in a cluster whose next run wants it as new. What the manifests
// bring for the whole cluster is not taken out again: it may be in the place of something that was there.
func (r *run) stained() string {
	_, clean := r.holder()
	if !clean.complete() {
		return "not all that the run made in it could be removed"
	}
	runs := []*run{r}
	if r.session != nil {
		runs = r.session.runs
	}
	for _, r := range runs {
		if !r.clean.complete() {
			return "not all that the run made in it could be removed"
		}
		for _, wide := range slices.Sorted(maps.Keys(r.place.wide)) {
			if !strings.HasPrefix(wide, "namespace/") {
				return fmt.Sprintf("%s of the manifests belongs to the whole cluster", wide)
			}
		}
	}
	return ""
}

// settle makes the run's namespace and starts observing it.
func (r *run) settle(ctx context.Context) error {
	if r.place.applier == nil { // in a cluster that is lent one has looked before anything was made
		if _, err := r.look(ctx); err != nil {
			return err
		}
	}
	if r.place.Nodes() != nil { // elsewhere nodes are somebody else's, and may not even be listed
		if err := cluster.AwaitNode(ctx, r.place.applier.Client); err != nil {
			return err
		}
	}
	version, err := r.place.applier.Client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("asking the API server for its version: %w", err)
	}
	about := r.place.About()
	c := evidence.Cluster{Name: about.Name, Provider: about.Provider, Kubernetes: version.GitVersion, Borrowed: about.Stays(), NoNodes: r.nodeless()}
	nodes, err := r.nodes(ctx)
	if err != nil {
		return err
	}
	if len(nodes) > 0 {
		c.Node = nodes[0]
	}
	r.seen(ctx, func(e *evidence.Evidence) { e.Cluster = &c })
	if !about.Owned {
		if err := removeLeftovers(ctx, r.place.applier, r.Namespace, nil, r.Debug); err != nil {
			r.Tell.Note("Could not remove what earlier runs left in the cluster: " + err.Error())
		}
	}
	if r.place.observer, err = r.makeNamespace(ctx, r.namespace()); err != nil || about.Owned {
		return err
	}
	if err := r.network(ctx); err != nil {
		return err
	}
	r.place.demands, err = r.place.applier.Demands(ctx, r.namespace())
	return err
}

// nodes are the names of the cluster's nodes; none where nothing can be run on them.
func (r *run) nodes(ctx context.Context) ([]string, error) {
	if n := r.place.Nodes(); n != nil {
		return n.List(ctx)
	}
	return nil, nil
}

func (r *run) awaitDNS(ctx context.Context) error {
	if r.place.About().Owned {
		hasten := func(ctx context.Context) error { return cluster.HastenDNS(ctx, r.place.applier.Client) }
		if err := r.together("dns", hasten)(ctx); err != nil { // again it would start CoreDNS anew
			return err
		}
	}
	if r.place.Nodes() == nil {
		return nil
	}
	return cluster.AwaitDNS(ctx, r.place.applier.Client)
}

// host is the Docker engine on which the run makes something; empty where it uses none.
func (r *run) host() string {
	if r.engine == nil {
		return ""
	}
	return r.engine.Host()
}

// existing writes down that the run uses a cluster that was there.
func (r *run) existing(m *ledger.Made) {
	about := r.place.About()
	m.Engine, m.Provider, m.Existing, m.Kubeconfig, m.Kept = r.host(), about.Provider, about.Name, r.Kubeconfig, r.Keep
}

// makeNamespace makes a namespace of the run's and observes it. In a cluster of our own it
// goes with that, at once where others go on in it, now or later; its removal from one that was there is arranged for first.
func (r *run) makeNamespace(ctx context.Context, ns string) (*workload.Observer, error) {
	remove := r.place.applier.DeleteNamespace
	create := r.place.applier.CreateNamespace
	what := "removing namespace " + ns
	if r.Namespace != "" {
		remove, create, what = r.place.applier.RemoveAnchor, r.place.applier.Anchor, "removing podproof's objects from namespace "+ns
	}
	if !r.place.About().Owned {
		err := r.ledger.Record(func(m *ledger.Made) {
			r.existing(m)
			if r.Namespace != "" {
				m.Inside = ns
			} else {
				m.Namespaces = append(m.Namespaces, ns)
			}
		})
		if err != nil {
			return nil, err
		}
		r.clean.add(what, func(ctx context.Context) error {
			if r.Keep {
				return nil
			}
			return remove(ctx, ns, r.ledger.ID)
		})
	}
	if about := r.place.About(); about.Owned && (r.session != nil || about.Warm) {
		r.clean.add(what, func(ctx context.Context) error {
			if r.Keep {
				return nil
			}
			return r.place.applier.EndNamespace(ctx, ns, r.ledger.ID) // the cluster goes as well, or waits for its end
		})
	}
	if err := create(ctx, ns, r.ledger.ID); err != nil {
		return nil, err
	}
	o, err := workload.Observe(ctx, r.place.applier.Client, ns, r.plan.Redact, r.Tell.Waiting)
	if err == nil {
		r.place.mu.Lock()
		defer r.place.mu.Unlock()
		r.place.observers = append(r.place.observers, o)
	}
	return o, err
}

// installAgent puts podproof itself on the nodes, which are asked through it.
func (r *run) installAgent(ctx context.Context) error {
	nodes := r.place.Nodes()
	if nodes == nil {
		return nil
	}
	program, err := agentProgram(r.info.Architecture)
	if err != nil {
		return err
	}
	if !r.place.About().Owned {
		l, clean := r.holder()
		if err := l.Record(r.existing); err != nil {
			return err
		}
		clean.add("removing podproof from the cluster's nodes", nodes.Remove)
	}
	return nodes.Install(ctx, program)
}

// load puts the image under test into the cluster, under a name that no other run has.
func (r *run) load(ctx context.Context) error {
	ref, err := shared(ctx, r, "image "+r.subjectID(), func(ctx context.Context) (string, error) {
		return r.putImage(ctx, r.image.Image, fmt.Sprintf("podproof.local/%s:run-%s", r.title(), r.ledger.ID))
	})
	if err == nil {
		r.place.substitute(r.plan.Container.Image, ref)
	}
	return err
}

// putImage puts an image onto the nodes, and returns the name under which pods get it.
func (r *run) putImage(ctx context.Context, img v1.Image, ref string) (string, error) {
	ref, err := r.place.Images().Name(ctx, img, ref)
	if err != nil {
		return "", err
	}
	if err := r.recordImage(ref); err != nil {
		return "", err
	}
	l, err := r.place.Images().Load(ctx, img, ref)
	if err == nil {
		r.Debug(fmt.Sprintf("loaded %s: sent %d layers (%d MiB), the node had %d", ref, l.Sent, l.Bytes>>20, l.Reused))
	}
	return ref, err
}

// loadOthers gets the images of the other pods into the cluster. One that neither the node
// nor the Docker engine has is left to the kubelet to pull.
func (r *run) loadOthers(ctx context.Context) error {
	for _, name := range r.plan.Images() {
		if name == r.plan.Container.Image {
			continue
		}
		ref := name
		if to, ok := workload.Substitute(r.SetImages, name); ok {
			ref = to
			r.Debug(fmt.Sprintf("image %s is stood in for by %s", name, ref))
		}
		if r.pulls() {
			if ref != name {
				r.place.substitute(name, ref)
			}
			continue
		}
		there, err := shared(ctx, r, "other "+ref, func(ctx context.Context) (string, error) { return r.putOther(ctx, ref) })
		if err != nil {
			return err
		}
		if there != "" || ref != name {
			r.place.substitute(name, cmp.Or(there, ref))
		}
	}
	return nil
}

// putOther sees to it that the nodes have an image, and returns the name under which pods get it; none
// where nobody here has it.
func (r *run) putOther(ctx context.Context, ref string) (string, error) {
	has, err := r.place.Images().Has(ctx, ref)
	if has {
		return ref, err
	}
	if err != nil {
		return "", err
	}
	return r.loadOther(ctx, ref, r.ownName(ref))
}

// ownName is the name under which another image is loaded. In a cluster that stays it is one
// that no other run has: whoever ends first removes what it loaded, and nothing of the others'.
func (r *run) ownName(ref string) string {
	if !r.place.About().Stays() {
		return ref
	}
	sum := sha256.Sum256([]byte(ref))
	l, _ := r.holder()
	return fmt.Sprintf("podproof.local/other-%x:run-%s", sum[:6], l.ID)
}

// loadOther loads an image of the engine's under a name, and returns the one under which pods get
// it; none where the engine does not have it.
func (r *run) loadOther(ctx context.Context, ref, name string) (string, error) {
	img, err := r.engine.Image(ctx, ref)
	if errors.Is(err, docker.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	l, _ := r.holder()
	file, a, err := source.SaveByID(ctx, r.engine, img.ID, l.Dir, v1.Platform{OS: "linux", Architecture: r.info.Architecture})
	if err != nil {
		return "", fmt.Errorf("%s: %w", ref, err)
	}
	defer os.Remove(file)
	defer a.Close()
	return r.putImage(ctx, a, name)
}

// recordImage arranges for an image's removal from a cluster that is somebody else's.
func (r *run) recordImage(ref string) error {
	if r.place.About().Owned {
		return nil
	}
	l, clean := r.holder()
	clean.add("cleaning up the cluster's images", func(ctx context.Context) error {
		if r.keeps() {
			return nil
		}
		return r.place.Images().Unload(ctx, ref)
	})
	return l.Record(func(m *ledger.Made) {
		r.existing(m)
		m.Images = append(m.Images, ref)
	})
}

// substitute has an image run in place of one of the manifests.
func (p *place) substitute(from, to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.images[from] = to
}

// replaced are the images that run in place of those of the manifests, as far as they are known.
func (p *place) replaced() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.images)
}
