package redact

import (
	"strings"

	"podproof.dev/podproof/internal/credential"
	"podproof.dev/podproof/internal/shell"
)

// madeUpLogin tells of a password in a URL that only a step of the build needs to have, since
// nothing is reached with it: one that says so, or the user's own name, for this machine.
func madeUpLogin(text string, password shell.Span) bool {
	user := text[:password.Start-1]
	user = user[strings.LastIndexByte(user, '/')+1:]
	host := text[password.End:]
	host = strings.TrimLeft(host, "@")
	if i := strings.IndexAny(host, ":/?#, \t\n\"'"); i >= 0 {
		host = host[:i]
	}
	word := password.Of(text)
	if !nowhere(host, user) {
		return false
	}
	return user == word || credential.IsMadeUp(word) || strings.HasPrefix(strings.ToLower(word), "pass") && strings.Trim(strings.ToLower(word), "pasword") == ""
}

// nowhere tells of a host that no secret is for.
func nowhere(host, user string) bool {
	switch host {
	case "localhost", "127.0.0.1", "0.0.0.0", "", "example.com", "invalid", "none", user:
		return true
	}
	return credential.IsMadeUp(host)
}
