package shell

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Manner is what becomes of a wrapper once it has started its command, and so who gets a
// signal that is sent to it.
type Manner int

// The manners.
const (
	Becomes    Manner = iota // it becomes the command, by exec(2), and gets out of the way
	HandsOn                  // it stays, and hands signals to the command
	Unreliable               // it stays, and hands some signals on, or not for long enough
	Keeps                    // it stays, and hands no signal on
)

// Wrapper is a program whose arguments say, after its own options, which command it starts.
type Wrapper struct {
	Name   string
	Manner Manner
	// withWord are its options that take the next word, where they are no "--name=word".
	withWord string
	// operands is the number of words of its own before the command: gosu's user, chroot's folder.
	operands int
	// assigns is set where NAME=VALUE may stand before the command.
	assigns bool
	// line is the option whose value is a line for a shell, where the command is given so, and
	// direct the option with which it is not; splits has a value that is cut at spaces: env -S.
	line, direct, splits string
	// verb are the subcommands with which it starts one, where it does so with these alone.
	verb string
}

// wrappers say what their manuals do: coreutils, util-linux, sudo(8), tini and dumb-init, gosu
// and su-exec, runit's chpst(8), s6.
var wrappers = byName(
	Wrapper{Name: "tini tini-static", Manner: HandsOn, withWord: "-p -e"},
	Wrapper{Name: "docker-init catatonit", Manner: HandsOn, withWord: "-p -e"},
	Wrapper{Name: "dumb-init", Manner: HandsOn, withWord: "-r --rewrite"},
	Wrapper{Name: "sudo", Manner: HandsOn, withWord: "-u -g -h -p -C -r -t -T -U -D -R", assigns: true},
	Wrapper{Name: "doas", Manner: HandsOn, withWord: "-u -C -a"},
	Wrapper{Name: "timeout", Manner: HandsOn, withWord: "-k -s --kill-after --signal", operands: 1},

	Wrapper{Name: "env", withWord: "-u --unset -C --chdir -a --argv0", assigns: true, splits: "-S --split-string"},
	Wrapper{Name: "gosu su-exec s6-setuidgid setuidgid s6-envdir envdir", operands: 1},
	Wrapper{Name: "chpst", withWord: "-u -U -b -e -/ -n -l -L -m -d -o -p -f -c"},
	Wrapper{Name: "setpriv", withWord: "--reuid --regid --groups --ruid --euid --rgid --egid --inh-caps --bounding-set --ambient-caps " +
		"--securebits --pdeathsig --selinux-label --apparmor-profile"},
	Wrapper{Name: "chroot", withWord: "--userspec --groups", operands: 1},
	Wrapper{Name: "nice", withWord: "-n --adjustment"},
	Wrapper{Name: "ionice", withWord: "-c --class -n --classdata"},
	Wrapper{Name: "chrt", withWord: "-T -P -D", operands: 1},
	Wrapper{Name: "taskset", operands: 1},
	Wrapper{Name: "nohup ddtrace-run"},
	Wrapper{Name: "opentelemetry-instrument", withWord: "--traces_exporter --metrics_exporter --logs_exporter --service_name --exporter_otlp_endpoint"},
	Wrapper{Name: "newrelic-admin bundle", operands: 1, verb: "run-program run-python exec"},
	Wrapper{Name: "stdbuf", withWord: "-i -o -e --input --output --error"},

	// These kill their command soon after they have handed the signal on, or depend on how
	// they were built.
	Wrapper{Name: "su", Manner: Unreliable, line: "-c --command"},
	Wrapper{Name: "runuser", Manner: Unreliable, withWord: "-u --user -g --group -G --supp-group", line: "-c --command", direct: "-u --user"},
	Wrapper{Name: "script", Manner: Unreliable, line: "-c --command"},
	Wrapper{Name: "flock", Manner: Unreliable, withWord: "-w --timeout --wait -E --conflict-exit-code", operands: 1},

	// The command is the child of these, which wait for it and handle no signal. A first process
	// leads its process group, so that setsid(1) has to fork.
	Wrapper{Name: "time", Manner: Keeps, withWord: "-f --format -o --output"},
	Wrapper{Name: "setsid", Manner: Keeps},
	Wrapper{Name: "xvfb-run", Manner: Keeps, withWord: "-e -f -n -p -s -w --error-file --auth-file --server-num --xauth-protocol --server-args --wait"},
	Wrapper{Name: "dbus-run-session", Manner: Keeps, withWord: "--config-file --dbus-daemon"},
	Wrapper{Name: "catchsegv", Manner: Keeps},
	Wrapper{Name: "xargs", Manner: Keeps, withWord: "-I -n -P -L -s -d -a -E --arg-file --delimiter --max-args --max-lines --max-procs --max-chars"},
)

func byName(all ...Wrapper) map[string]Wrapper {
	out := map[string]Wrapper{}
	for _, w := range all {
		for name := range strings.FieldsSeq(w.Name) {
			w.Name = name
			out[name] = w
		}
	}
	return out
}

// Wrapped tells which wrapper a command line begins with, and which command that one starts;
// the command is empty where it starts none. ok is false where it is no wrapper.
func Wrapped(words []string) (w Wrapper, command []string, ok bool) {
	if len(words) == 0 {
		return w, nil, false
	}
	if w, ok = wrappers[path.Base(words[0])]; !ok || ownProgram(words[0]) {
		return Wrapper{}, nil, false
	}
	if w.verb != "" && (len(words) < 2 || !slices.Contains(strings.Fields(w.verb), words[1])) {
		return Wrapper{}, nil, false
	}
	return w, w.command(words[1:]), true
}

// ToAll tells whether a wrapper hands a signal to every process that the command has started, and
// not to the command alone: tini -g, dumb-init but for -c.
func (w Wrapper) ToAll(words []string) bool {
	has := func(options ...string) bool {
		for _, word := range words[1:] {
			if word == "--" || !strings.HasPrefix(word, "-") {
				break
			}
			if slices.Contains(options, word) {
				return true
			}
		}
		return false
	}
	switch w.Name {
	case "tini", "tini-static", "docker-init", "catatonit":
		return has("-g")
	case "dumb-init":
		return !has("-c", "--single-child")
	}
	return false
}

// ownProgram tells that a word names a program of the image's own under a name that could be a
// tool's: /app/script.
func ownProgram(word string) bool {
	switch name := path.Base(word); name {
	case "time", "timeout", "script", "watch", "service":
		folder := path.Base(path.Dir(word))
		return name != word && folder != "bin" && folder != "sbin"
	}
	return false
}

func (w Wrapper) command(args []string) []string {
	has := func(options, arg string) bool { return slices.Contains(strings.Fields(options), arg) }
	if w.line != "" && (w.direct == "" || !slices.ContainsFunc(args, func(a string) bool { return has(w.direct, a) })) {
		return w.lineOf(args)
	}
	for len(args) > 0 {
		switch name, value, given := strings.Cut(args[0], "="); {
		case args[0] == "--":
			return args[1+min(w.operands, len(args)-1):]
		case w.assigns && assignment.MatchString(args[0]):
			args = args[1:]
		case has(w.splits, args[0]) && len(args) > 1:
			return w.command(append(split(args[1]), args[2:]...))
		case has(w.splits, name) && given:
			return w.command(append(split(value), args[1:]...))
		case w.splits != "" && splitting.MatchString(args[0]): // -Stini …, -vS, as a "#!" line has them
			_, value, _ := strings.Cut(args[0], "S")
			if value == "" && len(args) > 1 {
				return w.command(append(split(args[1]), args[2:]...))
			}
			return w.command(append(split(value), args[1:]...))
		case !strings.HasPrefix(args[0], "-"):
			return args[min(w.operands, len(args)):]
		case has(w.withWord, args[0]):
			args = args[min(2, len(args)):]
		default:
			args = args[1:]
		}
	}
	return nil
}

// lineOf is the line that a shell is given. It may stand before the user or after: su app -c
// LINE, su -c LINE app.
func (w Wrapper) lineOf(args []string) []string {
	at := slices.IndexFunc(args, func(a string) bool { return takesLine(w.line, a) })
	if at < 0 {
		return nil
	}
	if name, value, ok := strings.Cut(args[at], "="); ok && strings.HasPrefix(name, "--") {
		return []string{"sh", "-c", value}
	}
	if at+1 == len(args) {
		return nil
	}
	return []string{"sh", "-c", args[at+1]}
}

// takesLine tells whether an argument is an option for a line, alone or as the last of
// several letters: -c, --command=…, -qec.
func takesLine(options, arg string) bool {
	for o := range strings.FieldsSeq(options) {
		long := strings.HasPrefix(o, "--")
		switch {
		case arg == o, long && strings.HasPrefix(arg, o+"="):
			return true
		case !long && lettersEnding.MatchString(arg) && strings.HasSuffix(arg, o[1:]):
			return true
		}
	}
	return false
}

// split cuts the value of env -S into words, as env does: at spaces outside of quotes.
func split(value string) []string {
	var out []string
	for _, command := range Cut(value, 0, len(value)) {
		out = append(out, Texts(value, command)...)
	}
	return out
}

var (
	splitting     = regexp.MustCompile(`^-[0iv]*S`)
	lettersEnding = regexp.MustCompile(`^-[a-z]+$`)
	assignment    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
)

// runner is a tool that starts a program and stays before it; one with subcommands does so by
// these alone.
type runner struct {
	names, subcommands string
	manner             Manner
}

var runners = []runner{
	// These end on SIGTERM, or a shell of theirs does, before the program that they started has.
	// npm, Yarn and pnpm run a script by sh -c; make gives up its recipe; conda, Go, Maven and
	// Gradle do not wait for their child; PM2 and what starts a service go into the background.
	{"npm npx yarn yarnpkg pnpm pnpx corepack make gmake mvn mvnw mvnd gradle gradlew lein grails", "", Keeps},
	{"conda mamba go", "run", Keeps},
	{"pm2 systemctl", "start restart reload", Keeps},
	{"service daemonize start-stop-daemon", "", Keeps},
	// These hand it on, but not in every version, or not for as long as the program needs.
	{"uv poetry pipenv pdm hatch rye pixi micromamba cargo go sbt nodemon pm2 foreman honcho forever doppler watch just task rake nx turbo lerna " +
		"concurrently npm-run-all run-s run-p bunx", "", Unreliable},
	{"dotnet", "run watch", Unreliable},
	{"bun", "run x", Unreliable},
	{"deno", "task", Unreliable},
}

// Runner is the tool that stands between the container and the program, "npm", and how it does;
// "" where none stands there.
func Runner(command []string) (name string, manner Manner) {
	name, rest := tool(command)
	if name == "" || ownProgram(command[0]) {
		return "", Becomes
	}
	first := ""
	if ops := operands(rest); len(ops) > 0 {
		first = ops[0]
	}
	for _, r := range runners {
		if !slices.Contains(strings.Fields(r.names), name) || r.subcommands != "" && !slices.Contains(strings.Fields(r.subcommands), first) {
			continue
		}
		if name == "pm2" && slices.Contains(rest, "--no-daemon") {
			return name, Unreliable
		}
		return name, r.manner
	}
	return "", Becomes
}

// tool is a command's name without its folder, and its arguments; "node /usr/local/bin/npm start"
// is npm, too.
func tool(command []string) (name string, args []string) {
	if len(command) == 0 {
		return "", nil
	}
	name, args = path.Base(command[0]), command[1:]
	if len(args) > 0 && (name == "node" || strings.HasPrefix(name, "python")) {
		name, args = path.Base(args[0]), args[1:]
	}
	return strings.TrimSuffix(strings.TrimSuffix(name, ".js"), "-cli"), args
}

func operands(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.HasPrefix(a, "-") })
}

// Script is one of a package.json.
type Script struct {
	Name   string // "start"
	Folder string // of the package.json, where the command names one
}

var nodeTools = map[string]string{"npm": "start test stop restart", "yarn": "", "yarnpkg": "", "pnpm": "", "bun": "-"}

// NodeScript is the script that npm, Yarn, pnpm or Bun is told to run.
func NodeScript(command []string) (script Script, ok bool) {
	name, args := tool(command)
	plain, known := nodeTools[name]
	if !known {
		return script, false
	}
	var ops []string
	for i := 0; i < len(args); i++ {
		option, value, given := strings.Cut(args[i], "=")
		switch option {
		case "--prefix", "-C", "--dir", "--cwd", "-w", "--workspace", "-F", "--filter":
			if !given && i+1 < len(args) {
				i++
				value = args[i]
			}
			if option != "-w" && option != "--workspace" && option != "-F" && option != "--filter" {
				script.Folder = value
			}
		case "--":
			i = len(args)
		default:
			if !strings.HasPrefix(option, "-") {
				ops = append(ops, args[i])
			}
		}
	}
	switch {
	case len(ops) > 1 && (ops[0] == "run" || ops[0] == "run-script"):
		script.Name = ops[1]
	case len(ops) > 0 && ops[0] != "run" && plain != "-" && (plain == "" || slices.Contains(strings.Fields(plain), ops[0])):
		script.Name = ops[0]
	}
	return script, script.Name != ""
}

// Invocation is the command line of a shell.
type Invocation struct {
	Shell string // its name: "sh"; "-sh" where that is how it was started
	// Script is the file that it reads, Line what -c tells it; both are empty for a bare shell.
	Script, Line string
	// Rest are the arguments of either.
	Rest []string
}

var (
	shellName  = regexp.MustCompile(`^-?(?:ba|da|a|z|k|mk)?sh$`)
	shellFlagC = regexp.MustCompile(`^-[a-z]*c$`)
	shellFlagO = regexp.MustCompile(`^[-+][a-zA-Z]*[oO]$`)
)

// Invoked reads "sh -c …", which a shell-form CMD becomes, and "sh script". ok is false where
// no shell is invoked.
func Invoked(words []string) (in Invocation, ok bool) {
	if len(words) > 1 && path.Base(words[0]) == "busybox" {
		words = words[1:]
	}
	if len(words) == 0 || !shellName.MatchString(path.Base(words[0])) {
		return in, false
	}
	in.Shell = path.Base(words[0])
	for i := 1; i < len(words); i++ {
		switch a := words[i]; {
		case shellFlagC.MatchString(a):
			if i+1 < len(words) {
				in.Line, in.Rest = words[i+1], words[i+2:]
			}
			return in, true
		case shellFlagO.MatchString(a): // its argument is the option's name: -o pipefail
			i++
		case !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "+"):
			in.Script, in.Rest = a, words[i+1:]
			return in, true
		}
	}
	return in, true
}

// Arguments are those of the line of -c, or of the script: of a line the first word is its "$0".
func (in Invocation) Arguments() []string {
	if in.Script != "" {
		return in.Rest
	}
	return in.Rest[min(1, len(in.Rest)):]
}

// Expand puts the arguments in the place of "$@", less those that were shifted away.
func (in Invocation) Expand(words []string, shifted int) []string {
	zero, args := in.Script, in.Arguments()
	if zero == "" && len(in.Rest) > 0 {
		zero = in.Rest[0]
	}
	return Arguments(words, zero, args[min(shifted, len(args)):])
}

// ShellOf is the shell of a script's first line, empty where that names none: "/bin/sh -e",
// "/usr/bin/env bash", "/usr/bin/env -S bash -e", "/command/with-contenv sh".
func ShellOf(interpreter string) string {
	for word := range strings.FieldsSeq(interpreter) {
		if name := path.Base(word); shellName.MatchString(name) {
			return name
		}
	}
	return ""
}

// Interpreter is what stands behind the "#!" of a script's first line, empty without one.
func Interpreter(text string) string {
	rest, ok := strings.CutPrefix(text, "#!")
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(rest, "\n")
	return strings.Join(strings.Fields(first), " ")
}
