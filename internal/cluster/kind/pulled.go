package kind

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// pulled is what a kubelet remembers of an image that it has pulled. From 1.35 on it gives such an
// image to nobody under another repository's name, although it is there, since it cannot tell
// whether they may have it (feature gate KubeletEnsureSecretPulledImages; ImagePulledRecord in
// kubelet.config.k8s.io, pkg/kubelet/images/pullmanager). An image that it has never pulled it
// gives to anybody.
type pulled struct {
	ImageRef          string
	CredentialMapping map[string]struct{ NodePodsAccessible bool } // by repository
}

// Name is the name under which every kubelet takes an image that is put onto its node: ref, or one
// of a repository from which the kubelets have pulled the same image.
func (k *Kind) Name(ctx context.Context, img v1.Image, ref string) (string, error) {
	if k.owned && !k.used { // its kubelets have pulled nothing yet
		return ref, nil
	}
	id, err := img.ConfigName()
	if err != nil {
		return "", fmt.Errorf("reading the image's configuration: %w", err)
	}
	ns, err := k.List(ctx)
	if err != nil {
		return "", err
	}
	var open []string // to all pods, on each node that has pulled it
	met := false
	for _, n := range ns {
		r, err := k.remembers(ctx, n, id.String())
		switch {
		case err != nil:
			return "", err
		case r == nil:
			continue
		case !met:
			open = r.open()
		default:
			open = slices.DeleteFunc(open, func(repository string) bool { return !slices.Contains(r.open(), repository) })
		}
		met = true
	}
	switch {
	case !met:
		return ref, nil
	case len(open) == 0:
		return "", fmt.Errorf("the kubelets of cluster %s have pulled this very image (%s) with credentials, and give it to no pod without them (KubeletEnsureSecretPulledImages); verify it as they pull it, with --cluster context:kind-%s, or take it off the nodes with `crictl rmi`", k.name, id, k.name)
	}
	return fmt.Sprintf("%s:%s", open[0], tag(ref, id)), nil
}

// tag is one that no other run has, and no other image of the run.
func tag(ref string, id v1.Hash) string {
	sum := sha256.Sum256([]byte(ref + id.String()))
	_, own, _ := strings.Cut(ref[strings.LastIndexByte(ref, '/')+1:], ":")
	return fmt.Sprintf("%s-%x", own, sum[:4])
}

// open are the repositories from which an image is given to all pods.
func (p pulled) open() []string {
	var out []string
	for _, repository := range slices.Sorted(maps.Keys(p.CredentialMapping)) {
		if p.CredentialMapping[repository].NodePodsAccessible {
			out = append(out, repository)
		}
	}
	return out
}

// takes tells whether the kubelet of a node takes an image that is there for one of this name.
func (k *Kind) takes(ctx context.Context, node, name string) (bool, error) {
	out, err := k.command(ctx, node, nil, "crictl", crictlPatience, "inspecti", "--output=json", name)
	if err != nil {
		return false, err
	}
	var image struct{ Status struct{ ID string } }
	if err := json.Unmarshal(out, &image); err != nil {
		return false, fmt.Errorf("reading what crictl says of image %s: %w", name, err)
	}
	r, err := k.remembers(ctx, node, image.Status.ID)
	if r == nil || err != nil {
		return err == nil, err
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return false, err
	}
	return slices.Contains(r.open(), named.Name()), nil
}

// remembers is what a node's kubelet knows of an image that it has pulled; nil where it has not, or
// keeps no such records.
func (k *Kind) remembers(ctx context.Context, node, id string) (*pulled, error) {
	out, err := k.command(ctx, node, nil, "find", "/var/lib/kubelet", "-maxdepth", "3", "-path", "/var/lib/kubelet/pods", "-prune",
		"-o", "-path", "*/image_manager/pulled/*", "-type", "f", "-exec", "cat", "{}", ";")
	if err != nil {
		return nil, fmt.Errorf("asking which images the kubelet has pulled: %w", err)
	}
	return recordOf(out, id)
}

// recordOf finds an image's record among those of a kubelet, one after the other.
func recordOf(records []byte, id string) (*pulled, error) {
	for d := json.NewDecoder(bytes.NewReader(records)); ; {
		var r pulled
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("reading which images the kubelet has pulled: %w", err)
		case r.ImageRef == id:
			return &r, nil
		}
	}
}
