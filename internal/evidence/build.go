package evidence

// Build is what building the image showed.
type Build struct {
	Context    string      `json:"context"`
	Dockerfile string      `json:"dockerfile"`
	Steps      []BuildStep `json:"steps,omitempty"`
	// Error is empty when the build succeeded.
	Error string `json:"error,omitempty"`
	// MissingPath is the file or folder that the build needs and that is not there.
	MissingPath string `json:"missingPath,omitempty"`
	// Log is the tail of the failed step's output.
	Log     []string `json:"log,omitempty"`
	ImageID string   `json:"imageID,omitempty"`
	Seconds float64  `json:"seconds"`
}

// BuildStep is one vertex of BuildKit's graph.
type BuildStep struct {
	Name   string `json:"name"`            // as BuildKit prints it: "[builder 3/5] RUN go mod download"
	Stage  string `json:"stage,omitempty"` // "builder"
	Digest string `json:"digest"`
	// Instruction is the Dockerfile instruction without the stage: "RUN go mod download".
	Instruction string   `json:"instruction,omitempty"`
	Inputs      []string `json:"inputs,omitempty"` // digests of the vertices that it needs
	Cached      bool     `json:"cached,omitempty"`
	// Started and Completed say how far the step came; a build may be ended
	// once every step's fate is known.
	Started   bool    `json:"started,omitempty"`
	Completed bool    `json:"completed,omitempty"`
	Seconds   float64 `json:"seconds"`
	Error     string  `json:"error,omitempty"`
}

// Rebuild is a second build in which the content of one source file differed.
type Rebuild struct {
	File  string      `json:"file"`
	Steps []BuildStep `json:"steps,omitempty"`
	// Ended early is true when the build was stopped because nothing more was to be learnt.
	EndedEarly bool    `json:"endedEarly,omitempty"`
	Error      string  `json:"error,omitempty"`
	Seconds    float64 `json:"seconds"`
}
