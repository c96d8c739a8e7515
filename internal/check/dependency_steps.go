package check

import (
	"fmt"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// noInstall is why the checks of the dependencies' layer have nothing to say.
const noInstall = "no step is known to install dependencies"

// manager is a package manager as a RUN step calls it.
type manager struct {
	name string
	// install matches the commands that install dependencies.
	install *regexp.Regexp
	// only matches those of them that leave the project itself out. Once such a step has
	// run in a stage, a later one of the same manager is there for the project: it runs
	// again with every change of the source, and has to.
	only *regexp.Regexp
	// first is set where any later step is the project's: cargo build is both.
	first bool
	// never matches calls that install no dependency although they look like it.
	never *regexp.Regexp
	// offline matches calls that download nothing, whatever else they say.
	offline *regexp.Regexp
	// system is set for the distribution's packages.
	system bool
}

// These install what is missing as they build, so that the first of their steps does both.
var (
	mavenBuild  = regexp.MustCompile(`\bmvn[wd]?\b.*(?:\bdependency:\S+|\s(?:compile|test|package|verify|install|deploy)\b|\bspring-boot:repackage\b)`)
	gradleBuild = regexp.MustCompile(`\bgradlew?\b.*\b(?:dependencies|\w*[dD]ependencies|build|assemble|\w*[jJ]ar|\w*[wW]ar|installDist|distTar|distZip|check|test|classes|compileJava|compileKotlin|quarkusBuild|nativeCompile)\b`)
	dotnetBuild = regexp.MustCompile(`\bdotnet\s+(?:restore|build|publish|pack|test)\b`)
)

var managers = []manager{
	{name: "go", install: regexp.MustCompile(`\bgo\s+(?:mod\s+(?:download|vendor)|get|install\s+\S+@)`)},
	{name: "uv", install: regexp.MustCompile(`\buv\s+(?:sync|pip\s+(?:install|sync)|venv)\b`),
		only: regexp.MustCompile(`--no-install-(?:project|workspace|local)|\buv\s+pip\s+(?:sync|install\b.*\s(?:-r|--requirements?)\b)`)},
	{name: "pip", install: regexp.MustCompile(`(?:^|[^\w.-])(?:pip[\d.]*|python[\d.]*\s+-m\s+pip)\s+(?:-\S+\s+(?:\S+=\S+\s+)?)*(?:install|download|wheel)\b|\bpip-sync\b`),
		only: regexp.MustCompile(`\s(?:-r\S*|--requirement)(?:[\s=]|$)|\bpip-sync\b`), never: regexp.MustCompile(`--no-deps\b`)},
	{name: "venv", install: regexp.MustCompile(`\b(?:python[\d.]*\s+-m\s+venv|virtualenv)\b.*--system-site-packages`)},
	{name: "poetry", install: regexp.MustCompile(`\bpoetry\s+(?:install|sync)\b`), only: regexp.MustCompile(`--no-(?:root|directory)`), never: regexp.MustCompile(`--only-root`)},
	{name: "pipenv", install: regexp.MustCompile(`\bpipenv\s+(?:install|sync)\b`)},
	{name: "pdm", install: regexp.MustCompile(`\bpdm\s+(?:install|sync)\b`), only: regexp.MustCompile(`--no-self`)},
	{name: "conda", install: regexp.MustCompile(`\b(?:conda|mamba|micromamba)\s+(?:install|(?:env\s+)?(?:create|update))\b`)},
	{name: "npm", install: regexp.MustCompile(`\bnpm\s+(?:ci|install|i|clean-install)\b`)},
	{name: "yarn", install: regexp.MustCompile(`\byarn(?:\s+install\b|\s+--(?:frozen-lockfile|pure-lockfile|immutable|production|prod|non-interactive|ignore-\S+)|\s*(?:$|[;&|]))`)},
	{name: "pnpm", install: regexp.MustCompile(`\bpnpm\s+(?:install|i|fetch)\b`), only: regexp.MustCompile(`\bpnpm\s+fetch\b`)},
	{name: "bun", install: regexp.MustCompile(`\bbun\s+(?:install|ci|i)\b`)},
	{name: "bundler", install: regexp.MustCompile(`\bbundle\s+install\b|\bbundle\s*(?:$|[;&|])`)},
	{name: "maven", first: true, install: mavenBuild, only: mavenBuild, offline: regexp.MustCompile(`\bmvn[wd]?\b.*\s(?:-[a-zA-Z]*o|--offline)\b`)},
	{name: "gradle", first: true, install: gradleBuild, only: gradleBuild, offline: regexp.MustCompile(`\bgradlew?\b.*\s--offline\b`)},
	{name: "cargo", first: true, install: regexp.MustCompile(`\bcargo\s+(?:fetch|vendor|chef\s+cook|build|install)\b`), only: regexp.MustCompile(`\bcargo\s+(?:fetch|vendor|chef\s+cook|build)\b`)},
	{name: "composer", install: regexp.MustCompile(`\bcomposer(?:\.phar)?\s+(?:-\S+\s+(?:\S+=\S+\s+)?)*install\b`)},
	{name: "dotnet", first: true, install: dotnetBuild, only: dotnetBuild, offline: regexp.MustCompile(`\bdotnet\b.*\s--no-restore\b`)},
	{name: "mix", install: regexp.MustCompile(`\bmix\b.*\bdeps\.(?:get|compile)\b`)},
	{name: "apt", system: true, install: regexp.MustCompile(`\bapt(?:-get)?\s+(?:-\S+\s+(?:\S+=\S+\s+)?)*install\b`)},
	{name: "apk", system: true, install: regexp.MustCompile(`\bapk\s+(?:-\S+\s+(?:\S+=\S+\s+)?)*add\b`)},
	{name: "dnf", system: true, install: regexp.MustCompile(`\b(?:dnf|yum|microdnf|zypper)\s+(?:-\S+\s+(?:\S+=\S+\s+)?)*(?:install|in)\b`)},
}

// ownManager stands for a package manager that podproof does not know: the contract named the step.
const ownManager = "contract"

// dependencyStep is a build step that installs dependencies.
type dependencyStep struct {
	evidence.BuildStep
	manager string
	system  bool
	// builds tells that the step makes the program, too, and so has to run again.
	builds bool
}

// installs tells whether a command installs dependencies. What never matches is an install
// of the project, unless it leaves just that out.
func (m manager) installs(command string) bool {
	if m.offline != nil && m.offline.MatchString(command) {
		return false
	}
	return m.install.MatchString(command) && (m.never == nil || !m.never.MatchString(command) || m.only != nil && m.only.MatchString(command))
}

// dependencySteps recognises them among the steps of a build, in their order: by the
// package managers above, and by the contract's own expressions.
func dependencySteps(steps []evidence.BuildStep, own []string) ([]dependencyStep, error) {
	var exprs []*regexp.Regexp
	for _, o := range own {
		re, err := regexp.Compile(o)
		if err != nil {
			return nil, fmt.Errorf("build.dependencySteps: %q is not a valid regular expression: %w", o, err)
		}
		exprs = append(exprs, re)
	}
	var out []dependencyStep
	done := map[string]bool{} // stage and manager of the steps that leave the project out
	for _, s := range steps {
		command, ok := runCommand(s)
		if !ok {
			continue
		}
		if d, ok := dependencyStepOf(s, command, exprs, done); ok {
			out = append(out, d)
		}
	}
	return out, nil
}

// builds are commands that make the program.
var builds = regexp.MustCompile(`\bcargo\s+build\b|\bmvn[wd]?\b.*\s(?:compile|package|verify|install|deploy)\b|` +
	`\bgradlew?\b.*\b(?:build|assemble|\w*[jJ]ar|\w*[wW]ar|installDist|quarkusBuild|nativeCompile)\b|\bdotnet\s+(?:build|publish|pack)\b`)

func dependencyStepOf(s evidence.BuildStep, command string, own []*regexp.Regexp, done map[string]bool) (dependencyStep, bool) {
	for _, re := range own {
		if re.MatchString(s.Instruction) || re.MatchString(command) {
			return dependencyStep{BuildStep: s, manager: ownManager}, true
		}
	}
	for _, m := range managers {
		if !m.installs(command) {
			continue
		}
		key := s.Stage + "\x00" + m.name
		if done[key] && (m.first || !m.only.MatchString(command)) {
			continue
		}
		if m.only != nil && m.only.MatchString(command) {
			done[key] = true
		}
		return dependencyStep{BuildStep: s, manager: m.name, system: m.system, builds: m.first && builds.MatchString(command)}, true
	}
	return dependencyStep{}, false
}

// runCommand is the command of a RUN step, without the flags of RUN and line ends.
func runCommand(s evidence.BuildStep) (string, bool) {
	in := instructionOf(s)
	parsed := shell.ParseHistory(in)
	if parsed.Keyword != "RUN" || !strings.HasPrefix(strings.ToUpper(strings.TrimSpace(in)), "RUN") {
		return "", false
	}
	command := strings.ReplaceAll(parsed.Body.Of(in), "\\\n", " ")
	if strings.HasPrefix(command, "[") { // exec form
		command = strings.NewReplacer(`["`, "", `"]`, "", `", "`, " ", `","`, " ").Replace(command)
	}
	return command, true
}

// stepPrefix is what BuildKit puts before an instruction: "[builder 3/5] ".
var stepPrefix = regexp.MustCompile(`^\[[^\]]*\]\s+`)

func instructionOf(s evidence.BuildStep) string {
	if s.Instruction != "" {
		return s.Instruction
	}
	return stepPrefix.ReplaceAllString(s.Name, "")
}
