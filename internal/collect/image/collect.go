package image

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"golang.org/x/sync/errgroup"

	"podproof.dev/podproof/internal/evidence"
)

// maxReaders bounds how many layers are read at once. Each reader may hold one program
// in memory (see spoolInMemory), and more readers than this only wait for the disk.
const maxReaders = 4

// Collect reads the configuration, the history and, once, every layer. A layer whose
// content is not what its diff ID says is an error: nothing could be concluded from it.
func Collect(ctx context.Context, img v1.Image, ref string) (evidence.Image, error) {
	started := time.Now()
	raw, err := img.RawConfigFile()
	if err != nil {
		return evidence.Image{}, fmt.Errorf("reading the configuration of image %s: %w", ref, err)
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(raw))
	if err != nil {
		return evidence.Image{}, fmt.Errorf("the configuration of image %s is not as the OCI image specification has it: %w", ref, err)
	}
	id, err := partial.ConfigName(img)
	if err != nil {
		return evidence.Image{}, fmt.Errorf("reading the configuration of image %s: %w", ref, err)
	}
	out := describe(config)
	out.Ref, out.ID = ref, id.String()

	fs, err := readLayers(ctx, img, config.RootFS.DiffIDs)
	if err != nil {
		return evidence.Image{}, fmt.Errorf("reading image %s: %w", ref, err)
	}
	for i, l := range fs {
		out.Layers[i].Size = l.bytes
	}
	out.Packages, out.Tools, out.GoBinaries = fs.packages(), fs.tools(), fs.goBinaries()
	out.LayersRead = true
	out.Seconds = time.Since(started).Seconds()
	return out, nil
}

func readLayers(ctx context.Context, img v1.Image, ids []v1.Hash) (fileSystem, error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	if len(layers) != len(ids) {
		return nil, fmt.Errorf("it has %d layers and its configuration names %d", len(layers), len(ids))
	}
	fs := make(fileSystem, len(layers))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(min(runtime.GOMAXPROCS(0), maxReaders))
	for i, l := range layers {
		g.Go(func() error {
			found, err := scan(ctx, l, ids[i], i)
			if err != nil {
				return fmt.Errorf("layer %d (%s): %w", i, ids[i], err)
			}
			fs[i] = found
			return nil
		})
	}
	return fs, g.Wait()
}

// describe is what the configuration says.
func describe(c *v1.ConfigFile) evidence.Image {
	out := evidence.Image{
		Architecture: c.Architecture, OS: c.OS, Created: c.Created.Time,
		Config: evidence.ImageConfig{
			User: c.Config.User, Env: c.Config.Env, Entrypoint: c.Config.Entrypoint, Cmd: c.Config.Cmd,
			WorkingDir: c.Config.WorkingDir, Labels: c.Config.Labels, StopSignal: c.Config.StopSignal,
			OnBuild: c.Config.OnBuild,
		},
		History: []evidence.History{},
		Layers:  []evidence.Layer{},
	}
	for port := range c.Config.ExposedPorts {
		out.Config.ExposedPorts = append(out.Config.ExposedPorts, port)
	}
	slices.Sort(out.Config.ExposedPorts)
	if c.Config.Healthcheck != nil {
		out.Config.Healthcheck = c.Config.Healthcheck.Test
	}
	for _, id := range c.RootFS.DiffIDs {
		out.Layers = append(out.Layers, evidence.Layer{DiffID: id.String()})
	}

	// History is optional, and builders other than Docker write parts of it. Only where
	// its entries with a layer are as many as the layers does the order tell which is which.
	withLayer := 0
	for _, h := range c.History {
		if !h.EmptyLayer {
			withLayer++
		}
	}
	aligned, next := withLayer == len(out.Layers), 0
	for _, h := range c.History {
		e := evidence.History{CreatedBy: h.CreatedBy, Comment: h.Comment, EmptyLayer: h.EmptyLayer, Layer: -1}
		if aligned && !h.EmptyLayer {
			e.Layer, out.Layers[next].CreatedBy = next, h.CreatedBy
			next++
		}
		out.History = append(out.History, e)
	}
	return out
}
