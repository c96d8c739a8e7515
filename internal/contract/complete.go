package contract

import "reflect"

// Complete fills what a contract leaves out with what another one has that was derived for the
// same workload, and names those fields. It is for evidence that is judged again: there are no
// manifests to derive from. Only what Derive may fill in, and what the trials were made with,
// is taken; what else a contract leaves out it does not promise. An empty list is said, too.
func Complete(c, derived Contract) (Contract, []string) {
	var taken []string
	fill := func(field string, to, from any) {
		t, f := reflect.ValueOf(to).Elem(), reflect.ValueOf(from)
		if t.IsZero() && !f.IsZero() {
			t.Set(f)
			taken = append(taken, field)
		}
	}
	http, grpc := !reflect.ValueOf(c.HTTP).IsZero(), c.GRPC != nil
	fill("image", &c.Image, derived.Image)
	fill("workload", &c.Workload, derived.Workload)
	fill("dependencies", &c.Dependencies, derived.Dependencies)
	if c.knowKinds(derived.Dependencies) {
		taken = append(taken, "dependencies.kind")
	}
	if http || !grpc {
		h, d := &c.HTTP, derived.HTTP
		fill("http.port", &h.Port, d.Port)
		fill("http.health", &h.Health, d.Health)
		fill("http.healthPort", &h.HealthPort, d.HealthPort)
		fill("http.scheme", &h.Scheme, d.Scheme)
		fill("http.header", &h.Header, d.Header)
		fill("http.query", &h.Query, d.Query)
		fill("http.upload", &h.Upload, d.Upload)
		fill("http.longest", &h.Longest, d.Longest)
	}
	if grpc || !http {
		fill("grpc", &c.GRPC, derived.GRPC)
	}
	fill("identity.uid", &c.Identity.UID, derived.Identity.UID)
	fill("identity.gid", &c.Identity.GID, derived.Identity.GID)
	fill("startup.within", &c.Startup.Within, derived.Startup.Within)
	fill("startup.stream", &c.Startup.Stream, derived.Startup.Stream)
	fill("termination.within", &c.Termination.Within, derived.Termination.Within)
	fill("termination.exitCodes", &c.Termination.ExitCodes, derived.Termination.ExitCodes)
	return c, taken
}
