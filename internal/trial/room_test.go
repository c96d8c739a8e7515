package trial

import (
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/workload"
)

// Where a quota bounds the namespace, a rollout waits until other trials' pods have made room, for a time.
func TestARolloutWaitsForRoom(t *testing.T) {
	for _, c := range []struct {
		quota     bool
		ends      time.Duration
		least, to time.Duration
	}{{false, time.Hour, 0, 0}, {true, 0, 0, 0}, {true, 30 * time.Second, 30 * time.Second, 31 * time.Second}, {true, time.Hour, roomWithin, roomWithin + time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			k := newKubelet(t, life{})
			b := k.bench(template())
			if c.quota {
				if err := k.client.Tracker().Add(&corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q", Namespace: "shop"}}); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if b.Demands, err = b.Applier.Demands(t.Context(), "shop"); err != nil {
				t.Fatal(err)
			}
			if c.ends > 0 {
				p, err := b.create(t.Context(), b.trial("podproof-other"))
				if err != nil {
					t.Fatal(err)
				}
				k.await(b, "its pod", func(seen *corev1.Pod) bool { return seen.UID == p.UID && workload.IsReady(seen) })
				time.AfterFunc(c.ends, func() { _ = b.remove(t.Context(), p.Name) })
			}
			began := time.Now()
			if err := b.awaitRoom(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < c.least || took > c.to {
				t.Errorf("%+v: it took %s", c, took)
			}
			for p := range k.pods {
				k.delete(p, new(int64))
			}
		})
	}
}
