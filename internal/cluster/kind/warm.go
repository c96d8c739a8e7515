package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/ledger"
)

// warm is a cluster of one run after the other, which is paused in between. It is written down in a ledger
// of its own, whose lock the run that uses it holds, and only while it waits there is it kept: what becomes of
// it when that run is killed is no warm cluster any more, and the next sweep removes it.
type warm struct {
	*Kind
	spec cluster.Spec
	does deeds
	// begun is closed when it is known whether one that waited is taken, or one is made.
	begun chan struct{}

	mu      sync.Mutex // of all below, and of the name
	ledger  *ledger.Ledger
	resumed bool
	open    bool
}

// deeds are what is done with the engine and the cluster.
type deeds struct {
	connect func(context.Context) (engine, error)
	make    func(context.Context, *Kind) error
	remove  func(context.Context, *Kind) error
	// awake returns when a cluster that was paused is as one that never was.
	awake func(context.Context, *Kind) error
	// pristine notes what the node has of images, and tidy takes away what came since.
	pristine func(ctx context.Context, k *Kind, file string) error
	tidy     func(ctx context.Context, k *Kind, file string) error
}

// engine is what of Docker's that takes.
type engine interface {
	Host() string
	Info(context.Context) (docker.Info, error)
	Image(ctx context.Context, ref string) (docker.Image, error)
	Containers(ctx context.Context, label string) ([]docker.Container, error)
	Pause(ctx context.Context, container string) error
	Unpause(ctx context.Context, container string) error
	Memory(ctx context.Context, container string) (int64, error)
	Close() error
}

func newWarm(nodeImage string, s cluster.Spec) *warm {
	w := &warm{Kind: newKind(nodeImage, s), spec: s, begun: make(chan struct{}), does: deeds{
		connect:  func(ctx context.Context) (engine, error) { return docker.Connect(ctx) },
		make:     func(ctx context.Context, k *Kind) error { return k.Open(ctx) },
		remove:   func(ctx context.Context, k *Kind) error { return k.Close(ctx) },
		awake:    awake,
		pristine: func(ctx context.Context, k *Kind, file string) error { return k.noteImages(ctx, file) },
		tidy:     func(ctx context.Context, k *Kind, file string) error { return k.tidy(ctx, file) },
	}}
	w.stays = true
	return w
}

// About describes the cluster, which has a name from Open on.
func (w *warm) About() cluster.Facts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Kind.About()
}

// Open takes a cluster that waits, or makes one where none does that is sound.
func (w *warm) Open(ctx context.Context) error {
	begun := sync.OnceFunc(func() { close(w.begun) })
	defer begun()
	e, err := w.does.connect(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	of, err := madeOf(ctx, e, w.nodeImage)
	if err != nil {
		return err
	}
	l, err := ledger.Take(w.spec.Runs, of)
	if err != nil {
		return err
	}
	if l != nil {
		w.use(l)
		err := w.resume(ctx, e)
		if err == nil {
			w.mu.Lock()
			w.resumed, w.used, w.open = true, true, true
			w.mu.Unlock()
			w.spec.Note(fmt.Sprintf("Resumed the warm cluster %s, which was used last %s ago", w.name, time.Since(l.Made.Warm.Used).Round(time.Second)))
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		w.spec.Note(fmt.Sprintf("The warm cluster %s is removed, and made anew: %s", w.name, err))
		if err := w.does.remove(ctx, w.Kind); err != nil {
			return err
		}
		w.forget()
	} else if l, err = ledger.New(w.spec.Runs); err != nil {
		return err
	} else {
		w.use(l)
	}
	err = l.Record(func(m *ledger.Made) {
		*m = ledger.Made{Engine: e.Host(), Provider: Name, Cluster: w.name, Warm: &ledger.Warm{Of: of, Made: time.Now()}}
	})
	if err != nil {
		return err
	}
	begun()
	if err := w.does.make(ctx, w.Kind); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = true
	return nil
}

// use has it be the cluster of a ledger.
func (w *warm) use(l *ledger.Ledger) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ledger, w.name, w.kubeconfig = l, "podproof-"+l.ID, filepath.Join(l.Dir, "kubeconfig")
}

// resume takes up a cluster that waits. Its error says how it is not as it was left.
func (w *warm) resume(ctx context.Context, e engine) error {
	if err := w.ledger.Record(func(m *ledger.Made) { m.Kept = false }); err != nil {
		return err
	}
	ns, err := e.Containers(ctx, nodeLabel+"="+w.name)
	if err != nil {
		return err
	}
	if len(ns) != 1 {
		return fmt.Errorf("it has %d nodes and not one", len(ns))
	}
	if ns[0].State != paused {
		return fmt.Errorf("its node %s is %s and not %s, as it was left", ns[0].Name, ns[0].State, paused)
	}
	kubeconfig, err := os.ReadFile(w.kubeconfig)
	if err != nil {
		return fmt.Errorf("its kubeconfig is not there: %w", err)
	}
	if err := e.Unpause(ctx, ns[0].ID); err != nil {
		return err
	}
	if err := w.connectBy(kubeconfig); err != nil {
		return err
	}
	return w.does.awake(ctx, w.Kind)
}

// paused is the state of a container (docker ps).
const paused = "paused"

// Booted waits until images can be put into the cluster.
func (w *warm) Booted(ctx context.Context) error {
	select {
	case <-w.begun:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	w.mu.Lock()
	resumed, l := w.resumed, w.ledger
	w.mu.Unlock()
	switch {
	case resumed:
		return nil
	case l == nil:
		return errors.New("no cluster was made")
	}
	if err := w.Kind.Booted(ctx); err != nil {
		return err
	}
	return w.does.pristine(ctx, w.Kind, filepath.Join(l.Dir, imagesFile))
}

// Close pauses the cluster for the next run, or removes it where that could not use it.
func (w *warm) Close(ctx context.Context) error {
	w.mu.Lock()
	l, open := w.ledger, w.open
	w.ledger, w.open = nil, false
	w.mu.Unlock()
	if l == nil {
		return nil
	}
	if open {
		err := w.leave(ctx, l)
		if err == nil {
			return l.Release(true)
		}
		w.spec.Note(fmt.Sprintf("The cluster %s is removed, and not kept warm: %s", w.name, err))
	}
	// One that is still being made is not removed for good: the next sweep tries again.
	making := !open && w.spec.Stained() != ""
	err := w.does.remove(ctx, w.Kind)
	return errors.Join(err, l.Release(err != nil || making))
}

// leave pauses the cluster. Its error says why the next run could not use it.
func (w *warm) leave(ctx context.Context, l *ledger.Ledger) error {
	if why := w.spec.Stained(); why != "" {
		return errors.New(why)
	}
	e, err := w.does.connect(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	if err := w.does.tidy(ctx, w.Kind, filepath.Join(l.Dir, imagesFile)); err != nil {
		return err
	}
	ns, err := e.Containers(ctx, nodeLabel+"="+w.name)
	if err != nil {
		return err
	}
	left := *l.Made.Warm
	if left.Of == "" { // the image is there by now
		if left.Of, err = madeOf(ctx, e, w.nodeImage); err != nil {
			return err
		}
	}
	left.Used, left.Memory = time.Now(), 0
	if left.Until = expires(left); left.Until.Before(left.Used) {
		return fmt.Errorf("it was made on %s, and no warm cluster grows older than %s", left.Made.Format(time.DateOnly), oldest)
	}
	for _, n := range ns {
		m, err := e.Memory(ctx, n.ID)
		if err != nil {
			return err
		}
		left.Memory += m
	}
	if err := makeRoom(ctx, e, w.spec, left.Memory, w.does.remove); err != nil {
		return err
	}
	for _, n := range ns {
		if err := e.Pause(ctx, n.ID); err != nil {
			return err
		}
	}
	w.spec.Debug(fmt.Sprintf("The cluster %s waits for the next run with --cluster warm until %s, with %d MiB; `podproof clean` removes it", w.name, left.Until.Format(time.DateTime), left.Memory>>20))
	return l.Record(func(m *ledger.Made) { m.Warm, m.Kept = &left, true })
}
