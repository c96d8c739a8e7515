package trial

import (
	"errors"
	"strings"
	"testing"
)

func TestSurvivedPanicIsAnError(t *testing.T) {
	if err := surviving(func() error { panic("no pod") })(); err == nil || !strings.Contains(err.Error(), "no pod") {
		t.Errorf("%v", err)
	}
	own := errors.New("own")
	if err := surviving(func() error { return own })(); err != own {
		t.Errorf("%v", err)
	}
}
