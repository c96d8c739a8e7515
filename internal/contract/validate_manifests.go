package contract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

func (r *reader) manifests(c *Contract) {
	for i, m := range c.Manifests {
		if m == "" {
			continue
		}
		field := fmt.Sprintf("manifests[%d]", i)
		_, err := os.Stat(c.Path(m))
		switch {
		case m == Stdin:
			r.fail(field, "manifests: - is the standard input on a command line alone: podproof verify -m - reads it")
		case errors.Is(err, fs.ErrNotExist) && len(patterned(c.Path(m))) > 0:
		case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(m, "*?["):
			r.fail(field, "manifests: no file or folder fits the pattern %s; paths are relative to the folder of this contract", m)
		case errors.Is(err, fs.ErrNotExist):
			r.fail(field, "manifests: there is no file or folder %s; paths are relative to the folder of this contract", m)
		case err != nil:
			r.fail(field, "manifests: %s cannot be read: %v", m, errors.Unwrap(err))
		}
	}
	r.distinct("manifests", c.Manifests)
}
