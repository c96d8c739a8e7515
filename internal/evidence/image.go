package evidence

import "time"

// Image is what the image's configuration and layers say.
type Image struct {
	Ref string `json:"ref"`
	// Source is where it was read: "docker", "registry", "tar" or "oci".
	Source string `json:"source,omitempty"`
	// ID is the digest of the configuration, which names the image in Docker and in the CRI.
	ID           string      `json:"id"`
	Architecture string      `json:"architecture,omitempty"`
	OS           string      `json:"os,omitempty"`
	Created      time.Time   `json:"created,omitzero"`
	Config       ImageConfig `json:"config"`
	// History is oldest first, as in the OCI image configuration.
	History []History `json:"history"`
	Layers  []Layer   `json:"layers"`
	// Provenance is what the attestations beside the image say of the build's arguments, in
	// the words of a Dockerfile: "ARG VERSION=1.2".
	Provenance []string `json:"provenance,omitempty"`

	// Packages are those that the final file system holds, by any ecosystem's own records.
	Packages []Package `json:"packages,omitempty"`
	// Tools are executables of the final file system whose names are known to belong to a
	// compiler, a package manager or a test runner.
	Tools []Tool `json:"tools,omitempty"`
	// GoBinaries are the executables of the final file system that carry Go build information.
	GoBinaries []GoBinary `json:"goBinaries,omitempty"`
	// User is what the final /etc/passwd and /etc/group say about the configuration's USER.
	User *ImageUser `json:"user,omitempty"`
	// Entry are the files that ENTRYPOINT and CMD start: the program, and where that is an
	// interpreter or an init, what it is told to run.
	Entry []EntryFile `json:"entry,omitempty"`
	// Secrets are credentials in files of any layer, those deleted later included.
	Secrets []FileSecret `json:"secrets,omitempty"`
	// Unopened are the archives of any layer that no one looked into: Secrets says nothing of them.
	Unopened []Unopened `json:"unopened,omitempty"`
	// Leftovers are files and folders that a build context often leaks into an image.
	Leftovers []Leftover `json:"leftovers,omitempty"`
	// Privileged are the set-uid and set-gid files and those with capabilities, of the final file system.
	Privileged []PrivilegedFile `json:"privileged,omitempty"`
	// WorldWritable are files and folders of the final file system that anyone may write to,
	// symbolic links and sticky folders aside; Count says how many beyond those listed.
	WorldWritable []WritablePath `json:"worldWritable,omitempty"`
	// CodeOwners say which users other than root own code (programs, libraries, scripts) of
	// the final file system.
	CodeOwners []CodeOwner `json:"codeOwners,omitempty"`
	Size       *ImageSize  `json:"size,omitempty"`
	// Read is set when every layer was looked through for all of the above: without it a list
	// that is empty says nothing.
	Read *ReadStats `json:"read,omitempty"`

	// LayersRead is false when only the configuration was read.
	LayersRead bool    `json:"layersRead"`
	Seconds    float64 `json:"seconds"`
}

// Reach says whether a file of a layer is still there in the final file system.
type Reach string

// The reaches.
const (
	Reachable   Reach = "final"   // the final file system shows it
	HistoryOnly Reach = "history" // a later layer deleted or replaced it; it is shipped all the same
)

// ImageUser is the configuration's USER, looked up as a container runtime does.
type ImageUser struct {
	Written string `json:"written"` // as in the configuration, "" when it names none
	// Passwd and Group tell whether the final file system has these files.
	Passwd bool `json:"passwd"`
	Group  bool `json:"group"`
	// Known tells whether /etc/passwd has an entry of that name, or of that number.
	Known bool `json:"known"`
	// UID and GID are those that the entries give, nil where there is none.
	UID *int64 `json:"uid,omitempty"`
	GID *int64 `json:"gid,omitempty"`
	// Name is the entry's, where USER is a number.
	Name string `json:"name,omitempty"`
}

// EntryFile is a file that starts when the container does.
type EntryFile struct {
	Word string `json:"word"` // of ENTRYPOINT or CMD: "/entrypoint.sh", "python"
	// Path is where it lies after PATH and symbolic links, empty when nothing is there.
	Path  string `json:"path,omitempty"`
	Layer int    `json:"layer"`
	// Kind is "elf", "script", "other" or "missing".
	Kind       string `json:"kind"`
	Executable bool   `json:"executable"`
	// Interpreter is that of a script's first line: "/bin/sh -e".
	Interpreter string `json:"interpreter,omitempty"`
	// Returns tells that a carriage return ends the first line: the kernel takes it for a part of the interpreter's name.
	Returns bool `json:"returns,omitempty"`
	// Machine is what a program is made for, as GOARCH has it: "arm64", or "darwin"; empty where it is not known.
	Machine string `json:"machine,omitempty"`
	// Ends are the ways in which a shell script ends, whatever its arguments.
	Ends []ScriptEnd `json:"ends,omitempty"`
	// Trapped says what a shell script does on signals: {"TERM": "acts"}; see shell.Handling.
	Trapped map[string]string `json:"trapped,omitempty"`
	// Scripts are those of a package.json that is told to run one, secrets masked.
	Scripts map[string]string `json:"scripts,omitempty"`
	// StopsOnTerm tells of the settings of a server whether they make SIGTERM a graceful stop.
	StopsOnTerm bool `json:"stopsOnTerm,omitempty"`

	// Execs, Traps and LastCommand are what Ends and Trapped say in short: whether the script's
	// last command is an exec, whether it sets a trap for TERM, and that command, secrets masked.
	// Evidence of an older podproof has these alone.
	Execs       bool   `json:"execs,omitempty"`
	Traps       bool   `json:"traps,omitempty"`
	LastCommand string `json:"lastCommand,omitempty"`
}

// ScriptEnd is one way in which a shell script ends; see shell.End. Secrets are masked.
type ScriptEnd struct {
	Words []string `json:"words,omitempty"`
	Text  string   `json:"text,omitempty"`
	// Execs tells that the command becomes the process. Waits tells that the shell waits for it
	// in a way in which a trap is run at once.
	Execs   bool              `json:"execs,omitempty"`
	Waits   bool              `json:"waits,omitempty"`
	When    []ScriptCondition `json:"when,omitempty"`
	Maybe   bool              `json:"maybe,omitempty"`
	Shifted int               `json:"shifted,omitempty"`
}

// ScriptCondition is what a script asks of one of its arguments; see shell.Condition.
type ScriptCondition struct {
	Argument int      `json:"argument"`
	Default  string   `json:"default,omitempty"`
	Is       []string `json:"is,omitempty"`
	Not      bool     `json:"not,omitempty"`
}

// FileSecret is one credential in one file. The value itself is never kept.
type FileSecret struct {
	Rule string `json:"rule"` // "private-key", "aws-access-key", "netrc", …
	// What is the rule in words: "an AWS access key".
	What string `json:"what"`
	Path string `json:"path"`
	// Inside is where it stands in the archive that Path is: "/BOOT-INF/classes/application.yml".
	Inside string `json:"inside,omitempty"`
	Layer  int    `json:"layer"`
	Reach  Reach  `json:"reach"`
	// Line is where it stands in the file, 0 where the path alone gives it away.
	Line int `json:"line,omitempty"`
	// Masked shows the value's first characters at most: "AKIA…".
	Masked string `json:"masked,omitempty"`
	// Fingerprint tells findings apart and is the same in every run: of rule, path and line, not of the value.
	Fingerprint string `json:"fingerprint"`
	// Owner is the package that lists the file as its own: "python:boto3", "debian:openssl". What
	// was installed from a path of the builder's (direct_url.json with a file: URL, an npm link)
	// is the image's own code and owns nothing.
	Owner string `json:"owner,omitempty"`
}

// Unopened is a file that nobody looked into, or one that holds archives into which nobody did.
type Unopened struct {
	Path  string `json:"path"`
	Layer int    `json:"layer"`
	Reach Reach  `json:"reach"`
	// Why says it of each: "damaged, encrypted, …", "inside of another archive".
	Why string `json:"why"`
	// Count is how many archives it is about: 1 for the file itself.
	Count int `json:"count"`
	// Owner is as for FileSecret.
	Owner string `json:"owner,omitempty"`
}

// Leftover is a file or a folder, told by its path.
type Leftover struct {
	// Kind is one of:
	//	vcs         .git, .hg, .svn
	//	tests       tests, test, __tests__; conftest.py, pytest.ini, *_test.go, *_spec.rb and the
	//	            like outside of such a folder
	//	migrations  alembic*, migrations
	//	host-venv   a pyvenv.cfg whose interpreter the final file system lacks
	//	bytecode    a __pycache__ of a Python that the final file system lacks
	//	cache       node_modules/.cache, .pytest_cache, .mypy_cache, .ruff_cache, .tox
	//	editor      .idea, .vscode, *.swp, .DS_Store
	//	ci          .github, .gitlab-ci.yml, .circleci, Jenkinsfile
	//	dockerfile  Dockerfile*, Containerfile*, docker-compose*, compose.y*ml, .dockerignore
	//	env-file    .env, .env.*
	//	forbidden   what the contract's files.forbid names
	Kind string `json:"kind"`
	Glob string `json:"glob,omitempty"` // the contract's pattern, for "forbidden"
	// Path is the topmost that the kind fits: "/app/.git", and none of the files in there.
	Path  string `json:"path"`
	Layer int    `json:"layer"`
	Reach Reach  `json:"reach"`
	// Files and Bytes are those at and below the path in that layer.
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
	Owner string `json:"owner,omitempty"` // as in FileSecret
}

// PrivilegedFile is a file that gives its caller rights.
type PrivilegedFile struct {
	Path  string `json:"path"`
	Layer int    `json:"layer"`
	Mode  string `json:"mode"` // octal, with the leading bits: "4755"
	UID   int    `json:"uid"`
	GID   int    `json:"gid"`
	// Capabilities are those of the security.capability attribute: "cap_net_raw=ep".
	Capabilities string `json:"capabilities,omitempty"`
	// Owner is the package whose database lists the path, by either of its names where /bin is a
	// link to /usr/bin: "debian:passwd". Empty where none does.
	Owner string `json:"owner,omitempty"`
}

// WritablePath is a path that anyone may write to.
type WritablePath struct {
	Path  string `json:"path"`
	Layer int    `json:"layer"`
	Mode  string `json:"mode"`
	Dir   bool   `json:"dir,omitempty"`
	// Code tells whether it is a program, a library, a script, or a folder that holds some.
	Code bool `json:"code,omitempty"`
	// Count is the number of further such paths below the same folder that are not listed.
	Count int `json:"count,omitempty"`
}

// CodeOwner is a user that owns code.
type CodeOwner struct {
	UID     int    `json:"uid"`
	Files   int    `json:"files"`
	Example string `json:"example"`
	Layer   int    `json:"layer"` // that the example lies in
}

// ImageSize is how large an image is, in bytes.
type ImageSize struct {
	// Compressed is what a pull transfers, 0 where the source does not know it.
	Compressed   int64 `json:"compressed,omitempty"`
	Uncompressed int64 `json:"uncompressed"` // sum of the layers
	FinalFiles   int64 `json:"finalFiles"`   // sum of the files of the final file system
	// Wasted is the size of the files that a later layer deleted or replaced.
	Wasted  int64       `json:"wasted"`
	Files   int         `json:"files"` // of the final file system
	Largest []SizedFile `json:"largest,omitempty"`
	// Waste is by the layer whose instruction deleted or replaced files of lower ones, largest first.
	Waste []Waste `json:"waste,omitempty"`
}

// SizedFile is a file with its size.
type SizedFile struct {
	Path  string `json:"path"`
	Layer int    `json:"layer"`
	Bytes int64  `json:"bytes"`
}

// Waste is what one layer made of no use in lower layers.
type Waste struct {
	Layer   int    `json:"layer"`
	Bytes   int64  `json:"bytes"`
	Files   int    `json:"files"`
	Example string `json:"example"`
}

// ReadStats says what was read of an image, and what was not, and why.
type ReadStats struct {
	Layers       int   `json:"layers"`       // read from the source
	LayersReused int   `json:"layersReused"` // known from an earlier run
	Files        int   `json:"files"`        // entries of the layers read
	Bytes        int64 `json:"bytes"`        // uncompressed, of the layers read
	// Skipped are bodies that no rule looked into, by reason: "binary", "larger than 10 MiB".
	Skipped map[string]int `json:"skipped,omitempty"`
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
	// Own is set for the image's own project, which was installed from a folder.
	Own bool `json:"own,omitempty"`
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
