package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// tarred writes headers, each with a body of its size.
func tarred(t testing.TB, hs ...*tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range hs {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func readAll(t testing.TB, b []byte) (*Layer, error) {
	t.Helper()
	return Read(t.Context(), func() (io.ReadCloser, error) { return Decompress(bytes.NewReader(b)) }, digestOf(b), &Budget{})
}

func TestNames(t *testing.T) {
	long := strings.Repeat("long/", 60) + "name"
	for _, c := range []struct {
		name string
		h    tar.Header
		want string
	}{
		{"plain", tar.Header{Name: "a/b"}, "/a/b"},
		{"with a dot", tar.Header{Name: "./a/b"}, "/a/b"},
		{"absolute", tar.Header{Name: "/a/b"}, "/a/b"},
		{"out of the layer", tar.Header{Name: "../../etc/passwd"}, "/etc/passwd"},
		{"out of a folder", tar.Header{Name: "a/../../b"}, "/b"},
		{"long, PAX", tar.Header{Name: long, Format: tar.FormatPAX}, "/" + long},
		{"long, GNU", tar.Header{Name: long, Format: tar.FormatGNU}, "/" + long},
		{"not in ASCII", tar.Header{Name: "ä/ö", Format: tar.FormatPAX}, "/ä/ö"},
		{"a folder", tar.Header{Name: "a/b/", Typeflag: tar.TypeDir}, "/a/b"},
		{"the root", tar.Header{Name: "./", Typeflag: tar.TypeDir}, "/"},
	} {
		if c.h.Typeflag == 0 {
			c.h.Typeflag = tar.TypeReg
		}
		l, err := readAll(t, tarred(t, &c.h))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := l.Entries.Path(0); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A sparse file takes what is stored of it, and its holes are not read.
func TestSparse(t *testing.T) {
	size := int64(1) << 40
	// GNU's own format: one extent of 512 bytes at the beginning of a terabyte.
	h := make([]byte, 512)
	copy(h, "var/log/lastlog")
	copy(h[100:], "0000644\x00")
	copy(h[108:], "0000000\x00")
	copy(h[116:], "0000000\x00")
	copy(h[124:], "00000001000\x00")
	copy(h[136:], "00000000000\x00")
	h[156] = 'S'
	copy(h[257:], "ustar  \x00")
	copy(h[386:], "00000000000\x00")
	copy(h[398:], "00000001000\x00")
	h[483] = 0x80 // base 256
	for i := range 8 {
		h[494-i] = byte(size >> (8 * i))
	}
	copy(h[148:], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	b := slices.Concat(h, bytes.Repeat([]byte("x"), 512), tarred(t, &tar.Header{Name: "next", Typeflag: tar.TypeReg}))
	started := time.Now()
	l, err := readAll(t, b)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	if l.Entries.Len() != 2 || l.Entries.Sizes[0] != 512 || l.Skipped[skippedSparse] != 1 {
		t.Errorf("entries of %d bytes, skipped %v; want 512 and one", l.Entries.Sizes, l.Skipped)
	}
}

func TestDamage(t *testing.T) {
	good := tarred(t, &tar.Header{Name: "a", Size: 5000}, &tar.Header{Name: "b", Size: 10})
	for _, c := range []struct {
		name  string
		bytes []byte
		says  []string
	}{
		{"cut in a body", good[:3000], []string{"/a", "byte 3000"}},
		{"cut in a header", good[:512+5120+100], []string{"after entry /a", "byte"}},
		{"no tar", bytes.Repeat([]byte("no tar "), 300), []string{"before its first entry", "byte 512"}},
		{"a wrong checksum", append(slices.Clone(good[:100]), append([]byte("9"), good[101:]...)...), []string{"before its first entry"}},
	} {
		_, err := Read(t.Context(), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.bytes)), nil }, digestOf(c.bytes), &Budget{})
		if err == nil || !IsFault(err) {
			t.Errorf("%s: %v, want a fault", c.name, err)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %q does not say %q", c.name, err, s)
			}
		}
	}
	// The source's own error is none of the image's.
	broken := errors.New("the line is cut")
	_, err := Read(t.Context(), func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(good[:700]), failing{broken})), nil
	}, digestOf(good), &Budget{})
	if !errors.Is(err, broken) || IsFault(err) {
		t.Errorf("%v, want the source's own error", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestEndOfContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Read(ctx, func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(tarred(t, &tar.Header{Name: "a", Size: 5})[:512]), endless{cancel})), nil
	}, "", &Budget{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the end of the context", err)
	}
}

// endless ends the context and goes on for ever.
type endless struct{ cancel func() }

func (e endless) Read(p []byte) (int, error) { e.cancel(); return len(p), nil }

func TestBudget(t *testing.T) {
	b := tarred(t, &tar.Header{Name: "a"}, &tar.Header{Name: "b"}, &tar.Header{Name: "c"})
	read := func(spent *Budget) error {
		_, err := Read(t.Context(), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }, digestOf(b), spent)
		return err
	}
	entries, names := &Budget{}, &Budget{}
	entries.entries.Store(maxEntries - 2)
	names.names.Store(maxNames - 5)
	if err := read(&Budget{}); err != nil {
		t.Error(err)
	}
	if err := read(entries); !IsFault(err) || !strings.Contains(err.Error(), "more than 2000000 entries") {
		t.Errorf("too many entries: %v", err)
	}
	if err := read(names); !IsFault(err) || !strings.Contains(err.Error(), "more than 256 MiB") {
		t.Errorf("too long names: %v", err)
	}
}

func TestDecompressionBomb(t *testing.T) {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	frame := w.EncodeAll(make([]byte, 64<<20), nil)
	r, err := Decompress(bytes.NewReader(bytes.Repeat(frame, 20)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	n, err := io.Copy(io.Discard, r)
	if !IsFault(err) || !strings.Contains(err.Error(), "decompression bomb") || n < freeRatio || n > freeRatio+(4<<20) {
		t.Errorf("%d bytes, %v; want an end soon after %d", n, err, freeRatio)
	}
}

func TestDecompressionOfDamage(t *testing.T) {
	for name, b := range map[string][]byte{"gzip": {0x1f, 0x8b, 8, 0, 0}, "zstd": {0x28, 0xb5, 0x2f, 0xfd, 4, 0}} {
		r, err := Decompress(bytes.NewReader(b))
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if !IsFault(err) || !strings.Contains(err.Error(), name+" at byte") {
			t.Errorf("%s: %v, want a fault", name, err)
		}
	}
	broken := errors.New("the line is cut")
	r, err := Decompress(io.MultiReader(bytes.NewReader([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 1, 2}), failing{broken}))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if !errors.Is(err, broken) || IsFault(err) {
		t.Errorf("%v, want the source's own error", err)
	}
}

func TestTableIsSound(t *testing.T) {
	l, err := readAll(t, tarred(t, &tar.Header{Name: "a", Linkname: "b", Typeflag: tar.TypeSymlink}, &tar.Header{Name: "c/d"}))
	if err != nil {
		t.Fatal(err)
	}
	good := l.Entries
	if !good.Sound() || good.Path(1) != "/c/d" || good.Link(0) != "b" || good.Link(1) != "" {
		t.Errorf("table %+v", good)
	}
	for name, damage := range map[string]func(*Table){
		"a name that is cut":      func(t *Table) { t.Names = t.Names[:3] },
		"a column that is short":  func(t *Table) { t.Sizes = t.Sizes[:1] },
		"ends that go backwards":  func(t *Table) { t.NameEnds = []uint32{5, 1} },
		"a link behind all names": func(t *Table) { t.LinkEnds = []uint32{3, 99} },
	} {
		bad := good
		damage(&bad)
		if bad.Sound() {
			t.Errorf("%s: taken for sound", name)
		}
	}
}

// What the readers find in this layer is kept by users' caches under Version. Where this test
// fails because a reader now finds something else, raise that reader's number there.
func TestVersion(t *testing.T) {
	const env = "DB_PASSWORD=hunter2x\n"
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range [][2]string{
		{"etc/passwd", "app:x:7:8::/:/\n"}, {"app/.env", env}, {"entry.sh", "#!/bin/sh -e\nexec app --token abcd1234efgh \"$@\"\n"},
		{"v/pyvenv.cfg", "home = /usr/bin\n"}, {"var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\n"},
		{"var/lib/dpkg/info/a.list", "/bin/a\n"}, {"lib/apk/db/installed", "P:m\nV:2\nF:lib\nR:x\n"},
		{"s/site-packages/p-1.dist-info/METADATA", "Name: p\nVersion: 1\n"}, {"s/site-packages/p-1.dist-info/RECORD", "p.py,,\n"},
		{"s/site-packages/p-1.dist-info/direct_url.json", `{"url":"file:///x"}`},
		{"n/node_modules/q/package.json", `{"version":"3"}`}, {"n/node_modules/.package-lock.json", `{"packages":{"node_modules/q":{"dev":true}}}`},
		{"w/package.json", `{"scripts":{"start":"API_TOKEN=abcd1234efgh node x"},"dependencies":{"q":"1"},"devDependencies":{"r":"1"}}`},
		{"w/uwsgi.ini", "[uwsgi]\ndie-on-term\n"}, {"w/x.deps.json", `{"libraries":{"Y/1":{"type":"package"}}}`},
		{"v/vendor/composer/installed.json", `{"dev-package-names":["a/b"]}`},
		{"bin/x", "\x7fELF\x00AKIA" + "QYLPMN5HHHFPZAM2\x00"}, {"x.gz", "\x1f\x8b\x08"},
	} {
		if err := w.WriteHeader(&tar.Header{Name: f[0], Mode: 0o4755, Uid: 3, Gid: 4, Size: int64(len(f[1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f[1]); err != nil {
			t.Fatal(err)
		}
	}
	l, err := readAll(t, b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	found, err := json.MarshalIndent(l, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2x", "abcd1234", "QYLP"} {
		if bytes.Contains(found, []byte(secret)) {
			t.Errorf("a secret is kept:\n%s", found)
		}
	}
	sum := sha256.Sum256(found)
	const want = "1f0be014dc6965af"
	if got := hex.EncodeToString(sum[:8]); got != want {
		t.Errorf("the readers now find\n%s\n%s, was %s: raise the number in Version of the reader that differs, then change this test", found, got, want)
	}
	// It survives being kept.
	var kept bytes.Buffer
	if err := gob.NewEncoder(&kept).Encode(l); err != nil {
		t.Fatal(err)
	}
	again := &Layer{}
	if err := gob.NewDecoder(&kept).Decode(again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(l.Secrets)), slices.Sorted(maps.Keys(again.Secrets))); d != "" {
		t.Error(d)
	}
}
