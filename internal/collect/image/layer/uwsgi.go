package layer

import "regexp"

var (
	uwsgiSection = regexp.MustCompile(`(?m)^\s*\[uwsgi\]`)
	// graceful are options that make SIGTERM the end of uWSGI, which else reloads on it
	// (uwsgi-docs, Management).
	graceful = regexp.MustCompile(`(?m)^\s*(?:die-on-term|exit-on-reload)\s*(?:=\s*(?:true|1|yes|on)\s*)?$|unix_signal:15\s+gracefully_kill_them_all`)
)

// readUWSGI tells of an .ini file with settings of uWSGI whether SIGTERM ends it.
func (l *reading) readUWSGI(p string, body []byte) {
	if uwsgiSection.Match(body) {
		l.Graceful[p] = graceful.Match(body)
	}
}
