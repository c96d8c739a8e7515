package node

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	if got := clock(time.Unix(1795515600, 12345678)); got != "1795515600.012345678" {
		t.Errorf("%s", got)
	}
	tr := plant(t)
	before := clock(time.Now())
	if said := tr.says("clock"); said < before || said > clock(time.Now())+"\n" {
		t.Errorf("it is %s, and was %s", said, before)
	}
}
