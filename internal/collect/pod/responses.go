package pod

import (
	"context"
	"net"
	"strconv"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
)

// Responses sends one request each to the routes that are known, and some that ask for an
// error page, and keeps the whole answers.
func Responses(ctx context.Context, b *Bench, port int, health, ready string, query, upload *Route) ([]evidence.Response, error) {
	p, err := b.readyPod()
	if err != nil {
		return nil, err
	}
	asked := []evidence.Response{
		{Name: "health", Method: "GET", Path: health},
		{Name: "ready", Method: "GET", Path: ready},
		{Name: "not found", Method: "GET", Path: "/podproof/" + b.Run},
		{Name: "not allowed", Method: "DELETE", Path: health},
	}
	bodies := map[string]*Route{}
	if query != nil {
		asked = append(asked, evidence.Response{Name: "query", Method: query.Method, Path: query.Path})
		bodies["query"] = query
	}
	if upload != nil {
		asked = append(asked, evidence.Response{Name: "upload", Method: upload.Method, Path: upload.Path},
			evidence.Response{Name: "malformed upload", Method: upload.Method, Path: upload.Path})
		bodies["upload"] = upload
		bodies["malformed upload"] = &Route{Header: upload.Header, Body: "{podproof"}
	}
	var plan agent.Plan
	for _, a := range asked {
		s := agent.Stream{Name: a.Name, Address: net.JoinHostPort(p.Status.PodIP, strconv.Itoa(port)), Method: a.Method, Path: a.Path,
			Count: 1, Timeout: int(requestTimeout.Milliseconds())}
		if r := bodies[a.Name]; r != nil {
			s.Header, s.Body = r.Header, r.Body
		}
		plan.Streams = append(plan.Streams, s)
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
