package build

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"podproof.dev/podproof/internal/evidence"
)

type file struct {
	tar.Header
	text string
}

func regular(name, text string) file {
	return file{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, ModTime: time.Unix(100, 0)}, text}
}

func layer(t *testing.T, files ...file) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		f.Size = int64(len(f.text))
		if err := w.WriteHeader(&f.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func imageOf(t *testing.T, layers ...v1.Layer) v1.Image {
	t.Helper()
	img := empty.Image
	for i, l := range layers {
		var err error
		img, err = mutate.Append(img, mutate.Addendum{Layer: l, History: v1.History{CreatedBy: fmt.Sprintf("RUN %d", i)}},
			mutate.Addendum{History: v1.History{CreatedBy: "ENV A=B", EmptyLayer: true}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return img
}

func TestCompareLayers(t *testing.T) {
	base := regular("app/main", "one")
	with := func(change func(*file)) file {
		f := base
		f.PAXRecords = map[string]string{}
		change(&f)
		return f
	}
	later := time.Unix(200, 0)
	for _, c := range []struct {
		name string
		a, b []file
		want evidence.LayerPair
	}{
		{"time", []file{base}, []file{with(func(f *file) { f.ModTime = later })},
			evidence.LayerPair{Count: 1, Files: []evidence.FileDifference{{Path: "app/main", What: []string{"mtime"}, Times: []int64{100, 200}}}}},
		{"content", []file{base}, []file{regular("./app/main", "two")},
			evidence.LayerPair{Count: 1, Files: []evidence.FileDifference{{Path: "app/main", What: []string{"content"}}}}},
		{"size and mode", []file{base}, []file{with(func(f *file) { f.text, f.Mode = "longer", 0o755 })},
			evidence.LayerPair{Count: 1, Files: []evidence.FileDifference{{Path: "app/main", What: []string{"size", "content", "mode"}}}}},
		{"owner", []file{base}, []file{with(func(f *file) { f.Uid = 1001 })},
			evidence.LayerPair{Count: 1, Files: []evidence.FileDifference{{Path: "app/main", What: []string{"owner"}}}}},
		{"capability", []file{base}, []file{with(func(f *file) { f.PAXRecords["SCHILY.xattr.security.capability"] = "x" })},
			evidence.LayerPair{Count: 1, Files: []evidence.FileDifference{{Path: "app/main", What: []string{"xattrs"}}}}},
		{"a link", []file{with(func(f *file) { f.Typeflag, f.Linkname, f.text = tar.TypeSymlink, "a", "" })}, []file{with(func(f *file) { f.Typeflag, f.Linkname, f.text = tar.TypeSymlink, "b", "" })},
			evidence.LayerPair{Count: 1, Files: []evidence.FileDifference{{Path: "app/main", What: []string{"link"}}}}},
		{"files of one build", []file{base, regular("z", "")}, []file{regular("a", ""), base},
			evidence.LayerPair{Count: 2, Files: []evidence.FileDifference{{Path: "a", What: []string{"second"}}, {Path: "z", What: []string{"first"}}}}},
		{"times come last", []file{base, regular("z", "1")}, []file{with(func(f *file) { f.ModTime = later }), regular("z", "2")},
			evidence.LayerPair{Count: 2, Files: []evidence.FileDifference{{Path: "z", What: []string{"content"}}, {Path: "app/main", What: []string{"mtime"}, Times: []int64{100, 200}}}}},
		{"order", []file{base, regular("z", "")}, []file{regular("z", ""), base}, evidence.LayerPair{Reordered: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			same := layer(t, regular("same", "x"))
			got, err := compareLayers(imageOf(t, same, layer(t, c.a...)), imageOf(t, same, layer(t, c.b...)))
			if err != nil {
				t.Fatal(err)
			}
			c.want.Index, c.want.CreatedBy = 1, "RUN 1"
			if d := cmp.Diff([]evidence.LayerPair{c.want}, got, cmpopts.IgnoreFields(evidence.LayerPair{}, "DiffIDs")); d != "" {
				t.Error(d)
			}
			if len(got) == 1 && (got[0].DiffIDs[0] == got[0].DiffIDs[1] || got[0].DiffIDs[0] == "") {
				t.Errorf("diffIDs %v", got[0].DiffIDs)
			}
		})
	}
}

func TestCompareLayersKeepsTheFirst(t *testing.T) {
	var a, b []file
	for i := range 2 * mostDifferences {
		a, b = append(a, regular(fmt.Sprint(i), "a")), append(b, regular(fmt.Sprint(i), "b"))
	}
	got, err := compareLayers(imageOf(t, layer(t, a...)), imageOf(t, layer(t, b...)))
	if err != nil || len(got) != 1 || got[0].Count != 2*mostDifferences || len(got[0].Files) != mostDifferences {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReadContentsOfATruncatedLayer(t *testing.T) {
	r, err := layer(t, regular("app/main", "text")).Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readContents(bytes.NewReader(whole[:514])); err == nil {
		t.Error("no error")
	}
}
