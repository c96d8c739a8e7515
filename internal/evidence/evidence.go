// Package evidence holds what was observed: plain data with JSON tags.
//
// It judges nothing and imports nothing of podproof. Kubernetes objects are kept
// as the API server gave them (k8s.io/api), so that nothing is lost in translation.
// A section that is nil was not observed; Missing says why.
package evidence

import (
	"time"
)

// SchemaVersion names the layout of Evidence. It changes when a field changes its meaning.
//
// v1alpha2 gave marks a kind, an object and a value. Since v1alpha3 each dependency of the contract is
// taken away, where it was the first alone.
const (
	SchemaVersion = "podproof/evidence/v1alpha3"
	schemaV2      = "podproof/evidence/v1alpha2"
	schemaV1      = "podproof/evidence/v1alpha1"
)

// Readable tells whether evidence of a version is understood: this one, and those before.
func Readable(version string) bool {
	return version == SchemaVersion || version == schemaV2 || version == schemaV1
}

// Section names a part of the evidence, as used for keys of Evidence.Missing.
type Section string

// The sections, in the order in which they are collected.
const (
	SectionBuild       Section = "build"
	SectionRebuild     Section = "rebuild"
	SectionImage       Section = "image"
	SectionCluster     Section = "cluster"
	SectionWorkload    Section = "workload"
	SectionAdmission   Section = "admission"
	SectionStartup     Section = "startup"
	SectionHealth      Section = "health"
	SectionIdentity    Section = "identity"
	SectionTermination Section = "termination"
	SectionRequiredEnv Section = "requiredEnv"

	SectionMalformedEnv Section = "malformedEnv"
	SectionResponses    Section = "responses"
	SectionResources    Section = "resources"
	SectionReadOnlyRoot Section = "readOnlyRoot"
	SectionArbitraryUID Section = "arbitraryUID"

	SectionContext     Section = "context"
	SectionLockRebuild Section = "lockRebuild"
	// SectionReproduction is collected only where the contract asks for it.
	SectionReproduction Section = "reproduction"

	SectionEarlyTermination  Section = "earlyTermination"
	SectionInFlight          Section = "inFlight"
	SectionRollouts          Section = "rollouts"
	SectionOutages           Section = "outages"
	SectionOutageTermination Section = "outageTermination"
	SectionSlow              Section = "slow"

	SectionFinal Section = "final"
)

// Evidence is all that one run observed.
type Evidence struct {
	SchemaVersion string `json:"schemaVersion"`
	Run           Run    `json:"run"`
	// Inputs are the files by which the run was made; nil in the evidence of a podproof that did not tell.
	Inputs *Inputs `json:"inputs,omitempty"`

	Build   *Build        `json:"build,omitempty"`
	Context *BuildContext `json:"context,omitempty"`
	// Rebuild had other content in source files, LockRebuild in lock files.
	Rebuild      *Rebuild      `json:"rebuild,omitempty"`
	LockRebuild  *Rebuild      `json:"lockRebuild,omitempty"`
	Reproduction *Reproduction `json:"reproduction,omitempty"`

	Image    *Image    `json:"image,omitempty"`
	Cluster  *Cluster  `json:"cluster,omitempty"`
	Workload *Workload `json:"workload,omitempty"`
	// Admission is what the API server says to a pod as the manifests have it.
	Admission *Admission `json:"admission,omitempty"`
	// Dependencies are what the workload was started next to, in the contract's order.
	Dependencies []Dependency `json:"dependencies,omitempty"`

	Startup     *Startup     `json:"startup,omitempty"`
	Health      *Health      `json:"health,omitempty"`
	Identity    *Identity    `json:"identity,omitempty"`
	Termination *Termination `json:"termination,omitempty"`
	RequiredEnv *RequiredEnv `json:"requiredEnv,omitempty"`

	// MalformedEnv are pods of which one variable has a value that is wrong.
	MalformedEnv *RequiredEnv `json:"malformedEnv,omitempty"`
	// Responses are single requests to the workload with their whole answers.
	Responses []Response `json:"responses,omitempty"`
	Resources *Resources `json:"resources,omitempty"`
	// ReadOnlyRoot is a pod with readOnlyRootFilesystem, where the manifest does not ask for
	// it; ArbitraryUID one with a random user ID and group 0.
	ReadOnlyRoot *Variant `json:"readOnlyRoot,omitempty"`
	ArbitraryUID *Variant `json:"arbitraryUID,omitempty"`

	// EarlyTermination is a pod that was deleted before it was Ready, InFlight one that was
	// deleted with requests under way, OutageTermination one while its dependency was frozen.
	EarlyTermination  *Termination `json:"earlyTermination,omitempty"`
	InFlight          *Termination `json:"inFlight,omitempty"`
	OutageTermination *Termination `json:"outageTermination,omitempty"`
	Rollouts          []Rollout    `json:"rollouts,omitempty"`
	Outages           *Outages     `json:"outages,omitempty"`
	// Slow are the outages in which the dependency was there, and slow.
	Slow *Outages `json:"slow,omitempty"`
	// Further are the same of the contract's other dependencies; see Taken.
	Further []Taken `json:"further,omitempty"`
	// Final is what had become of the workload's own pods when all trials were over.
	Final *Final `json:"final,omitempty"`

	// Logs is the search through all logs; nil in the evidence of a podproof that did not tell.
	Logs *LogSearch `json:"logs,omitempty"`

	// Pressure is how scarce CPU was from the start of the workload to the end of the trials,
	// second by second; empty where the node cannot tell.
	Pressure []Pressure `json:"pressure,omitempty"`

	// Missing says for each section that could not be observed what was in the way,
	// as a sentence for a person.
	Missing map[Section]string `json:"missing,omitempty"`
	// Steps are the pipeline's steps in the order in which they started.
	Steps []Step `json:"steps,omitempty"`
}

// Why returns the reason for which a section was not observed.
func (e Evidence) Why(s Section) string {
	if why := e.Missing[s]; why != "" {
		return why
	}
	return "it was not observed in this run"
}

// Run identifies one run of podproof.
type Run struct {
	ID       string    `json:"id"`
	Version  string    `json:"podproofVersion"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// Platform is the one that the image is to run on: the one that was asked for, or else that of the
	// machine podproof ran on: "linux/amd64"; empty where it was not noted.
	Platform string `json:"platform,omitempty"`
	// CutOff is why the run was ended before its end: it had taken too long. Sections that
	// were not observed for that begin with it in Evidence.Missing.
	CutOff string `json:"cutOff,omitempty"`
}

// Inputs are the digests of what a run was given, "sha256:…"; empty where there was no such file.
type Inputs struct {
	// Contract is that of the file's bytes, as sha256sum gives it.
	Contract string `json:"contract,omitempty"`
	// Manifests is that of all objects as podproof read them, without the values of Secrets.
	Manifests string `json:"manifests,omitempty"`
}

// Step is one step of the pipeline. Started is relative to Run.Started.
type Step struct {
	Name    string  `json:"name"`
	Started float64 `json:"started"` // seconds since the run began
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
	// After are the names of the steps that it waited for.
	After []string `json:"after,omitempty"`
}

// Cluster is the Kubernetes in which the pods ran.
type Cluster struct {
	Name       string `json:"name"`
	Provider   string `json:"provider"` // "kind"
	Kubernetes string `json:"kubernetes,omitempty"`
	Node       string `json:"node,omitempty"`
	// NoNodes tells that nothing was run on a node: what is known of processes comes from podproof's
	// own containers beside them, and stdout is not told from stderr.
	NoNodes bool `json:"noNodes,omitempty"`
	// Borrowed is set when the cluster was there before the run and stays after it.
	Borrowed bool `json:"borrowed,omitempty"`
	// Policies are the network policies of the run's namespace that select its pods, and that nothing
	// lifts for them.
	Policies []string `json:"policies,omitempty"`
}

// Pressure is how scarce CPU was on the node in a second.
type Pressure struct {
	At time.Time `json:"at"` // the end of it
	// Waiting is the share of the second in which some process waited for a CPU: "some" of
	// /proc/pressure/cpu (https://docs.kernel.org/accounting/psi.html).
	Waiting float64 `json:"waiting"`
	// Others is the share of all CPUs that went to programs outside of the node, to podproof
	// and the Docker engine among them, or to the hypervisor; to that alone where no node was asked.
	Others float64 `json:"others"`
}
