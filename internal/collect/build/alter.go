package build

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"path"
	"strings"
)

// alter gives a file other content of the same meaning: BuildKit, which compares content,
// sees another file, while who reads it must not mind. What is added is random, as that of
// an earlier run is in the cache.
func alter(name string, content []byte) []byte {
	out := bytes.Clone(content)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	nonce := make([]byte, 16)
	rand.Read(nonce) // never fails, see its documentation
	if mark := comment(name); mark != "" {
		return append(out, mark+" "+hex.EncodeToString(nonce)+"\n"...)
	}
	// Lines of spaces alone: compilers, interpreters and JSON read over them. No tabs, which
	// mean something to a few.
	for _, b := range nonce {
		out = append(out, strings.Repeat(" ", int(b%16))+"\n"...)
	}
	return out
}

// comment is what begins one in the files whose readers count spaces: YAML and yarn's own.
func comment(name string) string {
	switch base := path.Base(name); {
	case base == "go.mod" || base == "go.work":
		return "//"
	case strings.HasSuffix(base, ".yaml"), strings.HasSuffix(base, ".yml"), strings.HasSuffix(base, ".toml"), strings.HasSuffix(base, ".txt"),
		base == "yarn.lock", base == "uv.lock", base == "poetry.lock", base == "Cargo.lock", base == "pdm.lock", base == "Pipfile", base == "gradle.lockfile":
		return "#"
	}
	return ""
}
