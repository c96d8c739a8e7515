package node

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestUnreached(t *testing.T) {
	const later = "3f1c6d0be7f04d0b8a5e7c2d91f0a4b3"
	tr := plant(t)
	tr.process(9, onV2(id), map[string]string{"net/tcp": tcp, "net/tcp6": tcp6})
	tr.process(10, onV2(other), map[string]string{"net/tcp": silent, "net/tcp6": tcp6})
	for from, want := range map[string]string{
		"0500F40A": other + "\n" + later + "9\n",             // established
		"0800F40A": later + "9\n",                            // the same over IPv6
		"0600F40A": id + "\n" + other + "\n" + later + "9\n", // closed, TIME_WAIT
		"0700F40A": id + "\n" + other + "\n" + later + "9\n", // its own address
	} {
		if got := tr.says("unreached", from, id, other, later+"9"); got != want {
			t.Errorf("from %s: %q, want %q", from, got, want)
		}
	}
}

// A connection that is not there any more at the second look is not kept.
func TestUnreachedLooksTwice(t *testing.T) {
	tr := plant(t)
	tr.process(9, onV2(id), map[string]string{"net/tcp": tcp})
	synctest.Test(t, func(t *testing.T) {
		time.AfterFunc(100*time.Millisecond, func() { tr.write(tr.Proc, "9/net/tcp", silent) })
		tr := tree{tr.Host, t}
		if got := tr.says("unreached", "0500F40A", id); got != id+"\n" {
			t.Errorf("it says %q", got)
		}
	})
}
