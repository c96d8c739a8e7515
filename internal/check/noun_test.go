package check

import (
	"strings"
	"testing"

	"podproof.dev/podproof/internal/contract"
)

func TestAPromiseIsWordedForWhatTheWorkloadDependsOn(t *testing.T) {
	on := func(objects ...string) (c contract.Contract) {
		for _, o := range objects {
			c.Dependencies = append(c.Dependencies, contract.Dependency{Object: o})
		}
		return c
	}
	for name, x := range map[string]struct {
		c     contract.Contract
		words []string
	}{
		"nothing":       {on(), []string{"Started before its database", "When a database hangs", "Databases fail over", "A database in another region"}},
		"a database":    {on("statefulset/postgres"), []string{"Started before its database", "When a database hangs"}},
		"a cache":       {on("deployment/redis"), []string{"Started before its cache", "When a cache hangs", "Caches fail over", "A cache in another region", "nothing of the cache; a restart fixes no cache"}},
		"two of a kind": {on("deployment/redis", "deployment/cache"), []string{"Started before its cache"}},
		"an image store": {on("deployment/minio"), []string{"Started before its object store", "When an object store hangs",
			"Object stores fail over", "An object store in another region"}},
		"of several kinds": {on("statefulset/postgres", "deployment/redis"), []string{"Started before its dependency", "When a dependency hangs", "Dependencies fail over"}},
	} {
		t.Run(name, func(t *testing.T) {
			var all strings.Builder
			for _, c := range Catalogue() {
				w := c.Worded(x.c)
				if w.ID != c.ID || w.Judge == nil {
					t.Errorf("%s became %s", c.ID, w.ID)
				}
				all.WriteString(w.Title + "\n" + w.Why + "\n" + w.Fix + "\n")
			}
			for _, words := range x.words {
				if !strings.Contains(all.String(), words) {
					t.Errorf("nothing says %q", words)
				}
			}
			if has := strings.Contains(all.String(), " its database"); has != strings.Contains(x.words[0], "database") {
				t.Errorf("a database is spoken of: %v", has)
			}
		})
	}
}
