package check

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// What counts as development tooling, by ecosystem. A name that is also used by services
// at run time (watchfiles, puppeteer, typescript) is not in the lists; a contract can add it.
var (
	pythonDev = set(`pytest nose nose2 tox nox hypothesis coverage covdefaults mock responses respx vcrpy requests-mock
		aioresponses behave factory-boy faker freezegun time-machine testcontainers moto locust
		mypy pyright pytype pyre-check black ruff flake8 pylint isort autopep8 yapf pycodestyle pydocstyle pyflakes
		bandit pre-commit commitizen bump2version twine
		ipython ipython3 ipdb pdbpp pudb debugpy ipykernel jupyter jupyterlab notebook nbconvert line-profiler memory-profiler
		sphinx mkdocs
		django-debug-toolbar flask-debugtoolbar fastapi-debug-toolbar pyramid-debugtoolbar django-browser-reload django-livereload-server nplusone
		schemathesis model-bakery mixer polyfactory mimesis pyfakefs httpretty syrupy snapshottest inline-snapshot dirty-equals mutmut
		autoflake pyupgrade vulture radon xenon pep8-naming docformatter djlint curlylint interrogate deptry pip-audit safety nbstripout ptpython bpython
		django-stubs sqlalchemy-stubs livereload snakeviz viztracer scalene`)
	pythonDevPrefix = []string{"pytest-", "flake8-", "pylint-", "jupyter-", "sphinx-", "mkdocs-"}

	nodeDev = set(`jest mocha vitest ava tap jasmine karma cypress @playwright/test nyc c8 istanbul chai sinon supertest
		ts-jest babel-jest eslint prettier nodemon ts-node-dev husky lint-staged storybook webpack-dev-server
		nock sinon-chai proxyquire rewire enzyme msw uvu stylelint tslint xo @web/test-runner commitlint semantic-release
		webpack-bundle-analyzer webpack-hot-middleware vite-plugin-inspect`)
	nodeDevPrefix = []string{"@jest/", "@vitest/", "@testing-library/", "@storybook/", "eslint-plugin-", "eslint-config-", "karma-", "@commitlint/", "@cypress/"}

	rubyDev = set(`rspec rspec-core rspec-rails capybara cucumber rubocop simplecov factory_bot factory_bot_rails byebug pry
		pry-byebug brakeman guard webmock vcr selenium-webdriver
		web-console listen spring bullet letter_opener better_errors binding_of_caller annotate shoulda-matchers database_cleaner
		solargraph standardrb erb_lint bundler-audit derailed_benchmarks`)
	rubyDevPrefix = []string{"rspec-", "rubocop-", "minitest-reporters", "guard-", "database_cleaner-", "pry-", "spring-commands-", "spring-watcher-"}
	phpDev        = set(`phpunit/phpunit phpstan/phpstan vimeo/psalm friendsofphp/php-cs-fixer mockery/mockery pestphp/pest squizlabs/php_codesniffer
		barryvdh/laravel-debugbar laravel/sail laravel/pint laravel/dusk nunomaduro/collision symfony/debug-bundle symfony/web-profiler-bundle
		symfony/maker-bundle maximebf/debugbar php-debugbar/php-debugbar infection/infection rector/rector codeception/codeception behat/behat`)
	dotnetDev = set(`moq nsubstitute fakeiteasy fluentassertions shouldly autofixture respawn benchmarkdotnet microsoft.net.test.sdk testhost
		microsoft.aspnetcore.mvc.testing microsoft.aspnetcore.testhost nunit.framework nunit3testadapter nunit3.testadapter specflow reqnroll`)
	dotnetDevPrefix = []string{"xunit", "nunit", "mstest.", "coverlet.", "microsoft.testplatform.", "microsoft.visualstudio.testplatform.", "moq.", "testcontainers"}
	// dotnetTests are assemblies of tests by their names: Shop.Tests, Shop.UnitTests.
	dotnetTests = regexp.MustCompile(`(?:^|\.)(?:(?:unit|integration|functional|acceptance|e2e)?tests?|specs)$`)
	javaDev     = set(`junit testng mockito-core mockito-inline assertj-core hamcrest hamcrest-core hamcrest-library spock-core
		spring-boot-test spring-boot-starter-test spring-test jacocoagent spring-boot-devtools spring-boot-testcontainers testcontainers
		rest-assured archunit quarkus-junit5 micronaut-test-junit5 jmh-core`)
	javaDevPrefix = []string{"junit-", "surefire-", "maven-surefire-", "mockito-junit-"}

	// goToolchain is told by one name, whichever of its programs was seen.
	goToolchain = "Go toolchain"
	goDev       = map[string]string{
		"github.com/go-delve/delve/cmd/dlv":                      "delve",
		"gotest.tools/gotestsum":                                 "gotestsum",
		"github.com/onsi/ginkgo/v2/ginkgo":                       "ginkgo",
		"github.com/golangci/golangci-lint/cmd/golangci-lint":    "golangci-lint",
		"github.com/golangci/golangci-lint/v2/cmd/golangci-lint": "golangci-lint",
		"honnef.co/go/tools/cmd/staticcheck":                     "staticcheck",
		"golang.org/x/tools/gopls":                               "gopls",
		"github.com/air-verse/air":                               "air",
	}

	// toolDev are executables that only a test or a developer runs.
	toolDev = map[string]string{
		"go": goToolchain, "gofmt": goToolchain, "dlv": "delve", "gotestsum": "gotestsum", "ginkgo": "ginkgo",
		"golangci-lint": "golangci-lint", "staticcheck": "staticcheck", "gopls": "gopls",
		"pytest": "pytest", "py.test": "pytest", "mypy": "mypy", "tox": "tox", "nox": "nox", "ruff": "ruff", "black": "black",
		"flake8": "flake8", "pylint": "pylint", "coverage": "coverage", "ipython": "ipython", "jest": "jest", "mocha": "mocha",
		"vitest": "vitest", "ava": "ava", "jasmine": "jasmine", "karma": "karma", "cypress": "cypress", "nyc": "nyc", "c8": "c8",
		"nosetests": "nose", "nose2": "nose2", "behave": "behave", "locust": "locust", "pyright": "pyright", "isort": "isort",
		"bandit": "bandit", "debugpy": "debugpy", "prettier": "prettier", "eslint": "eslint", "nodemon": "nodemon", "rspec": "rspec", "rubocop": "rubocop", "phpunit": "phpunit",
	}
	// tolerated are packages that base images bring along; they are told, and are no fault
	// unless the contract forbids them. So is every other tool.
	tolerated = set(`pip setuptools wheel virtualenv uv poetry pipenv npm yarn pnpm corepack bundler rake minitest test-unit composer
		cargo rustc gcc g++ clang make cmake build-essential git gdb strace typescript`)
	// systemManagers are in most images of a distribution; a strict contract forbids them.
	systemManagers = set(`apt apt-get aptitude apk-tools dnf dnf5 microdnf yum zypper pacman rpm opkg`)
)

var (
	versionSuffix = regexp.MustCompile(`-?\d+(?:\.\d+)*$`)
	triplePrefix  = regexp.MustCompile(`^(?:x86_64|aarch64|arm|i686|riscv64|s390x|powerpc64le)-[a-z0-9_]+-(?:gnu|musl)[a-z0-9]*-`)
	separators    = regexp.MustCompile(`[-_.]+`)
)

// pythonName normalises as PEP 503 does.
func pythonName(name string) string {
	return separators.ReplaceAllString(strings.ToLower(name), "-")
}

// toolName is an executable's name without version and target: "gcc" of "x86_64-linux-gnu-gcc-12".
func toolName(name string) string {
	name = triplePrefix.ReplaceAllString(strings.ToLower(path.Base(name)), "")
	return versionSuffix.ReplaceAllString(name, "")
}

// devPackage returns the name of the tooling that a package is, empty when it is none.
func devPackage(ecosystem, name string) string {
	name = strings.ToLower(name)
	listed := func(exact map[string]bool, prefixes []string) string {
		if exact[name] || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			return name
		}
		return ""
	}
	switch ecosystem {
	case "python":
		name = pythonName(name)
		return listed(pythonDev, pythonDevPrefix)
	case "node":
		return listed(nodeDev, nodeDevPrefix)
	case "ruby":
		return listed(rubyDev, rubyDevPrefix)
	case "php":
		return listed(phpDev, nil)
	case "java":
		name = name[strings.LastIndex(name, ":")+1:]
		return listed(javaDev, javaDevPrefix)
	case "dotnet":
		if dotnetTests.MatchString(name) {
			return name
		}
		return listed(dotnetDev, dotnetDevPrefix)
	case "debian", "alpine", "rpm":
		return devSystemPackage(name)
	}
	return ""
}

// devSystemPackage knows how distributions call what the ecosystems call otherwise.
func devSystemPackage(name string) string {
	for _, prefix := range []string{"python3-", "py3-", "python-"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return devPackage("python", rest)
		}
	}
	switch {
	case name == "go", name == "golang", strings.HasPrefix(name, "golang-go"), strings.HasPrefix(name, "golang-1"):
		return goToolchain
	case name == "delve", name == "mypy", name == "pytest", name == "pylint", name == "flake8", name == "tox", name == "black":
		return name
	}
	return ""
}
