package mutants

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/workload"
)

func rows(t *testing.T) []Image {
	t.Helper()
	images, err := Truth()
	if err != nil {
		t.Fatal(err)
	}
	return images
}

// A check that no image breaks is not shown to be able to fail.
func TestEveryCheckOfAnImageIsBrokenByOne(t *testing.T) {
	// This needs no image: its Dockerfile is missing.
	without := []string{"build/succeeds"}
	// These need no pod: images that are made in code break them, in internal/collect/image.
	without = append(without, "image/no-secrets-in-layers", "image/no-source-leaks", "image/no-setuid",
		"image/no-world-writable", "image/size-budget", "image/config-complete", "image/no-dev-server", "image/platform")
	// Nor do these: Dockerfiles in the end-to-end test of internal/collect/build break them.
	without = append(without, "build/lockfile-change-rebuilds", "build/frozen-dependencies", "build/context-lean", "build/reproducible")
	var broken []string
	for _, image := range rows(t) {
		broken = append(broken, image.Fails...)
	}
	var known []string
	for _, c := range check.Catalogue() {
		known = append(known, c.ID)
		if !slices.Contains(broken, c.ID) && !slices.Contains(without, c.ID) {
			t.Errorf("no image breaks %s", c.ID)
		}
	}
	for _, id := range broken {
		if !slices.Contains(known, id) {
			t.Errorf("%s is no check", id)
		}
	}
}

func TestRows(t *testing.T) {
	var seen []string
	images := map[string]string{}
	for _, image := range rows(t) {
		c, err := contract.Load(image.Contract)
		if err != nil {
			t.Errorf("%s: %v", image.Name, err)
			continue
		}
		if other, taken := images[c.Image]; taken && c.Build != nil {
			t.Errorf("%s and %s build the same image, %s", other, image.Name, c.Image)
		}
		images[c.Image] = image.Name
		if image.Base != "" && !slices.Contains(seen, image.Base) {
			t.Errorf("%s comes before its base %s", image.Name, image.Base)
		}
		if slices.Contains(seen, image.Name) || image.Why == "" || len(image.Fails) > 3 {
			t.Errorf("%s: a row has a name of its own, a reason, and one fault, which a few checks may see", image.Name)
		}
		if b := c.Build; b != nil {
			for _, p := range []string{b.Context, b.Dockerfile} {
				if _, err := os.Stat(c.Path(p)); err != nil {
					t.Errorf("%s: %v", image.Contract, err)
				}
			}
		}
		ids := selected(t, image)
		for _, id := range slices.Concat(image.Fails, image.Inconclusive) {
			if !slices.Contains(ids, id) {
				t.Errorf("%s: %s is not among the checks that are tried", image.Name, id)
			}
		}
		if err := holdsWorkload(c); err != nil {
			t.Errorf("%s: %v", image.Contract, err)
		}
		seen = append(seen, image.Name)
	}
}

// selected are the IDs of the checks that are tried on an image.
func selected(t *testing.T, image Image) []string {
	t.Helper()
	checks, err := check.Select(image.Only, image.Skip)
	if err != nil {
		t.Errorf("%s: %v", image.Name, err)
	}
	var ids []string
	for _, c := range checks {
		ids = append(ids, c.ID)
	}
	return ids
}

// holdsWorkload renders the manifests, so that a patch that no longer fits is found without a cluster.
func holdsWorkload(c contract.Contract) error {
	var paths []workload.Path
	for _, m := range c.Manifests {
		paths = append(paths, workload.Path{Written: m, Real: c.Path(m)})
	}
	objects, err := workload.Read(paths)
	if err != nil {
		return err
	}
	runners, err := workload.Controllers(objects)
	if err != nil {
		return err
	}
	facts, err := workload.Facts(objects, runners)
	if err != nil {
		return err
	}
	_, _, err = contract.Derive(c, contract.Facts{Workloads: facts})
	return err
}

func TestEveryContractHasARow(t *testing.T) {
	contracts, err := filepath.Glob("*/podproof.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range rows(t) {
		contracts = slices.DeleteFunc(contracts, func(c string) bool { return c == image.Contract })
	}
	if len(contracts) > 0 {
		t.Errorf("not in truth.yaml: %v", contracts)
	}
}
