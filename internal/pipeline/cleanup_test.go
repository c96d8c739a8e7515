package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCleanupRemovesTheNewestFirstAndGoesOn(t *testing.T) {
	var c cleanup
	var did []string
	stuck := errors.New("it is stuck")
	add := func(what string, end func() error) {
		c.add("removing "+what, func(ctx context.Context) error {
			did = append(did, what)
			if err := ctx.Err(); err != nil {
				t.Errorf("%s: the context has ended: %v", what, err)
			}
			return end()
		})
	}
	fine := func() error { return nil }
	add("the folder", fine)
	add("the cluster", func() error { return stuck })
	add("the image", func() error { panic("no image") })
	add("the pod", fine)

	err := c.run()
	if diff := cmp.Diff([]string{"the pod", "the image", "the cluster", "the folder"}, did); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !errors.Is(err, stuck) {
		t.Errorf("the error %v is not the cluster's", err)
	}
	for _, part := range []string{"removing the cluster: it is stuck", "removing the image: ", "no image"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %v, want %q in it", err, part)
		}
	}

	if err := c.run(); err != nil || len(did) != 4 {
		t.Errorf("a second run removes again: %q (%v)", did, err)
	}
}
