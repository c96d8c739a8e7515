package check

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// devRule tells a development server, a reloading or a debug mode by a command line.
type devRule struct {
	// programs are names of programs and modules; empty fits any.
	programs string
	// with are words of which one must be the program's first operand, options such of which one
	// must be there; empty asks for none.
	with, options string
	what          string
	// unsure is set where a program of that name may also be the image's own, or for production.
	unsure bool
}

const (
	devServerWords = "a development server"
	reloadWords    = "it restarts when a file changes"
	debuggerWords  = "a debugger's port is open"
	debugWords     = "a debug mode is on"
)

var devRules = []devRule{
	{programs: "flask quart", with: "run", what: devServerWords},
	{programs: "manage.py django-admin", with: "runserver runserver_plus testserver", what: devServerWords},
	{programs: "fastapi", with: "dev", what: devServerWords},
	{programs: "uvicorn gunicorn hypercorn granian pserve litestar sanic fastapi", options: "--reload --autoreload", what: reloadWords},
	{programs: "sanic", options: "-r", what: reloadWords},
	{programs: "litestar sanic uvicorn gunicorn flask", options: "--debug --dev", what: debugWords},
	{programs: "http.server", what: devServerWords},
	{programs: "debugpy ptvsd pdb", what: debuggerWords},
	{programs: "watchmedo watchfiles hupper watchexec reflex CompileDaemon modd cargo-watch rerun shotgun guard", what: reloadWords},
	{programs: "air", options: "-c", what: reloadWords},
	{programs: "air fresh gin entr", what: reloadWords, unsure: true},
	{programs: "mkdocs", with: "serve", what: devServerWords},
	{programs: "jekyll hugo middleman", with: "serve server", what: devServerWords},

	{programs: "next nuxt nuxi astro remix vinxi solid-start qwik wrangler netlify vercel rsbuild farm sanity gridsome quasar blitz rw redwood turbo svelte-kit storybook ladle", with: "dev develop vite:dev", what: devServerWords},
	{programs: "gatsby strapi medusa", with: "develop", what: devServerWords},
	{programs: "react-scripts react-app-rewired craco docusaurus expo", with: "start", what: devServerWords},
	{programs: "ng vue-cli-service webpack parcel ionic ember nx rspack", with: "serve server s watch", what: devServerWords},
	{programs: "vite", with: "dev serve preview", what: devServerWords},
	{programs: "webpack-dev-server start-storybook live-server browser-sync node-dev ts-node-dev tsnd nodemon supervisor", what: "it is for development: it restarts or serves what changes"},
	{programs: "webpack tsc rollup esbuild nest tsx bun deno babel swc parcel", options: "--watch -w --hot", what: reloadWords},
	{programs: "tsx", with: "watch", what: reloadWords},
	{programs: "nest", options: "--debug", what: debuggerWords},
	{programs: "sls serverless", with: "offline", what: devServerWords},

	{programs: "php frankenphp", options: "-S", what: devServerWords},
	{programs: "artisan yii spark", with: "serve", what: devServerWords},
	{programs: "artisan", options: "--watch", what: reloadWords},
	{programs: "symfony", with: "serve server:start local:server:start", what: devServerWords},
	{programs: "console", with: "server:run server:start", what: devServerWords},
	{programs: "cake", with: "server", what: devServerWords},

	{programs: "dotnet", with: "watch", what: reloadWords},
	{programs: "mvn mvnw mvnd", with: "spring-boot:run quarkus:dev jetty:run tomcat7:run mn:run liberty:dev", what: "it builds and runs the program for development"},
	{programs: "gradle gradlew", with: "bootRun quarkusDev appRun jettyRun run", what: "it builds and runs the program for development"},
	{programs: "sbt", with: "run ~run ~reStart", what: "it builds and runs the program for development"},
	{programs: "dlv", with: "debug exec dap test attach", what: debuggerWords},
	{programs: "cargo", with: "watch", what: reloadWords},
	{programs: "trunk", with: "serve", what: devServerWords},
	{programs: "catalina.sh", with: "jpda debug", what: debuggerWords},
	{programs: "iex", what: "an interactive shell", unsure: true},
	{programs: "quarkus", with: "dev", what: devServerWords},
	{programs: "adonis ace", options: "--dev --watch --hmr", what: reloadWords},
	{programs: "firebase", with: "emulators:start emulators:exec", what: devServerWords},
	{programs: "func", with: "start host", what: devServerWords, unsure: true},
	{programs: "sam", with: "local", what: devServerWords},
	{programs: "robyn", options: "--dev", what: reloadWords},
	{programs: "rails puma thin rackup", options: "development", what: "it runs in the environment development"},
}

// devScript are names of scripts of a package.json that are for development.
var devScript = set("dev develop development start:dev dev:start start-dev serve:dev dev:server start:watch start:debug watch dev:watch")

var (
	nodeInspects = regexp.MustCompile(`^--inspect(?:-brk|-wait)?(?:=|$)`)
	jdwp         = regexp.MustCompile(`-agentlib:jdwp|-Xrunjdwp|-Xdebug\b`)
)

// devServer says what of a command is for development, empty where nothing is; sure tells that it
// can be nothing else.
func devServer(words []string) (what string, sure bool) {
	program, args := programOf(words)
	if what := interpreterMode(words); what != "" {
		return what, true
	}
	for _, r := range devRules {
		if r.fits(program, args) {
			return r.what, !r.unsure
		}
	}
	if program == "vite" && len(plainWords(args)) == 0 || program == "parcel" && len(args) > 0 && strings.HasSuffix(args[0], ".html") {
		return devServerWords, true
	}
	return "", false
}

func (r devRule) fits(program string, args []string) bool {
	if !slices.Contains(strings.Fields(r.programs), program) {
		return false
	}
	if r.with != "" {
		plain := plainWords(args)
		if !slices.ContainsFunc(plain, func(w string) bool { return slices.Contains(strings.Fields(r.with), w) }) {
			return false
		}
	}
	if r.options == "" {
		return true
	}
	return slices.ContainsFunc(args, func(a string) bool {
		name, value, given := strings.Cut(a, "=")
		return slices.Contains(strings.Fields(r.options), name) && (!given || value != "false" && value != "0")
	})
}

// plainWords are the arguments that are no options.
func plainWords(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "-") })
}

// programOf is what a command runs: behind an interpreter its script or its module, without the
// folder. "python -m flask run" is flask, "node node_modules/.bin/next dev" is next.
func programOf(words []string) (program string, args []string) {
	if len(words) == 0 {
		return "", nil
	}
	program, args = path.Base(words[0]), words[1:]
	if !interpreters.MatchString(program) {
		return program, args
	}
	for i, a := range args {
		php := strings.HasPrefix(program, "php")
		switch {
		case php && i > 0 && args[i-1] == "-d": // its value: php -d memory_limit=1G -S 0.0.0.0:80
		case a == "-S" && php:
			return program, args
		case a == "-m" && i+1 < len(args):
			return args[i+1], args[i+2:]
		case a == "-c", a == "-e", a == "-r", a == "--eval":
			return program, args
		case !strings.HasPrefix(a, "-"):
			return strings.TrimSuffix(path.Base(a), ".js"), args[i+1:]
		}
	}
	return program, args
}

var interpreters = regexp.MustCompile(`^(?:python[0-9.]*|node|nodejs|ruby[0-9.]*|php[0-9.]*|bun|deno|perl|pypy3?)$`)

// interpreterMode says which of an interpreter's own options are for development.
func interpreterMode(words []string) string {
	program := path.Base(words[0])
	for i, a := range words[1:] {
		node := program == "node" || program == "nodejs" || program == "bun" || program == "deno" || program == "tsx" || program == "ts-node"
		switch {
		case node && nodeInspects.MatchString(a), program == "java" && jdwp.MatchString(a):
			return debuggerWords
		case node && (a == "--watch" || a == "--hot" || strings.HasPrefix(a, "--watch=") || strings.HasPrefix(a, "--watch-path")):
			return reloadWords
		case strings.HasPrefix(program, "python") && a == "-Xdev", strings.HasPrefix(program, "python") && a == "-X" && i+2 < len(words) && words[i+2] == "dev":
			return debugWords
		case strings.HasPrefix(program, "ruby") && a == "-run":
			return devServerWords
		case (program == "deno" || program == "bun") && a == "run":
		case !strings.HasPrefix(a, "-") && interpreters.MatchString(program):
			return "" // what follows are the program's own
		}
	}
	return ""
}

// on are the values that turn a variable on.
func on(value string) bool { return set("1 true yes on t y")[strings.ToLower(value)] }

var (
	debugVariables = set("FLASK_DEBUG DJANGO_DEBUG APP_DEBUG DEBUG QUART_DEBUG SANIC_DEBUG FASTAPI_DEBUG FLASK_RUN_RELOAD FLASK_RUN_DEBUG STARLETTE_DEBUG LITESTAR_DEBUG PYTHONDEVMODE PYTHONASYNCIODEBUG UVICORN_RELOAD SYMFONY_DEBUG TORNADO_DEBUG WP_DEBUG WORDPRESS_DEBUG YII_DEBUG BPL_DEBUG_ENABLED")
	modeVariables  = set("NODE_ENV APP_ENV FLASK_ENV RAILS_ENV RACK_ENV ASPNETCORE_ENVIRONMENT DOTNET_ENVIRONMENT MIX_ENV DJANGO_ENV SYMFONY_ENV LARAVEL_ENV QUARKUS_PROFILE MERB_ENV HANAMI_ENV CI_ENVIRONMENT YII_ENV WP_ENV WP_ENVIRONMENT_TYPE")
	// testedModes are of frameworks that know an environment called test, in which they do not serve.
	testedModes     = set("NODE_ENV RAILS_ENV RACK_ENV MIX_ENV")
	developing      = set("development dev local develop debug")
	ownModes        = set("ENV ENVIRONMENT STAGE SPRING_PROFILES_ACTIVE MICRONAUT_ENVIRONMENTS GO_ENV RUST_ENV PY_ENV")
	optionVariables = set("NODE_OPTIONS JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS JAVA_OPTS JAVA_OPTIONS CATALINA_OPTS _JAVA_OPTIONS JVM_OPTS JAVA_ARGS JPDA_OPTS")
)

// debugMode says what a variable turns on, empty where it is nothing for development; sure tells
// that it can be nothing else.
func debugMode(name, value string) (what string, sure bool) {
	lower := strings.ToLower(strings.TrimSpace(value))
	switch {
	case debugVariables[name] && on(lower):
		return debugWords, true
	case testedModes[name] && (lower == "test" || lower == "testing"):
		return "the environment is that of tests", true
	case modeVariables[name] && developing[lower]:
		return "the environment is that of development", true
	case name == "GIN_MODE" && lower == "debug", name == "XDEBUG_MODE" && (strings.Contains(lower, "debug") || strings.Contains(lower, "develop")):
		return debugWords, true
	case optionVariables[name] && (strings.Contains(value, "--inspect") || jdwp.MatchString(value)), name == "JPDA_ADDRESS":
		return debuggerWords, name != "JPDA_ADDRESS"
	case name == "GUNICORN_CMD_ARGS" && strings.Contains(value, "--reload"):
		return reloadWords, true
	case name == "WERKZEUG_DEBUG_PIN" && lower == "off", name == "DOTNET_USE_POLLING_FILE_WATCHER" && on(lower), name == "CHOKIDAR_USEPOLLING" && on(lower):
		return "it is of use to a development server alone", false
	case name == "SPRING_DEVTOOLS_RESTART_ENABLED" && on(lower), name == "SPRING_DEVTOOLS_LIVERELOAD_ENABLED" && on(lower):
		return reloadWords, true
	case name == "DJANGO_SETTINGS_MODULE" && developing[lower[strings.LastIndexByte(lower, '.')+1:]]:
		return "the settings may be those of development", false
	case ownModes[name] && developing[lower]:
		return "the environment may be that of development", false
	}
	return "", false
}
