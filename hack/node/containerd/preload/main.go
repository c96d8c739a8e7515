// Command preload writes the state directory of a containerd that has some images already unpacked: a tar of what
// belongs below /var/lib/containerd, for a node image.
//
// The files of the images' layers are not in it. They lie elsewhere in the node image, and the snapshots are links to
// them: a node copies /var when it starts, and this way there is next to nothing to copy and to unpack.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

// image is one line of what is read from stdin.
type image struct {
	Names  []string        // every name that the image is known by
	Config json.RawMessage // its configuration, byte for byte
	Layers []layer         // the lowest first, as rootfs.diff_ids of the configuration
}

type layer struct {
	Size int64  // of the uncompressed tar, in bytes
	Tree string // the directory of the node that holds its files
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "preload:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var images []image
	if err := json.NewDecoder(os.Stdin).Decode(&images); err != nil {
		return fmt.Errorf("read the list of images: %w", err)
	}
	root, err := os.MkdirTemp("", "podproof-preload-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	if err := fill(ctx, root, images); err != nil {
		return err
	}
	return pack(os.Stdout, root)
}
