package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzRead reads whatever may stand for a layer: it may be refused, but not with a panic, nor
// without an end, and what is accepted has a table that holds together.
func FuzzRead(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(tarred(f, &tar.Header{Name: "../a", Size: 3}, &tar.Header{Name: "b", Linkname: "../a", Typeflag: tar.TypeLink}))
	f.Add(tarred(f, &tar.Header{Name: "etc/passwd", Size: 30}, &tar.Header{Name: ".wh.etc"}, &tar.Header{Name: "d/.wh..wh..opq"}))
	f.Add(tarred(f, &tar.Header{Name: "x", PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "\x01"}}))
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff})
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 4, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		open := func() (io.ReadCloser, error) {
			r, err := Decompress(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			return struct {
				io.Reader
				io.Closer
			}{io.LimitReader(r, 8<<20), r}, nil
		}
		// The digest is that of the content as it unpacks, so that the whole way is gone.
		r, err := open()
		if err != nil {
			return
		}
		plain, err := io.ReadAll(r)
		if err != nil {
			return
		}
		l, err := Read(t.Context(), open, digestOf(plain), &Budget{})
		if err == nil && !l.Entries.Sound() {
			t.Errorf("a table that is not sound: %+v", l.Entries)
		}
	})
}

// FuzzBody reads a file of any content under a name that asks for a reader.
func FuzzBody(f *testing.F) {
	for name, body := range map[string]string{
		"app/.env": "DB_PASSWORD=x\n", "root/.docker/config.json": `{"auths":{"x":{"auth":"eA=="}}}`, "etc/passwd": "a:x:1:1::/:/\n",
		"var/lib/dpkg/status": "Package: a\nStatus: install ok installed\n", "lib/apk/db/installed": "P:a\nF:b\nR:c\n", "e.sh": "#!/bin/sh\nexec \\\n\"$@\" <<EOF\n",
		"s/site-packages/p-1.dist-info/RECORD": "p.py,,\n", "n/node_modules/.package-lock.json": `{"packages":{"a":{"dev":true}}}`,
		"bin/x": "\x7fELF\xff Go buildinf:\x08\x02\x05go1.2", "k.pem": "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4\nMIIE",
	} {
		f.Add(name, []byte(body))
	}
	f.Fuzz(readsFile)
}

// readsFile reads a layer with one file, which may hold anything: the layer around it is whole.
func readsFile(t *testing.T, name string, body []byte) {
	b, err := layerOf(name, body)
	if err != nil {
		return // no name for a tar file
	}
	if _, err := readAll(t, b); err != nil {
		t.Errorf("%q: %v", name, err)
	}
}

// layerOf is a layer with one file, or says that a tar file has no such name.
func layerOf(name string, body []byte) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(body)), Typeflag: tar.TypeReg}); err != nil {
		return nil, err
	}
	_, err := w.Write(body)
	return b.Bytes(), errors.Join(err, w.Close())
}
