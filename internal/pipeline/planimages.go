package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/workload"
)

// registryWithin is how long a registry may take to answer for a plan.
const registryWithin = 10 * time.Second

// listImages are the images with the way on which they would get into the cluster.
func (f *forecast) listImages() {
	if !f.needs(podSections...) {
		return
	}
	how := "the Docker engine's, put onto the node"
	under := PlannedImage{Name: f.imageRef(), For: f.plan.Contract.Workload, How: how}
	other := "the Docker engine's, put onto the node; where it has none the node pulls it"
	switch {
	case f.pulls():
		under.How, other = "the nodes pull it, by the digest that it has now", "the nodes pull it"
	case f.builds():
		under.How = "built, and put onto the node"
	}
	f.images = []PlannedImage{under}
	for _, name := range f.plan.Images() {
		if name == f.plan.Container.Image {
			continue
		}
		x := PlannedImage{Name: name, For: f.users(name), How: other}
		if to, ok := workload.Substitute(f.SetImages, name); ok {
			x.Name, x.How = to, x.How+" in place of "+name
		}
		f.images = append(f.images, x)
	}
	if f.pulls() && f.AgentImage != "" && (f.nodeless() || f.needs(agentSections...)) {
		f.images = append(f.images, PlannedImage{Name: f.AgentImage, For: "podproof's agent", How: other})
	}
}

// users are whose pods have an image.
func (f *forecast) users(image string) string {
	var out []string
	for _, c := range slices.Concat(f.plan.Controllers, f.plan.Jobs) {
		if slices.Contains(workload.Images([]workload.Controller{c}), image) {
			out = append(out, c.String())
		}
	}
	return strings.Join(out, ", ")
}

// askImages asks the registries of a cluster's images, all at once, or its nodes.
func (f *forecast) askImages(ctx context.Context) {
	f.listImages()
	if !f.pulls() {
		for i, x := range f.images[min(1, len(f.images)):] {
			if has, err := f.place.Images().Has(ctx, x.Name); err == nil && has {
				f.images[i+1].How = "the nodes have it"
			}
		}
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, registryWithin, fmt.Errorf("it has not answered within %s", registryWithin))
	defer cancel()
	errs := make([]error, len(f.images))
	var wg sync.WaitGroup
	for i, x := range f.images {
		if i == 0 && f.image.Image != nil {
			_, f.images[0].Digest, _ = strings.Cut(f.image.Pinned, "@")
			continue
		}
		wg.Go(func() { f.images[i].Digest, errs[i] = source.Known(ctx, x.Name) })
	}
	wg.Wait()
	for i, err := range errs {
		switch {
		case err == nil:
		case i == 0: // it was said when the image was opened
		case layer.IsFault(err):
			f.meets("%s: %s", f.images[i].For, err)
		default:
			f.Tell.Note(fmt.Sprintf("Whether image %s of %s is there is not known: %s", f.images[i].Name, f.images[i].For, err))
		}
	}
}

// nowhere stands for a cluster that could not be reached.
type nowhere struct{ facts cluster.Facts }

func (n nowhere) About() cluster.Facts         { return n.facts }
func (n nowhere) Open(context.Context) error   { return nil }
func (n nowhere) Booted(context.Context) error { return nil }
func (n nowhere) REST() *rest.Config           { return nil }
func (n nowhere) Images() cluster.Images       { return nil }
func (n nowhere) Nodes() cluster.Nodes         { return nil }
func (n nowhere) Close(context.Context) error  { return nil }
