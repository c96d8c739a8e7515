package admission

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/util/cache"

	"podproof.dev/podproof/internal/attest"
)

// Bounds are those of what is asked of registries and remembered. The policy is one for the life of the
// process, so that an answer is about a digest by that policy.
type Bounds struct {
	// Keep is how long an image counts as proven without being asked about again, Refused how long as not proven.
	Keep, Refused time.Duration
	// Remembered is how many proven images are kept, and how many refused ones.
	Remembered int
	// Fetch is how long a registry may take for one image. A request may be answered before that: what comes
	// later is there for the next one.
	Fetch time.Duration
	// PerRegistry, PerUser and InAll are how many images are asked about at once.
	PerRegistry, PerUser, InAll int
}

// UsualBounds suit a webhook that has 10 s and 128 MiB.
func UsualBounds() Bounds {
	return Bounds{Keep: 5 * time.Minute, Refused: 10 * time.Second, Remembered: 4096, Fetch: 30 * time.Second, PerRegistry: 16, PerUser: maxImages, InAll: 256}
}

// asker knows which images are proven.
type asker struct {
	Bounds
	policy attest.GateOptions
	now    func() time.Time

	flights singleflight.Group
	places  *hosts
	// Anybody can have many images refused, which must not drive the others out.
	passed, refused *cache.LRUExpireCache
}

func newAsker(policy attest.GateOptions, b Bounds, now func() time.Time) *asker {
	remembers := func() *cache.LRUExpireCache { return cache.NewLRUExpireCacheWithClock(b.Remembered, clock(now)) }
	return &asker{Bounds: b, policy: policy, now: now, places: &hosts{each: b.PerRegistry, user: b.PerUser, all: b.InAll}, passed: remembers(), refused: remembers()}
}

type clock func() time.Time

// Now is for the cache.
func (c clock) Now() time.Time { return c() }

// proven tells whether an image is; several of one user that ask at once share one answer. What is known already
// asks nobody for a password.
func (a *asker) proven(ctx context.Context, where name.Digest, who string, keys func() (keychain, error)) answer {
	image := where.Name()
	if known, ok := a.refused.Get(image); ok {
		return known.(answer)
	}
	if _, ok := a.passed.Get(image); ok {
		return answer{}
	}
	chain, note := keys()
	// Of one user: who has all his places taken must not have others refused with him.
	said := a.flights.DoChan(image+" "+chain.id+" "+who, func() (any, error) {
		// The flight is everybody's: it does not end with the request that began it.
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), a.Fetch, fmt.Errorf("it was not done within %s", a.Fetch))
		defer cancel()
		return a.ask(ctx, where, who, chain), nil
	})
	select {
	case r := <-said:
		out := r.Val.(answer)
		if out.unasked && note != nil {
			out.refused += "; " + note.Error()
		}
		return out
	case <-ctx.Done():
		return answer{unasked: true, refused: fmt.Sprintf("registry %s has not said in time whether %s is proven, so that it is refused for now; it is being asked on, for the next try (`podproof gate %s` shows what it says)", where.RegistryStr(), image, image)}
	}
}

// ask asks the registry, and remembers what it says.
func (a *asker) ask(ctx context.Context, where name.Digest, who string, chain authn.Keychain) (out answer) {
	image := where.Name()
	defer func() {
		if p := recover(); p != nil { // else one hostile answer of a registry would end the gate for all
			out = answer{unasked: true, refused: crashed(image, p)}
		}
	}()
	leave, err := a.places.enter(ctx, where.RegistryStr(), who)
	if err != nil {
		return away(image, err)
	}
	defer leave()
	o := a.policy
	o.Image, o.Keychain, o.Now = image, chain, a.now()
	g, err := attest.Gate(ctx, o)
	switch {
	case errors.As(err, new(*attest.InputError)):
		return answer{refused: err.Error()}
	case err != nil:
		return away(image, err)
	case g.Report.ExitCode() != 0:
		out = answer{refused: cut(Refusal(g))} // which may quote what a registry has
		a.passed.Remove(image)
		a.refused.Add(image, out, a.Refused)
		return out
	}
	if left := g.Until.Sub(o.Now); left > 0 {
		a.refused.Remove(image)
		a.passed.Add(image, nil, min(a.Keep, left))
	}
	return answer{}
}

// resolve asks what a tag leads to now.
func (a *asker) resolve(ctx context.Context, where name.Reference, who string, keys func() (keychain, error)) (string, error) {
	leave, err := a.places.enter(ctx, where.Context().RegistryStr(), who)
	if err != nil {
		return "", err
	}
	defer leave()
	chain, note := keys()
	digest, err := attest.Resolve(ctx, where.Name(), a.policy.Version, chain)
	if err != nil && note != nil {
		err = fmt.Errorf("%w; %w", err, note)
	}
	return digest, err
}

// away is the answer where the registry gave none.
func away(image string, err error) answer {
	return answer{unasked: true, refused: fmt.Sprintf("the registry could not be asked whether %s is proven, so that it is refused for now: %v; try again when it answers (`podproof gate %s` shows what it says)", image, err, image)}
}
