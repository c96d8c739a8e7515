package layer

import (
	"encoding/json"
	"path"
)

// readComposer notes the packages that Composer installed for development alone
// (getcomposer.org, installed.json).
func (l *reading) readComposer(p string, body []byte) {
	var installed struct {
		Names []string `json:"dev-package-names"`
	}
	// What cannot be parsed marks nothing.
	_ = json.Unmarshal(body, &installed)
	vendor := path.Dir(path.Dir(p))
	out := []string{}
	for _, name := range installed.Names {
		out = append(out, path.Join(vendor, name, "composer.json"))
	}
	l.DevLocks[p] = out
}
