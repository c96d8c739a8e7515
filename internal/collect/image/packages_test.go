package image

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/evidence"
)

func TestPackages(t *testing.T) {
	const site = "app/.venv/lib/python3.12/site-packages/"
	for _, c := range []struct {
		name   string
		layers [][]file
		want   []evidence.Package
	}{
		{"python: wheel", [][]file{{text(site+"Foo_Bar-1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: Foo_Bar.Baz\nVersion: 1.2\n\nName: nothing\n")}},
			[]evidence.Package{{Ecosystem: "python", Name: "foo-bar-baz", Version: "1.2", Path: "/" + site + "Foo_Bar-1.2.dist-info/METADATA"}}},
		{"python: metadata that cannot be read", [][]file{{text(site+"foo-1.2.dist-info/METADATA", "\x00\x01")}},
			[]evidence.Package{{Ecosystem: "python", Name: "foo", Version: "1.2", Path: "/" + site + "foo-1.2.dist-info/METADATA"}}},
		{"python: Debian's egg-info file", [][]file{{text("usr/lib/python3/dist-packages/ply-3.11.egg-info", "Name: ply\nVersion: 3.11\n")}},
			[]evidence.Package{{Ecosystem: "python", Name: "ply", Version: "3.11", Path: "/usr/lib/python3/dist-packages/ply-3.11.egg-info"}}},
		{"python: egg", [][]file{{text(site+"foo-1.0-py3.11.egg/EGG-INFO/PKG-INFO", "")}},
			[]evidence.Package{{Ecosystem: "python", Name: "foo", Version: "1.0", Path: "/" + site + "foo-1.0-py3.11.egg/EGG-INFO/PKG-INFO"}}},
		{"python: pip install --target", [][]file{{text("deps/six-1.dist-info/METADATA", "Name: six\nVersion: 1\n")}},
			[]evidence.Package{{Ecosystem: "python", Name: "six", Version: "1", Path: "/deps/six-1.dist-info/METADATA"}}},
		{"python: inside of another package", [][]file{{text(site+"setuptools/_vendor/six-1.dist-info/METADATA", "Name: six\n")}}, nil},
		{"python: modules without metadata", [][]file{{text(site+"pytest/__init__.py", ""), text(site+"_pytest/__init__.py", ""), text(site+"six.py", ""), text(site+"six/tests/__init__.py", "")}},
			[]evidence.Package{
				{Ecosystem: "python", Name: "pytest", Path: "/" + site + "pytest/__init__.py"},
				{Ecosystem: "python", Name: "six", Path: "/" + site + "six.py"},
			}},
		{"python: a private module alone", [][]file{{text(site+"_pytest/__init__.pyc", "")}},
			[]evidence.Package{{Ecosystem: "python", Name: "pytest", Path: "/" + site + "_pytest/__init__.pyc"}}},
		{"python: a module with metadata beside it", [][]file{{text(site+"typing_extensions.py", ""), text(site+"typing_extensions-4.dist-info/METADATA", "Name: typing_extensions\nVersion: 4\n")}},
			[]evidence.Package{{Ecosystem: "python", Name: "typing-extensions", Version: "4", Path: "/" + site + "typing_extensions-4.dist-info/METADATA"}}},
		{"python: the standard library is no site", [][]file{{text("usr/lib/python3.12/unittest/__init__.py", "")}}, nil},
		{"python: linked out of a cache", [][]file{{
			text("cache/ab/METADATA", "Name: foo\nVersion: 2\n"),
			{Name: site + "foo-2.dist-info/METADATA", Link: "cache/ab/METADATA", Hard: true},
		}, {text("cache/.wh.ab", "")}},
			[]evidence.Package{{Ecosystem: "python", Name: "foo", Version: "2", Path: "/" + site + "foo-2.dist-info/METADATA"}}},

		{"ruby, java, php", [][]file{{
			text("usr/local/bundle/specifications/rspec-core-3.13.0.gemspec", ""), text("usr/lib/ruby/gems/3.3.0/specifications/default/json-2.7.1.gemspec", ""),
			text("usr/lib/ruby/gems/3.3.0/gems/x-1/x.gemspec", ""),
			text("app/lib/junit-jupiter-api-5.10.2.jar", ""), text("app/lib/app.jar", ""), text("app/vendor/phpunit/phpunit/composer.json", "{}"),
			text("app/composer.json", "{}"), text("app/gone-1.jar", ""),
		}, {text("app/.wh.gone-1.jar", "")}}, []evidence.Package{
			{Ecosystem: "java", Name: "app", Path: "/app/lib/app.jar"},
			{Ecosystem: "java", Name: "junit-jupiter-api", Version: "5.10.2", Path: "/app/lib/junit-jupiter-api-5.10.2.jar"},
			{Ecosystem: "php", Name: "phpunit/phpunit", Path: "/app/vendor/phpunit/phpunit/composer.json"},
			{Ecosystem: "ruby", Name: "json", Version: "2.7.1", Path: "/usr/lib/ruby/gems/3.3.0/specifications/default/json-2.7.1.gemspec"},
			{Ecosystem: "ruby", Name: "rspec-core", Version: "3.13.0", Path: "/usr/local/bundle/specifications/rspec-core-3.13.0.gemspec"},
		}},
		{"node", [][]file{{
			text("app/package.json", `{"name":"app"}`),
			text("app/node_modules/a/package.json", `{"name":"other","version":"1.0.0"}`),
			text("app/node_modules/a/dist/package.json", `{}`),
			text("app/node_modules/@s/b/package.json", `not JSON`),
			text("app/node_modules/a/node_modules/c/package.json", `{"version":2}`),
			text("app/node_modules/.package-lock.json", `{"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/@s/b":{"dev":true},"node_modules/a/node_modules/c":{"dev":true},"node_modules/gone":{"dev":true}}}`),
		}},
			[]evidence.Package{
				{Ecosystem: "node", Name: "@s/b", Path: "/app/node_modules/@s/b/package.json", Dev: true},
				{Ecosystem: "node", Name: "a", Version: "1.0.0", Path: "/app/node_modules/a/package.json"},
				{Ecosystem: "node", Name: "c", Path: "/app/node_modules/a/node_modules/c/package.json", Dev: true},
			}},
		{"node: the lock file was replaced", [][]file{
			{text("n/node_modules/a/package.json", `{}`), text("n/node_modules/.package-lock.json", `{"packages":{"node_modules/a":{"dev":true}}}`)},
			{text("n/node_modules/.package-lock.json", `{"packages":{"node_modules/a":{}}}`)}},
			[]evidence.Package{{Ecosystem: "node", Name: "a", Path: "/n/node_modules/a/package.json"}}},

		{"debian", [][]file{
			{text("var/lib/dpkg/status", "Package: base\nStatus: install ok installed\nVersion: 1\nDescription: x\n Package: no\n\n")},
			{text("var/lib/dpkg/status", "Package: base\nStatus: install ok installed\nVersion: 1\n\nPackage: gcc\nVersion: 2\nStatus: hold ok installed\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 3")},
		},
			[]evidence.Package{
				{Ecosystem: "debian", Name: "base", Version: "1", Path: "/var/lib/dpkg/status"},
				{Ecosystem: "debian", Name: "gcc", Version: "2", Path: "/var/lib/dpkg/status", Layer: 1},
			}},
		{"distroless", [][]file{{text("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 9\n"), text("var/lib/dpkg/status.d/tzdata.md5sums", "aa: bb\n")}},
			[]evidence.Package{{Ecosystem: "debian", Name: "tzdata", Version: "9", Path: "/var/lib/dpkg/status.d/tzdata"}}},
		{"alpine", [][]file{{text("lib/apk/db/installed", "C:Q1\nP:musl\nV:1.2\nF:lib\nR:x\n\nP:gcc\nV:13\n\n")}},
			[]evidence.Package{
				{Ecosystem: "alpine", Name: "gcc", Version: "13", Path: "/lib/apk/db/installed"},
				{Ecosystem: "alpine", Name: "musl", Version: "1.2", Path: "/lib/apk/db/installed"},
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := collect(t, c.layers...).Packages
			if len(got) != 0 || len(c.want) != 0 {
				if d := cmp.Diff(c.want, got); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

func TestTools(t *testing.T) {
	out := collect(t,
		[]file{
			exe("usr/bin/x86_64-linux-gnu-gcc-12", "x"),
			{Name: "usr/bin/gcc", Link: "gcc-12"}, {Name: "usr/bin/gcc-12", Link: "x86_64-linux-gnu-gcc-12"},
			{Name: "usr/bin/cc", Link: "/etc/alternatives/cc"}, {Name: "etc/alternatives/cc", Link: "/usr/bin/gcc"},
			{Name: "bin", Link: "usr/bin"},
			exe("usr/local/go/bin/go", "x"), {Name: "usr/local/bin/go", Link: "../go/bin/go"},
			exe("usr/local/bin/npm", "x"), {Name: "usr/local/bin/yarn", Link: "npm", Hard: true, Mode: 0o755},
			exe("app/.venv/bin/pytest", "#!"), exe("usr/bin/pip3.12", ""), {Name: "opt/bin/tox", Link: "/bin/pip3.12"},
			text("usr/bin/cargo", "not executable"), exe("home/go", "in no directory for executables"),
			exe("usr/bin/gcc-ar-12", ""), exe("usr/bin/make-ssl-cert", ""), exe("usr/bin/python3", ""),
			{Name: "usr/bin/mypy", Link: "mypy2"}, {Name: "usr/bin/mypy2", Link: "mypy"}, {Name: "usr/bin/ruff", Link: "/nowhere"},
		},
		[]file{text("usr/local/.wh.go", "")},
	)
	var got []string
	for _, tool := range out.Tools {
		got = append(got, tool.Name+" "+tool.Path)
	}
	want := []string{
		"pytest /app/.venv/bin/pytest", "tox /opt/bin/tox", "cc /usr/bin/cc", "gcc /usr/bin/gcc", "gcc /usr/bin/gcc-12",
		"pip /usr/bin/pip3.12", "gcc /usr/bin/x86_64-linux-gnu-gcc-12", "npm /usr/local/bin/npm", "yarn /usr/local/bin/yarn",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestToolNames(t *testing.T) {
	for base, want := range map[string]string{
		"g++": "g++", "g++-12": "g++", "clang++-16": "clang++", "py.test-3": "py.test", "c8": "c8", "nose2": "nose2",
		"aarch64-alpine-linux-musl-gcc": "gcc", "arm-linux-gnueabihf-gcc-12": "gcc", "pip3": "pip",
		"python3": "", "gccgo-helper": "", "goose": "", "makeinfo": "", "ld.so": "", "bash": "", "2to3": "",
	} {
		if got := toolName("/usr/bin/" + base); got != want {
			t.Errorf("%s is %q, want %q", base, got, want)
		}
	}
}

func TestGoBinaries(t *testing.T) {
	p := program(t)
	out := collect(t,
		[]file{
			exe("app/server", p), {Name: "app/link", Link: "app/server", Hard: true, Mode: 0o755},
			text("app/data", p[:4096]), exe("app/script", "#!/bin/sh\n"), exe("app/elf", "\x7fELF and nothing"), exe("app/two", "\x7fE"),
		},
		[]file{text("app/.wh.server", "")},
	)
	if len(out.GoBinaries) != 1 {
		t.Fatalf("Go programs %+v, want /app/link alone", out.GoBinaries)
	}
	b := out.GoBinaries[0]
	if b.Path != "/app/link" || b.Package != "cmd/gofmt" || !strings.HasPrefix(b.GoVersion, "go1.") {
		t.Errorf("Go program %+v", b)
	}
}

// This very program is what `go test -c` makes.
func TestGoTestBinary(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	out := collect(t, []file{exe("a", string(b)), exe("b", program(t))})
	if len(out.GoBinaries) != 2 || !out.GoBinaries[0].Test || out.GoBinaries[1].Test {
		t.Errorf("Go programs %+v, want a test and one that is none", out.GoBinaries)
	}
}
