package check

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// abrupt is a server that a signal stops at once, with its requests under way.
type abrupt struct {
	names   string
	signals string // those that do so
	does    string // what they do
	orderly string // the signal that ends it in order
}

// abruptly is what the manuals say: nginx (Controlling nginx), php-fpm(8), Apache (Stopping and
// Restarting), Unicorn (SIGNALS), Gunicorn (Signal Handling), HAProxy (Management Guide, Stopping and restarting), uWSGI
// (Managing the uWSGI server).
var abruptly = []abrupt{
	{"nginx nginx-debug openresty tengine angie freenginx", "SIGTERM SIGINT", "is its fast shutdown, which cuts the requests under way", "SIGQUIT"},
	{"php-fpm", "SIGTERM SIGINT", "ends it at once, with the requests under way", "SIGQUIT"},
	{"httpd apache2 apachectl apache2ctl httpd-foreground apache2-foreground", "SIGTERM", "kills its children at once, with the requests under way", "SIGWINCH"},
	{"unicorn unicorn_rails", "SIGTERM SIGINT", "is its quick shutdown, which kills its workers", "SIGQUIT"},
	{"gunicorn", "SIGQUIT", "is its quick shutdown, which cuts the requests under way", "SIGTERM"},
	{"haproxy", "SIGTERM SIGINT", "stops it at once, with the connections that are open", "SIGUSR1"},
	{uwsgi, "SIGTERM", "reloads it, unless die-on-term is set: it goes on until it is killed", "SIGINT"},
}

const uwsgi = "uwsgi"

// abruption is why a signal does not end the program in an orderly way, or may not, and what to do.
type abruption struct{ why, doubt, fix string }

// abruptEnd judges what the signal does to the program that gets it.
func abruptEnd(signal string, r route, e evidence.Evidence) abruption {
	name := versionless.ReplaceAllString(path.Base(r.program), "$1")
	i := slices.IndexFunc(abruptly, func(a abrupt) bool { return slices.Contains(strings.Fields(a.names), name) })
	if i < 0 || !slices.Contains(strings.Fields(abruptly[i].signals), signal) {
		return abruption{}
	}
	a := abruptly[i]
	why := fmt.Sprintf("%s gets %s, which %s", name, signal, a.does)
	out := abruption{why: why, fix: fmt.Sprintf("Write STOPSIGNAL %s into the Dockerfile's last stage, on which %s ends in an orderly way.", a.orderly, name)}
	switch {
	case hasPreStop(e):
		return abruption{doubt: why + "; its preStop hook may end it before that"}
	case name != uwsgi:
		return out
	}
	switch set, known := diesOnTerm(r, e); {
	case set:
		return abruption{}
	case !known:
		return abruption{doubt: why + "; podproof cannot tell what its settings say"}
	}
	out.fix = "Set die-on-term (--die-on-term, or die-on-term = true in its settings), or STOPSIGNAL SIGINT."
	return out
}

// versionless takes the version off the name of a server: php-fpm8.2.
var versionless = regexp.MustCompile(`^(php-fpm)[-0-9.]*$`)

func hasPreStop(e evidence.Evidence) bool {
	if e.Workload == nil {
		return false
	}
	c := containerOf(*e.Workload)
	return c != nil && c.Lifecycle != nil && c.Lifecycle.PreStop != nil
}

// diesOnTerm tells whether uWSGI is told to end on SIGTERM; known is false where it has settings
// that were not read.
func diesOnTerm(r route, e evidence.Evidence) (set, known bool) {
	if v, ok := environ(e)["UWSGI_DIE_ON_TERM"]; ok && v != "0" && v != "false" {
		return true, true
	}
	known = true
	for i, word := range r.command {
		option, value, _ := strings.Cut(word, "=")
		switch ext := path.Ext(word); {
		case option == "--die-on-term" || option == "--exit-on-reload" || strings.Contains(word, "gracefully_kill_them_all"):
			return value != "false", true
		case i > 0 && ext == ".ini":
			j := slices.IndexFunc(e.Image.Entry, func(f evidence.EntryFile) bool { return f.Word == word || f.Word == value })
			if j >= 0 && e.Image.Entry[j].StopsOnTerm {
				return true, true
			}
			known = known && j >= 0 && e.Image.Entry[j].Kind != "missing"
		case i > 0 && (ext == ".yaml" || ext == ".yml" || ext == ".xml" || ext == ".json" || option == "--emperor"):
			known = false
		}
	}
	if environ(e)["UWSGI_INI"] != "" {
		known = false
	}
	return false, known
}

// isS6 tells whether the program is the init of s6-overlay: a script of execlineb in its second
// version, and one that starts its own program in the third.
func (r route) isS6() bool {
	return strings.Contains(r.program, "s6-overlay") || path.Base(r.program) == "s6-svscan" ||
		r.file != nil && path.Base(r.file.Path) == "init" && strings.Contains(r.file.Interpreter, "execlineb")
}
