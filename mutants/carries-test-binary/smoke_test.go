// Package smoke is a test that somebody ships in the image, to run it there.
package smoke

import (
	"net"
	"testing"
	"time"
)

func TestListens(t *testing.T) {
	connection, err := net.DialTimeout("tcp", "127.0.0.1:8000", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	connection.Close()
}
