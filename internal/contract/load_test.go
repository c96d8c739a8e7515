package contract

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const header2 = "apiVersion: podproof/v1alpha1\nkind: Contract\n"

// write puts a contract into a folder of its own, beside what its manifests name.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, m := range []string{"manifests/api", "manifests/postgres"} {
		if err := os.MkdirAll(filepath.Join(dir, m), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, DefaultFile)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoadReadsEveryField(t *testing.T) {
	file := write(t, header2+`
image: reactbin-api-prod:latest
build:
  context: api
  dockerfile: api/Dockerfile.prod
  target: runtime
  args: [GO_IMAGE, "STATIC_IMAGE=scratch"]
  sourceFile: api/cmd/reactbin/main.go
  sourceFiles: [api/schema.sql]
  dependencySteps: ["RUN go mod .*"]
  allowInContext: [.git]
  reproducible: true
manifests: [manifests/postgres, manifests/api]
workload: Deploy/api
dependencies: [statefulsets/postgres]
http: {port: 8000, health: /api/v1/health}
env:
  required: [JWT_SECRET_KEY, DATABASE_URL]
identity: {uid: 1001, gid: 0}
startup: {within: 30s, logs: ["Started server", 404], stream: stdout}
termination: {within: 1m30s, exitCodes: [0, 143]}
devDependencies: {forbid: [gcc], allow: [pip], strict: true}
secrets: {allow: [/app/testdata]}
files: {forbid: ["*.sql"], allow: [/usr/bin/ping], immutable: true}
size: {compressed: 60Mi, uncompressed: 150Mi, wasted: 0, layers: 12}
imageConfig: {healthcheck: true, labels: [org.opencontainers.image.source], pinnedBase: true}
skip: [{id: rollout/*, reason: no HTTP}]
waivers:
  - {id: probes/declared, reason: old chart, by: ops, until: 2026-12-31}
`)
	got, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if p := got.places["waivers[0].id"]; p.Line == 0 || p.Column == 0 {
		t.Errorf("nobody knows where a field stands: %v", got.places)
	}
	got.places = nil
	uid, gid := int64(1001), int64(0)
	want := Contract{
		APIVersion: APIVersion, Kind: Kind,
		Image: "reactbin-api-prod:latest",
		Build: &Build{
			Context: "api", Dockerfile: "api/Dockerfile.prod", Target: "runtime",
			Args:            []string{"GO_IMAGE", "STATIC_IMAGE=scratch"},
			SourceFile:      "api/cmd/reactbin/main.go",
			SourceFiles:     []string{"api/schema.sql"},
			DependencySteps: []string{"RUN go mod .*"},
			AllowInContext:  []string{".git"},
			Reproducible:    true,
		},
		Manifests:       []string{"manifests/postgres", "manifests/api"},
		Workload:        "deployment/api",
		Dependencies:    Needs("statefulset/postgres"),
		HTTP:            HTTP{Port: 8000, Health: "/api/v1/health"},
		Env:             Env{[]string{"JWT_SECRET_KEY", "DATABASE_URL"}},
		Identity:        Identity{UID: &uid, GID: &gid},
		Startup:         Startup{Duration(30 * time.Second), []string{"Started server", "404"}, StreamStdout},
		Termination:     Termination{Duration(90 * time.Second), []int32{0, 143}},
		DevDependencies: DevDependencies{[]string{"gcc"}, []string{"pip"}, true},
		Secrets:         Secrets{[]string{"/app/testdata"}},
		Files:           Files{[]string{"*.sql"}, []string{"/usr/bin/ping"}, true},
		Size:            Size{size(60 << 20), size(150 << 20), size(0), 12},
		ImageConfig:     ImageConfig{true, []string{"org.opencontainers.image.source"}, true},
		Skip:            []Skip{{"rollout/*", "no HTTP"}},
		Waivers:         []Waiver{{ID: "probes/declared", Reason: "old chart", By: "ops", Until: "2026-12-31"}},
		dir:             filepath.Dir(file),
		digest:          got.digest,
		file:            filepath.Base(file),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := got.File(); got != file {
		t.Errorf("it was read from %s", got)
	}
	if got := got.Path("api"); got != filepath.Join(filepath.Dir(file), "api") {
		t.Errorf("a path is not relative to the contract: %s", got)
	}
}

func size(b Bytes) *Bytes { return &b }

func TestLoadCompletesTheBuild(t *testing.T) {
	for text, want := range map[string]Build{
		"build: {}":             {Context: ".", Dockerfile: "Dockerfile"},
		"build: {context: api}": {Context: "api", Dockerfile: "api/Dockerfile"},
	} {
		c, err := Load(write(t, header2+text))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(*c.Build, want) {
			t.Errorf("%s: got %+v", text, *c.Build)
		}
	}
}

func TestSources(t *testing.T) {
	for _, tt := range []struct {
		b    Build
		want []string
	}{
		{Build{}, nil},
		{Build{SourceFile: "a"}, []string{"a"}},
		{Build{SourceFiles: []string{"b", "a"}}, []string{"b", "a"}},
		{Build{SourceFile: "a", SourceFiles: []string{"b"}}, []string{"a", "b"}},
		{Build{SourceFile: "a", SourceFiles: []string{"b", "a"}}, []string{"b", "a"}},
	} {
		if got := tt.b.Sources(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.b, got, tt.want)
		}
	}
}

func TestLoadTakesAFolder(t *testing.T) {
	file := write(t, header2)
	if _, err := Load(filepath.Dir(file)); err != nil {
		t.Error(err)
	}
}

func TestLoadSaysWhatToWriteInstead(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "F: the file is empty; start it with the lines `apiVersion: podproof/v1alpha1` and `kind: Contract`"},
		{"only comments", "# nothing\n", "F: the file is empty; start it with the lines `apiVersion: podproof/v1alpha1` and `kind: Contract`"},
		{"null document", "---\n", "F:2:1: this is empty and not a contract; start it with the lines `apiVersion: podproof/v1alpha1` and `kind: Contract`"},
		{"a list", "- a\n", "F:1:1: this is a list and not a contract; start it with the lines `apiVersion: podproof/v1alpha1` and `kind: Contract`"},
		{"a manifest", "apiVersion: apps/v1\nkind: Deployment\nspec: {}\n", "F has 2 mistakes:\n" +
			"  F:1:13: apiVersion is the text \"apps/v1\", but this podproof reads `apiVersion: podproof/v1alpha1`\n" +
			"  F:2:7: kind is the text \"Deployment\", but this podproof reads `kind: Contract`"},
		{"no header", "image: a\n", "F has 2 mistakes:\n" +
			"  F:1:1: apiVersion is missing; write `apiVersion: podproof/v1alpha1`\n" +
			"  F:1:1: kind is missing; write `kind: Contract`"},
		{"no header, and a typing mistake", "imgae: a\nhttp:\n  prot: 80\n", "F has 4 mistakes:\n" +
			"  F:1:1: apiVersion is missing; write `apiVersion: podproof/v1alpha1`\n" +
			"  F:1:1: kind is missing; write `kind: Contract`\n" +
			"  F:1:1: unknown key \"imgae\"; did you mean \"image\"?\n" +
			"  F:3:3: unknown key \"prot\" under http; did you mean \"port\"?"},
		{"a header's key mistyped", "apiversion: podproof/v1alpha1\nkind: Contract\n", "F has 2 mistakes:\n" +
			"  F:1:1: apiVersion is missing; write `apiVersion: podproof/v1alpha1`\n" +
			"  F:1:1: unknown key \"apiversion\"; did you mean \"apiVersion\"?"},
		{"a header without a value", "apiVersion:\nkind: Contract\nimgae: a\n", "F has 2 mistakes:\n" +
			"  F:1:12: apiVersion has no value; give it one or remove the line\n" +
			"  F:3:1: unknown key \"imgae\"; did you mean \"image\"?"},
		{"two documents", header2 + "---\nimage: a\n", "F:3:1: a second YAML document starts here; a contract is one document, write the other to a file of its own"},
		{"broken second document", header2 + "---\nimage: [a\n", "F:4: this is not YAML: did not find expected ',' or ']'"},
		{"colon in a value", header2 + "image: a: b\nhttp: {}\n", "F:3: this is not YAML: mapping values are not allowed in this context"},
		{"wrong indentation", header2 + "build:\n  context: a\n target: b\nimage: c\n", "F:5: this is not YAML: did not find expected key"},
		{"tab", header2 + "build:\n\tcontext: a\n", "F:4: this is not YAML: found character that cannot start any token; indent with spaces, not with a tab"},
		{"open quote", header2 + "image: \"a\nworkload: pod/a\n", "F:3: this is not YAML: found unexpected end of stream"},

		{"typing mistake", header2 + "imgae: a\n", `F:3:1: unknown key "imgae"; did you mean "image"?`},
		{"upper case", header2 + "Image: a\n", `F:3:1: unknown key "Image"; did you mean "image"?`},
		{"typing mistake below", header2 + "http: {prot: 1}\n", `F:3:8: unknown key "prot" under http; did you mean "port"?`},
		{"key of another place", header2 + "port: 1\n", `F:3:1: unknown key "port"; did you mean http.port?`},
		{"key of a list's items", header2 + "until: 1\n", `F:3:1: unknown key "until"; did you mean waivers[].until?`},
		{"key of nowhere", header2 + "identity: {shell: no}\n", `F:3:12: unknown key "shell" under identity; the keys here are: uid, gid, arbitraryUID, serviceAccountToken`},
		{"twice", header2 + "image: a\nimage: b\n", `F:4:1: the key "image" was already given on line 3; remove one of them`},
		{"nothing given", header2 + "image:\n", `F:3:7: image has no value; give it one or remove the line`},
		{"empty text", header2 + "image: ' '\n", `F:3:8: image is empty; give it a value or remove it`},

		{"list for text", header2 + "image: [a]\n", `F:3:8: image is a list; write a single value`},
		{"text for list", header2 + "manifests: manifests/api\n", `F:3:12: manifests is the text "manifests/api"; write a list: [manifests/api]`},
		{"mapping for list", header2 + "manifests: {a: b}\n", `F:3:12: manifests is a mapping; write a list`},
		{"route without a path", header2 + "http: {query: {method: GET}}\n", `F:3:15: http.query has no path; give it one`},
		{"a route that is no path", header2 + "http: {query: users}\n", `F:3:15: http.query is "users"; write a path that starts with /, such as "/users"`},
		{"a path that is sent slowly", header2 + "http: {upload: /u}\n", `F:3:16: http.upload needs a body of two bytes or more, which podproof sends in two halves; add one that the route reads`},
		{"route in small letters", header2 + "http: {query: {path: /q, method: get}}\n", `F:3:34: http.query.method is "get"; write it in capitals, such as GET or POST`},
		{"upload without a body", header2 + "http: {upload: {path: /u}}\n", `F:3:16: http.upload needs a body of two bytes or more, which podproof sends in two halves; add one that the route reads`},
		{"text for header fields", header2 + "http: {query: {path: /q, header: x}}\n", `F:3:34: http.query.header is the text "x"; write names and values under it`},
		{"text for mapping", header2 + "http: 8000\n", `F:3:7: http is 8000; write its keys under it: port, health, healthPort, scheme, header, query, upload, longest`},
		{"quoted number", header2 + "http: {port: \"80\"}\n", `F:3:14: http.port is the text "80"; write it without quotes: 80`},
		{"fraction", header2 + "http: {port: 80.5}\n", `F:3:14: http.port is 80.5; write a whole number`},
		{"octal", header2 + "identity: {uid: 01001}\n", `F:3:17: identity.uid is 01001; write a whole number`},
		{"beyond an int64", header2 + "identity: {uid: 99999999999999999999}\n", `F:3:17: identity.uid is 99999999999999999999, which is out of range; write a smaller number`},
		{"beyond an int32", header2 + "termination: {exitCodes: [9999999999]}\n", `F:3:27: termination.exitCodes[0] is 9999999999, which is out of range; write a smaller number`},
		{"bare seconds", header2 + "startup: {within: 30}\n", `F:3:19: startup.within: "30" is not a duration; write it as 30s or 1m30s`},
		{"negative time", header2 + "startup: {within: -1s}\n", `F:3:19: startup.within: "-1s" is not above zero; write it as 30s or 1m30s`},

		{"spaces in image", header2 + "image: a b\n", `F:3:8: image is "a b"; an image name has no spaces: write name:tag`},
		{"no kind", header2 + "workload: api\n", `F:3:11: workload: "api" does not name a kind; write it as kind/name, such as deployment/api`},
		{"kind mistyped", header2 + "workload: deploymnet/api\n", `F:3:11: workload: "deploymnet" is not a kind that podproof knows; write deployment/api`},
		{"other kind", header2 + "workload: job/api\n", `F:3:11: workload: "job" is not a kind that podproof knows; write one of deployment, statefulset, daemonset, pod, then / and its name`},
		{"no DNS name", header2 + "workload: pod/My_Api\n", `F:3:11: workload: "My_Api" is not a valid Kubernetes name; write pod/ and a name of lower-case letters, digits, dots and hyphens`},
		{"depends on itself", header2 + "workload: deployment/api\ndependencies: [deploy/api]\n", `F:4:16: dependencies[0] is deployment/api, which is the workload itself; name what it needs, or remove it`},
		{"no such manifest", header2 + "manifests: [manifests/apii]\n", `F:3:13: manifests: there is no file or folder manifests/apii; paths are relative to the folder of this contract`},
		{"no manifest of a pattern", header2 + "manifests: [\"k8s/*.yaml\"]\n", `F:3:13: manifests: no file or folder fits the pattern k8s/*.yaml; paths are relative to the folder of this contract`},
		{"the standard input", header2 + "manifests: [\"-\"]\n", `F:3:13: manifests: - is the standard input on a command line alone: podproof verify -m - reads it`},
		{"build argument", header2 + "build: {args: [\"A B=C\"]}\n", `F:3:16: build.args: "A B" is not a valid variable name; write NAME=VALUE, or NAME to take its value from the environment`},
		{"source elsewhere", header2 + "build: {context: api, sourceFile: main.go}\n", `F:3:35: build.sourceFile is main.go, which is not in the build context api, so the image cannot depend on it; name a source file below api`},
		{"one of the sources elsewhere", header2 + "build: {context: api, sourceFiles: [api/main.go, ../x.go]}\n", `F:3:50: build.sourceFiles[1] is ../x.go, which is not in the build context api, so the image cannot depend on it; name a source file below api`},
		{"source twice", header2 + "build: {sourceFiles: [main.go, main.go]}\n", `F:3:32: build.sourceFiles names main.go twice; remove one of them`},
		{"all may be in the context", header2 + "build: {allowInContext: [\"*\"]}\n", `F:3:26: build.allowInContext: "*" matches every path; write a narrower one, such as /app/tests or *.pem`},
		{"regular expression", header2 + "build: {dependencySteps: [\"RUN (a\"]}\n", "F:3:27: build.dependencySteps: \"RUN (a\" is not a valid regular expression (missing closing ): `RUN (a`); see https://go.dev/s/re2syntax"},
		{"port 0", header2 + "http: {port: 0}\n", `F:3:14: http.port is 0; a port is a number from 1 to 65535`},
		{"port too high", header2 + "http: {port: 65536}\n", `F:3:14: http.port is 65536; a port is a number from 1 to 65535`},
		{"relative path", header2 + "http: {health: health}\n", `F:3:16: http.health is "health"; write a path that starts with /, such as "/health"`},
		{"whole URL", header2 + "http: {health: \"http://localhost/health\"}\n", `F:3:16: http.health is "http://localhost/health"; write its path alone, such as /health: podproof finds the address itself`},
		{"variable with value", header2 + "env: {required: [PASSWORD=hunter2]}\n", `F:3:18: env.required: PASSWORD comes with a value; write the name alone: PASSWORD`},
		{"variable with space", header2 + "env: {required: [\"MY VAR\"]}\n", `F:3:18: env.required: "MY VAR" is not a valid variable name; use letters, digits and _, and start with a letter or _`},
		{"variable twice", header2 + "env: {required: [A, A]}\n", `F:3:21: env.required names A twice; remove one of them`},
		{"negative ID", header2 + "identity: {gid: -1}\n", `F:3:17: identity.gid is -1; an ID is a number from 0 to 2147483647`},
		{"stream", header2 + "startup: {stream: stderr}\n", `F:3:19: startup.stream is "stderr"; write any or stdout`},
		{"exit code", header2 + "termination: {exitCodes: [256]}\n", `F:3:27: termination.exitCodes: 256 is not an exit code; write a number from 0 to 255`},
		{"no exit code", header2 + "termination: {exitCodes: []}\n", `F:3:26: termination.exitCodes is empty, so no exit code would be accepted; write [0]`},
		{"forbidden and allowed", header2 + "devDependencies: {forbid: [gcc], allow: [gcc]}\n", `F:3:42: devDependencies: gcc is both forbidden and allowed; remove it from one list`},
		{"no switch", header2 + "files: {immutable: 1}\n", `F:3:20: files.immutable is 1; write true or false`},
		{"pattern for all", header2 + "files: {allow: [\"/**\"]}\n", `F:3:17: files.allow: "/**" matches every path; write a narrower one, such as /app/tests or *.pem`},
		{"pattern with ..", header2 + "files: {forbid: [../x]}\n", `F:3:18: files.forbid: "../x" has ".." in it, which no path of an image has; write /x`},
		{"pattern that glues", header2 + "files: {forbid: [\"/app/**.py\"]}\n", `F:3:18: files.forbid: "/app/**.py" has ** beside other characters, where it would mean no more than *; write ** between slashes, or *`},
		{"pattern with two slashes", header2 + "files: {forbid: [/app//x]}\n", `F:3:18: files.forbid: "/app//x" has two slashes in a row, which no path of an image has; write /app/x`},
		{"pattern left open", header2 + "secrets: {allow: [\"/app/[a\"]}\n", `F:3:19: secrets.allow: "/app/[a" is not a valid pattern: a [ is not closed, or a \ ends it`},
		{"pattern twice", header2 + "secrets: {allow: [/a, /a]}\n", `F:3:23: secrets.allow names /a twice; remove one of them`},
		{"size without a unit", header2 + "size: {compressed: 150}\n", `F:3:20: size.compressed: "150" needs a unit such as Mi; write 150Mi or 150M`},
		{"size in thousandths", header2 + "size: {compressed: 150m}\n", `F:3:20: size.compressed: "150m" needs a unit such as Mi; write 150Mi or 150M`},
		{"size in MB", header2 + "size: {wasted: 1.5 MB}\n", `F:3:16: size.wasted: "1.5 MB" is not a Kubernetes quantity; write 1.5Mi or 1.5M`},
		{"size in KB", header2 + "size: {wasted: 15KB}\n", `F:3:16: size.wasted: "15KB" is not a Kubernetes quantity; write 15Ki or 15k`},
		{"size that is none", header2 + "size: {wasted: little}\n", `F:3:16: size.wasted: "little" is not a size; write it as 150Mi or 1.5Gi`},
		{"negative size", header2 + "size: {wasted: -1Mi}\n", `F:3:16: size.wasted: "-1Mi" is negative; write it as 150Mi or 1.5Gi`},
		{"compressed more than whole", header2 + "size: {compressed: 2Gi, uncompressed: 1Gi}\n", `F:3:20: size.compressed is 2Gi, more than size.uncompressed (1Gi), so it would never apply; lower it or remove it`},
		{"no layer", header2 + "size: {layers: 0}\n", `F:3:16: size.layers is 0; an image has at least one layer; write a larger number or remove the line`},
		{"label with value", header2 + "imageConfig: {labels: [a.b=c]}\n", `F:3:24: imageConfig.labels: "a.b=c" is not a label name; write the name alone, such as a.b`},
		{"key of a size", header2 + "size: {waste: 1Mi}\n", `F:3:8: unknown key "waste" under size; did you mean "wasted"?`},
		{"waiver", header2 + "waivers: [{id: probes, by: me, until: soon}]\n", "F has 3 mistakes:\n" +
			"  F:3:11: waivers[0] has no reason; add `reason: why the broken promise is accepted for now`\n" +
			"  F:3:16: waivers[0].id is \"probes\"; write the ID of a check, such as image/no-dev-dependencies, or a group as image/*: `podproof checks` lists them\n" +
			"  F:3:39: waivers[0].until is \"soon\"; write its last day as year-month-day: 2026-12-31"},
		{"skip", header2 + "skip: [{id: rollout}, {id: \"[/\", reason: a}]\n", "F has 3 mistakes:\n" +
			"  F:3:8: skip[0] has no reason; add `reason: why it does not apply to this image`\n" +
			"  F:3:13: skip[0].id is \"rollout\"; write the ID of a check, or a group as rollout/*: `podproof checks` lists them\n" +
			"  F:3:28: skip[1].id is \"[/\"; write the ID of a check, or a group as rollout/*: `podproof checks` lists them"},
		{"waiver of a broken glob", header2 + "waivers: [{id: \"probes/[\", reason: a, by: b, until: 2026-12-31}]\n",
			"F:3:16: waivers[0].id is \"probes/[\"; write the ID of a check, such as image/no-dev-dependencies, or a group as image/*: `podproof checks` lists them"},

		{"all at once, in order", header2 + "http: {port: 99999, helth: x}\nmanifests: a\nworkload: api\n", "F has 4 mistakes:\n" +
			"  F:3:14: http.port is 99999; a port is a number from 1 to 65535\n" +
			"  F:3:21: unknown key \"helth\" under http; did you mean \"health\"?\n" +
			"  F:4:12: manifests is the text \"a\"; write a list: [a]\n" +
			"  F:5:11: workload: \"api\" does not name a kind; write it as kind/name, such as deployment/api"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, tt.text)
			_, err := Load(file)
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.ReplaceAll(err.Error(), file, "F"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			var typed *Error
			if !errors.As(err, &typed) || typed.File != file {
				t.Errorf("not an *Error of this file: %#v", err)
			}
		})
	}
}

func TestLoadFollowsAnchors(t *testing.T) {
	c, err := Load(write(t, header2+"manifests: &m [manifests/api]\nenv: {required: [A]}\nstartup: {logs: *m}\n"))
	if err != nil || len(c.Startup.Logs) != 1 {
		t.Errorf("%v, %v", c.Startup, err)
	}
	// An anchor that contains itself must not be followed for ever.
	if _, err := Load(write(t, header2+"manifests: &m [*m]\n")); err == nil {
		t.Error("no error")
	}
}

func TestLoadWithoutAFile(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Load("")
	if want := "podproof.yaml: there is no contract here; run podproof where a podproof.yaml is, name another contract with -f FILE, or have `podproof init` write one"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("errors.Is cannot tell that the file is missing")
	}
	if err := os.WriteFile("podproof.yml", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Load("")
	if want := "podproof.yaml: there is no such file, but podproof.yml is beside it; rename that one, or write -f podproof.yml"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestLoadTakesARouteByItsPath(t *testing.T) {
	c, err := Load(write(t, header2+"http: {query: /users}\n"))
	if err != nil || !reflect.DeepEqual(c.HTTP.Query, &Route{Path: "/users"}) {
		t.Errorf("%+v, %v", c.HTTP.Query, err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(header2 + "http: {port: 1}\nwaivers: [{id: a/b}]\n")
	f.Add("a: &a [*a]\n---\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, problems := parse([]byte(text), "does-not-exist")
		for _, p := range problems {
			if p.Message == "" {
				t.Errorf("a mistake without words: %+v", p)
			}
		}
	})
}
