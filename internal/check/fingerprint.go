package check

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// fingerprint gives each finding that breaks a promise its own. Lines and layers are not part of it,
// since they move with every edit; of equal findings the second has another one than the first, so
// that what accepts one does not accept the next.
func fingerprint(v *Verdict) {
	seen := map[string]int{}
	for i := range v.Findings {
		f := &v.Findings[i]
		if f.Note {
			continue
		}
		key := f.key
		if key == "" {
			key = f.placeKey() + "\x00" + f.Message
		}
		seen[key]++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", v.Check.ID, key, seen[key]))
		f.Fingerprint = fmt.Sprintf("%x", sum[:8])
	}
}

func (f Finding) placeKey() string {
	l := f.Location
	if l == nil {
		return f.Where
	}
	return strings.Join([]string{l.File, l.Path, l.Object, l.Field}, "\x00")
}
