package trial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

const (
	healthAttempts = 30
	// inVain is how often a workload is asked that has no Ready pod.
	inVain        = 3
	healthEvery   = time.Second
	healthTimeout = 5 * time.Second
	maxBody       = 1024
	// mostRedirects are followed, as many as a kubelet follows (pkg/probe/http/request.go).
	mostRedirects = 10
)

// Health asks for the workload's health from the agent's pod, until the answer is one that a
// kubelet takes or 30 attempts at one a second are used up: through the Service that leads to
// the port, or straight at a pod where none does.
var Health = Trial{
	ID:       "health",
	Sections: []evidence.Section{evidence.SectionHealth},
	Doing:    "Asking for its health", Done: "Health asked",
	Needs:   NeedAgent | NeedServing,
	Within:  lookReady,
	usually: usually{own: time.Second},
	Rights:  serviceRights,
	Run:     sees(askForHealth, func(e *evidence.Evidence, h *evidence.Health) { e.Health = h }),
}

func askForHealth(ctx context.Context, b *TestBed) (*evidence.Health, error) {
	p, err := b.runningPod()
	if err != nil {
		return nil, err
	}
	e := b.Asked.Health
	if e.Port == 0 {
		return nil, errNoPort
	}
	h := &evidence.Health{From: "podproof's agent in the cluster", Protocol: e.Protocol}
	address, err := b.serviceAddress(ctx, b.Services, e.Port)
	switch {
	case err == nil:
		h.Through = "the Service"
	case e.Port == b.Asked.Load.Port && leadsSomewhere(b.Services):
		return nil, err // its users would be led elsewhere, too
	default:
		h.Through, address = "no Service, straight at pod "+p.Name, at(p.Status.PodIP, e)
	}
	h.URL = place(e, address)
	attempts := healthAttempts
	if !workload.IsReady(p) {
		attempts = inVain
	}
	began := time.Now()
	h.Attempts, err = b.askHealth(ctx, stream("", e, address), attempts)
	for range mostRedirects {
		last := len(h.Attempts) - 1
		to := ""
		if last >= 0 {
			e, to = follow(e, address, h.Attempts[last])
		}
		if err != nil || to == "" {
			break
		}
		var more []evidence.HTTPAttempt
		more, err = b.askHealth(ctx, stream("", e, to), 1)
		for i := range more {
			more[i].URL = place(e, to)
		}
		address = to
		h.Attempts = append(h.Attempts, more...)
	}
	h.Seconds = time.Since(began).Seconds()
	if err != nil {
		return nil, err
	}
	return h, nil
}

// leadsSomewhere tells whether one of the Services has a cluster address.
func leadsSomewhere(services []corev1.Service) bool {
	return slices.ContainsFunc(services, func(s corev1.Service) bool { return s.Spec.ClusterIP != corev1.ClusterIPNone })
}

// place says what is asked where, as a URL where it has one.
func place(e contract.Endpoint, address string) string {
	switch e.Protocol {
	case contract.ProtocolGRPC, contract.ProtocolTCP:
		return e.Protocol + "://" + address
	}
	return e.Protocol + "://" + address + e.Path
}

// askHealth asks so often, until an answer is one that a kubelet takes.
func (b *TestBed) askHealth(ctx context.Context, s agent.Stream, attempts int) ([]evidence.HTTPAttempt, error) {
	s.Name, s.Count, s.Every, s.Timeout = evidence.StreamHealth, attempts, int(healthEvery.Milliseconds()), int(healthTimeout.Milliseconds())
	load, err := b.StartLoad(ctx, agent.Plan{Streams: []agent.Stream{s}})
	if err != nil {
		return nil, err
	}
	defer load.cancel()
	err = load.Until(ctx, func(_ int, rs []evidence.Request) bool {
		return len(rs) >= attempts || slices.ContainsFunc(rs, served)
	})
	if err != nil {
		return nil, err
	}
	rs, err := load.Stop(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(rs, served); i >= 0 {
		rs = rs[:i+1] // one that was sent meanwhile was not asked for
	}
	var out []evidence.HTTPAttempt
	for _, r := range rs {
		out = append(out, evidence.HTTPAttempt{At: r.Start, Status: r.Status, Body: r.Body[:min(len(r.Body), maxBody)],
			Location: location(r.Head), Failure: r.Failure, Error: r.Error, Seconds: r.End})
	}
	return out, nil
}

// location is where a redirect sends to, from the answer's header fields.
func location(head string) string {
	for line := range strings.Lines(head) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, "Location") {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// follow is what a redirect sends to, and its address. A kubelet follows one to the same host,
// and takes one to another for a success (pkg/probe/http/http.go); the address is empty then.
func follow(e contract.Endpoint, address string, a evidence.HTTPAttempt) (contract.Endpoint, string) {
	if a.Location == "" || a.Status < http.StatusMultipleChoices || a.Status >= http.StatusBadRequest {
		return e, ""
	}
	host, _, err := net.SplitHostPort(address)
	from, parsed := url.Parse(place(e, address))
	if errors.Join(err, parsed) != nil {
		return e, ""
	}
	to, err := from.Parse(a.Location)
	if err != nil || to.Hostname() != host || to.Scheme != contract.SchemeHTTP && to.Scheme != contract.SchemeHTTPS {
		return e, ""
	}
	port := to.Port()
	if port == "" {
		port = map[string]string{contract.SchemeHTTP: "80", contract.SchemeHTTPS: "443"}[to.Scheme]
	}
	e.Protocol, e.Path = to.Scheme, to.RequestURI()
	return e, net.JoinHostPort(host, port)
}

// serviceAddress is the cluster address of the Service port that leads to the workload's port.
func (b *TestBed) serviceAddress(ctx context.Context, services []corev1.Service, port int) (string, error) {
	for _, s := range services {
		for _, sp := range s.Spec.Ports {
			if !b.leadsTo(sp, port) {
				continue
			}
			live, err := b.client().CoreV1().Services(b.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
			if err != nil {
				return "", fmt.Errorf("reading service/%s: %w", s.Name, err)
			}
			if live.Spec.ClusterIP == corev1.ClusterIPNone || live.Spec.ClusterIP == "" {
				continue // a headless Service has no address of its own
			}
			return net.JoinHostPort(live.Spec.ClusterIP, strconv.Itoa(int(sp.Port))), nil
		}
	}
	return "", fmt.Errorf("no Service with a cluster address selects the pods of %s and leads to port %d; add one to the manifests, or correct http.port", b.Subject, port)
}

func (b *TestBed) leadsTo(sp corev1.ServicePort, port int) bool {
	if sp.TargetPort == (intstr.IntOrString{}) {
		return int(sp.Port) == port
	}
	if sp.TargetPort.Type == intstr.Int {
		return sp.TargetPort.IntValue() == port
	}
	return slices.ContainsFunc(b.Subject.Template.Spec.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
			return p.Name == sp.TargetPort.StrVal && int(p.ContainerPort) == port
		})
	})
}
