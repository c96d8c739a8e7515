package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// imageChecks are those that an image alone decides.
const imageChecks = "image/"

type inspectFlags struct {
	judgeFlags
	platform string
	noCache  bool
}

func newInspect() *cobra.Command {
	var f inspectFlags
	c := &cobra.Command{
		Use:   "inspect [flags] IMAGE",
		Short: "Inspect an image without a cluster, and say which promises its files and its configuration keep",
		Long: `inspect reads the configuration, the history and, once, every layer of an image, and judges
the image/* checks of ` + "`podproof checks`" + `. It needs no cluster, no root, no shell in the image,
and Docker only for images of the Docker engine.

IMAGE is docker:NAME, registry:NAME, tar:FILE or oci:FOLDER. Without a prefix it is the file or
the OCI layout of that name, else the Docker engine's image, else the registry's. (The images
that are themselves named docker and registry are docker:docker:27 and docker:registry:2.)

What a layer holds is kept in the cache folder by the layer's digest, so that a base image
is read once.`,
		Example: `  # of the Docker engine
  podproof inspect docker:shop/api:1.4.2

  # of a registry, with the logins of the docker command
  podproof inspect --platform linux/arm64 registry:registry.example/shop/api:1.4.2

  # an archive: docker save, OCI; also compressed with gzip or zstd
  podproof inspect tar:api.tar.gz

  # an OCI layout, as buildx --output type=oci,tar=false writes it
  podproof inspect oci:build/image

  # whichever of these it is, by the promises of a contract, for a CI
  podproof inspect -f deploy/podproof.yaml -o terminal -o json=report.json shop/api:1.4.2`,
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), args[0]) },
	}
	var checks []check.Check
	for _, ch := range check.Catalogue() {
		if strings.HasPrefix(ch.ID, imageChecks) {
			checks = append(checks, ch)
		}
	}
	f.add(c, checks)
	c.Flags().StringVarP(&f.file, "file", "f", "", "read the contract from this `FILE` (default: "+contract.DefaultFile+", where there is one and it is for this image)")
	f.addManifests(c)
	c.Flags().StringVar(&f.platform, "platform", "", "`OS/ARCH` of the image to take, where there are several (default: this host's)")
	c.Flags().BoolVar(&f.noCache, "no-cache", false, "read every layer, and keep nothing for the next time")
	return c
}

func (f *inspectFlags) run(ctx context.Context, image string) error {
	outs, err := report.ParseOutputs(f.outputs)
	if err != nil {
		return usage(err)
	}
	selected, err := f.selected()
	if err != nil {
		return usage(err)
	}
	o := pipeline.InspectOptions{Image: image, Platform: f.platform, Version: version()}
	if o.Contract, err = f.contract(image); err != nil {
		return usage(err)
	}
	if err := f.checkFiles(outs); err != nil {
		return usage(err)
	}
	if !f.noCache {
		if o.Cache, err = cacheDir(); err != nil {
			return couldNot(err)
		}
	}
	// Little is kept of what is read, so that a tidy heap costs next to nothing.
	debug.SetGCPercent(50)
	stream := outs.ProgressTo(os.Stdout, os.Stderr)
	console := f.console(stream, "inspect")
	progress := report.NewProgress(stream, console)
	defer progress.Close()
	o.Tell, o.Debug = progress, func(string) {}
	if f.verbose {
		o.Debug = progress.Note
	}
	o.Early = func(r pipeline.Result) {
		for _, v := range check.Judge(selected, r.Contract, r.Evidence) {
			if v.Status == check.Fail {
				progress.Note(fmt.Sprintf("FAIL %s, as the configuration alone says (the layers are being read)", v.Check.ID))
			}
		}
	}
	o.Near = f.file == "" && len(f.manifests) == 0
	result, err := pipeline.Inspect(ctx, o)
	progress.Close()
	var input *pipeline.InputError
	switch {
	case errors.As(err, &input):
		return usage(err)
	case errors.As(err, new(*pipeline.Stopped)):
		return err
	case err != nil:
		return couldNot(explainDisk(err))
	}
	return f.report(selected, result, outs, console)
}

// selected are the image's checks, as --only and --skip have them.
func (f *inspectFlags) selected() ([]check.Check, error) {
	only := f.only
	if len(only) == 0 {
		only = []string{imageChecks + "*"}
	}
	all, err := f.chosen(only)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if !strings.HasPrefix(c.ID, imageChecks) {
			return nil, fmt.Errorf("--only: %s needs more than an image; `podproof verify` checks it", c.ID)
		}
	}
	return all, nil
}

// contract is the one that was named, or the folder's; without one, defaults apply.
func (f *inspectFlags) contract(image string) (contract.Contract, error) {
	if len(f.manifests) > 0 {
		return f.promised(image)
	}
	c, err := loadContract(f.file)
	if f.file == "" && errors.Is(err, fs.ErrNotExist) {
		return contract.Contract{APIVersion: contract.APIVersion, Kind: contract.Kind}, nil
	}
	return c, err
}
