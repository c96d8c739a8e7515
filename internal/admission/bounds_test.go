package admission

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/apimachinery/pkg/runtime"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func TestTheMemoryIsBounded(t *testing.T) {
	w := newWorld(t)
	w.hook.Bounds.Remembered = 1
	a, b := w.proven("1001"), w.proven("1002")
	for _, image := range []string{a, b, a} {
		w.asked.Store(0)
		w.admits(creating(t, pod(image)))
		if w.asked.Load() == 0 {
			t.Errorf("%s is still remembered", image)
		}
	}
}

// Nobody drives what is proven out of the memory with images that are not.
func TestRefusalsTakeNoProofsPlace(t *testing.T) {
	w := newWorld(t)
	w.hook.Bounds.Remembered = 1
	good := w.proven("1001")
	bad, _ := w.pushed("1002")
	w.admits(creating(t, pod(good)))
	w.denies(creating(t, pod(bad)), "no statement")
	w.asked.Store(0)
	w.admits(creating(t, pod(good)))
	w.denies(creating(t, pod(bad)), "no statement")
	if n := w.asked.Load(); n != 0 {
		t.Errorf("the registry was asked %d times again", n)
	}
}

func TestTooManyAtOnce(t *testing.T) {
	w := newWorld(t)
	good := w.proven("1001")
	w.hook.Bounds.InAll = 1
	w.hook.Bounds.Fetch = time.Minute
	w.admits(creating(t, pod(good)))
	leave, err := w.hook.asker.places.enter(t.Context(), "other.example", "somebody")
	if err != nil {
		t.Fatal(err)
	}
	bad, _ := w.pushed("1002")
	w.denies(creating(t, pod(bad)), "1 images are being asked about already; try again")
	w.admits(creating(t, pod(good)))
	leave()
	w.denies(creating(t, pod(bad)), "no statement is stored")
}

func TestOneRegistryDoesNotKeepOthersWaiting(t *testing.T) {
	h := &hosts{each: 1, user: 3, all: 3}
	leave, err := h.enter(t.Context(), "slow.example", "a")
	if err != nil {
		t.Fatal(err)
	}
	other, err := h.enter(t.Context(), "other.example", "a")
	if err != nil {
		t.Fatal(err)
	}
	other()
	waiting := make(chan error)
	go func() {
		next, err := h.enter(t.Context(), "slow.example", "a")
		if err == nil {
			next()
		}
		waiting <- err
	}()
	leave()
	if err := <-waiting; err != nil || h.open != 0 || len(h.of) != 0 || len(h.by) != 0 {
		t.Errorf("%v; %d open, %d registries, %d users", err, h.open, len(h.of), len(h.by))
	}
}

// Nor does it take the places of the others with those that wait.
func TestOneRegistryDoesNotTakeAllPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hosts{each: 1, user: 4, all: 4}
		ctx, cancel := context.WithCancel(t.Context())
		for range 4 {
			go func() {
				if leave, err := h.enter(ctx, "slow.example", "a"); err == nil {
					<-ctx.Done()
					leave()
				}
			}()
		}
		synctest.Wait()
		if leave, err := h.enter(ctx, "other.example", "a"); err != nil {
			t.Error(err)
		} else {
			leave()
		}
		if _, err := h.enter(ctx, "slow.example", "a"); err == nil || err.Error() != "2 images of registry slow.example are being asked about already" {
			t.Error(err)
		}
		cancel()
	})
}

func TestALongRefusalIsRememberedInFewWords(t *testing.T) {
	w := newWorld(t)
	_, img := w.pushed("1002")
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: strings.Repeat("a", 1<<20)}}})
	d, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewDigest(w.host + "/shop/api@" + d.String())
	if err == nil {
		err = remote.WriteIndex(ref, index)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.hook.Policy.Policy.Platforms = []string{"linux/amd64"}
	w.denies(creating(t, pod(ref.Name())), "there is no image for linux/amd64")
	known, ok := w.hook.asker.refused.Get(ref.Name())
	if n := len(known.(answer).refused); !ok || n > most+3 {
		t.Errorf("%d bytes are remembered", n)
	}
}

// What fails in one request ends neither the gate nor the requests of others.
func TestACrash(t *testing.T) {
	w := newWorld(t)
	good := w.proven("1001")
	client := kubefake.NewClientset()
	client.PrependReactor("get", "serviceaccounts", func(clienttesting.Action) (bool, runtime.Object, error) { panic("broken") })
	w.hook.Client = client
	w.denies(creating(t, pod(good)), "podproof crashed on "+good, "please report it: broken")
	w.hook.Client = nil
	w.admits(creating(t, pod(good)))
}

func TestAPodOfManyImages(t *testing.T) {
	w := newWorld(t)
	bad, _ := w.pushed("1002")
	var images []string
	for i := range maxImages + 1 {
		images = append(images, fmt.Sprintf("%s/shop/%d@%s", w.host, i, bad[strings.Index(bad, "sha256:"):]))
	}
	w.asked.Store(0)
	w.denies(creating(t, pod(images...)), "it names 65 images, more than the 64 that podproof asks about at a time")
	if n := w.asked.Load(); n != 0 {
		t.Errorf("the registry was asked %d times", n)
	}
}
