package contract

import (
	"strings"
	"testing"
	"time"
)

func TestCompleteTakesWhatWasDerivedAndNoPromise(t *testing.T) {
	uid := int64(1001)
	derived := Contract{Image: "api:1", Workload: "deployment/api", Dependencies: Needs("statefulset/postgres"),
		HTTP: HTTP{Port: 8000, Health: "/health"}, Identity: Identity{UID: &uid}, Startup: Startup{Within: Duration(30 * time.Second), Logs: []string{"up"}},
		Env: Env{Required: []string{"TOKEN"}}, Waivers: []Waiver{{ID: "startup/logs"}}, Skip: []Skip{{ID: "build/*"}}}

	got, taken := Complete(Contract{HTTP: HTTP{Port: 9000}}, derived)
	if want := "image workload dependencies http.health identity.uid startup.within"; strings.Join(taken, " ") != want {
		t.Errorf("took %q, want %q", strings.Join(taken, " "), want)
	}
	if got.HTTP.Port != 9000 || got.HTTP.Health != "/health" || len(got.Dependencies) != 1 {
		t.Errorf("%+v", got)
	}
	if got.Waivers != nil || got.Skip != nil || got.Env.Required != nil || got.Startup.Logs != nil {
		t.Errorf("it took what the contract does not promise: %+v", got)
	}

	// An empty list says that there is none.
	if got, _ := Complete(Contract{Dependencies: []Dependency{}}, derived); len(got.Dependencies) != 0 {
		t.Errorf("dependencies: %v", got.Dependencies)
	}
	if got, _ := Complete(Contract{GRPC: &GRPC{Port: 9000}}, derived); got.HTTP.Health != "" {
		t.Errorf("a contract for gRPC was given the routes of HTTP: %+v", got.HTTP)
	}
}
