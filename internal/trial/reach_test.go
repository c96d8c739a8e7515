package trial

import (
	"net/netip"
	"testing"
)

func TestProcAddress(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1":       "0100007F",
		"10.244.0.7":      "0700F40A",
		"fd00:10:244::1a": "100000FD" + "00004402" + "00000000" + "1A000000",
	} {
		if got := procAddress(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is %s, want %s", address, got, want)
		}
	}
}
