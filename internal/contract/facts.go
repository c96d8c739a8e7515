package contract

// Facts are what the image and the manifests say on their own. The zero value says nothing.
type Facts struct {
	Image     ImageFacts
	Workloads []WorkloadFacts // all of the manifests', in their order
}

// ImageFacts come from the image's configuration, in the words of the OCI image spec.
type ImageFacts struct {
	User         string   // "1001:1001"
	ExposedPorts []string // "8000/tcp"
	Healthcheck  []string // "CMD", "curl", "-f", "http://localhost:8000/health"
}

// WorkloadFacts come from one object of the manifests that makes pods.
type WorkloadFacts struct {
	Object     Object
	Containers []ContainerFacts
	// GraceSeconds is terminationGracePeriodSeconds, nil where the manifest leaves it out.
	GraceSeconds *int64
}

// ContainerFacts come from one container of a pod template. What a container leaves out of
// its securityContext and the pod's says, is the pod's.
type ContainerFacts struct {
	Name       string
	Image      string
	Ports      []PortFact
	Liveness   *ProbeFact // nil where there is none, or one that asks nothing over HTTP
	Startup    *ProbeFact
	Readiness  *ProbeFact
	RunAsUser  *int64
	RunAsGroup *int64
}

// PortFact is one of a container's declared ports.
type PortFact struct {
	Name   string
	Number int
}

// ProbeFact is an httpGet probe. Port is a number or the name of a port.
type ProbeFact struct {
	Path string
	Port string
}

// Derived tells where one field's value came from.
type Derived struct {
	Field string // "http.port"
	Value string
	From  string // "the liveness probe of deployment/api"
}
