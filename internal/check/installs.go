package check

import (
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/shell"
)

// install is one command of a step that installs dependencies.
type install struct {
	manager string
	command string // "pip install -r requirements.txt"
	words   []string
	// names are the packages that the command line itself names, files the requirements
	// files, and paths the projects and archives.
	names, files, paths []string
}

// installs are those among a RUN's commands, the distribution's packages aside.
func installs(command string) []install {
	var out []install
	for _, span := range shell.Cut(command, 0, len(command)) {
		in := install{words: shell.Texts(command, span)}
		in.command = strings.Join(in.words, " ")
		for _, m := range managers {
			if m.system || !m.installs(in.command) {
				continue
			}
			in.manager = m.name
			in.arguments()
			out = append(out, in)
			break
		}
	}
	return out
}

// namingVerbs are the subcommands that take the names of packages.
var namingVerbs = map[string][]string{
	"pip": {"install", "download", "wheel"}, "uv": {"install", "sync"}, "npm": {"install", "i"}, "pnpm": {"install", "i"}, "bun": {"install", "i"},
	"go": {"get", "install"}, "cargo": {"install"},
}

var (
	requirementsOption = regexp.MustCompile(`^(?:-r|--requirements?)=?(.*)$`)
	// valueOption are options whose value is the next word.
	valueOption = regexp.MustCompile(`^(?:-[ciftwC]|--(?:constraints?|index-url|extra-index-url|default-index|index|find-links|target|prefix|root|python|trusted-host|` +
		`cache-dir|timeout|retries|platform|python-version|only-binary|no-binary|registry|omit|include|workspace|filter|loglevel|userconfig|dir|cwd|git|tag|rev|branch|version|jobs))$`)
	toFile = regexp.MustCompile(`^\d*[<>]`)
	aPath  = regexp.MustCompile(`^(?:\.|/|~)|\.(?:whl|tgz|zip|tar\.gz)$`)
)

// arguments sorts the words after the subcommand.
func (in *install) arguments() {
	verb := slices.IndexFunc(in.words, func(w string) bool { return slices.Contains(namingVerbs[in.manager], w) })
	if verb < 0 || in.manager == "uv" && !slices.Contains(in.words, "pip") {
		return
	}
	args := in.words[verb+1:]
	for i := 0; i < len(args); i++ {
		w := args[i]
		next := func() string {
			if i++; i < len(args) {
				return args[i]
			}
			return ""
		}
		python := in.manager == "pip" || in.manager == "uv"
		option := requirementsOption.FindStringSubmatch(w)
		switch {
		case python && option != nil && option[1] == "":
			in.files = append(in.files, next())
		case python && option != nil:
			in.files = append(in.files, option[1])
		case python && (w == "-e" || w == "--editable"):
			in.paths = append(in.paths, next())
		case valueOption.MatchString(w):
			next()
		case strings.HasPrefix(w, "-"), toFile.MatchString(w):
		case in.words[verb] == "sync":
			in.files = append(in.files, w)
		case aPath.MatchString(w):
			in.paths = append(in.paths, w)
		case !strings.Contains(w, "$"):
			in.names = append(in.names, w)
		}
	}
}

// global tells whether it installs for the machine, and not for the project.
func (in install) global() bool {
	return slices.Contains(in.words, "-g") || slices.Contains(in.words, "--global")
}

// fromFiles tells whether it installs what a manifest or a lock file says, and not only what
// its own command line names.
func (in install) fromFiles() bool {
	return !in.global() && (len(in.names) == 0 || len(in.files) > 0)
}

// fromFiles tells the same of a step.
func (d dependencyStep) fromFiles() bool {
	if d.manager == ownManager {
		return true
	}
	command, _ := runCommand(d.BuildStep)
	return slices.ContainsFunc(installs(command), func(in install) bool { return in.manager == d.manager && in.fromFiles() })
}
