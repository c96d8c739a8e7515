package workload

import (
	"context"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Leftover is what a run has made in a cluster that stays: a namespace of its own, or objects in one
// that was there.
type Leftover struct {
	Run, Namespace string
	Inside         bool      // it is the objects
	Above          types.UID // of the Job that the run was part of, where it was
	// Until is when the run is over for certain; zero is what was to be kept.
	Until time.Time
}

// String names it.
func (l Leftover) String() string {
	if l.Inside {
		return fmt.Sprintf("the objects of run %s in namespace %s", l.Run, l.Namespace)
	}
	return fmt.Sprintf("namespace %s of run %s", l.Namespace, l.Run)
}

// Leftovers are what runs have made, in a namespace that stays or, where that is empty, in namespaces
// of their own: those that are under way as well as those that are over. There are none where one
// may not ask for them.
func (a *Applier) Leftovers(ctx context.Context, namespace string) ([]Leftover, error) {
	of := metav1.ListOptions{LabelSelector: RunLabel}
	var out []Leftover
	add := func(m metav1.ObjectMeta, in string, inside bool) {
		until, _ := time.Parse(time.RFC3339, m.Annotations[Expires]) // what cannot be read is not known
		l := Leftover{Run: m.Labels[RunLabel], Namespace: in, Inside: inside, Until: until}
		for _, o := range m.OwnerReferences {
			l.Above = o.UID
		}
		out = append(out, l)
	}
	if namespace == "" {
		list, err := a.Client.CoreV1().Namespaces().List(ctx, of)
		if err != nil {
			return nil, unseen(err, "listing the namespaces of runs")
		}
		for _, n := range list.Items {
			add(n.ObjectMeta, n.Name, false)
		}
		return out, nil
	}
	list, err := a.Client.CoreV1().ConfigMaps(namespace).List(ctx, of)
	if err != nil {
		return nil, unseen(err, "listing what owns the objects of runs in namespace "+namespace)
	}
	for _, c := range list.Items {
		if strings.TrimPrefix(c.Name, anchorPrefix) == c.Labels[RunLabel] {
			add(c.ObjectMeta, namespace, true)
		}
	}
	return out, nil
}

func unseen(err error, doing string) error {
	if apierrors.IsForbidden(err) {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// RemoveLeftover removes it, and waits until it is gone.
func (a *Applier) RemoveLeftover(ctx context.Context, l Leftover) error {
	if l.Inside {
		return a.RemoveAnchor(ctx, l.Namespace, l.Run)
	}
	return a.DeleteNamespace(ctx, l.Namespace, l.Run)
}
