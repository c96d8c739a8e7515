// Package contract says what an image promises: types, defaults, strict YAML.
package contract

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// APIVersion and Kind are the only ones that this version of podproof reads.
const (
	APIVersion = "podproof/v1alpha1"
	Kind       = "Contract"
)

// Contract is what an image promises. Empty fields are derived from the
// manifests and from the image's configuration; see Derive.
type Contract struct {
	APIVersion string `yaml:"apiVersion" json:"apiVersion"`
	Kind       string `yaml:"kind" json:"kind"`

	// Image is the name under which the image is built, and by which the manifests use it.
	Image string `yaml:"image" json:"image,omitempty"`
	// Build is nil when the image is made elsewhere.
	Build *Build `yaml:"build" json:"build,omitempty"`
	// Manifests are files, kustomizations, folders of YAML and JSON files, or patterns of these.
	Manifests []string `yaml:"manifests" json:"manifests,omitempty"`
	// Workload is the object under test: "deployment/api".
	Workload string `yaml:"workload" json:"workload,omitempty"`
	// Dependencies are ready before the workload is applied, but for those outside of the cluster.
	Dependencies []Dependency `yaml:"dependencies" json:"dependencies,omitempty"`

	// Profile is one of Profiles; empty is ProfileRecommended.
	Profile string `yaml:"profile" json:"profile,omitempty"`

	HTTP            HTTP            `yaml:"http" json:"http,omitzero"`
	GRPC            *GRPC           `yaml:"grpc" json:"grpc,omitempty"`
	Env             Env             `yaml:"env" json:"env,omitzero"`
	Identity        Identity        `yaml:"identity" json:"identity,omitzero"`
	Startup         Startup         `yaml:"startup" json:"startup,omitzero"`
	Termination     Termination     `yaml:"termination" json:"termination,omitzero"`
	DevDependencies DevDependencies `yaml:"devDependencies" json:"devDependencies,omitzero"`
	Secrets         Secrets         `yaml:"secrets" json:"secrets,omitzero"`
	Files           Files           `yaml:"files" json:"files,omitzero"`
	Size            Size            `yaml:"size" json:"size,omitzero"`
	ImageConfig     ImageConfig     `yaml:"imageConfig" json:"imageConfig,omitzero"`
	// Skip are checks that do not apply; Waivers are promises that do, and are not kept yet.
	Skip    []Skip   `yaml:"skip" json:"skip,omitempty"`
	Waivers []Waiver `yaml:"waivers" json:"waivers,omitempty"`
	// WaiversFrom are files with more waivers, as --write-waivers writes them. Load reads them into Waivers.
	WaiversFrom []string `yaml:"waiversFrom" json:"waiversFrom,omitempty"`

	// dir is the folder of the file that it was read from; its paths are relative to it.
	dir string
	// digest is that of the file's bytes.
	digest string
	// file is that file's name, empty for a contract from elsewhere.
	file string
	// places say where each field stands in that file; nil for a contract from elsewhere.
	places map[string]Problem
	// piped is what Stdin among the manifests stands for, and found what an unwritten contract has by looking.
	piped     []byte
	unwritten bool
	found     []Derived
}

// Build says how the image is built.
type Build struct {
	Context    string `yaml:"context" json:"context,omitempty"`
	Dockerfile string `yaml:"dockerfile" json:"dockerfile,omitempty"`
	Target     string `yaml:"target" json:"target,omitempty"`
	// Args are "NAME=VALUE", or "NAME": its value from the environment, when it is set there.
	Args []string `yaml:"args" json:"args,omitempty"`
	// SourceFile and SourceFiles stand for "only source changed" when the image is built again.
	// Without them a sample of what the Dockerfile copies is taken.
	SourceFile  string   `yaml:"sourceFile" json:"sourceFile,omitempty"`
	SourceFiles []string `yaml:"sourceFiles" json:"sourceFiles,omitempty"`
	// DependencySteps are regular expressions for the steps that install dependencies,
	// beside the package managers that podproof knows.
	DependencySteps []string `yaml:"dependencySteps" json:"dependencySteps,omitempty"`
	// AllowInContext are patterns (see Paths), as of the context's root, for what may be in the
	// context although no build needs it.
	AllowInContext []string `yaml:"allowInContext" json:"allowInContext,omitempty"`
	// Reproducible promises that two builds without a cache make the same layers. To try it
	// takes two more builds.
	Reproducible bool `yaml:"reproducible" json:"reproducible,omitempty"`
}

// Sources are the source files that the contract names, as it writes them.
func (b Build) Sources() []string {
	if b.SourceFile == "" || slices.Contains(b.SourceFiles, b.SourceFile) {
		return b.SourceFiles
	}
	return append([]string{b.SourceFile}, b.SourceFiles...)
}

// HTTP says where the API answers.
type HTTP struct {
	// Port is where it serves its users.
	Port int `yaml:"port" json:"port,omitempty"`
	// Health is the path of the health route.
	Health string `yaml:"health" json:"health,omitempty"`
	// HealthPort is where the health route is, where that is not Port: a management port.
	HealthPort int `yaml:"healthPort" json:"healthPort,omitempty"`
	// Scheme is SchemeHTTP or SchemeHTTPS; certificates are not verified, as a kubelet does not.
	Scheme string `yaml:"scheme" json:"scheme,omitempty"`
	// Header are fields that each request has, such as the Host that the API answers to.
	Header map[string]string `yaml:"header" json:"header,omitempty"`
	// Query is a route whose answer comes from the database. Nil: the readiness route,
	// which is expected to ask it.
	Query *Route `yaml:"query" json:"query,omitempty"`
	// Upload is a route that reads its body before it answers, so that a body that is sent
	// slowly keeps the request under way. Nil: no request can be kept under way.
	Upload *Route `yaml:"upload" json:"upload,omitempty"`
	// Longest is how long a request may take that the API promises to answer, also when it
	// is stopped meanwhile.
	Longest Duration `yaml:"longest" json:"longest,omitempty"`
}

// GRPC says where the API answers gRPC's health protocol, where it speaks that instead of HTTP/1.
type GRPC struct {
	Port int `yaml:"port" json:"port,omitempty"`
	// Service is the name that is asked for, empty for the whole server.
	Service string `yaml:"service" json:"service,omitempty"`
}

// Route is one request that the API answers. In YAML a path alone is a plain text: "/reactions".
type Route struct {
	Method string            `yaml:"method" json:"method,omitempty"` // GET, or POST with a body, when it is empty
	Path   string            `yaml:"path" json:"path,omitempty"`
	Header map[string]string `yaml:"header" json:"header,omitempty"`
	Body   string            `yaml:"body" json:"body,omitempty"`
}

// Verb is the route's method.
func (r Route) Verb() string {
	switch {
	case r.Method != "":
		return r.Method
	case r.Body != "":
		return "POST"
	}
	return "GET"
}

// setText reads the plain form.
func (r *Route) setText(path string) { r.Path = path }

// Env says what the environment must hold.
type Env struct {
	// Required are the variables without which the process must refuse to start.
	Required []string `yaml:"required" json:"required,omitempty"`
}

// Identity says as whom the process runs.
type Identity struct {
	UID *int64 `yaml:"uid" json:"uid,omitempty"`
	GID *int64 `yaml:"gid" json:"gid,omitempty"`
	// ArbitraryUID promises that it runs as any high user ID with group 0, too, as on OpenShift.
	ArbitraryUID bool `yaml:"arbitraryUID" json:"arbitraryUID,omitempty"`
	// ServiceAccountToken says that the process uses the token of its service account.
	ServiceAccountToken bool `yaml:"serviceAccountToken" json:"serviceAccountToken,omitempty"`
}

// The streams that Startup.Stream may name.
const (
	StreamAny    = "any"
	StreamStdout = "stdout"
)

// Startup says how the process starts.
type Startup struct {
	// Within is the time from applying the workload to all of its pods being Ready.
	Within Duration `yaml:"within" json:"within,omitempty"`
	// Logs are texts that the log of a start contains.
	Logs []string `yaml:"logs" json:"logs,omitempty"`
	// Stream is StreamAny or StreamStdout.
	Stream string `yaml:"stream" json:"stream,omitempty"`
}

// Termination says how the process ends.
type Termination struct {
	// Within is the time from the deletion of a pod to its exit.
	Within    Duration `yaml:"within" json:"within,omitempty"`
	ExitCodes []int32  `yaml:"exitCodes" json:"exitCodes,omitempty"`
}

// DevDependencies changes what counts as development tooling. Names are those of
// packages ("pytest") or of tools ("gcc").
type DevDependencies struct {
	Forbid []string `yaml:"forbid" json:"forbid,omitempty"`
	Allow  []string `yaml:"allow" json:"allow,omitempty"`
	// Strict forbids compilers, build tools and package managers, too.
	Strict bool `yaml:"strict" json:"strict,omitempty"`
}

// Secrets says what only looks like a credential.
type Secrets struct {
	// Allow are patterns (see Paths) for files in which nothing is taken for one.
	Allow []string `yaml:"allow" json:"allow,omitempty"`
}

// Files says which files the image may hold, and how.
type Files struct {
	// Forbid are patterns (see Paths) for what must be in no layer.
	Forbid []string `yaml:"forbid" json:"forbid,omitempty"`
	// Allow are patterns for what is meant to be there as it is: leftovers of the build,
	// set-uid programs, paths that anyone may write to. It goes before Forbid.
	Allow []string `yaml:"allow" json:"allow,omitempty"`
	// Immutable demands that the code does not belong to the user that runs it.
	Immutable bool `yaml:"immutable" json:"immutable,omitempty"`
}

// Size is the image's budget. What is nil, or 0 for Layers, has no limit.
type Size struct {
	Compressed   *Bytes `yaml:"compressed" json:"compressed,omitempty"`     // what a pull transfers
	Uncompressed *Bytes `yaml:"uncompressed" json:"uncompressed,omitempty"` // sum of the layers
	Wasted       *Bytes `yaml:"wasted" json:"wasted,omitempty"`             // files that a later layer deleted or replaced
	Layers       int    `yaml:"layers" json:"layers,omitempty"`
}

// ImageConfig says what the image's configuration tells beside what a runtime needs.
type ImageConfig struct {
	// Healthcheck demands a HEALTHCHECK that asks for HTTP.Health.
	Healthcheck bool `yaml:"healthcheck" json:"healthcheck,omitempty"`
	// Labels are the names of those that must have a value.
	Labels []string `yaml:"labels" json:"labels,omitempty"`
	// PinnedBase forbids base images with the tag latest.
	PinnedBase bool `yaml:"pinnedBase" json:"pinnedBase,omitempty"`
}

// Skip leaves checks out that say nothing about this image.
type Skip struct {
	// ID is a check's, or a glob as in path.Match: "rollout/*".
	ID     string `yaml:"id" json:"id"`
	Reason string `yaml:"reason" json:"reason"`
}

// Waiver accepts a promise that is broken, or could not be decided, for a time, on somebody's word.
type Waiver struct {
	// ID is a check's, or a glob as in path.Match: "image/*".
	ID     string `yaml:"id" json:"id"`
	Reason string `yaml:"reason" json:"reason"`
	By     string `yaml:"by" json:"by"`
	// Until is the last day on which it holds: "2026-12-31".
	Until string `yaml:"until" json:"until"`
	// Where limits it to one finding, by its fingerprint, or to those of a path (see Paths).
	Where string `yaml:"where,omitempty" json:"where,omitempty"`
}

// For tells whether it is about a check.
func (w Waiver) For(id string) bool {
	fits, err := path.Match(w.ID, id)
	return err == nil && fits
}

// Over tells whether its last day is past.
func (w Waiver) Over(day time.Time) bool {
	return !day.Before(w.Ends())
}

// Ends is the end of its last day; long ago where that is no date.
func (w Waiver) Ends() time.Time {
	until, err := time.Parse(time.DateOnly, w.Until)
	if err != nil {
		return time.Time{}
	}
	return until.AddDate(0, 0, 1)
}

// String names it: "the waiver of image/no-setuid at /usr/bin/x by ops".
func (w Waiver) String() string {
	at := ""
	if w.Where != "" {
		at = " at " + w.Where
	}
	return fmt.Sprintf("the waiver of %s%s by %s", w.ID, at, w.By)
}

// Path resolves a path of the contract against the folder that the contract lies in.
func (c Contract) Path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.dir, p)
}

// At is the contract as it was recorded, for one that lies where another one does.
func (c Contract) At(other Contract) Contract {
	c.dir, c.digest, c.file, c.places = other.dir, other.digest, other.file, other.places
	c.unwritten, c.found, c.piped = other.unwritten, other.found, other.piped
	return c
}

// Digest is the SHA-256 of the file that the contract was read from, "sha256:…"; empty for a contract from elsewhere.
func (c Contract) Digest() string { return c.digest }

// File is where the contract was read from, absolute; DefaultFile for one from elsewhere.
func (c Contract) File() string {
	if c.file == "" {
		return DefaultFile
	}
	return c.Path(c.file)
}
