package kind

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// imagesFile has the names of the images that the node of a warm cluster was made with.
const imagesFile = "images"

// noteImages writes down which images the node has, before any run has put one there.
func (k *Kind) noteImages(ctx context.Context, file string) error {
	there, err := k.imagesOf(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, i := range there {
		names = append(names, i.name)
	}
	if err := os.WriteFile(file, []byte(strings.Join(names, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("writing down which images the node has: %w", err)
	}
	return nil
}

// tidy takes away from the node what a run has put there or pulled. The layers of the last run's images stay, under
// no name but their digests, so that the next is sent only what is new.
func (k *Kind) tidy(ctx context.Context, file string) error {
	if err := k.Remove(ctx); err != nil {
		return err
	}
	names, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading which images the node was made with: %w", err)
	}
	there, err := k.imagesOf(ctx)
	if err != nil {
		return err
	}
	gone := foreign(there, strings.Fields(string(names)))
	if len(gone) == 0 {
		return nil
	}
	_, err = k.command(ctx, k.node(), nil, "ctr", append([]string{"--namespace=k8s.io", "images", "rm"}, gone...)...)
	return err
}

// node is the only one.
func (k *Kind) node() string { return k.name + "-control-plane" }

// named is an image of containerd's: a name, and what it leads to.
type named struct{ name, digest string }

func (k *Kind) imagesOf(ctx context.Context) ([]named, error) {
	out, err := k.command(ctx, k.node(), nil, "ctr", "--namespace=k8s.io", "images", "ls")
	if err != nil {
		return nil, fmt.Errorf("asking which images the node has: %w", err)
	}
	return imagesIn(string(out)), nil
}

// imagesIn reads `ctr images ls`: REF TYPE DIGEST and more, below a line of titles.
func imagesIn(ls string) (out []named) {
	for line := range strings.Lines(ls) {
		if f := strings.Fields(line); len(f) > 2 && f[0] != "REF" {
			out = append(out, named{f[0], f[2]})
		}
	}
	return out
}

// foreign are the names of images that came after a node's own, but for the digests under which those of the last
// run stay: the CRI names each image by its ID as well.
func foreign(there []named, own []string) (out []string) {
	keep := map[string]bool{}
	for _, n := range own {
		keep[n] = true
	}
	last := map[string]bool{} // digests that have a name of the last run
	for _, i := range there {
		if !keep[i.name] && !strings.HasPrefix(i.name, "sha256:") {
			last[i.digest] = true
		}
	}
	for _, i := range there {
		if !keep[i.name] && !(strings.HasPrefix(i.name, "sha256:") && last[i.digest]) {
			out = append(out, i.name)
		}
	}
	return out
}
