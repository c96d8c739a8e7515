// Package image says what an image holds: its configuration, its history, and, after one
// pass over the layers, what the final file system and the layers below it have. Nothing of
// the image is unpacked to disk.
package image

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"golang.org/x/sync/errgroup"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/evidence"
)

// maxReaders bounds how many layers are read at once: more would only wait for the disk.
const maxReaders = 4

// Options say what to look for, and how.
type Options struct {
	Ref string
	// Source is where the image was read from: "docker", "registry", "tar" or "oci".
	Source string
	// Compressed is what a pull transfers, in bytes; 0 where the source does not know it.
	Compressed int64
	// Forbidden are patterns as contract.Paths has them, for Leftover's kind "forbidden".
	Forbidden []string
	// Cache keeps what layers hold for the next time; nil keeps nothing.
	Cache *Cache
	// Statements are the provenance that lies beside the image.
	Statements [][]byte
	// Readers bounds how many layers are read at once; 0 is as many as there are cores for.
	Readers int
}

// Collect reads the configuration, the history and, once, every layer. A layer whose
// content is not what its diff ID says is an error: nothing could be concluded from it.
// Errors of the image, and not of what it was read from, are a layer.Fault.
func Collect(ctx context.Context, img v1.Image, o Options) (evidence.Image, error) {
	started := time.Now()
	out, ids, err := Describe(img, o)
	if err != nil {
		return evidence.Image{}, err
	}
	layers, stats, err := readLayers(ctx, img, ids, o)
	if err != nil {
		return evidence.Image{}, fmt.Errorf("reading image %s: %w", o.Ref, err)
	}
	for i, l := range layers {
		out.Layers[i].Size = l.Bytes
	}
	t, own := newTree(layers), newOwners(layers)
	out.Packages, out.Tools, out.GoBinaries = t.packages(own), t.tools(), t.goBinaries()
	out.User, out.Entry = t.user(out.Config.User), t.entry(out.Config)
	out.Secrets, out.Unopened, out.Leftovers = t.secrets(own), t.unopened(own), t.leftovers(o.Forbidden, own)
	out.Privileged, out.WorldWritable, out.CodeOwners = t.privileged(own), t.worldWritable(), t.codeOwners()
	out.Size, out.Read = t.size(o.Compressed), &stats
	out.LayersRead = true
	out.Seconds = time.Since(started).Seconds()
	return out, nil
}

// Describe reads the configuration and the history alone, and returns the layers' diff IDs, too.
func Describe(img v1.Image, o Options) (evidence.Image, []v1.Hash, error) {
	raw, err := img.RawConfigFile()
	if err != nil {
		return evidence.Image{}, nil, fmt.Errorf("reading the configuration of image %s: %w", o.Ref, err)
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(raw))
	if err != nil {
		return evidence.Image{}, nil, layer.Faultf("the configuration of image %s is not as the OCI image specification has it: %w", o.Ref, err)
	}
	id, err := partial.ConfigName(img)
	if err != nil {
		return evidence.Image{}, nil, fmt.Errorf("reading the configuration of image %s: %w", o.Ref, err)
	}
	out := describe(config)
	out.Ref, out.Source, out.ID = o.Ref, o.Source, id.String()
	for _, s := range o.Statements {
		out.Provenance = append(out.Provenance, arguments(s)...)
	}
	return out, config.RootFS.DiffIDs, nil
}

func readLayers(ctx context.Context, img v1.Image, ids []v1.Hash, o Options) ([]*layer.Layer, evidence.ReadStats, error) {
	var stats evidence.ReadStats
	layers, err := img.Layers()
	if err != nil {
		return nil, stats, err
	}
	if len(ids) == 0 {
		return nil, stats, layer.Faultf("it has no layers, and so no file that could run")
	}
	if len(layers) != len(ids) {
		return nil, stats, layer.Faultf("it has %d layers and its configuration names %d", len(layers), len(ids))
	}
	// The same layer may occur twice; it is read once.
	first := map[v1.Hash]int{}
	for i, id := range ids {
		if _, ok := first[id]; !ok {
			first[id] = i
		}
	}
	out, reused := make([]*layer.Layer, len(layers)), make([]bool, len(layers))
	g, ctx := errgroup.WithContext(ctx)
	if o.Readers == 0 {
		o.Readers = min(runtime.GOMAXPROCS(0), maxReaders)
	}
	g.SetLimit(o.Readers)
	entries := &layer.Budget{}
	for i, l := range layers {
		if first[ids[i]] != i {
			continue
		}
		g.Go(func() (err error) {
			// A panic here would end the process before what a run created is removed.
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("layer %d (%s): podproof itself broke (%v): a bug, please report it", i, ids[i], p)
				}
			}()
			id := ids[i].String()
			if out[i] = o.Cache.get(id); out[i] != nil {
				reused[i] = true
				return nil
			}
			found, err := layer.Read(ctx, func() (io.ReadCloser, error) { return l.Uncompressed() }, id, entries)
			if err != nil {
				return fmt.Errorf("layer %d (%s): %w", i, ids[i], err)
			}
			out[i] = found
			// What cannot be kept is read again the next time, and says the same.
			_ = o.Cache.put(id, found)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, stats, err
	}
	stats.Skipped = map[string]int{}
	for i := range out {
		from := first[ids[i]]
		if from != i {
			out[i] = out[from]
			continue
		}
		for why, n := range out[i].Skipped {
			stats.Skipped[why] += n
		}
		if reused[i] {
			stats.LayersReused++
			continue
		}
		stats.Layers++
		stats.Files += out[i].Entries.Len()
		stats.Bytes += out[i].Bytes
	}
	if stats.Layers > 0 {
		_ = o.Cache.prune() // as for put
	}
	return out, stats, nil
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
