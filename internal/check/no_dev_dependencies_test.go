package check

import (
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func python(name string) evidence.Package {
	return evidence.Package{Ecosystem: "python", Name: name, Version: "1.0", Path: "/app/.venv/lib/python3.12/site-packages/" + name + "-1.0.dist-info/METADATA"}
}

// own is a package that was installed from a folder.
func own(name string) evidence.Package {
	p := python(name)
	p.Own = true
	return p
}

// holding gives the image packages; its layer was made by an instruction with a secret.
func holding(ps ...evidence.Package) evidence.Evidence {
	return image(func(i *evidence.Image) {
		i.Packages = ps
		i.Layers[0].CreatedBy = "RUN /bin/sh -c PASSWORD=" + planted + " uv sync --frozen # buildkit"
	})
}

func devContract(forbid, allow []string) contract.Contract {
	return contract.Contract{DevDependencies: contract.DevDependencies{Forbid: forbid, Allow: allow}}
}

// nycIn is an image on node:20 that holds nyc in a layer: 0 and 1 are the base's, 2 and 3 its own build's.
func nycIn(layers ...int) evidence.Evidence {
	return image(func(i *evidence.Image) {
		i.Layers, i.History = nil, nil
		for _, by := range []string{"ADD rootfs.tar.xz / # buildkit", `CMD ["bash"]`, "RUN /bin/sh -c npm install -g nyc # buildkit", `CMD ["node"]`,
			"WORKDIR /app", "ENV NODE_ENV=production", "COPY . . # buildkit", `CMD ["node" "server.js"]`} {
			h := evidence.History{CreatedBy: by, Layer: -1, EmptyLayer: strings.HasPrefix(by, "CMD") || strings.HasPrefix(by, "ENV")}
			if !h.EmptyLayer {
				h.Layer = len(i.Layers)
				i.Layers = append(i.Layers, evidence.Layer{CreatedBy: by})
			}
			i.History = append(i.History, h)
		}
		for n, l := range layers {
			i.Packages = append(i.Packages, evidence.Package{Ecosystem: "node", Name: []string{"nyc", "jest"}[n], Path: "/node_modules", Layer: l})
		}
	})
}

// onNode is a build of that image, whose last stage has these instructions.
func onNode(e evidence.Evidence, stages ...string) evidence.Evidence {
	e.Build = &evidence.Build{Dockerfile: "Dockerfile"}
	for i, stage := range stages {
		name := []string{"deps", "stage-1"}[i+2-len(stages)]
		for text := range strings.Lines(stage) {
			e.Build.Instructions = append(e.Build.Instructions, evidence.Instruction{Line: len(e.Build.Instructions) + 1, Stage: name, Text: strings.TrimSpace(text)})
		}
	}
	return e
}

const fromBase = "to delete it in your own stage hides it"

var devDependenciesExamples = []example{
	{name: "a Go binary", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Dev deps absent OK"}},
	{name: "runtime packages", c: goodContract(), want: Pass, e: holding(python("fastapi"), python("uvicorn"), python("watchfiles"), python("mypy_extensions"),
		python("coveralls-client"), python("blackfire"), python("typing_extensions"), evidence.Package{Ecosystem: "node", Name: "puppeteer"},
		evidence.Package{Ecosystem: "debian", Name: "golang-github-foo"}, evidence.Package{Ecosystem: "ruby", Name: "minitest"})},
	{name: "pytest", c: goodContract(), e: holding(python("fastapi"), python("pytest")), want: Fail,
		says: []string{"1 piece of development tooling: pytest", "python package pytest 1.0", "layer 1 of 1", "uv sync --frozen"}},
	{name: "names are normalised", c: goodContract(), e: holding(python("Pytest_AsyncIO")), want: Fail, says: []string{"pytest-asyncio"}},
	{name: "the image's own project, called like a plugin", c: goodContract(), e: holding(own("pytest-results")), want: Pass},
	{name: "pytest from a folder", c: goodContract(), e: holding(own("pytest")), want: Fail},
	{name: "package and program are one", c: goodContract(), want: Fail, says: []string{"1 piece", "program /app/.venv/bin/pytest"}, e: func() evidence.Evidence {
		e := holding(python("pytest"), evidence.Package{Ecosystem: "debian", Name: "python3-pytest", Path: "/var/lib/dpkg/status"})
		e.Image.Tools = []evidence.Tool{{Name: "pytest", Path: "/app/.venv/bin/pytest"}}
		return e
	}()},
	{name: "npm's own mark", c: goodContract(), want: Fail, says: []string{"left-pad", "marked as a development dependency"},
		e: holding(evidence.Package{Ecosystem: "node", Name: "left-pad", Dev: true, Path: "/app/node_modules/.package-lock.json"})},
	{name: "jest", c: goodContract(), e: holding(evidence.Package{Ecosystem: "node", Name: "jest", Path: "/app/node_modules/jest/package.json"}), want: Fail},
	{name: "java", c: goodContract(), e: holding(evidence.Package{Ecosystem: "java", Name: "org.junit.jupiter:junit-jupiter-api", Path: "/app/lib/junit-jupiter-api-5.jar"}), want: Fail},
	{name: "surefire", c: goodContract(), e: holding(evidence.Package{Ecosystem: "java", Name: "surefire-junit4", Version: "3.2.5", Path: "/app/lib/surefire-junit4-3.2.5.jar"}), want: Fail},
	{name: "the program's own jar", c: goodContract(), e: holding(evidence.Package{Ecosystem: "java", Name: "shop", Path: "/app/shop.jar"}), want: Pass},
	{name: "Spring's devtools in a jar", c: goodContract(), want: Fail, says: []string{"/app/app.jar!/BOOT-INF/lib/spring-boot-devtools-3.3.0.jar"},
		e: holding(evidence.Package{Ecosystem: "java", Name: "spring-boot-devtools", Version: "3.3.0", Path: "/app/app.jar!/BOOT-INF/lib/spring-boot-devtools-3.3.0.jar"})},
	{name: "assemblies of tests", c: goodContract(), want: Fail, says: []string{"shop.tests", "xunit.core", "moq"},
		e: holding(evidence.Package{Ecosystem: "dotnet", Name: "Shop.Tests", Path: "/app/Shop.Tests.dll"}, evidence.Package{Ecosystem: "dotnet", Name: "xunit.core", Path: "/app/xunit.core.dll"}, evidence.Package{Ecosystem: "dotnet", Name: "moq", Version: "4.20", Path: "/app/Shop.deps.json"})},
	{name: "assemblies of a program", c: goodContract(), want: Pass, e: holding(evidence.Package{Ecosystem: "dotnet", Name: "serilog", Path: "/app/Shop.deps.json"}, evidence.Package{Ecosystem: "dotnet", Name: "contest", Path: "/app/Shop.deps.json"})},
	{name: "a debug toolbar", c: goodContract(), e: holding(python("django_debug_toolbar")), want: Fail},
	{name: "gems for development", c: goodContract(), e: holding(evidence.Package{Ecosystem: "ruby", Name: "web-console", Path: "/usr/local/bundle/specifications/web-console-4.gemspec"}), want: Fail},
	{name: "a package that Composer marks", c: goodContract(), e: holding(evidence.Package{Ecosystem: "php", Name: "acme/fixtures", Dev: true, Path: "/app/vendor/acme/fixtures/composer.json"}), want: Fail},
	{name: "rspec", c: goodContract(), e: holding(evidence.Package{Ecosystem: "ruby", Name: "rspec-core", Path: "/usr/local/bundle/specifications/rspec-core-3.gemspec"}), want: Fail},
	{name: "phpunit", c: goodContract(), e: holding(evidence.Package{Ecosystem: "php", Name: "phpunit/phpunit", Path: "/app/vendor/phpunit/phpunit/composer.json"}), want: Fail},
	{name: "Go test binary of a main package", c: goodContract(), want: Fail, says: []string{"/app/wrap.test"}, e: image(func(i *evidence.Image) {
		i.GoBinaries = append(i.GoBinaries, evidence.GoBinary{Path: "/app/wrap.test", Package: "wrap", Test: true})
	})},
	{name: "Go test binary", c: goodContract(), want: Fail, says: []string{"test binary api.test"}, e: image(func(i *evidence.Image) {
		i.GoBinaries = append(i.GoBinaries, evidence.GoBinary{Path: "/api.test", Package: "shop.example/internal/api.test"})
	})},
	{name: "Go toolchain", c: goodContract(), want: Fail, says: []string{"1 piece of development tooling: Go toolchain"}, e: image(func(i *evidence.Image) {
		i.GoBinaries = append(i.GoBinaries, evidence.GoBinary{Path: "/usr/local/go/bin/go", Package: "cmd/go"}, evidence.GoBinary{Path: "/usr/local/go/bin/gofmt", Package: "cmd/gofmt"})
		i.Tools = []evidence.Tool{{Name: "go", Path: "/usr/local/go/bin/go"}}
	})},
	{name: "a base image's own tools", c: goodContract(), want: Pass, says: []string{"also there", "pip", "gcc"}, hides: []string{"gcc-12"}, e: func() evidence.Evidence {
		e := holding(python("pip"), python("setuptools"))
		e.Image.Tools = []evidence.Tool{{Name: "x86_64-linux-gnu-gcc-12"}, {Name: "gcc"}, {Name: "apt-get"}}
		return e
	}()},
	{name: "forbidden by the contract", c: devContract([]string{"gcc", "awscli*"}, nil), want: Fail, says: []string{"gcc", "awscli_local", "forbidden by the contract"}, e: func() evidence.Evidence {
		e := holding(python("awscli_local"))
		e.Image.Tools = []evidence.Tool{{Name: "gcc-12", Path: "/usr/bin/gcc-12"}}
		return e
	}()},
	{name: "forbidden, and not there", c: devContract([]string{"gcc", "awscli*"}, nil), e: holding(python("aws")), want: Pass},
	{name: "strict", c: contract.Contract{DevDependencies: contract.DevDependencies{Strict: true}}, want: Fail,
		says: []string{"4 pieces", "pip", "gcc", "git", "apt", "forbidden by the contract's devDependencies.strict", "no compiler, build tool or package manager"}, e: func() evidence.Evidence {
			e := holding(python("fastapi"), python("pip"), evidence.Package{Ecosystem: "debian", Name: "apt", Path: "/var/lib/dpkg/status"}, evidence.Package{Ecosystem: "debian", Name: "git", Path: "/var/lib/dpkg/status"})
			e.Image.Tools = []evidence.Tool{{Name: "x86_64-linux-gnu-gcc-12", Path: "/usr/bin/x86_64-linux-gnu-gcc-12"}, {Name: "pip3.12", Path: "/usr/local/bin/pip3.12"}}
			return e
		}()},
	{name: "strict, with one allowed", c: contract.Contract{DevDependencies: contract.DevDependencies{Strict: true, Allow: []string{"pip"}}}, e: holding(python("pip")), want: Pass},
	{name: "strict and none there", c: contract.Contract{DevDependencies: contract.DevDependencies{Strict: true}}, e: holding(python("fastapi")), want: Pass},
	{name: "apt, not strict", c: goodContract(), e: holding(evidence.Package{Ecosystem: "debian", Name: "apt"}), want: Pass, hides: []string{"apt"}},
	{name: "the base image's, by the build", c: goodContract(), want: Fail, says: []string{"layer 2 of 4 (RUN npm install -g nyc), reachable, from the base image node:20", "The base image node:20 brings nyc: " + fromBase}, hides: []string{"it seems", "your own build brings"},
		e: onNode(nycIn(1), "FROM --platform=linux/amd64 node:20\nWORKDIR /app\nENV NODE_ENV=production\nCOPY . .\nCMD node server.js")},
	{name: "the base image's, by stages", c: goodContract(), want: Fail, says: []string{"The base image node:20 brings nyc"}, hides: []string{"it seems"},
		e: onNode(nycIn(1), "FROM node:20 AS deps\nWORKDIR /app\nENV NODE_ENV=production", "FROM deps\nCOPY . .\nCMD node server.js")},
	{name: "a stage of the user's own", c: goodContract(), want: Fail, says: []string{"layer 3 of 4 (WORKDIR /app), reachable"}, hides: []string{"base image"},
		e: onNode(nycIn(2), "FROM node:20 AS deps\nWORKDIR /app\nENV NODE_ENV=production", "FROM deps\nCOPY . .\nCMD node server.js")},
	{name: "the base image's and the user's", c: goodContract(), want: Fail, says: []string{"brings nyc: " + fromBase, "For jest, which your own build brings"},
		e: onNode(nycIn(1, 3), "FROM node:20\nWORKDIR /app\nENV NODE_ENV=production\nCOPY . .\nCMD node server.js")},
	{name: "the base image's, by the history", c: goodContract(), want: Fail, says: []string{"from the base image, it seems", "The base image, it seems, brings nyc: " + fromBase}, e: nycIn(1)},
	{name: "the user's, by the history", c: goodContract(), want: Fail, hides: []string{"base image"}, e: nycIn(3)},
	{name: "the base image is an argument", c: goodContract(), want: Fail, says: []string{"from the base image, it seems"},
		e: onNode(nycIn(1), "FROM $BASE\nWORKDIR /app\nENV NODE_ENV=production\nCOPY . .\nCMD node server.js")},
	{name: "a history of other instructions", c: goodContract(), want: Fail, says: []string{"from the base image, it seems"},
		e: onNode(nycIn(1), "FROM node:20\nRUN npm ci\nCOPY . .\nCMD node server.js")},
	{name: "a history that does not match the layers", c: goodContract(), want: Fail, hides: []string{"base image"}, e: func() evidence.Evidence {
		e := nycIn(1)
		for i := range e.Image.History {
			e.Image.History[i].Layer = -1
		}
		return e
	}()},
	{name: "allowed by the contract", c: devContract(nil, []string{"pytest", "pytest-*"}), e: holding(python("pytest"), python("pytest_cov")), want: Pass},
	{name: "only the configuration was read", c: goodContract(), e: image(func(i *evidence.Image) { i.LayersRead = false }), want: Inconclusive},
	{name: "the layers could not be read", c: goodContract(), e: without(evidence.SectionImage, func(e *evidence.Evidence) { onlyConfig(e.Image) }), want: Inconclusive, hides: []string{"only the image's configuration"}},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionImage, func(e *evidence.Evidence) { e.Image = nil }), want: Inconclusive},
}
