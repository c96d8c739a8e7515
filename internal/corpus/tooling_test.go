package corpus

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/collect/image/imagetest"
)

func installs(name, version string, files ...file) func(*recipe) {
	return func(r *recipe) { r.run("pip install "+name, distribution(name, version, files...)...) }
}

func gem(name string) file {
	return text("usr/local/bundle/specifications/"+name+".gemspec", "Gem::Specification.new\n")
}

func node(name, version string) file {
	return text("app/node_modules/"+name+"/package.json", `{"name":"`+name+`","version":"`+version+`"}`)
}

// jar is an archive with files of these names, and with that many bytes before its directory.
func jar(t testing.TB, filling int, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name, body string) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		add(name, "PK")
	}
	add("data", strings.Repeat("x", filling))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var devTooling = []specimen{
	{planted: "pytest by its metadata", fails: []string{tooling}, at: []string{"pytest 8.3.3", "layer 5", "pip install pytest", "METADATA"}, plant: installs("pytest", "8.3.3")},
	{planted: "a plugin of pytest, with pytest", fails: []string{tooling}, at: []string{"pytest-asyncio"}, plant: func(r *recipe) {
		r.run("pip install pytest-asyncio", append(distribution("pytest", "8.3.3"), distribution("pytest-asyncio", "0.24.0")...)...)
	}},
	{planted: "mypy in a virtual environment", fails: []string{tooling}, at: []string{"mypy", "/app/.venv"}, plant: func(r *recipe) {
		r.run("uv sync", text("app/.venv/pyvenv.cfg", "home = /usr/local/bin\n"), link("app/.venv/bin/python", "/usr/local/bin/python3"),
			text("app/.venv/lib/python3.12/site-packages/mypy-1.13.dist-info/METADATA", "Name: mypy\nVersion: 1.13\n\n"))
	}},
	{planted: "an importable pytest without metadata", fails: []string{tooling}, at: []string{"_pytest/__init__.py"},
		plant: func(r *recipe) { r.copy("vendored", text(site+"_pytest/__init__.py", "")) }},
	{planted: "an egg of Debian", fails: []string{tooling}, at: []string{"coverage"}, plant: func(r *recipe) {
		r.run("apt-get install", text("usr/lib/python3/dist-packages/coverage-6.5.0.egg-info/PKG-INFO", "Name: coverage\nVersion: 6.5.0\n\n"))
	}},
	{planted: "python3-pytest by dpkg's status", fails: []string{tooling}, at: []string{"python3-pytest"}, plant: func(r *recipe) {
		r.run("apt-get install python3-pytest", text("var/lib/dpkg/status", "Package: python3-pytest\nStatus: install ok installed\nVersion: 7.2\n\n"))
	}},
	{planted: "metadata that a cache has hard linked", fails: []string{tooling}, at: []string{"pytest"}, plant: func(r *recipe) {
		r.run("uv sync", text("root/.cache/uv/archive-v0/x1", "Name: pytest\nVersion: 8.3.3\n\n"),
			hardlink(site+"pytest-8.3.3.dist-info/METADATA", "root/.cache/uv/archive-v0/x1"))
	}},
	{planted: "a package that npm's lock file marks as dev", fails: []string{tooling}, at: []string{"left-pad", "development dependency"}, plant: func(r *recipe) {
		r.run("npm ci", node("left-pad", "1.3.0"), node("express", "4.19.0"),
			text("app/node_modules/.package-lock.json", `{"packages":{"node_modules/left-pad":{"version":"1.3.0","dev":true},"node_modules/express":{"version":"4.19.0"}}}`))
	}},
	{planted: "jest", fails: []string{tooling}, at: []string{"jest 29.7.0"}, plant: func(r *recipe) { r.run("npm install", node("jest", "29.7.0")) }},
	{planted: "@vitest/coverage-v8 of a scope", fails: []string{tooling}, plant: func(r *recipe) { r.run("npm install", node("@vitest/coverage-v8", "2.0.0")) }},
	{planted: "Go's toolchain", fails: []string{tooling}, at: []string{"Go toolchain"}, plant: func(r *recipe) {
		r.run("install go", exe("usr/local/go/bin/go", goProgram("cmd/go")), exe("usr/local/go/bin/gofmt", goProgram("cmd/gofmt")))
	}},
	{planted: "a compiled test, under another name", fails: []string{tooling}, at: []string{"/app/check", "test binary"},
		plant: func(r *recipe) {
			r.copy("check /app", exe("app/check", goProgram("shop.example/cmd/api", "testing.MainStart", "testing.(*M).Run")))
		}},
	{planted: "gofmt under another name", fails: []string{tooling}, at: []string{"cmd/gofmt"},
		plant: func(r *recipe) { r.copy("fmt /app", exe("app/fmt", imagetest.Program(r.t))) }},
	{planted: "Delve", fails: []string{tooling}, at: []string{"delve"},
		plant: func(r *recipe) {
			r.copy("debug /app", exe("app/debug", goProgram("github.com/go-delve/delve/cmd/dlv")))
		}},
	{planted: "RSpec", fails: []string{tooling}, at: []string{"rspec-core"}, plant: func(r *recipe) { r.run("bundle install", gem("rspec-core-3.13.0")) }},
	{planted: "a jar of JUnit", fails: []string{tooling}, at: []string{"junit-jupiter-api"}, plant: func(r *recipe) { r.copy("lib /app/lib", text("app/lib/junit-jupiter-api-5.10.2.jar", "PK\x03\x04")) }},
	{planted: "a jar of Surefire", fails: []string{tooling}, plant: func(r *recipe) { r.copy("lib /app/lib", text("app/lib/maven-surefire-common-3.2.5.jar", "PK\x03\x04")) }},
	{planted: "PHPUnit", fails: []string{tooling}, plant: func(r *recipe) {
		r.run("composer install", text("app/vendor/phpunit/phpunit/composer.json", `{"name":"phpunit/phpunit"}`))
	}},
	{planted: "Django's debug toolbar", fails: []string{tooling}, at: []string{"django-debug-toolbar"}, plant: installs("django_debug_toolbar", "4.4.6")},
	{planted: "Spring's devtools beside the program", fails: []string{tooling}, plant: func(r *recipe) {
		r.copy("app /app", text("app/BOOT-INF/lib/spring-boot-devtools-3.3.0.jar", "PK\x03\x04"))
	}},
	{planted: "Spring's devtools inside of a jar", fails: []string{tooling}, at: []string{"/app/app.jar!/BOOT-INF/lib/spring-boot-devtools-3.3.0.jar"}, plant: func(r *recipe) {
		r.copy("app.jar /app", text("app/app.jar", jar(r.t, 0, "META-INF/MANIFEST.MF", "BOOT-INF/lib/spring-boot-3.3.0.jar", "BOOT-INF/lib/spring-boot-devtools-3.3.0.jar")))
	}},
	{planted: "JUnit inside of a large war", fails: []string{tooling}, at: []string{"junit"}, plant: func(r *recipe) {
		r.copy("app.war /app", text("app/app.war", jar(r.t, 5<<20, "WEB-INF/lib/junit-4.13.2.jar")))
	}},
	{planted: "assemblies of tests", fails: []string{tooling}, at: []string{"shop.tests"}, plant: func(r *recipe) {
		r.copy("out /app", text("app/Shop.dll", "MZ"), text("app/Shop.Tests.dll", "MZ"), text("app/xunit.core.dll", "MZ"))
	}},
	{planted: "packages of tests by a deps.json", fails: []string{tooling}, at: []string{"xunit 2.9.0", "Shop.deps.json"}, plant: func(r *recipe) {
		r.copy("out /app", text("app/Shop.deps.json", `{"libraries":{"Shop/1.0.0":{"type":"project"},"xunit/2.9.0":{"type":"package"},"Serilog/4.0.0":{"type":"package"}}}`))
	}},
	{planted: "devDependencies that are installed", fails: []string{tooling}, at: []string{"acme-fixtures", "development dependency"}, plant: func(r *recipe) {
		r.run("yarn install", text("app/package.json", `{"dependencies":{"express":"4"},"devDependencies":{"acme-fixtures":"1"}}`), node("express", "4.19.0"), node("acme-fixtures", "1.0.0"))
	}},
	{planted: "devDependencies that pnpm linked", fails: []string{tooling}, at: []string{"acme-fixtures"}, plant: func(r *recipe) {
		r.run("pnpm install", text("app/package.json", `{"devDependencies":{"acme-fixtures":"1"}}`), node(".pnpm/acme-fixtures@1.0.0/node_modules/acme-fixtures", "1.0.0"),
			link("app/node_modules/acme-fixtures", ".pnpm/acme-fixtures@1.0.0/node_modules/acme-fixtures"))
	}},
	{planted: "a package that Composer marks as dev", fails: []string{tooling}, at: []string{"acme/fixtures"}, plant: func(r *recipe) {
		r.run("composer install", text("app/vendor/acme/fixtures/composer.json", "{}"), text("app/vendor/composer/installed.json", `{"packages":[],"dev":true,"dev-package-names":["acme/fixtures"]}`))
	}},
	{planted: "web-console of Rails", fails: []string{tooling}, plant: func(r *recipe) { r.run("bundle install", gem("web-console-4.2.1")) }},
	{planted: "gcc, where the contract is strict", fails: []string{tooling}, at: []string{"gcc", "strict"}, plant: func(r *recipe) {
		r.run("apt-get install gcc", exe("usr/bin/x86_64-linux-gnu-gcc-12", elf), link("usr/bin/gcc", "x86_64-linux-gnu-gcc-12"))
		r.contract.DevDependencies.Strict = true
	}},
	{planted: "a package that the contract forbids", fails: []string{tooling}, at: []string{"boto3", "forbidden by the contract"}, plant: func(r *recipe) {
		installs("boto3", "1.35.0")(r)
		r.contract.DevDependencies.Forbid = []string{"boto*"}
	}},
}

var harmlessTooling = []specimen{
	{planted: "pytest that a later layer deleted", like: tooling, plant: func(r *recipe) {
		installs("pytest", "8.3.3")(r)
		r.run("rm -r site-packages/pytest*", gone(site+"pytest-8.3.3.dist-info"))
	}},
	{planted: "devDependencies that are named and not installed", like: tooling, plant: func(r *recipe) {
		r.run("npm ci --omit=dev", text("app/package.json", `{"dependencies":{"express":"4"},"devDependencies":{"acme-fixtures":"1"}}`),
			text("app/node_modules/express/package.json", `{"version":"4.19.0","devDependencies":{"mocha":"10"}}`))
	}},
	{planted: "what a package of the distribution's names for its own development", like: tooling, plant: func(r *recipe) {
		r.run("apt-get install npm", text("usr/share/nodejs/chokidar/package.json", `{"name":"chokidar","dependencies":{"braces":"3"},"devDependencies":{"upath":"1"}}`),
			text("usr/share/nodejs/chokidar/node_modules/upath/package.json", `{"name":"upath","version":"1.2.0"}`),
			text("var/lib/dpkg/info/node-chokidar.list", "/usr/share/nodejs/chokidar/package.json\n/usr/share/nodejs/chokidar/node_modules/upath/package.json\n"))
	}},
	{planted: "a devDependency that a dependency needs, too", like: tooling, plant: func(r *recipe) {
		r.run("yarn install --production", text("app/package.json", `{"dependencies":{"express":"4"},"devDependencies":{"acme-types":"1"}}`),
			text("app/node_modules/express/package.json", `{"version":"4.19.0","dependencies":{"qs":"6"}}`), text("app/node_modules/qs/package.json", `{"peerDependencies":{"acme-types":"*"}}`), node("acme-types", "1.0.0"))
	}},
	{planted: "devDependencies of a workspace that another workspace needs", like: tooling, plant: func(r *recipe) {
		r.run("yarn workspaces focus", text("app/package.json", `{"devDependencies":{"acme-lib":"1"}}`), text("app/api/package.json", `{"dependencies":{"acme-lib":"1"}}`), node("acme-lib", "1.0.0"))
	}},
	{planted: "a jar with libraries of a program", like: tooling, plant: func(r *recipe) {
		r.copy("app.jar /app", text("app/app.jar", jar(r.t, 1<<20, "BOOT-INF/lib/spring-boot-3.3.0.jar", "BOOT-INF/classes/junit-4.jar", "shop/spring-boot-devtools-1.jar")))
	}},
	{planted: "a jar that is damaged", like: tooling, plant: func(r *recipe) { r.copy("app.jar /app", text("app/app.jar", "PK\x03\x04"+mixed(77, 3<<20))) }},
	{planted: "assemblies with names like tests'", like: tooling, plant: func(r *recipe) {
		r.copy("out /app", text("app/Contest.dll", "MZ"), text("app/Shop.Testing.Abstractions.dll", "MZ"), text("app/Shop.deps.json", `{"libraries":{"Shop.Tests/1.0.0":{"type":"project"}}}`))
	}},
	{planted: "pytest, which the contract allows", like: tooling, plant: func(r *recipe) {
		installs("pytest", "8.3.3")(r)
		r.contract.DevDependencies.Allow = []string{"pytest"}
	}},
	{planted: "a folder of the program that is called pytest_something", like: tooling,
		plant: func(r *recipe) { r.copy("app /app", text("app/pytest_something/__init__.py", "")) }},
	{planted: "a package called pytest_something that is no tool", like: tooling, plant: func(r *recipe) {
		r.run("pip install .", append(distribution("pytest-something", "1.0", text(site+"pytest_something/__init__.py", "")),
			text(site+"pytest_something-1.0.dist-info/direct_url.json", `{"url":"file:///src","dir_info":{}}`))...)
	}},
	{planted: "packages with names like tools'", like: tooling, plant: func(r *recipe) {
		r.run("pip install", append(append(distribution("pytesseract", "0.3.13"), distribution("mypy-extensions", "1.0.0")...), distribution("blackfire", "1.0")...)...)
	}},
	{planted: "what a package carries inside of itself", like: tooling, plant: func(r *recipe) {
		r.run("pip install big", distribution("big", "1.0", text(site+"big/_vendor/pytest/__init__.py", ""), text(site+"big/_vendor/pytest-8.dist-info/METADATA", "Name: pytest\n\n"))...)
	}},
	{planted: "pip, setuptools and npm of a base image", like: tooling, at: []string{"pip"}, plant: func(r *recipe) {
		r.run("base", append(append(distribution("pip", "24.2"), distribution("setuptools", "75.1.0")...), exe("usr/local/bin/pip3.12", "#!/usr/local/bin/python\nimport pip\n"))...)
	}},
	{planted: "gcc, where the contract is not strict", like: tooling, plant: func(r *recipe) { r.run("apt-get install gcc", exe("usr/bin/gcc-12", elf)) }},
	{planted: "node's packages for production", like: tooling, plant: func(r *recipe) {
		r.run("npm ci --omit=dev", node("express", "4.19.0"), node("jest-diff-less", "1.0.0"),
			text("app/node_modules/.package-lock.json", `{"packages":{"node_modules/express":{"version":"4.19.0"},"node_modules/eslint":{"version":"9.0.0","dev":true}}}`))
	}},
	{planted: "a package that dpkg removed, and keeps the settings of", like: tooling, plant: func(r *recipe) {
		r.run("apt-get remove", text("var/lib/dpkg/status", "Package: python3-pytest\nStatus: deinstall ok config-files\nVersion: 7.2\n\n"))
	}},
	{planted: "a Go program", like: tooling, plant: func(r *recipe) { r.copy("api /", exe("app/api", goProgram("shop.example/cmd/api"))) }},
	{planted: "a Go program that names the testing package", like: tooling, plant: func(r *recipe) {
		r.copy("api /", exe("app/api", goProgram("shop.example/cmd/api", "testing.Testing", "testing.(*B).StartTimer")))
	}},
	{planted: "a completion and a manual that are called as a tool", like: tooling, plant: func(r *recipe) {
		r.run("install", text("usr/share/bash-completion/completions/pytest", "complete\n"), text("usr/share/man/man1/ruff.1.gz", "\x1f\x8b"))
	}},
	{planted: "a link to a tool that is not there", like: tooling, plant: func(r *recipe) { r.run("rm", link("usr/local/bin/pytest", "/opt/gone/bin/pytest")) }},
	{planted: "the shop's own jar", like: tooling, plant: func(r *recipe) { r.copy("shop.jar /app", text("app/shop-testing-ground-1.0.jar", "PK\x03\x04")) }},
}
