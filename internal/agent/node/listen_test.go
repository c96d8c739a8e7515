package node

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestListen(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration // until something listens
		took  time.Duration
	}{"at once": {0, 0}, "soon": {930 * time.Millisecond, time.Second}, "never": {time.Hour, 5 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			tr := plant(t)
			tr.process(9, onV1(id), map[string]string{"net/tcp": silent, "net/tcp6": tcp6})
			if c.after == 0 {
				tr.process(9, onV1(id), map[string]string{"net/tcp": tcp})
			}
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				tr := tree{tr.Host, t}
				if c.after > 0 {
					defer time.AfterFunc(c.after, func() { tr.process(9, onV1(id), map[string]string{"net/tcp": tcp}) }).Stop()
				}
				if out := tr.says("listen", id, "5"); out != "" || time.Since(began) != c.took {
					t.Errorf("it says %q after %s, want %s", out, time.Since(began), c.took)
				}
			})
		})
	}
}
