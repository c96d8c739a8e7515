package contract

import "time"

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
	Env          []string // the names of the variables that it sets
}

// WorkloadFacts come from one object of the manifests that makes pods.
type WorkloadFacts struct {
	Object     Object
	Containers []ContainerFacts
	// Services are the ports of all Services that select its pods.
	Services []ServicePortFact
	// GraceSeconds is terminationGracePeriodSeconds, nil where the manifest leaves it out.
	GraceSeconds *int64
	// Idle tells that its manifest asks for no pod: replicas: 0.
	Idle bool
}

// ContainerFacts come from one container of a pod template. What a container leaves out of
// its securityContext and the pod's says, is the pod's.
type ContainerFacts struct {
	Name      string
	Image     string
	Ports     []PortFact
	Liveness  *ProbeFact
	Startup   *ProbeFact
	Readiness *ProbeFact
	// StartupBudget is how long the startup probe lets a start take, 0 without one.
	StartupBudget time.Duration
	// Env are the names of the variables that the manifests set. EnvElsewhere tells that there
	// may be more, from what the manifests do not hold.
	Env          []string
	EnvElsewhere bool

	RunAsUser  *int64
	RunAsGroup *int64
}

// PortFact is one of a container's declared ports.
type PortFact struct {
	Name   string
	Number int
}

// ProbeFact is a probe, as far as it says where and how the workload is asked.
type ProbeFact struct {
	// Protocol is one of an Endpoint's, or empty for a command that asks nothing podproof knows.
	Protocol string
	Path     string
	Port     string // a number, or the name of a port
	Header   map[string]string
	Service  string // of gRPC's health protocol
}

// ServicePortFact is a port of a Service that leads to the workload.
type ServicePortFact struct {
	Service string // the Service's name
	Name    string // the port's, often empty
	Number  int
	// Target is the container's port that it leads to: a number, or a port's name.
	Target string
	// AppProtocol is "http", "https", "kubernetes.io/h2c", "grpc"; mostly empty.
	AppProtocol string
}

// Derived tells where one field's value came from.
type Derived struct {
	Field string // "http.port"
	Value string
	From  string // "the liveness probe of deployment/api"
}
