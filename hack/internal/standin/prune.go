package standin

import (
	"os"
	"path/filepath"
)

// Prune deletes the parts that none of the images uses, and returns their names.
func (b *Builder) Prune(images []Image) ([]string, error) {
	used := map[string]bool{}
	var use func(p part)
	use = func(p part) {
		used[b.path(p)] = true
		for _, a := range p.after {
			use(a)
		}
	}
	for _, image := range images {
		for _, p := range image.parts {
			use(p)
		}
	}
	dirs, err := filepath.Glob(filepath.Join(b.Dir, "*-*"))
	if err != nil {
		return nil, err
	}
	var deleted []string
	for _, dir := range dirs {
		if used[dir] {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return deleted, err
		}
		deleted = append(deleted, filepath.Base(dir))
	}
	return deleted, nil
}
