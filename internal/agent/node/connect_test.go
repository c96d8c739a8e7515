package node

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestConnect(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
		if err != nil {
			t.Logf("%s: %v", address, err)
			continue
		}
		host, port, _ := net.SplitHostPort(l.Addr().String())
		if out := plant(t).says("connect", host, port); out != "" {
			t.Errorf("%q", out)
		}
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		l.Close()
		// Nobody is there now, which whoever comes next will see.
		tr := plant(t)
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			tr := tree{tr.Host, t}
			if tr.says("connect", host, port); time.Since(began) != 20*time.Second {
				t.Errorf("it gave up after %s", time.Since(began))
			}
		})
	}
}
