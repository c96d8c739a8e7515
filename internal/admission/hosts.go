package admission

import (
	"context"
	"fmt"
	"sync"
)

// hosts bounds how many images are asked about at once: so many of one registry, for one that hangs must not keep
// the others waiting, so many for one user, who could name registries without end, and so many in all. Those that
// wait for one registry are at most half of all.
type hosts struct {
	each, user, all int

	mu   sync.Mutex
	open int
	of   map[string]*host
	by   map[string]int // how many each user has
}

type host struct {
	slots chan struct{}
	users int
}

// enter waits for a place; leave gives it back.
func (h *hosts) enter(ctx context.Context, name, who string) (leave func(), err error) {
	h.mu.Lock()
	if h.open >= h.all {
		h.mu.Unlock()
		return nil, fmt.Errorf("%d images are being asked about already", h.all)
	}
	if n := h.by[who]; n >= h.user {
		h.mu.Unlock()
		return nil, fmt.Errorf("%d images are being asked about for %s already", n, who)
	}
	at := h.of[name]
	if at != nil && at.users >= max(h.each, (h.all+1)/2) {
		err := fmt.Errorf("%d images of registry %s are being asked about already", at.users, name)
		h.mu.Unlock()
		return nil, err
	}
	h.open++
	if h.of == nil {
		h.of, h.by = map[string]*host{}, map[string]int{}
	}
	h.by[who]++
	if at == nil {
		at = &host{slots: make(chan struct{}, h.each)}
		h.of[name] = at
	}
	at.users++
	h.mu.Unlock()
	gone := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.open--
		if h.by[who]--; h.by[who] == 0 {
			delete(h.by, who)
		}
		if at.users--; at.users == 0 {
			delete(h.of, name)
		}
	}
	select {
	case at.slots <- struct{}{}:
		return func() { <-at.slots; gone() }, nil
	case <-ctx.Done():
		gone()
		return nil, fmt.Errorf("%d images of registry %s are being asked about, and it is slow", h.each, name)
	}
}
