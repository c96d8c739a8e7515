package evidence

// Build is what building the image showed.
type Build struct {
	Context    string `json:"context"`
	Dockerfile string `json:"dockerfile"`
	// Instructions are the Dockerfile's, in its order; empty when it cannot be read.
	Instructions []Instruction `json:"instructions,omitempty"`
	Steps        []BuildStep   `json:"steps,omitempty"`
	// Error is empty when the build succeeded.
	Error string `json:"error,omitempty"`
	// Source are the lines of the Dockerfile in which it failed, as BuildKit shows them.
	Source []string `json:"source,omitempty"`
	// MissingPath is the file or folder that the build needs and that is not there.
	MissingPath string `json:"missingPath,omitempty"`
	// Log is the tail of the failed step's output.
	Log     []string `json:"log,omitempty"`
	ImageID string   `json:"imageID,omitempty"`
	Seconds float64  `json:"seconds"`
	// Request is what BuildKit asked for of the context, nil when it asked for nothing.
	Request *ContextRequest `json:"request,omitempty"`
}

// Instruction is one of a Dockerfile's, as it is written there.
type Instruction struct {
	Line int `json:"line"` // of its beginning, counted from 1
	// Stage is its name, or "stage-2", counted from 0, as BuildKit calls one without a name.
	// It is empty before the first FROM.
	Stage string `json:"stage,omitempty"`
	Text  string `json:"text"` // here-documents included
}

// BuildStep is one vertex of BuildKit's graph.
type BuildStep struct {
	Name   string `json:"name"`            // as BuildKit prints it: "[builder 3/5] RUN go mod download"
	Stage  string `json:"stage,omitempty"` // "builder"
	Digest string `json:"digest"`
	// Instruction is the Dockerfile instruction without the stage: "RUN go mod download".
	Instruction string `json:"instruction,omitempty"`
	// Line is where the instruction begins in the Dockerfile, 0 where that is not known, as
	// for those of a base image's ONBUILD.
	Line   int      `json:"line,omitempty"`
	Inputs []string `json:"inputs,omitempty"` // digests of the vertices that it needs
	Cached bool     `json:"cached,omitempty"`
	// Started and Completed say how far the step came; a build may be ended
	// once every step's fate is known.
	Started   bool    `json:"started,omitempty"`
	Completed bool    `json:"completed,omitempty"`
	Seconds   float64 `json:"seconds"`
	Error     string  `json:"error,omitempty"`
}

// ContextRequest is what BuildKit asked for: the context less Excluded, and of it only what
// lies at or below Paths. No Paths mean all of it.
type ContextRequest struct {
	Excluded []string `json:"excluded,omitempty"` // patterns of .dockerignore
	Paths    []string `json:"paths,omitempty"`
}

// BuildContext is the folder that a build may take files from, less what its .dockerignore
// leaves out.
type BuildContext struct {
	// IgnoreFile is the .dockerignore that holds, relative to the context or beside the
	// Dockerfile; empty when there is none.
	IgnoreFile string `json:"ignoreFile,omitempty"`
	Files      int    `json:"files"`
	Bytes      int64  `json:"bytes"`
	// SentFiles and SentBytes are those that BuildKit asked for, as it does with an empty cache.
	SentFiles int            `json:"sentFiles"`
	SentBytes int64          `json:"sentBytes"`
	Entries   []ContextEntry `json:"entries,omitempty"` // by path
}

// ContextEntry is a file of the context, or many of one folder.
type ContextEntry struct {
	// Path is relative to the context, with slashes. "lib/" stands for the files at all depths
	// below lib that have no entry of their own.
	Path  string `json:"path"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
	Sent  bool   `json:"sent,omitempty"`
	// Requirements is set for pip's lists of packages.
	Requirements *Requirements `json:"requirements,omitempty"`
}

// Requirements counts the packages that a requirements file of pip names.
type Requirements struct {
	Names  int `json:"names"`
	Pinned int `json:"pinned"` // with ==, or a commit of a repository
	Hashed int `json:"hashed"` // with --hash
	// Compiled is set when the file says that a tool wrote it: pip-compile, uv, Poetry …
	Compiled bool `json:"compiled,omitempty"`
	// Includes are the files that -r names, as written.
	Includes []string `json:"includes,omitempty"`
}

// Rebuild is one more build, in which the content of some files of the context differed.
type Rebuild struct {
	// Files are relative to the context. There are none when the Dockerfile copies none that
	// would tell anything; then nothing was built.
	Files []string `json:"files,omitempty"`
	// Unsent are those of Files that BuildKit did not ask for.
	Unsent []string    `json:"unsent,omitempty"`
	Steps  []BuildStep `json:"steps,omitempty"`
	// EndedEarly is true when the build was stopped because nothing more was to be learnt.
	EndedEarly bool    `json:"endedEarly,omitempty"`
	Error      string  `json:"error,omitempty"`
	Seconds    float64 `json:"seconds"`
	// Alone are further builds with one of Files each, made to tell which of them did it.
	Alone []Rebuild `json:"alone,omitempty"`
}

// Reproduction is what two builds without a cache made of the same sources.
type Reproduction struct {
	Epoch string `json:"epoch"` // SOURCE_DATE_EPOCH of both
	// Error and Log are as in Build.
	Error string   `json:"error,omitempty"`
	Log   []string `json:"log,omitempty"`
	// LayerCounts are how many layers each build's image has.
	LayerCounts [2]int `json:"layerCounts"`
	// Layers are those whose diffIDs differ.
	Layers  []LayerPair `json:"layers,omitempty"`
	Seconds float64     `json:"seconds"`
}

// LayerPair is one layer as two builds made it.
type LayerPair struct {
	Index     int       `json:"index"` // counted from 0
	CreatedBy string    `json:"createdBy,omitempty"`
	DiffIDs   [2]string `json:"diffIDs"`
	// Files are the first that differ, those of which only the times do last; Count is how
	// many there are.
	Files []FileDifference `json:"files,omitempty"`
	Count int              `json:"count"`
	// Reordered is set when the same files come in another order.
	Reordered bool `json:"reordered,omitempty"`
}

// FileDifference is a file of a layer that two builds did not make alike.
type FileDifference struct {
	Path string `json:"path"` // without a leading slash
	// What differs: "mtime", "content", "size", "mode", "owner", "type", "link", "xattrs";
	// "first" and "second" name the build that alone has it.
	What []string `json:"what"`
	// Times are the two modification times, in seconds since 1970, where these differ.
	Times []int64 `json:"times,omitempty"`
}
