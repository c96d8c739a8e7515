package engine

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// network is what the private engine's containers are connected with: a bridge in the first /24 of a /16 that
// nothing else on the host uses, networks that containers ask for in its upper half, and three firewall rules.
type network struct {
	bridge string
	prefix netip.Prefix // the /16
	mtu    int
}

func (n network) gateway() netip.Prefix { return netip.PrefixFrom(n.prefix.Addr().Next(), 24) }

func (n network) pool() netip.Prefix {
	a := n.prefix.Addr().As4()
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{a[0], a[1], 128, 0}), 17)
}

// kindPods are the addresses of the pods in kind's clusters
// (kind, pkg/internal/apis/config/default.go).
const kindPods = "10.244.0.0/16"

// rules let containers reach out, as the ones that dockerd would write.
func (n network) rules() [][]string {
	subnet, mark := n.prefix.String(), []string{"-m", "comment", "--comment", "podproof engine"}
	return [][]string{
		append([]string{"nat", "POSTROUTING", "-s", subnet, "!", "-d", subnet, "-j", "MASQUERADE"}, mark...),
		append([]string{"filter", "FORWARD", "-s", subnet, "-j", "ACCEPT"}, mark...),
		// The pods of a cluster of several nodes, whose addresses are not the nodes'.
		append([]string{"filter", "FORWARD", "-s", kindPods, "-d", kindPods, "-j", "ACCEPT"}, mark...),
		append([]string{"filter", "FORWARD", "-d", subnet, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"}, mark...),
	}
}

// connect makes what is missing of the network. What an earlier run left is used again.
func (p private) connect() (network, error) {
	n, err := p.network()
	if err != nil {
		return n, err
	}
	if _, err := net.InterfaceByName(n.bridge); err != nil {
		if err := command("ip", "link", "add", n.bridge, "type", "bridge"); err != nil {
			return n, err
		}
	}
	if err := command("ip", "address", "replace", n.gateway().String(), "dev", n.bridge); err != nil {
		return n, err
	}
	if err := command("ip", "link", "set", n.bridge, "up"); err != nil {
		return n, err
	}
	for _, rule := range n.rules() {
		if command("iptables", iptables("-C", rule)...) == nil {
			continue
		}
		if err := command("iptables", iptables("-I", rule)...); err != nil {
			return n, err
		}
	}
	return n, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1\n"), 0)
}

// disconnect removes the rules and every interface with an address in the subnet: the bridge, and those of
// networks that containers asked for.
func (p private) disconnect() error {
	n, err := p.network()
	if err != nil {
		return err
	}
	for _, rule := range n.rules() {
		for command("iptables", iptables("-C", rule)...) == nil {
			if err := command("iptables", iptables("-D", rule)...); err != nil {
				return err
			}
		}
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range interfaces {
		if i.Name == n.bridge || inside(i, n.prefix) {
			if err := command("ip", "link", "delete", i.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func inside(i net.Interface, prefix netip.Prefix) bool {
	addresses, _ := i.Addrs()
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && prefix.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

func iptables(action string, rule []string) []string {
	return append([]string{"--wait", "-t", rule[0], action}, rule[1:]...)
}

// network returns the subnet chosen at the first start. The engine keeps networks on disk, so it stays.
func (p private) network() (network, error) {
	n := network{bridge: "pp-" + p.id}
	routes, mtu, err := routes("/proc/net/route")
	if err != nil {
		return n, err
	}
	n.mtu = mtu
	file := filepath.Join(p.state, "subnet")
	text, err := os.ReadFile(file)
	if err == nil {
		n.prefix, err = netip.ParsePrefix(strings.TrimSpace(string(text)))
		return n, err
	}
	if n.prefix, err = freeSubnet(routes); err != nil {
		return n, err
	}
	return n, os.WriteFile(file, []byte(n.prefix.String()+"\n"), 0o644)
}

// freeSubnet returns a /16 of 10.0.0.0/8 that no route touches, away from those that kind gives to pods
// (10.244) and Services (10.96).
func freeSubnet(taken []netip.Prefix) (netip.Prefix, error) {
next:
	for second := byte(201); second < 240; second++ {
		candidate := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, second, 0, 0}), 16)
		for _, t := range taken {
			if t.Overlaps(candidate) {
				continue next
			}
		}
		return candidate, nil
	}
	return netip.Prefix{}, errors.New("no free subnet: every one from 10.201.0.0/16 to 10.239.0.0/16 overlaps with a route of this host (ip route)")
}

// routes reads the kernel's IPv4 routes, and the MTU of the interface that the default route uses (1500 without one).
func routes(file string) ([]netip.Prefix, int, error) {
	table, err := os.Open(file)
	if err != nil {
		return nil, 0, err
	}
	defer table.Close()
	var prefixes []netip.Prefix
	mtu := 1500
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 8 || fields[0] == "Iface" {
			continue
		}
		destination, err := address(fields[1])
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %q: %w", file, lines.Text(), err)
		}
		mask, err := address(fields[7])
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %q: %w", file, lines.Text(), err)
		}
		m := mask.As4()
		if bits, _ := net.IPMask(m[:]).Size(); bits > 0 {
			prefixes = append(prefixes, netip.PrefixFrom(destination, bits))
		} else if i, err := net.InterfaceByName(fields[0]); err == nil {
			mtu = i.MTU
		}
	}
	return prefixes, mtu, lines.Err()
}

// address decodes the table's form: hexadecimal, in the byte order of the host.
func address(text string) (netip.Addr, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return netip.Addr{}, err
	}
	if len(raw) != 4 {
		return netip.Addr{}, fmt.Errorf("address %q is not 4 bytes", text)
	}
	var a [4]byte
	binary.NativeEndian.PutUint32(a[:], binary.BigEndian.Uint32(raw))
	return netip.AddrFrom4(a), nil
}

func command(name string, args ...string) error {
	if said, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %s (%w)", name, strings.Join(args, " "), strings.TrimSpace(string(said)), err)
	}
	return nil
}
