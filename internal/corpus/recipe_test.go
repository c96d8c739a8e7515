package corpus

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"podproof.dev/podproof/internal/collect/image/imagetest"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

type file = imagetest.File

var (
	text = imagetest.Text
	exe  = imagetest.Exe
)

// elf is the beginning of a program, which is all that tells one.
const elf = "\x7fELF\x02\x01\x01\x00"

func link(name, to string) file     { return file{Name: name, Link: to} }
func hardlink(name, to string) file { return file{Name: name, Link: to, Hard: true} }
func gone(name string) file {
	dir, base := "", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		dir, base = name[:i+1], name[i+1:]
	}
	return text(dir+".wh."+base, "")
}

// recipe is what an image is made of.
type recipe struct {
	t          testing.TB
	steps      []step
	config     v1.Config
	contract   contract.Contract
	workload   *evidence.Workload
	compressed int64 // what a pull would transfer, where the source knows it
	noHistory  bool
	// os and architecture are the platform that the configuration names.
	os, architecture string
	// wanted is the platform that the image is looked at for.
	wanted string
	// statements are attestations that lie beside the image.
	statements [][]byte
	// planted are the values of secrets, which nothing that is kept or said may hold.
	planted []string
}

// step is one instruction. One without a layer only changes the configuration.
type step struct {
	by    string
	layer []file
	empty bool
}

// secret registers a value as planted.
func (r *recipe) secret(v string) string {
	r.planted = append(r.planted, v)
	return v
}

// run and copy add a layer, as BuildKit writes them into the history.
func (r *recipe) run(command string, files ...file) {
	r.steps = append(r.steps, step{by: "RUN /bin/sh -c " + command + " # buildkit", layer: files})
}

func (r *recipe) copy(args string, files ...file) {
	r.steps = append(r.steps, step{by: "COPY " + args + " # buildkit", layer: files})
}

// says adds an instruction without a layer.
func (r *recipe) says(instruction string) {
	r.steps = append(r.steps, step{by: instruction, empty: true})
}

func (r *recipe) env(name, value string) {
	r.says("ENV " + name + "=" + value)
	r.config.Env = append(r.config.Env, name+"="+value)
}

func (r *recipe) label(name, value string) {
	r.says("LABEL " + name + "=" + value)
	if r.config.Labels == nil {
		r.config.Labels = map[string]string{}
	}
	r.config.Labels[name] = value
}

func (r *recipe) user(user string) {
	r.config.User = user
	r.says("USER " + user)
}

// shell is CMD in its shell form, exec the other one.
func (r *recipe) shell(line string) { r.exec("/bin/sh", "-c", line) }

func (r *recipe) exec(command ...string) {
	r.config.Cmd = command
	r.says(`CMD ["` + strings.Join(command, `" "`) + `"]`)
}

func (r *recipe) entrypoint(command ...string) {
	r.config.Entrypoint = command
	r.says(`ENTRYPOINT ["` + strings.Join(command, `" "`) + `"]`)
}

// image makes it.
func (r *recipe) image() v1.Image {
	r.t.Helper()
	img := empty.Image
	for _, s := range r.steps {
		add := mutate.Addendum{History: v1.History{CreatedBy: s.by, EmptyLayer: s.empty}}
		if !s.empty {
			add.Layer = static.NewLayer(imagetest.Tar(r.t, s.layer...), types.DockerUncompressedLayer)
		}
		var err error
		if img, err = mutate.Append(img, add); err != nil {
			r.t.Fatal(err)
		}
	}
	return imagetest.Config(r.t, img, func(f *v1.ConfigFile) {
		f.OS, f.Architecture, f.Config = r.os, r.architecture, r.config
		if r.noHistory {
			f.History = nil
		}
	})
}

const site = "usr/local/lib/python3.12/site-packages/"

// distribution is an installed package of Python, with the list of its files.
func distribution(name, version string, files ...file) []file {
	info := site + strings.ReplaceAll(name, "-", "_") + "-" + version + ".dist-info/"
	var record strings.Builder
	for _, f := range files {
		record.WriteString(strings.TrimPrefix(f.Name, site) + ",sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU," + "1\n")
	}
	return append(files, text(info+"METADATA", "Metadata-Version: 2.1\nName: "+name+"\nVersion: "+version+"\n\n"),
		text(info+"RECORD", record.String()))
}

// healthy is an image that keeps every promise: a distribution, Python, packages, the code.
func healthy(t testing.TB) *recipe {
	r := &recipe{t: t, os: "linux", architecture: "amd64", wanted: "linux/amd64", contract: contract.Contract{Image: "corpus:1", HTTP: contract.HTTP{Port: 8000, Health: "/health"}}}
	r.steps = append(r.steps, step{by: "# debian.sh --arch 'amd64' out/ 'bookworm' '@1700000000'", layer: []file{
		link("bin", "usr/bin"), link("lib", "usr/lib"), {Name: "tmp/", Mode: 0o1777}, {Name: "var/tmp/", Mode: 0o1777},
		text("etc/passwd", "root:x:0:0:root:/root:/bin/bash\napp:x:1001:1001::/app:/bin/false\ntoor:x:0:0::/root:/bin/sh\n"),
		text("etc/group", "root:x:0:\napp:x:1001:\n"), text("etc/shadow", "root:*:19700:0:99999:7:::\napp:!:19700::::::\n"),
		exe("usr/bin/dash", elf), link("usr/bin/sh", "dash"), exe("usr/bin/env", elf), exe("usr/bin/bash", elf),
		{Name: "usr/bin/su", Body: elf, Mode: 0o4755}, text("var/lib/dpkg/info/util-linux.list", "/.\n/bin\n/bin/su\n"),
		text("var/lib/dpkg/status", "Package: util-linux\nStatus: install ok installed\nVersion: 2.38.1\n\n"+
			"Package: openssl\nStatus: install ok installed\nVersion: 3.0.15\n\n"),
		text("etc/ssl/certs/ca-certificates.crt", pemOf("CERTIFICATE", 900)+pemOf("CERTIFICATE", 901)),
	}})
	r.env("PATH", "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin")
	r.run("make install", exe("usr/local/bin/python3.12", elf), link("usr/local/bin/python3", "python3.12"),
		link("usr/local/bin/python", "python3"), text("usr/local/lib/python3.12/os.py", "import sys\n"),
		text("usr/local/lib/python3.12/__pycache__/os.cpython-312.pyc", "\xcb\r\r\n"))
	r.run("pip install -r requirements.txt", distribution("fastapi", "0.115.0", text(site+"fastapi/__init__.py", "__version__ = '0.115.0'\n"))...)
	r.copy("app /app", text("app/main.py", "import fastapi\n\napp = fastapi.FastAPI()\n"))
	r.config.WorkingDir = "/app"
	r.says("WORKDIR /app")
	r.config.ExposedPorts = map[string]struct{}{"8000/tcp": {}}
	r.says("EXPOSE [8000/tcp]")
	r.user("1001:1001")
	r.exec("python", "main.py")
	return r
}

func (r *recipe) healthcheck(test ...string) {
	r.config.Healthcheck = &v1.HealthConfig{Test: test}
	r.says("HEALTHCHECK &{" + strings.Join(test, " ") + "}")
}
