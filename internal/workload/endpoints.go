package workload

import (
	"maps"
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
	for _, m := range rerouted(o.slices[s.Name], s) {
		o.endpoints = append(o.endpoints, m.On(now))
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

// rerouted are what differs between two states of an EndpointSlice, by the order of its endpoints.
func rerouted(was, is *discoveryv1.EndpointSlice) []evidence.Mark {
	before := map[string]string{}
	if was != nil {
		for _, e := range was.Endpoints {
			before[target(e)] = route(e)
		}
	}
	var out []evidence.Mark
	service := "service/" + is.Labels[discoveryv1.LabelServiceName] + ", "
	for _, e := range is.Endpoints {
		t, now := target(e), route(e)
		if before[t] != now {
			out = append(out, evidence.RouteIs(service+t, now))
		}
		delete(before, t)
	}
	for _, t := range slices.Sorted(maps.Keys(before)) {
		out = append(out, evidence.RouteIs(service+t, evidence.RouteGone))
	}
	return out
}

func target(e discoveryv1.Endpoint) string {
	if e.TargetRef != nil {
		return strings.ToLower(e.TargetRef.Kind) + " " + e.TargetRef.Name
	}
	return strings.Join(e.Addresses, ", ")
}

// route is what an endpoint is to its Service (discovery.k8s.io/v1, EndpointConditions).
func route(e discoveryv1.Endpoint) string {
	is := func(b *bool) bool { return b != nil && *b }
	c := e.Conditions
	switch {
	case is(c.Terminating) && is(c.Serving):
		return evidence.RouteServing
	case is(c.Terminating):
		return evidence.RouteEnding
	case is(c.Ready):
		return evidence.RouteReady
	}
	return evidence.RouteNotReady
}
