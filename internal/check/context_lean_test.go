package check

import (
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// offered is a build of instructions with a context of entries.
func offered(c *evidence.BuildContext, instructions ...string) evidence.Evidence {
	return with(func(e *evidence.Evidence) { e.Context, e.Build.Steps = c, stepsOf(instructions...) })
}

// ofSize sets the size of the files of a context.
func ofSize(bytes int64, files ...string) *evidence.BuildContext {
	c := contextWith(files...)
	for i := range c.Entries {
		c.Entries[i].Bytes = bytes
	}
	return c
}

var modulesFirst = []string{"COPY go.mod .", "RUN go mod download", "COPY . ."}

var contextLeanExamples = []example{
	{name: "lean", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"4 files (4 KiB) in the context; BuildKit asks for 3 of them (3 KiB)", "no instruction uses 1 small file (1000 bytes): README.md"}},
	{name: "version control", c: goodContract(), want: Fail, says: []string{"api/.git: version control data (2 files, 2 KiB)", `sent to the builder with all the rest for "COPY . ."`, "Add to api/.dockerignore:\n.git"},
		e: offered(contextWith("go.mod", "a.go", ".git/HEAD", ".git/objects/x"), modulesFirst...)},
	{name: "version control that is not sent", c: goodContract(), want: Fail, says: []string{"no instruction uses it"}, e: offered(contextWith("go.mod", ".git/HEAD-"), "COPY go.mod .")},
	{name: "node_modules in two folders", c: goodContract(), want: Fail, says: []string{"api/a/node_modules", "api/b/node_modules", ":\n**/node_modules"}, hides: []string{"a/node_modules\nb"},
		e: offered(contextWith("a/node_modules/x/index.js", "b/node_modules/", "a.js"), "COPY . .")},
	{name: "a virtual environment by what marks it", c: goodContract(), want: Fail, says: []string{"api/myenv: a virtual environment", ":\nmyenv"},
		e: offered(contextWith("myenv/pyvenv.cfg", "myenv/lib/x.py", "app.py"), "COPY . .")},
	{name: "a cache that is sent", c: goodContract(), want: Fail, says: []string{"api/app/__pycache__"}, e: offered(contextWith("app/__pycache__/a.pyc", "app/a.py"), "COPY app app")},
	{name: "a cache that is sent, and no instruction says for what", c: goodContract(), want: Fail, says: []string{"sent to the builder"}, hides: []string{"with all the rest"},
		e: offered(contextWith("app/__pycache__/a.pyc", "app/a.py"), "RUN true")},
	{name: "a cache by its mark", c: goodContract(), want: Fail, says: []string{"api/target: a tool's cache (it has a CACHEDIR.TAG)"}, e: offered(ofSize(2<<20, "target/CACHEDIR.TAG-", "target/debug/x-"), "COPY src src")},
	{name: "a small cache that is not sent", c: goodContract(), want: Pass, says: []string{"api/app/__pycache__"}, e: offered(contextWith("app/__pycache__/a.pyc-"), "COPY src src")},
	{name: "a big file that nothing uses", c: goodContract(), want: Fail, says: []string{"api/dump.sql: a big file (20.0 MiB): no instruction uses it"}, e: offered(ofSize(20<<20, "dump.sql-"), "COPY src src")},
	{name: "a big folder of small files that nothing uses", c: goodContract(), want: Fail, says: []string{"api/data: a folder (8 files, 32.0 MiB): no instruction uses it", ":\ndata"},
		e: offered(ofSize(4<<20, "data/1-", "data/2-", "data/3-", "data/4-", "data/x/5-", "data/x/6-", "data/x/7-", "data/x/8-"), "COPY src src")},
	{name: "a folder of which a part is used", c: goodContract(), want: Pass, says: []string{"8 small files"},
		e: offered(ofSize(4<<20, "data/0", "data/1-", "data/2-", "data/3-", "data/4-", "data/x/5-", "data/x/6-", "data/x/7-", "data/x/8-"), "COPY data/0 .")},
	{name: "a big file that is copied with the rest", c: goodContract(), want: Pass, says: []string{"api/model.bin: a big file (20.0 MiB)", `"COPY . ."`}, e: offered(ofSize(20<<20, "model.bin"), "COPY . .")},
	{name: "a log that is copied with the rest", c: goodContract(), want: Fail, says: []string{"api/debug.log: a log"}, e: offered(ofSize(20<<20, "debug.log"), "COPY . .")},
	{name: "taken by name", c: goodContract(), want: Pass, says: []string{"takes it by name"}, e: offered(contextWith(".git/HEAD", "node_modules/x.js"), "RUN --mount=type=bind,source=.git,target=.git make", "COPY node_modules node_modules")},
	{name: "taken by name and with the rest", c: goodContract(), want: Fail, e: offered(contextWith(".git/HEAD"), "COPY .git/HEAD /", "COPY . .")},
	{name: "allowed", c: contractWith(func(c *contract.Contract) { c.Build.AllowInContext = []string{".git", "/data/*.bin"} }), want: Pass,
		e: offered(ofSize(20<<20, ".git/HEAD", "data/a.bin-"), "COPY . .")},
	{name: "what describes the build", c: goodContract(), want: Pass, hides: []string{"no instruction uses"}, e: offered(contextWith("Dockerfile.prod-", ".dockerignore-"), "RUN true")},
	{name: "no .dockerignore", c: goodContract(), want: Fail, says: []string{"Write api/.dockerignore:"}, e: with(func(e *evidence.Evidence) {
		e.Context = contextWith(".git/HEAD-")
		e.Context.IgnoreFile = ""
	})},
	{name: "one beside the Dockerfile", c: goodContract(), want: Fail, says: []string{"Add to api/Dockerfile.prod.dockerignore:"}, e: with(func(e *evidence.Evidence) {
		e.Context = contextWith(".git/HEAD-")
		e.Context.IgnoreFile = "Dockerfile.prod.dockerignore"
	})},
	{name: "no build", c: contract.Contract{}, e: evidence.Evidence{}, want: Skipped},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionContext, func(e *evidence.Evidence) { e.Context = nil }), want: Inconclusive},
	{name: "build not observed", c: goodContract(), e: without(evidence.SectionBuild, func(e *evidence.Evidence) { e.Build = nil }), want: Inconclusive},
}

func TestListedAlone(t *testing.T) {
	for p, want := range map[string]bool{"web/package-lock.json": true, "x/pyvenv.cfg": true, "target/CACHEDIR.TAG": true, "requirements-dev.txt": true,
		"node_modules/a/package.json": false, "a.go": false, "uv.lock": true} {
		if got := ListedAlone(p); got != want {
			t.Errorf("%s: %v, want %v", p, got, want)
		}
	}
}
