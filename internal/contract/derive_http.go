package contract

import (
	"fmt"
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
func probes(k ContainerFacts) []namedProbe {
	all := []namedProbe{{"liveness", k.Liveness}, {"startup", k.Startup}, {"readiness", k.Readiness}}
	return slices.DeleteFunc(all, func(p namedProbe) bool { return p.probe == nil || p.probe.Path == "" })
}

func (d *deriver) health(w WorkloadFacts, k ContainerFacts, img ImageFacts) {
	if d.c.HTTP.Health != "" {
		return
	}
	if all := probes(k); len(all) > 0 {
		d.c.HTTP.Health = all[0].probe.Path
		d.note("http.health", d.c.HTTP.Health, fmt.Sprintf("the %s probe of %s", all[0].name, w.Object))
		return
	}
	if u := HealthcheckURL(img.Healthcheck); u != nil {
		d.c.HTTP.Health = u.RequestURI()
		d.note("http.health", d.c.HTTP.Health, "the image's HEALTHCHECK")
	}
}

func (d *deriver) port(w WorkloadFacts, k ContainerFacts, img ImageFacts) error {
	if d.c.HTTP.Port != 0 {
		return nil
	}
	port, from := portOf(w, k, img, d.c.HTTP.Health)
	if port != 0 {
		d.c.HTTP.Port = port
		d.note("http.port", port, from)
		return nil
	}
	// Without a route to ask nobody needs to know which port speaks HTTP.
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

// portOf returns 0 where nothing says it, or too many things do.
func portOf(w WorkloadFacts, k ContainerFacts, img ImageFacts, health string) (int, string) {
	for _, p := range probes(k) {
		if p.probe.Path == health {
			if n := resolvePort(p.probe.Port, k.Ports); n != 0 {
				return n, fmt.Sprintf("the %s probe of %s", p.name, w.Object)
			}
		}
	}
	if len(k.Ports) == 1 {
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
