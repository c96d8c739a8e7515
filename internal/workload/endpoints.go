package workload

import (
	"fmt"
	"slices"
	"strings"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"

	"podproof.dev/podproof/internal/evidence"
)

// routed takes in one state of an EndpointSlice, which is where a Service's requests go.
func (o *Observer) routed(s *discoveryv1.EndpointSlice) {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, what := range rerouted(o.slices[s.Name], s) {
		o.endpoints = append(o.endpoints, evidence.Mark{At: now, Source: "watch", What: what})
	}
	o.slices[s.Name] = s
	o.broadcast()
}

// Endpoints are the changes of the namespace's EndpointSlices since a time.
func (o *Observer) Endpoints(since time.Time) []evidence.Mark {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(o.endpoints), func(m evidence.Mark) bool { return m.At.Before(since) })
}

// rerouted puts into words what differs between two states of an EndpointSlice:
// "api: pod api-7d9f: ready → terminating, serving".
func rerouted(was, is *discoveryv1.EndpointSlice) []string {
	before := map[string]string{}
	if was != nil {
		for _, e := range was.Endpoints {
			before[target(e)] = conditions(e)
		}
	}
	var out []string
	service := is.Labels[discoveryv1.LabelServiceName]
	for _, e := range is.Endpoints {
		t, now := target(e), conditions(e)
		if before[t] != now {
			out = append(out, fmt.Sprintf("service/%s, %s: %s", service, t, now))
		}
		delete(before, t)
	}
	var gone []string
	for t := range before {
		gone = append(gone, fmt.Sprintf("service/%s, %s: no endpoint any more", service, t))
	}
	slices.Sort(gone)
	return append(out, gone...)
}

func target(e discoveryv1.Endpoint) string {
	if e.TargetRef != nil {
		return strings.ToLower(e.TargetRef.Kind) + " " + e.TargetRef.Name
	}
	return strings.Join(e.Addresses, ", ")
}

// conditions are those of an endpoint, in words (discovery.k8s.io/v1 EndpointConditions).
func conditions(e discoveryv1.Endpoint) string {
	is := func(b *bool) bool { return b != nil && *b }
	c := e.Conditions
	switch {
	case is(c.Terminating) && is(c.Serving):
		return "terminating, still serving"
	case is(c.Terminating):
		return "terminating, not serving"
	case is(c.Ready):
		return "ready"
	}
	return "not ready"
}
