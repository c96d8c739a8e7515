package evidence

import "time"

// Image is what the image's configuration and layers say.
type Image struct {
	Ref string `json:"ref"`
	// ID is the digest of the configuration, which names the image in Docker and in the CRI.
	ID           string      `json:"id"`
	Architecture string      `json:"architecture,omitempty"`
	OS           string      `json:"os,omitempty"`
	Created      time.Time   `json:"created,omitzero"`
	Config       ImageConfig `json:"config"`
	// History is oldest first, as in the OCI image configuration.
	History []History `json:"history"`
	Layers  []Layer   `json:"layers"`

	// Packages are those that the final file system holds, by any ecosystem's own records.
	Packages []Package `json:"packages,omitempty"`
	// Tools are executables of the final file system whose names are known to belong to a
	// compiler, a package manager or a test runner.
	Tools []Tool `json:"tools,omitempty"`
	// GoBinaries are the executables of the final file system that carry Go build information.
	GoBinaries []GoBinary `json:"goBinaries,omitempty"`
	// LayersRead is false when only the configuration was read.
	LayersRead bool    `json:"layersRead"`
	Seconds    float64 `json:"seconds"`
}

// ImageConfig is the part of the OCI image configuration that a runtime obeys.
type ImageConfig struct {
	User         string            `json:"user,omitempty"`
	Env          []string          `json:"env,omitempty"`
	Entrypoint   []string          `json:"entrypoint,omitempty"`
	Cmd          []string          `json:"cmd,omitempty"`
	WorkingDir   string            `json:"workingDir,omitempty"`
	ExposedPorts []string          `json:"exposedPorts,omitempty"` // as in the config: "8000/tcp"
	Labels       map[string]string `json:"labels,omitempty"`
	StopSignal   string            `json:"stopSignal,omitempty"`
	Healthcheck  []string          `json:"healthcheck,omitempty"`
	OnBuild      []string          `json:"onBuild,omitempty"`
}

// History is one entry of the image's history.
type History struct {
	CreatedBy  string `json:"createdBy"`
	Comment    string `json:"comment,omitempty"`
	EmptyLayer bool   `json:"emptyLayer,omitempty"`
	// Layer is the index in Image.Layers, or -1 for an entry without a layer
	// and where history and layers do not match in number.
	Layer int `json:"layer"`
}

// Layer is one layer of the image.
type Layer struct {
	DiffID string `json:"diffID"`
	Size   int64  `json:"size"` // bytes, uncompressed
	// CreatedBy is the instruction that made it, empty where history does not tell.
	CreatedBy string `json:"createdBy,omitempty"`
}

// Package is one installed package.
type Package struct {
	Ecosystem string `json:"ecosystem"` // "python", "node", "debian", "alpine", …
	Name      string `json:"name"`      // as the ecosystem normalises it
	Version   string `json:"version,omitempty"`
	Path      string `json:"path"`          // the record by which it was recognised
	Layer     int    `json:"layer"`         // index in Image.Layers
	Dev       bool   `json:"dev,omitempty"` // its own ecosystem marks it as a development dependency
}

// Tool is one executable known by its name.
type Tool struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Layer int    `json:"layer"`
}

// GoBinary is one executable with Go build information (debug/buildinfo).
type GoBinary struct {
	Path      string `json:"path"`
	Package   string `json:"package"` // import path of its main package; "….test" for a test binary
	Module    string `json:"module,omitempty"`
	GoVersion string `json:"goVersion,omitempty"`
	// Test is set for what `go test -c` made: it links testing.MainStart.
	Test  bool `json:"test,omitempty"`
	Layer int  `json:"layer"`
}
