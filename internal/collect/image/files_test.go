package image

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image/imagetest"
	"podproof.dev/podproof/internal/evidence"
)

const (
	passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\napp:x:1001:1002::/:/bin/false\ntoor:x:0:0::/:/bin/sh\n"
	groups = "root:x:0:\napp:x:1002:\nweb:x:33:app\n"
)

func id(n int64) *int64 { return &n }

func TestUser(t *testing.T) {
	etc := []file{text("etc/passwd", passwd), text("etc/group", groups)}
	for _, c := range []struct {
		user   string
		layers [][]file
		want   evidence.ImageUser
	}{
		{"app", [][]file{etc}, evidence.ImageUser{Passwd: true, Group: true, Known: true, UID: id(1001), GID: id(1002)}},
		{"toor:web", [][]file{etc}, evidence.ImageUser{Passwd: true, Group: true, Known: true, UID: id(0), GID: id(33)}},
		{"1001", [][]file{etc}, evidence.ImageUser{Passwd: true, Group: true, Known: true, UID: id(1001), GID: id(1002), Name: "app"}},
		{"00:7", [][]file{etc}, evidence.ImageUser{Passwd: true, Group: true, Known: true, UID: id(0), Name: "root"}},
		{"", [][]file{etc}, evidence.ImageUser{Passwd: true, Group: true, Known: true, UID: id(0), GID: id(0), Name: "root"}},
		{"nobody", [][]file{etc}, evidence.ImageUser{Passwd: true, Group: true}},
		{"app", [][]file{etc, {text("etc/.wh.passwd", "")}}, evidence.ImageUser{Group: true}},
		{"app", [][]file{etc, {text("etc/passwd", "app:x:5:6::/:/\n")}}, evidence.ImageUser{Passwd: true, Group: true, Known: true, UID: id(5), GID: id(6)}},
		{"app", [][]file{{{Name: "etc", Link: "usr/etc"}, text("usr/etc/passwd", passwd)}}, evidence.ImageUser{Passwd: true, Known: true, UID: id(1001), GID: id(1002)}},
		{"app", [][]file{{text("x", passwd), {Name: "etc/passwd", Link: "x", Hard: true}}}, evidence.ImageUser{Passwd: true, Known: true, UID: id(1001), GID: id(1002)}},
	} {
		img := imagetest.Config(t, imageOf(t, c.layers...), func(f *v1.ConfigFile) { f.Config.User = c.user })
		c.want.Written = c.user
		if d := cmp.Diff(&c.want, collectImage(t, img).User); d != "" {
			t.Errorf("USER %q: %s", c.user, d)
		}
	}
}

// netRaw is cap_net_raw=ep as a version 2 attribute.
const netRaw = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func TestRights(t *testing.T) {
	out := collect(t, []file{
		text("var/lib/dpkg/info/passwd.list", "/.\n/bin\n/bin/su\n"),
		{Name: "usr/bin/su", Body: "x", Mode: 0o4755},
		{Name: "app/own", Body: "\x7fELF", Mode: 0o2755, UID: 7},
		{Name: "app/ping", Body: "x", Mode: 0o755, PAX: map[string]string{"SCHILY.xattr.security.capability": netRaw}},
		{Name: "app/gone", Body: "x", Mode: 0o4755},
		{Name: "tmp/", Mode: 0o1777}, {Name: "srv/", Mode: 0o777}, {Name: "srv/data", Body: "x", Mode: 0o666},
		{Name: "srv/run.py", Body: "x", Mode: 0o666, UID: 1001}, {Name: "app/link", Link: "own", Mode: 0o777},
	}, []file{text("app/.wh.gone", "")})
	want := []evidence.PrivilegedFile{
		{Path: "/app/own", Mode: "2755", UID: 7},
		{Path: "/app/ping", Mode: "0755", Capabilities: "cap_net_raw=ep"},
		{Path: "/usr/bin/su", Mode: "4755", Owner: "debian:passwd"},
	}
	if d := cmp.Diff(want, out.Privileged); d != "" {
		t.Error(d)
	}
	writable := []evidence.WritablePath{
		{Path: "/srv", Mode: "0777", Dir: true, Code: true},
		{Path: "/srv/run.py", Mode: "0666", Code: true},
		{Path: "/srv/data", Mode: "0666"},
	}
	if d := cmp.Diff(writable, out.WorldWritable); d != "" {
		t.Error(d)
	}
	owners := []evidence.CodeOwner{{UID: 7, Files: 1, Example: "/app/own"}, {UID: 1001, Files: 1, Example: "/srv/run.py"}}
	if d := cmp.Diff(owners, out.CodeOwners); d != "" {
		t.Error(d)
	}
}

func TestManyWritablePathsAreCounted(t *testing.T) {
	var files []file
	for i := range 50 {
		files = append(files, file{Name: fmt.Sprintf("data/%02d", i), Body: "x", Mode: 0o666})
	}
	files = append(files, file{Name: "data/z.so", Body: "x", Mode: 0o666})
	got := collect(t, files).WorldWritable
	if len(got) != maxWritablePerDir || !got[0].Code || got[len(got)-1].Count != 51-maxWritablePerDir {
		t.Errorf("listed %+v, want the code and a few others, and the count of the rest", got)
	}
}

func TestSize(t *testing.T) {
	big := strings.Repeat("x", 5000)
	out := collect(t,
		[]file{text("a", big), text("b", big[:100]), text("cache/c", big[:3000]), {Name: "lib/c", Link: "cache/c", Hard: true},
			text("d/e", big[:40])},
		[]file{text("a", big[:10]), text(".wh.cache", ""), {Name: "d/"}},
		[]file{text("d", "now a file")},
	)
	want := &evidence.ImageSize{Uncompressed: out.Size.Uncompressed, FinalFiles: 10 + 100 + 3000 + 10, Wasted: 5040, Files: 4,
		Largest: []evidence.SizedFile{{Path: "/lib/c", Layer: 0, Bytes: 3000}, {Path: "/b", Bytes: 100}, {Path: "/a", Layer: 1, Bytes: 10}, {Path: "/d", Layer: 2, Bytes: 10}},
		Waste:   []evidence.Waste{{Layer: 1, Bytes: 5000, Files: 1, Example: "/a"}, {Layer: 2, Bytes: 40, Files: 1, Example: "/d/e"}}}
	if d := cmp.Diff(want, out.Size); d != "" {
		t.Error(d)
	}
	if out.Size.Uncompressed != out.Layers[0].Size+out.Layers[1].Size+out.Layers[2].Size {
		t.Errorf("%d bytes uncompressed, and the layers have %+v", out.Size.Uncompressed, out.Layers)
	}
}

func TestLeftovers(t *testing.T) {
	const site = "usr/lib/python3.12/site-packages/"
	img := imageOf(t,
		[]file{
			text("app/.git/config", "[core]"), text("app/.git/objects/ab/cd", "xx"),
			text("app/tests/unit/test_a.py", ""), text("app/pkg/conftest.py", ""), text("usr/bin/test", "x"),
			text("app/alembic.ini", ""), text("app/.env", "A=1"), text("app/Dockerfile.prod", ""), text("app/.github/workflows/x.yml", ""),
			text("app/node_modules/.cache/x", "1"), text("app/.vscode/settings.json", ""),
			{Name: "usr/bin/python3.12", Body: "\x7fELF", Mode: 0o755}, {Name: "usr/bin/python3", Link: "python3.12"},
			text("app/__pycache__/a.cpython-312.pyc", ""), text("app/b/__pycache__/a.cpython-39.pyc", "1"),
			text("good/pyvenv.cfg", "home = /usr/bin\n"), text("bad/pyvenv.cfg", "home = /Users/me/bin\n"), text("bad/lib/x", "12"),
			text(site+"numpy/tests/test_x.py", "1234"), text(site+"numpy-1.dist-info/RECORD", "numpy/tests/test_x.py,sha256=ab,4\n"),
			text(site+"mine/tests/test_y.py", ""), text(site+"mine-1.dist-info/RECORD", "mine/tests/test_y.py,,\n"),
			text(site+"mine-1.dist-info/direct_url.json", `{"url":"file:///src","dir_info":{}}`),
			text("app/docs/readme.md", "hello"), text("app/spec/openapi.yaml", "x"), text("app/spec/shop_spec.rb", ""),
		},
		[]file{text("app/.wh..git", ""), text("app/docs/more.md", "x")},
	)
	out, err := Collect(t.Context(), img, Options{Forbidden: []string{"/app/docs", "*.ini"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range out.Leftovers {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s@%d %s %d/%d %s%s", l.Kind, l.Path, l.Layer, l.Reach, l.Files, l.Bytes, l.Glob, l.Owner)))
	}
	want := []string{
		"bytecode /app/b/__pycache__@0 final 1/1",
		"cache /app/node_modules/.cache@0 final 1/1",
		"ci /app/.github@0 final 1/0",
		"dockerfile /app/Dockerfile.prod@0 final 1/0",
		"editor /app/.vscode@0 final 1/0",
		"env-file /app/.env@0 final 1/3",
		"forbidden /app/alembic.ini@0 final 1/0 *.ini",
		"forbidden /app/docs@0 final 1/5 /app/docs",
		"forbidden /app/docs@1 final 1/1 /app/docs",
		"host-venv /bad@0 final 2/23",
		"migrations /app/alembic.ini@0 final 1/0",
		"tests /app/pkg/conftest.py@0 final 1/0",
		"tests /app/spec/shop_spec.rb@0 final 1/0",
		"tests /app/tests@0 final 1/0",
		"tests /usr/lib/python3.12/site-packages/mine/tests@0 final 1/0",
		"tests /usr/lib/python3.12/site-packages/numpy/tests@0 final 1/4 python:numpy",
		"vcs /app/.git@0 history 2/8",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestEntry(t *testing.T) {
	files := []file{
		{Name: "bin", Link: "usr/bin"}, exe("usr/bin/dash", "\x7fELF"), {Name: "usr/bin/sh", Link: "dash"},
		exe("usr/bin/python3.12", "\x7fELF"), {Name: "usr/local/bin/python", Link: "/usr/bin/python3.12"}, exe("sbin/tini", "\x7fELF"),
		exe("entry.sh", "#!/bin/sh -e\n# exec nothing\ntrap 'x' TERM\nif true; then\n  exec \"$@\"\nfi\n"),
		text("app/start.sh", "cat <<EOF\nexec not this\nEOF\npython \\\n  app.py\n"), text("app/app.py", "print()"), exe("app/server", "\x7fELF"),
		exe("app/cases", "#!/bin/sh\ncase $1 in\n  sh) exec /sbin/tini -- \"$@\" ;;\n  *) ./server ;;\nesac\n"),
		exe("app/again", "#!/bin/sh\nif [ $(id -u) = 0 ]; then exec gosu app \"$0\" \"$@\"; fi\nexec \"$@\"\n"),
		text("app/package.json", `{"scripts":{"web":"python app.py"}}`), text("app/uwsgi.ini", "[uwsgi]\n"),
		exe("app/last", "#!/bin/bash\nset -e\nexec ./server --port 80 # now\n"),
		exe("app/set", "#!/bin/sh\nHOME=/app exec ./server\n"), exe("app/eval", "#!/bin/sh\nif true; then\n  eval exec java \"\\\"$X\\\"\" Main \"$@\" start\nfi\necho no\n"),
	}
	img := imageOf(t, files)
	for _, c := range []struct {
		entrypoint, cmd []string
		want            string
	}{
		{nil, []string{"python", "app.py"}, "python=/usr/bin/python3.12 elf; app.py=/app/app.py other"},
		{[]string{"/sbin/tini", "-g", "--"}, []string{"./server"}, "/sbin/tini=/sbin/tini elf; ./server=/app/server elf"},
		{[]string{"/entry.sh"}, []string{"python", "-m", "x"}, "/entry.sh=/entry.sh script execs traps [exec \"$@\"]; python=/usr/bin/python3.12 elf"},
		{nil, []string{"/bin/sh", "-c", "cd /x && exec python app.py"}, "/bin/sh=/usr/bin/dash elf; python=/usr/bin/python3.12 elf; app.py=/app/app.py other"},
		{[]string{"sh", "start.sh"}, nil, "sh=/usr/bin/dash elf; start.sh=/app/start.sh script [python app.py]; python=/usr/bin/python3.12 elf; app.py=/app/app.py other"},
		{[]string{"/app/last"}, nil, "/app/last=/app/last script execs [exec ./server --port 80 # now]; ./server=/app/server elf"},
		{nil, []string{"/bin/sh", "-o", "pipefail", "-c", "./server"}, "/bin/sh=/usr/bin/dash elf; ./server=/app/server elf"},
		{[]string{"/app/set"}, nil, "/app/set=/app/set script execs [HOME=/app exec ./server]; ./server=/app/server elf"},
		{[]string{"/app/eval"}, nil, "/app/eval=/app/eval script execs [eval exec java \"\\\"$X\\\"\" Main \"$@\" start]; java= missing"},
		{[]string{"/sbin/tini", "-p", "SIGTERM", "-s", "--", "env", "-u", "X", "Y=1"}, []string{"./server"}, "/sbin/tini=/sbin/tini elf; env= missing; ./server=/app/server elf"},
		{nil, []string{"gunicorn", "x"}, "gunicorn= missing"},
		{nil, []string{"nice", "-n", "5", "./server"}, "nice= missing; ./server=/app/server elf"},
		{nil, []string{"sudo", "-u", "app", "A=1", "timeout", "-k", "5", "60", "./server"}, "sudo= missing; timeout= missing; ./server=/app/server elf"},
		{nil, []string{"su", "app", "-c", "exec ./server"}, "su= missing; sh=/usr/bin/dash elf; ./server=/app/server elf"},
		{nil, []string{"busybox", "sh", "start.sh"}, "busybox= missing; start.sh=/app/start.sh script [python app.py]; python=/usr/bin/python3.12 elf; app.py=/app/app.py other"},
		{nil, []string{"sh", "-c", "exec \"$@\"", "--", "./server"}, "sh=/usr/bin/dash elf; ./server=/app/server elf"},
		{[]string{"/app/cases"}, []string{"web"}, "/app/cases=/app/cases script [./server]; ./server=/app/server elf"},
		{[]string{"/app/cases"}, []string{"sh"}, "/app/cases=/app/cases script [./server]; sh=/usr/bin/dash elf; /sbin/tini=/sbin/tini elf"},
		{[]string{"/app/again"}, []string{"./server"}, "/app/again=/app/again script execs [exec \"$@\"]; ./server=/app/server elf; gosu= missing"},
		{nil, []string{"npm", "run", "web"}, "npm= missing; package.json=/app/package.json other; python=/usr/bin/python3.12 elf; app.py=/app/app.py other"},
		{nil, []string{"uwsgi", "--ini=uwsgi.ini"}, "uwsgi= missing; uwsgi.ini=/app/uwsgi.ini other"},
		{nil, []string{"sh", "-c", "exec \"$SERVER\""}, "sh=/usr/bin/dash elf"},
		{nil, []string{"sh", "-c", "if [ -n \"$D\" ]; then exec ./server --debug; fi; ./server; exit $?"}, "sh=/usr/bin/dash elf; ./server=/app/server elf"},
	} {
		got := collectImage(t, imagetest.Config(t, img, func(f *v1.ConfigFile) {
			f.Config.Entrypoint, f.Config.Cmd, f.Config.WorkingDir = c.entrypoint, c.cmd, "/app"
		}))
		var parts []string
		for _, e := range got.Entry {
			s := e.Word + "=" + e.Path + " " + e.Kind
			if e.Execs {
				s += " execs"
			}
			if e.Traps {
				s += " traps"
			}
			if e.LastCommand != "" {
				s += " [" + e.LastCommand + "]"
			}
			parts = append(parts, s)
		}
		if s := strings.Join(parts, "; "); s != c.want {
			t.Errorf("%q %q starts\n%s, want\n%s", c.entrypoint, c.cmd, s, c.want)
		}
	}
}
