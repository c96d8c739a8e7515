package layer

import (
	"strconv"
	"strings"
)

// Account is one line of a passwd or group file. For a group, GID is its number and UID -1.
type Account struct {
	Name     string
	UID, GID int64
}

// readAccounts reads passwd(5) and group(5). A line that is neither says nothing.
func (l *reading) readAccounts(p string, body []byte) {
	accounts := []Account{}
	for line := range strings.Lines(string(body)) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		switch {
		case len(f) >= 7 && strings.HasSuffix(p, "/passwd"):
			uid, err := strconv.ParseInt(f[2], 10, 64)
			gid, err2 := strconv.ParseInt(f[3], 10, 64)
			if err == nil && err2 == nil {
				accounts = append(accounts, Account{f[0], uid, gid})
			}
		case len(f) >= 3 && strings.HasSuffix(p, "/group"):
			if gid, err := strconv.ParseInt(f[2], 10, 64); err == nil {
				accounts = append(accounts, Account{f[0], -1, gid})
			}
		}
	}
	l.Accounts[p] = accounts
}

// readVenv reads which interpreter a virtual environment of Python was made with.
func (l *reading) readVenv(p string, body []byte) {
	for line := range strings.Lines(string(body)) {
		if k, v, ok := strings.Cut(line, "="); ok && strings.TrimSpace(k) == "home" {
			l.Venvs[p] = strings.TrimSpace(v)
			return
		}
	}
}
