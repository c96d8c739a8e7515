package trial

import (
	"context"
	"time"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// Responses sends one request each to the routes that are known, and some that ask for an
// error page, and keeps the whole answers.
var Responses = Trial{
	ID:       "responses",
	Sections: []evidence.Section{evidence.SectionResponses},
	Needs:    NeedReady | NeedAgent | NeedServing,
	Within:   lookReady,
	usually:  usually{own: time.Second},
	Run:      sees(askRoutes, func(e *evidence.Evidence, rs []evidence.Response) { e.Responses = rs }),
}

func askRoutes(ctx context.Context, b *TestBed) ([]evidence.Response, error) {
	p, err := b.readyPod()
	if err != nil {
		return nil, err
	}
	var asked []evidence.Response
	var plan agent.Plan
	ask := func(name string, port int, s agent.Stream) {
		s.Name, s.Count = name, 1
		plan.Streams = append(plan.Streams, s)
		asked = append(asked, evidence.Response{Name: name, Method: s.Method, Path: s.Path, Protocol: s.Protocol, Port: port, Service: s.Service})
	}
	a, ip := b.Asked, p.Status.PodIP
	ask(evidence.StreamHealth, a.Health.Port, stream("", a.Health, at(ip, a.Health)))
	ask(evidence.StreamReady, a.Ready.Port, stream("", a.Ready, at(ip, a.Ready)))
	route := func(name string, r Route) { ask(name, a.Load.Port, a.request("", r, ip)) }
	if a.Load.Protocol != contract.ProtocolGRPC { // which has no routes
		route("not found", Route{Method: "GET", Path: "/podproof/" + b.Run})
		route("not allowed", Route{Method: "DELETE", Path: a.Load.Path})
	}
	if a.Query != nil {
		route(evidence.StreamQuery, *a.Query)
	}
	if a.Upload != nil {
		route("upload", *a.Upload)
		malformed := *a.Upload
		malformed.Body = "{podproof"
		route("malformed upload", malformed)
	}
	load, err := b.StartLoad(ctx, plan)
	if err != nil {
		return nil, err
	}
	defer load.cancel()
	if err := load.Until(ctx, func(_ int, rs []evidence.Request) bool { return len(rs) == len(asked) }); err != nil {
		return nil, err
	}
	requests, err := load.Stop(ctx)
	for _, r := range requests {
		for i := range asked {
			if asked[i].Name == r.Stream {
				asked[i].Request = r
			}
		}
	}
	return asked, err
}
