package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// wanting is a contract that asks for more than the port.
func wanting(i contract.ImageConfig) contract.Contract {
	return contractWith(func(c *contract.Contract) { c.ImageConfig = i })
}

func healthcheckOf(command ...string) evidence.Evidence {
	return config(func(c *evidence.ImageConfig) { c.Healthcheck = command })
}

// built is the good run whose build took these images.
func built(from ...string) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		e.Build.Steps = []evidence.BuildStep{{Name: "[internal] load metadata for docker.io/library/golang:latest"}}
		for _, f := range from {
			e.Build.Steps = append(e.Build.Steps, evidence.BuildStep{Name: "[builder 1/5] FROM " + f})
		}
	})
}

var pinned = wanting(contract.ImageConfig{PinnedBase: true})

var configCompleteExamples = []example{
	{name: "the port", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Image config OK (EXPOSE 8000)"}},
	{name: "the port among others", c: goodContract(), e: config(func(c *evidence.ImageConfig) { c.ExposedPorts = []string{"8000", "9090/tcp"} }), want: Pass},
	{name: "layers not read", c: goodContract(), e: unread(), want: Pass},
	{name: "nothing promised", c: contract.Contract{}, e: goodEvidence(), want: Pass, says: []string{"nothing promised"}},
	{name: "another port", c: goodContract(), e: config(func(c *evidence.ImageConfig) { c.ExposedPorts = []string{"80/tcp"} }), want: Fail,
		says: []string{"promised: EXPOSE 8000; seen: EXPOSE 80/tcp"}},
	{name: "the port, by UDP", c: goodContract(), e: config(func(c *evidence.ImageConfig) { c.ExposedPorts = []string{"8000/udp"} }), want: Fail},
	{name: "no port", c: goodContract(), e: config(func(c *evidence.ImageConfig) { c.ExposedPorts = nil }), want: Fail, says: []string{"no EXPOSE", "Write EXPOSE 8000"}},

	{name: "health check", c: wanting(contract.ImageConfig{Healthcheck: true}), e: healthcheckOf("CMD-SHELL", "curl -fsS http://localhost:8000/health || exit 1"), want: Pass, says: []string{"HEALTHCHECK of /health"}},
	{name: "health check of its own", c: wanting(contract.ImageConfig{Healthcheck: true}), e: healthcheckOf("CMD", "/shop", "healthcheck"), want: Pass, says: []string{"of the program's own"}},
	{name: "health check elsewhere", c: wanting(contract.ImageConfig{Healthcheck: true}), e: healthcheckOf("CMD", "curl", "http://localhost:8000/"), want: Fail, says: []string{"HEALTHCHECK of localhost:8000/"}},
	{name: "health check on another port", c: wanting(contract.ImageConfig{Healthcheck: true}), e: healthcheckOf("CMD", "curl", "http://localhost:80/health"), want: Fail},
	{name: "health check on the port that is HTTP's own", c: wanting(contract.ImageConfig{Healthcheck: true}), e: healthcheckOf("CMD", "curl", "http://localhost/health"), want: Pass},
	{name: "health check, no route and no port", c: contract.Contract{ImageConfig: contract.ImageConfig{Healthcheck: true}}, e: healthcheckOf("CMD", "curl", "http://localhost:9000/live"), want: Pass},
	{name: "no health check", c: wanting(contract.ImageConfig{Healthcheck: true}), e: goodEvidence(), want: Fail, says: []string{"no HEALTHCHECK"}},
	{name: "health check switched off", c: wanting(contract.ImageConfig{Healthcheck: true}), e: healthcheckOf("NONE"), want: Fail},
	{name: "health check, no route", c: contract.Contract{ImageConfig: contract.ImageConfig{Healthcheck: true}}, e: healthcheckOf("CMD", "true"), want: Pass},
	{name: "health check that nobody asked for", c: goodContract(), e: healthcheckOf("CMD", "curl", "http://localhost:1/"), want: Pass},

	{name: "labels", c: wanting(contract.ImageConfig{Labels: []string{"org.opencontainers.image.source"}}), want: Pass,
		e: config(func(c *evidence.ImageConfig) {
			c.Labels = map[string]string{"org.opencontainers.image.source": "https://git.example/shop"}
		})},
	{name: "no label, and an empty one", c: wanting(contract.ImageConfig{Labels: []string{"a", "b"}}), e: config(func(c *evidence.ImageConfig) { c.Labels = map[string]string{"b": " "} }), want: Fail,
		says: []string{"no label a", "no label b"}},

	{name: "pinned", c: pinned, e: built("docker.io/library/golang:1.26@sha256:0a", "localhost:5000/x@sha256:0b"), want: Pass, says: []string{"golang:1.26"}},
	{name: "scratch", c: pinned, e: built(), want: Pass, says: []string{"no base image"}},
	{name: "latest", c: pinned, e: built("docker.io/library/golang:1.26", "localhost:5000/x:latest@sha256:0a"), want: Fail, says: []string{"FROM localhost:5000/x:latest@sha256:0a"}},
	{name: "no tag", c: pinned, e: built("localhost:5000/x"), want: Fail},
	{name: "latest, nobody forbade it", c: goodContract(), e: built("localhost:5000/x:latest"), want: Pass},
	{name: "latest by its label", c: pinned, want: Fail, e: func() evidence.Evidence {
		e := config(func(c *evidence.ImageConfig) { c.Labels = map[string]string{baseLabel: "docker.io/library/debian"} })
		e.Build = nil
		return e
	}()},
	{name: "base unknown", c: pinned, want: Inconclusive, says: []string{"does not name its base"}, e: with(func(e *evidence.Evidence) { e.Build = nil })},
	{name: "base unknown, and the port wrong", c: pinned, want: Fail, says: []string{"undecided"}, e: func() evidence.Evidence {
		e := config(func(c *evidence.ImageConfig) { c.ExposedPorts = []string{"1/tcp"} })
		e.Build = nil
		return e
	}()},
	{name: "not observed", c: goodContract(), e: noImage(), want: Inconclusive},
}
