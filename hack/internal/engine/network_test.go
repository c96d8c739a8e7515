package engine

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRoutes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "route")
	// As a little-endian machine writes it, which all are that Docker runs on, save s390x.
	table := "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n" +
		"none0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
	if err := os.WriteFile(file, []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	got, mtu, err := routes(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := []netip.Prefix{netip.MustParsePrefix("172.17.0.0/16")}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if mtu != 1500 {
		t.Errorf("MTU %d without a known interface, want 1500", mtu)
	}
}

func TestFreeSubnet(t *testing.T) {
	taken := []netip.Prefix{netip.MustParsePrefix("10.201.3.0/24"), netip.MustParsePrefix("10.202.0.0/15")}
	got, err := freeSubnet(taken)
	if want := netip.MustParsePrefix("10.204.0.0/16"); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if got, err := freeSubnet([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}); err == nil {
		t.Errorf("got %v where all of 10.0.0.0/8 is taken", got)
	}
}

func TestNetworkKeepsBridgeAndPoolApart(t *testing.T) {
	n := network{prefix: netip.MustParsePrefix("10.201.0.0/16")}
	if got := n.gateway().String(); got != "10.201.0.1/24" {
		t.Errorf("gateway %s", got)
	}
	if got := n.pool().String(); got != "10.201.128.0/17" {
		t.Errorf("pool %s", got)
	}
	if n.gateway().Overlaps(n.pool()) {
		t.Error("the bridge's network lies in the pool")
	}
}
