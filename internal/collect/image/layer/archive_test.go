package layer

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// entry is one of a zip file that a test makes. A raw one has its sizes before its body.
type entry struct {
	name, body string
	method     uint16
	raw        bool
}

func zipOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: e.method}
		var to io.Writer
		var err error
		if e.raw {
			h.UncompressedSize64, h.CompressedSize64 = uint64(len(e.body)), uint64(len(e.body))
			to, err = w.CreateRaw(h)
		} else {
			to, err = w.CreateHeader(h)
		}
		if err == nil {
			_, err = io.WriteString(to, e.body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstdOf(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

func TestZipStream(t *testing.T) {
	long := strings.Repeat("the order is paid ", 20000)
	for name, b := range map[string][]byte{
		"deflated, the sizes behind":   zipOf(t, entry{"a", long, zip.Deflate, false}, entry{"d/", "", zip.Store, true}, entry{"b", "x", zip.Deflate, false}),
		"stored, the sizes before":     zipOf(t, entry{"a", "PK\x03\x04 in a body", zip.Store, true}, entry{"b", "", zip.Store, true}, entry{"c", long, zip.Store, true}),
		"stored, the sizes behind":     zipOf(t, entry{"a", "PK\x07\x08 in a body" + long, zip.Store, false}, entry{"b", "", zip.Store, false}, entry{"c.zip", string(zipOf(t, entry{"x", long, zip.Store, false})), zip.Store, false}),
		"nothing":                      zipOf(t),
		"behind a script":              append([]byte("#!/bin/sh\nexec java -jar $0\n"), zipOf(t, entry{"a", "1", zip.Deflate, false})...),
		"one of each kind, and nested": zipOf(t, entry{"in.zip", string(zipOf(t, entry{"x", "1", zip.Deflate, false})), zip.Store, true}, entry{"b", "2", zip.Deflate, false}),
	} {
		t.Run(name, func(t *testing.T) {
			known, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for _, f := range known.File {
				r, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, f.Name+"="+string(body))
			}
			z, err := newZip(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			for {
				e, err := z.next()
				if err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(z)
				if err != nil {
					t.Fatal(err)
				}
				if e.size >= 0 && e.size != int64(len(body)) {
					t.Errorf("%s has %d bytes and says %d", e.name, len(body), e.size)
				}
				got = append(got, e.name+"="+string(body))
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("read %d entries otherwise than archive/zip's %d", len(got), len(want))
			}
		})
	}
}

func TestUnopened(t *testing.T) {
	whole := zipOf(t, entry{"a", strings.Repeat("x", 5000), zip.Deflate, false}, entry{"b", "2", zip.Deflate, false})
	encrypted := bytes.Clone(zipOf(t, entry{"a", "1", zip.Store, true}))
	encrypted[6] |= zipEncrypted
	tgz := gzipOf(t, tarred(t, &tar.Header{Name: "a", Size: 3, Mode: 0o644}))
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"whole.zip", whole, ""},
		{"whole.tgz", tgz, ""},
		{"cut.zip", whole[:40], unopenedBroken},
		{"cut.tgz", tgz[:len(tgz)/2], unopenedBroken},
		{"encrypted.zip", encrypted, unopenedBroken},
		{"x.zst", []byte{0x28, 0xb5, 0x2f, 0xfd, 4, 0}, unopenedBroken},
		{"x.xz", []byte("\xfd7zXZ\x00\x00"), unopenedForm},
		{"bomb.gz", gzipOf(t, make([]byte, 40<<20)), unopenedLarge},
		{"bomb.zip", zipOf(t, entry{"in.gz", "\x1f\x8b" + strings.Repeat("\x00", 40<<20), zip.Deflate, false}), unopenedLarge},
		{"all.zip", zipOf(t, entry{"in.gz", string(tgz), zip.Store, true}), unopenedNested},
		{"app.jar", zipOf(t, entry{"BOOT-INF/lib/x.jar", string(whole), zip.Store, true}), ""},
	} {
		file, err := layerOf(c.name, c.body)
		if err != nil {
			t.Fatal(err)
		}
		l, err := readAll(t, file)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := l.Unopened["/"+c.name].Why; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUTF16(t *testing.T) {
	for _, c := range []struct {
		name, in string
		wide     bool
	}{
		{"a mark, the low byte first", "\xff\xfea\x00=\x001\x00", true},
		{"a mark, the high byte first", "\xfe\xff\x00a\x00=\x001", true},
		{"no mark", strings.Repeat("a\x00=\x001\x00\n\x00", 20), true},
		{"a mark alone", "\xff\xfe", false},
		{"a program", "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 80), false},
		{"numbers", strings.Repeat("\x01\x00\x02\x00", 40), false},
		{"a text", strings.Repeat("a=1\n", 40), false},
	} {
		order := utf16Order([]byte(c.in))
		if (order != nil) != c.wide {
			t.Errorf("%s: UTF-16 %t, want %t", c.name, order != nil, c.wide)
			continue
		}
		if order == nil {
			continue
		}
		got, err := io.ReadAll(&utf16Reader{r: iotestOne{strings.NewReader(c.in)}, order: order})
		if err != nil || !strings.HasPrefix(string(got), "a=1") {
			t.Errorf("%s: read %q, %v", c.name, got, err)
		}
	}
}

// iotestOne gives a byte at a time, so that characters are cut.
type iotestOne struct{ r io.Reader }

func (o iotestOne) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

// FuzzArchive looks through a file of any content that may be an archive or a text in UTF-16:
// whatever is in it, the layer around it is whole, and reading it ends.
func FuzzArchive(f *testing.F) {
	f.Add("app.jar", zipOf(f, entry{"application.yml", "password: hunter2-x\n", zip.Deflate, false}, entry{"b", "2", zip.Store, true}))
	f.Add("run.jar", append([]byte("#!/bin/sh\n"), zipOf(f, entry{"a", "1", zip.Deflate, false})...))
	f.Add("a.tgz", gzipOf(f, tarred(f, &tar.Header{Name: ".env", Size: 3})))
	f.Add("a.zst", zstdOf(f, []byte("DB_PASSWORD=hunter2-x\n")))
	f.Add("a.tar", tarred(f, &tar.Header{Name: "x", Size: 3}))
	f.Add("a.bz2", []byte("BZh91AY&SY\x00\x00"))
	f.Add("a.env", []byte("\xff\xfeA\x00=\x001\x00\x00\xd8"))
	f.Fuzz(readsFile)
}
