package source

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image/layer"
)

// OpenArchive reads the table of contents of an archive: the classic one of `docker save`,
// the OCI-shaped one of Docker 25 and later, the one of an engine that keeps images in
// containerd, and an OCI layout in a tar file; as a whole, each may be compressed. Of several
// images it takes the one for the host.
func OpenArchive(file string, host v1.Platform) (*Image, error) {
	return Options{Host: host}.tar(file)
}

func (o Options) tar(file string) (*Image, error) {
	f, err := openFile(file)
	if err != nil {
		return nil, err
	}
	img, err := o.archive(f)
	if err != nil {
		return nil, fmt.Errorf("image archive %s: %w", file, err)
	}
	img.Kind, img.Ref = Tar, file
	return img, nil
}

// archive is the image in an open file, which is closed with it.
func (o Options) archive(f *os.File) (*Image, error) {
	f, err := unpacked(f)
	if err != nil {
		return nil, err
	}
	t, err := openTar(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	img, err := o.from(t)
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return img, nil
}

// tarIndex is a tar file with the place of every entry's body.
type tarIndex struct {
	file   *os.File
	bodies map[string]body
	links  map[string]string
}

type body struct{ offset, size int64 }

func openFile(name string) (*os.File, error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, layer.Faultf("there is no file %s%s; name an image archive, such as `docker save -o %s IMAGE` writes", name, below(name), name)
	} else if err != nil {
		return nil, fmt.Errorf("opening the image archive: %w", err)
	}
	info, err := f.Stat()
	switch {
	case err == nil && info.IsDir():
		return nil, errors.Join(layer.Faultf("%s is a folder; an OCI layout is named oci:%s", name, name), f.Close())
	case err == nil && info.Mode().IsRegular() && info.Size() == 0:
		return nil, errors.Join(layer.Faultf("image archive %s: the file is empty; write the image to it with `docker save -o %s IMAGE`", name, name), f.Close())
	}
	return f, nil
}

// below says in which folder a relative name was looked for.
func below(name string) string {
	here, err := os.Getwd()
	if err != nil || filepath.IsAbs(name) {
		return ""
	}
	return " in " + here
}

// openTar reads the headers alone: the reader seeks over the bodies.
func openTar(f *os.File) (*tarIndex, error) {
	t := &tarIndex{file: f, bodies: map[string]body{}, links: map[string]string{}}
	return t, t.index()
}

// unpacked is the file itself, or, where it is compressed as a whole, its content in a file
// without a name: layers are read side by side and some twice, which no stream allows.
func unpacked(f *os.File) (*os.File, error) {
	first := make([]byte, 4)
	if n, err := f.ReadAt(first, 0); err != nil && err != io.EOF {
		return nil, errors.Join(err, f.Close())
	} else if !layer.IsCompressed(first[:n]) {
		return f, nil
	}
	defer func() { _ = f.Close() }()
	r, err := layer.Decompress(f)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return nameless(r)
}

// nameless copies a stream to a file that is gone with the process, however that ends.
func nameless(r io.Reader) (*os.File, error) {
	f, err := os.CreateTemp("", "podproof-image-*")
	if err != nil {
		return nil, fmt.Errorf("creating a file for the unpacked archive: %w; set TMPDIR to a folder with room", err)
	}
	_, err = io.Copy(f, r)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("there is no room for the unpacked archive in %s: %w; set TMPDIR to a folder with room", os.TempDir(), err)
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, err
}

// maxEntries bounds an archive's table of contents; an image has some hundred.
const maxEntries = 1 << 20

func (t *tarIndex) index() error {
	r, last := tar.NewReader(t.file), ""
	for n := 0; ; n++ {
		h, err := r.Next()
		at, seekErr := t.file.Seek(0, io.SeekCurrent)
		switch {
		case err == io.EOF:
			return nil
		case err != nil && last == "" && !errors.Is(err, tar.ErrInsecurePath):
			return layer.Faultf("it is not a tar file, or it is damaged (byte %d): %w; save the image again", at, err)
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return layer.Faultf("it is damaged or cut short after entry %s (byte %d): %w; save the image again", last, at, err)
		case seekErr != nil:
			return seekErr
		case n > maxEntries:
			return layer.Faultf("it has more than %d entries, which no image has", maxEntries)
		}
		last = path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			t.bodies[last] = body{at, h.Size}
		case tar.TypeSymlink: // classic archives name a layer that occurs twice by "../ID/layer.tar"
			t.links[last] = path.Join(path.Dir(last), h.Linkname)
		case tar.TypeLink:
			t.links[last] = path.Clean(h.Linkname)
		}
	}
}

func (t *tarIndex) has(name string) bool {
	_, err := t.entry(name)
	return err == nil
}

// entry returns the body of an entry, through links.
func (t *tarIndex) entry(name string) (*io.SectionReader, error) {
	at := path.Clean(name)
	for range 8 {
		if b, ok := t.bodies[at]; ok {
			return io.NewSectionReader(t.file, b.offset, b.size), nil
		}
		to, ok := t.links[at]
		if !ok {
			break
		}
		at = to
	}
	return nil, &absentError{"entry " + name}
}

// Close closes the file. It does not remove it.
func (t *tarIndex) Close() error { return t.file.Close() }
