package layer

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files is a layer with these files.
func files(t *testing.T, bodies map[string]string) *Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, body := range bodies {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := readAll(t, b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestManifest(t *testing.T) {
	l := files(t, map[string]string{
		"app/package.json":                  `{"scripts":{"start":"node x","odd":7},"dependencies":{"b":"1","a":"1"},"devDependencies":{"c":"1"},"peerDependencies":{"d":"1","e":"1"},"peerDependenciesMeta":{"e":{"optional":true}}}`,
		"odd/package.json":                  `{"scripts":[],"devDependencies":{"c":"1"}}`,
		"none/package.json":                 `{`,
		"app/node_modules/b/package.json":   `{"version":"2","optionalDependencies":{"f":"1"}}`,
		"app/node_modules/b/x/package.json": `{"dependencies":{"g":"1"}}`,
	})
	want := map[string]Manifest{
		"/app/package.json": {Scripts: map[string]string{"start": "node x"}, Needs: []string{"a", "b", "d"}, Dev: []string{"c"}},
		"/odd/package.json": {Dev: []string{"c"}},
	}
	if d := cmp.Diff(want, l.Manifests); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string][]string{"/app/node_modules/b/package.json": {"f"}}, l.NodeNeeds); d != "" {
		t.Error(d)
	}
}

func TestMachine(t *testing.T) {
	head := func(order byte, machine string) string {
		return "\x7fELF\x02" + string(order) + strings.Repeat("\x00", 10) + "\x02\x00" + machine
	}
	for body, want := range map[string]string{
		head(1, "\x3e\x00"): "amd64", head(1, "\xb7\x00"): "arm64", head(2, "\x00\x16"): "s390x", head(1, "\xff\x0f"): "", "\x7fELF\x02\x01": "", "#!/bin/sh\n": "",
	} {
		if got := files(t, map[string]string{"x": body}).Entries.Machine(0); got != want {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
}

func TestUWSGI(t *testing.T) {
	for body, want := range map[string]bool{
		"[uwsgi]\ndie-on-term = true\n": true, "[uwsgi]\n  die-on-term\n": true, "[uwsgi]\nexit-on-reload=1": true,
		"[uwsgi]\nhook-master-start = unix_signal:15 gracefully_kill_them_all\n": true,
		"[uwsgi]\n#die-on-term = true\n":                                         false, "[uwsgi]\ndie-on-term = false\n": false, "[uwsgi]\n": false,
	} {
		got, known := files(t, map[string]string{"app/uwsgi.ini": body}).Graceful["/app/uwsgi.ini"]
		if got != want || !known {
			t.Errorf("%q: %t, %t", body, got, known)
		}
	}
	if l := files(t, map[string]string{"app/x.ini": "[server]\ndie-on-term = true\n"}); len(l.Graceful) > 0 {
		t.Errorf("settings of another program: %v", l.Graceful)
	}
}

// Of an archive the names of its files are read, of whatever size they are.
func TestJar(t *testing.T) {
	for _, filling := range []int{0, 100, window - 300, window, 3 * window} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, name := range []string{"BOOT-INF/lib/spring-core-6.1.0.jar", "WEB-INF/lib/junit.jar", "other/x-1.jar", "BOOT-INF/lib/"} {
			if _, err := w.Create(name); err != nil {
				t.Fatal(err)
			}
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: "data", Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(make([]byte, filling)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range files(t, map[string]string{"app.jar": b.String(), "y": "later"}).Records["/app.jar"] {
			got = append(got, p.Name+" "+p.Version+" "+p.Path)
		}
		want := []string{"spring-core 6.1.0 /app.jar!/BOOT-INF/lib/spring-core-6.1.0.jar", "junit  /app.jar!/WEB-INF/lib/junit.jar"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d bytes before the directory: %s", filling, d)
		}
	}
}
