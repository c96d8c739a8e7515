package attest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/collect/image/source"
)

// InputError is an error of what was named: the image, the record, a key.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }

func inputf(format string, args ...any) error { return &InputError{fmt.Errorf(format, args...)} }

// registry is the repository that an image is in.
type registry struct {
	ctx     context.Context
	where   name.Reference
	options []remote.Option
}

// openRegistry finds the repository of an image: "NAME" or "registry:NAME". Nothing is asked of it yet.
func openRegistry(ctx context.Context, image, version string) (*registry, error) {
	switch kind, rest := source.Prefix(image); kind {
	case source.Registry:
		image = rest
	case source.Docker, source.Tar, source.OCI:
		return nil, inputf("%s is not in a registry, where proofs are stored beside the image; push it, and name it as NAME:TAG or NAME@DIGEST", image)
	}
	where, err := name.ParseReference(image)
	if err != nil {
		return nil, inputf("%q is not a valid image name: %w", image, err)
	}
	return &registry{ctx: ctx, where: where, options: []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithTransport(bounded{remote.DefaultTransport}), remote.WithUserAgent("podproof/" + version),
	}}, nil
}

func (r *registry) repo() name.Repository        { return r.where.Context() }
func (r *registry) digest(h v1.Hash) name.Digest { return r.repo().Digest(h.String()) }
func (r *registry) host() string                 { return r.repo().RegistryStr() }
func (r *registry) tag(of v1.Hash, end string) name.Tag {
	return r.repo().Tag(of.Algorithm + "-" + of.Hex + end)
}

// explain says what a registry's answer means. What is not there is an *InputError.
func (r *registry) explain(err error) error {
	if err = source.Explain(r.ctx, r.where, err); layer.IsFault(err) {
		return &InputError{err}
	}
	return err
}

// absent tells whether a registry answers that it does not have what it was asked for.
func absent(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}

// How much of one answer is read. Any user of a cluster can have its gate ask a registry of his own.
const (
	maxBlob     = 32 << 20 // bytes of a blob
	maxDocument = 4 << 20  // bytes of anything else: no registry need take a larger manifest
	maxValues   = 1 << 16  // values in that: three bytes of a list take a hundred in memory
	maxConfig   = 1 << 20  // bytes of an image's configuration
)

// bounded keeps what a registry answers from filling the memory, and does not take a part of a list
// of referrers for all of it: the newest statement might be in the other.
type bounded struct{ http.RoundTripper }

// RoundTrip asks, and bounds the answer.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if strings.Contains(req.URL.Path, "/referrers/") && strings.Contains(resp.Header.Get("Link"), "next") {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("the registry gives the list of what is stored beside the image in pages, which podproof does not read: %s; remove what is stored there and no longer needed", req.URL.Path)
	}
	if isBlob(req) {
		resp.Body = &boundedBody{ReadCloser: resp.Body, most: maxBlob}
	} else {
		resp.Body = &boundedBody{ReadCloser: resp.Body, most: maxDocument, isDocument: true}
	}
	return resp, nil
}

// isBlob tells whether a blob was asked for, which a registry may have somewhere else.
func isBlob(req *http.Request) bool {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
	}
	return strings.Contains(req.URL.Path, "/blobs/")
}

type boundedBody struct {
	io.ReadCloser
	most, read, commas int
	isDocument         bool
}

// Read reads on, up to the bounds.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.read += n; b.read > b.most {
		return 0, fmt.Errorf("the registry's answer is larger than %d MiB", b.most>>20)
	}
	if b.isDocument {
		if b.commas += bytes.Count(p[:n], []byte(",")); b.commas > maxValues {
			return 0, fmt.Errorf("the registry's answer has more than %d values", maxValues)
		}
	}
	return n, err
}

// blob reads a blob of up to max bytes; its digest is verified.
func (r *registry) blob(h v1.Hash, max int64) ([]byte, error) {
	l, err := remote.Layer(r.digest(h), r.options...)
	if err != nil {
		return nil, err
	}
	body, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	data, err := io.ReadAll(io.LimitReader(body, max+1))
	switch {
	case int64(len(data)) > max:
		return nil, errTooLarge
	case err != nil && strings.Contains(err.Error(), "error verifying"): // go-containerregistry keeps the type to itself
		return nil, errOtherContent
	case err != nil:
		return nil, err
	case sha256Of(data) != h: // what the library looks at is the library's business; this is the gate's
		return nil, errOtherContent
	}
	return data, nil
}

func sha256Of(data []byte) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", sha256.Sum256(data))}
}

var (
	errTooLarge     = errors.New("it is larger than podproof reads")
	errOtherContent = errors.New("its content has another digest than its name says")
)
