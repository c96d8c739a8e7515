package contract

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type namedProbe struct {
	name  string
	probe *ProbeFact
}

// probes are in the order in which they are taken for the health route: liveness asks
// whether the process lives, which is what health means; readiness may ask for more.
func probes(k ContainerFacts, protocols ...string) []namedProbe {
	all := []namedProbe{{"liveness", k.Liveness}, {"startup", k.Startup}, {"readiness", k.Readiness}}
	return slices.DeleteFunc(all, func(p namedProbe) bool { return p.probe == nil || !slices.Contains(protocols, p.probe.Protocol) })
}

func httpProbes(k ContainerFacts) []namedProbe { return probes(k, ProtocolHTTP, ProtocolHTTPS) }

// answers fills in where and how the workload answers. It leaves a worker alone, which nobody
// can ask: neither its manifests nor its image's HEALTHCHECK say that it serves. EXPOSE says
// nothing of that, since many base images have it.
func (d *deriver) answers(w WorkloadFacts, k ContainerFacts, img ImageFacts) error {
	check := HealthcheckURL(img.Healthcheck)
	deployed := len(w.Containers) > 0
	serves := d.c.Serves() || check != nil || len(k.Ports) > 0 || len(w.Services) > 0 ||
		len(probes(k, ProtocolHTTP, ProtocolHTTPS, ProtocolGRPC, ProtocolTCP)) > 0
	if deployed && !serves {
		return nil
	}
	d.health(w, k, check)
	if d.c.speaksGRPC() {
		return nil
	}
	return d.port(w, k, img)
}

func (d *deriver) health(w WorkloadFacts, k ContainerFacts, check *url.URL) {
	if d.c.HTTP.Health != "" || d.c.GRPC != nil {
		return
	}
	if all := httpProbes(k); len(all) > 0 {
		d.c.HTTP.Health = all[0].probe.Path
		d.note("http.health", d.c.HTTP.Health, fmt.Sprintf("the %s probe of %s", all[0].name, w.Object))
		return
	}
	if all := probes(k, ProtocolGRPC); len(all) > 0 {
		p := all[0].probe
		d.c.GRPC = &GRPC{Port: resolvePort(p.Port, k.Ports), Service: p.Service}
		d.note("grpc.port", d.c.GRPC.Port, fmt.Sprintf("the %s probe of %s", all[0].name, w.Object))
		return
	}
	if check != nil {
		d.c.HTTP.Health = check.RequestURI()
		d.note("http.health", d.c.HTTP.Health, "the image's HEALTHCHECK")
	}
}

// port finds the port that serves, and, where the health route is on another, that one.
func (d *deriver) port(w WorkloadFacts, k ContainerFacts, img ImageFacts) error {
	asked, from := d.askedPort(w, k)
	if d.c.HTTP.Port == 0 {
		port, why := servingPort(w, k, img, asked, d.c.HTTP.Scheme)
		if port == asked && from != "" {
			why = from
		}
		if port == 0 {
			return d.noPort(w, k, img)
		}
		d.c.HTTP.Port = port
		d.note("http.port", port, why)
		d.scheme(w, k, port, asked)
	}
	if d.c.HTTP.HealthPort == 0 && asked != 0 && asked != d.c.HTTP.Port {
		d.c.HTTP.HealthPort = asked
		d.note("http.healthPort", asked, from)
	}
	return nil
}

// scheme is HTTPS where no probe says which, and all Services' ports that lead there say TLS.
func (d *deriver) scheme(w WorkloadFacts, k ContainerFacts, port, asked int) {
	if d.c.HTTP.Scheme != "" || asked != 0 || d.c.HTTP.Health != "" {
		return
	}
	service := ""
	for _, p := range w.Services {
		switch {
		case resolvePort(p.Target, k.Ports) != port:
		case !p.speaksTLS(k.Ports):
			return
		default:
			service = p.Service
		}
	}
	if service != "" {
		d.c.HTTP.Scheme = SchemeHTTPS
		d.note("http.scheme", SchemeHTTPS, "service/"+service)
	}
}

// askedPort is the port that a probe asks for the health route, with the scheme and the header
// fields that go with it; 0 where no probe does.
func (d *deriver) askedPort(w WorkloadFacts, k ContainerFacts) (port int, from string) {
	for _, p := range httpProbes(k) {
		n := resolvePort(p.probe.Port, k.Ports)
		if p.probe.Path != d.c.HTTP.Health || n == 0 {
			continue
		}
		from = fmt.Sprintf("the %s probe of %s", p.name, w.Object)
		if d.c.HTTP.Scheme == "" && p.probe.Protocol == ProtocolHTTPS {
			d.c.HTTP.Scheme = SchemeHTTPS
			d.note("http.scheme", SchemeHTTPS, from)
		}
		if d.c.HTTP.Header == nil && len(p.probe.Header) > 0 {
			d.c.HTTP.Header = maps.Clone(p.probe.Header)
			d.note("http.header", strings.Join(slices.Sorted(maps.Keys(p.probe.Header)), ", "), from)
		}
		return n, from
	}
	if d.c.HTTP.Health != "" {
		return 0, ""
	}
	for _, p := range probes(k, ProtocolTCP) {
		if n := resolvePort(p.probe.Port, k.Ports); n != 0 {
			return n, fmt.Sprintf("the %s probe of %s", p.name, w.Object)
		}
	}
	return 0, ""
}

// noPort says that several ports may be the one. Where none is known, nothing can be asked,
// which the checks tell.
func (d *deriver) noPort(w WorkloadFacts, k ContainerFacts, img ImageFacts) error {
	if d.c.HTTP.Health == "" {
		return nil
	}
	if len(k.Ports) > 1 {
		return ambiguousPort(fmt.Sprintf("the container %s of %s declares %d ports", k.Name, w.Object, len(k.Ports)), portNumbers(k.Ports))
	}
	if exposed := tcpPorts(img.ExposedPorts); len(exposed) > 1 {
		return ambiguousPort(fmt.Sprintf("the image exposes %d ports", len(exposed)), exposed)
	}
	return nil
}

func ambiguousPort(why string, ports []int) error {
	e := &AmbiguousError{Field: "http.port", Why: why}
	for _, p := range ports {
		e.Candidates = append(e.Candidates, strconv.Itoa(p))
	}
	return e
}

// servingPort returns 0 where nothing says it, or too many things do. Asked is the port that a
// probe asks, which is the one unless the Services lead elsewhere: then it is a management port.
func servingPort(w WorkloadFacts, k ContainerFacts, img ImageFacts, asked int, scheme string) (int, string) {
	target, service := servicePort(w.Services, k.Ports, asked, scheme)
	switch {
	case target != 0:
		return target, "service/" + service
	case asked != 0:
		return asked, ""
	case len(k.Ports) == 1:
		return k.Ports[0].Number, fmt.Sprintf("the only port of the container %s of %s", k.Name, w.Object)
	}
	if n := resolvePort("http", k.Ports); n != 0 {
		return n, fmt.Sprintf("the port named http of %s", w.Object)
	}
	if len(k.Ports) > 1 {
		return 0, ""
	}
	if u := HealthcheckURL(img.Healthcheck); u != nil {
		if n, err := strconv.Atoi(u.Port()); err == nil {
			return n, "the image's HEALTHCHECK"
		}
	}
	if exposed := tcpPorts(img.ExposedPorts); len(exposed) == 1 {
		return exposed[0], "EXPOSE of the image"
	}
	return 0, ""
}

// servicePort is the container's port that the Services lead their HTTP users to: the one that
// is asked for, where they lead there, or else the one that says that it speaks HTTP, with TLS where
// the scheme is that, or else the first.
func servicePort(ports []ServicePortFact, named []PortFact, asked int, scheme string) (target int, service string) {
	best := 0
	for _, p := range ports {
		n := resolvePort(p.Target, named)
		rank := 1
		switch {
		case n == 0:
			continue
		case n == asked:
			rank = 5
		case p.speaksTLS(named) != (scheme == SchemeHTTPS):
			rank = 2
		case p.Name == "http", p.Name == "https", p.Name == "web":
			rank = 4
		case strings.HasPrefix(p.Name, "http"), strings.HasPrefix(p.AppProtocol, "http"):
			rank = 3
		}
		if rank == 2 && !p.speaksHTTP() {
			rank = 1
		}
		if rank > best {
			best, target, service = rank, n, p.Service
		}
	}
	return target, service
}

// speaksHTTP tells whether a Service's port says that it does, with TLS or without.
func (p ServicePortFact) speaksHTTP() bool {
	return strings.HasPrefix(p.Name, "http") || p.Name == "web" || strings.HasPrefix(p.AppProtocol, "http")
}

// speaksTLS tells whether a Service's port leads to TLS. That it is called https is not enough: in
// front of many a load balancer ends TLS, and the pod is asked in plain HTTP.
func (p ServicePortFact) speaksTLS(named []PortFact) bool {
	if !strings.HasPrefix(p.Name, "https") && p.AppProtocol != "https" && p.Number != 443 {
		return false
	}
	n := resolvePort(p.Target, named)
	return strings.HasPrefix(p.Target, "https") || n == 443 || n == 8443 || n == 9443 ||
		slices.ContainsFunc(named, func(f PortFact) bool { return f.Number == n && strings.HasPrefix(f.Name, "https") })
}

func resolvePort(port string, named []PortFact) int {
	if n, err := strconv.Atoi(port); err == nil {
		return n
	}
	for _, p := range named {
		if p.Name == port {
			return p.Number
		}
	}
	return 0
}

func portNumbers(ports []PortFact) []int {
	var out []int
	for _, p := range ports {
		out = append(out, p.Number)
	}
	return out
}

func tcpPorts(exposed []string) []int {
	var out []int
	for _, e := range exposed {
		number, protocol, _ := strings.Cut(e, "/")
		if n, err := strconv.Atoi(number); err == nil && (protocol == "" || protocol == "tcp") {
			out = append(out, n)
		}
	}
	return out
}

// urlInCommand ends where a shell, Python or JavaScript would end the string.
var urlInCommand = regexp.MustCompile(`https?://[^\s'"()|;&<>]+`)

// HealthcheckURL finds the address that the image's HEALTHCHECK asks, whatever client it uses.
// It is nil where the command holds none.
func HealthcheckURL(command []string) *url.URL {
	u, err := url.Parse(urlInCommand.FindString(strings.Join(command, " ")))
	if err != nil || u.Host == "" {
		return nil
	}
	return u
}

var (
	// ownAddress is one of the container itself, with or without a scheme: "localhost:9898/healthz".
	ownAddress = regexp.MustCompile(`(?:(https?)://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(\d+)(/[^\s'"()|;&<>]*)?`)
	// grpcAddress is what grpc_health_probe is given.
	grpcAddress = regexp.MustCompile(`grpc[_-]health[_-]probe\b.*?-addr[= ]\S*?:(\d+)`)
)

// CommandProbe reads what a probe's command asks the container itself, whatever client it uses.
// It is nil where the command shows no address of the container.
func CommandProbe(command []string) *ProbeFact {
	line := strings.Join(command, " ")
	if m := grpcAddress.FindStringSubmatch(line); m != nil {
		return &ProbeFact{Protocol: ProtocolGRPC, Port: m[1]}
	}
	m := ownAddress.FindStringSubmatch(line)
	if m == nil || m[1] == "" && m[3] == "" { // "-h localhost:5432" is no URL
		return nil
	}
	p := &ProbeFact{Protocol: ProtocolHTTP, Port: m[2], Path: m[3]}
	if m[1] != "" {
		p.Protocol = m[1]
	}
	if p.Path == "" {
		p.Path = "/"
	}
	return p
}

// Endpoint is what a probe asks, with its port as a number. It is false where that cannot be
// known: a command, or a port that the container does not name.
func (p *ProbeFact) Endpoint(ports []PortFact) (Endpoint, bool) {
	if p == nil || p.Protocol == "" {
		return Endpoint{}, false
	}
	n := resolvePort(p.Port, ports)
	return Endpoint{Protocol: p.Protocol, Port: n, Path: p.Path, Header: p.Header, Service: p.Service}, n != 0
}
