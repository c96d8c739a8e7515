package draft

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"podproof.dev/podproof/internal/contract"
)

// Text is a first contract, for a file in a folder: what cannot be derived, or is worth a promise, with
// a word on each.
func Text(s Settled, dir string) (string, error) {
	p := &page{Settled: s, dir: dir}
	p.head()
	p.build()
	p.manifests()
	p.env()
	p.http()
	p.rest()
	p.image()
	p.line("")
	p.line("# What is broken today, and stays so for a time, `podproof verify --write-waivers waivers.yaml --until DAY` writes down:")
	p.line("# waiversFrom: [waivers.yaml]")
	return p.b.String(), p.err
}

// page is a text under way.
type page struct {
	Settled
	dir string
	b   strings.Builder
	err error
}

func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

// scalar is a text as YAML has it on one line.
func scalar(text string) string {
	b, err := yaml.Marshal(text)
	if err != nil || strings.Count(string(b), "\n") > 1 {
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSpace(string(b))
}

// path is one of the contract's, as of the file's folder.
func (p *page) path(of string) string {
	rel, err := filepath.Rel(p.dir, p.Contract.Path(of))
	if err != nil {
		p.err = err
	}
	return filepath.ToSlash(rel)
}

func (p *page) head() {
	p.line("# What this image promises: `podproof plan` says what is tried of it, `podproof verify` tries it.")
	p.line("# Paths are relative to this file. What is not here is derived, such as")
	c := p.Contract
	var known []string
	for _, k := range []struct {
		field string
		value any
		there bool
	}{
		{"workload", c.Workload, c.Workload != "" && p.open["workload"] == nil},
		{"dependencies", strings.Join(c.InCluster(), ", "), len(c.InCluster()) > 0},
		{"http.port", c.HTTP.Port, c.HTTP.Port != 0 && p.open["http.port"] == nil},
		{"http.health", c.HTTP.Health, c.HTTP.Health != ""},
		{"startup.within", c.Startup.Within, true},
		{"termination.within", c.Termination.Within, true},
	} {
		if k.there {
			known = append(known, fmt.Sprintf("%s (%v)", k.field, k.value))
		}
	}
	p.line("# %s.", strings.Join(known, ", "))
	p.line("apiVersion: %s", contract.APIVersion)
	p.line("kind: %s", contract.Kind)
	p.line("")
	if c.Image != "" {
		p.line("image: %s # the name that the manifests use%s", scalar(c.Image), p.others("image"))
	}
}

// others says what else may be meant.
func (p *page) others(field string) string {
	if len(p.open[field]) < 2 {
		return ""
	}
	return "; or is it " + strings.Join(p.open[field][1:], ", or ") + "?"
}

func (p *page) build() {
	b := p.Contract.Build
	if b == nil {
		p.line("# build: {context: ., dockerfile: Dockerfile} # where podproof is to build the image")
		return
	}
	p.line("build: # `podproof verify` builds it, unless it is given an IMAGE")
	p.line("  context: %s # all that the builder gets", scalar(p.path(b.Context)))
	p.line("  dockerfile: %s", scalar(p.path(b.Dockerfile)))
	d := dockerfile{dir: p.Contract.Path("."), path: b.Dockerfile}
	if d.read(); len(d.args) > 0 {
		p.line("  args: [%s] # from the environment, where it sets them", strings.Join(d.args, ", "))
	}
	p.line("  # sourceFiles: [%s/…] # what changes from commit to commit, and leaves the dependency layer cached", strings.TrimSuffix(p.path(b.Context), "/"))
}

func (p *page) manifests() {
	p.line("")
	if files := slices.DeleteFunc(slices.Clone(p.Contract.Manifests), func(m string) bool { return m == contract.Stdin }); len(files) < len(p.Contract.Manifests) {
		p.line("# The manifests come over the standard input: helm template NAME CHART | podproof verify -m -")
		if len(files) > 0 {
			p.line("# beside %s, which is named with -m, too", strings.Join(files, ", "))
		}
	} else if len(files) > 0 {
		p.line("manifests: # what ships together")
		for _, m := range files {
			p.line("  - %s", scalar(p.path(m)))
		}
	}
	if len(p.open["workload"]) > 0 {
		p.line("workload: %s # under test%s", p.Contract.Workload, p.others("workload"))
	}
}

func (p *page) env() {
	vs := variables(p.Objects, p.Container)
	if len(vs) == 0 {
		return
	}
	p.line("")
	list := func(indent string, needed bool) (n int) {
		for _, v := range vs {
			if v.needed == needed {
				p.line("%s- %s # %s", indent, scalar(v.name), v.from)
				n++
			}
		}
		return n
	}
	if !slices.ContainsFunc(vs, func(v variable) bool { return v.needed }) {
		p.line("# env: # without any one of these it must exit at once, and say which one")
		p.line("#   required:")
		list("#     ", false)
		return
	}
	p.line("env:")
	p.line("  required: # without any one of these it must exit at once, and say which one")
	list("    ", true)
	if slices.ContainsFunc(vs, func(v variable) bool { return !v.needed }) {
		p.line("    # These the manifests set as well; are they needed?")
		list("    # ", false)
	}
}

func (p *page) http() {
	c := p.Contract
	if !c.Serves() || c.GRPC != nil && c.HTTP.Health == "" {
		return
	}
	needs := "what it depends on"
	if deps := c.InCluster(); len(deps) > 0 {
		needs = strings.Join(deps, ", ")
	}
	p.line("")
	if len(p.open["http.port"]) > 0 {
		p.line("http:")
		p.line("  port: %d # where users are served%s", c.HTTP.Port, p.others("http.port"))
	} else {
		p.line("# http: # the routes that only you know")
	}
	comment := "#   "
	if len(p.open["http.port"]) > 0 {
		comment = "  # "
	}
	if c.HTTP.Health == "" {
		p.line("%shealth: /health # answers while the process lives", comment)
	}
	p.line("%squery: /things # its answer comes from %s: asked while that is away, and afterwards", comment, needs)
	p.line("%supload: {path: /things, body: '{}', header: {Content-Type: application/json}} # reads its body: is under way while a pod ends", comment)
}

func (p *page) rest() {
	c := p.Contract
	p.line("")
	switch uid, gid := c.Identity.UID, c.Identity.GID; {
	case uid == nil || *uid == 0:
		p.line("# identity: {uid: 10001, gid: 10001} # as whom it runs; root is none to promise")
	case gid == nil:
		p.line("identity: {uid: %d} # as whom it runs", *uid)
	default:
		p.line("identity: {uid: %d, gid: %d} # as whom it runs", *uid, *gid)
	}
	p.line("# startup: {within: %s, logs: [\"listening\"]} # until all pods are Ready, and what a start logs", c.Startup.Within)
	p.line("# profile: strict # what is a matter of opinion breaks a run, too; baseline: only what loses requests, data or secrets")
	if len(c.InCluster()) > 0 {
		p.line("# dependencies: [{object: %s, optional: true}] # where it stays Ready without one", c.InCluster()[0])
	}
}

// image promises what the image has today.
func (p *page) image() {
	if p.Image == nil || p.Image.Size == nil {
		p.line("# size: {uncompressed: 200Mi} # a budget; `podproof init IMAGE` takes it from an image that is there")
		return
	}
	size := p.Image.Size
	budget := []string{"uncompressed: " + roomFor(size.Uncompressed).String()}
	today := mebibytes(size.Uncompressed)
	if size.Compressed > 0 {
		budget = append([]string{"compressed: " + roomFor(size.Compressed).String()}, budget...)
		today = mebibytes(size.Compressed) + " and " + today
	}
	p.line("size: {%s} # a fifth more than today's %s", strings.Join(budget, ", "), today)
	var has []string
	if contract.HealthcheckURL(p.Image.Config.Healthcheck) != nil {
		has = append(has, "healthcheck: true")
	}
	var labels []string
	for _, l := range slices.Sorted(maps.Keys(p.Image.Config.Labels)) {
		if strings.HasPrefix(l, "org.opencontainers.image.") && p.Image.Config.Labels[l] != "" {
			labels = append(labels, scalar(l))
		}
	}
	if len(labels) > 0 {
		has = append(has, "labels: ["+strings.Join(labels, ", ")+"]")
	}
	if len(has) > 0 {
		p.line("imageConfig: {%s} # as today", strings.Join(has, ", "))
	}
}

const mebibyte = 1 << 20

// roomFor is a fifth more, in whole mebibytes.
func roomFor(bytes int64) contract.Bytes {
	return contract.Bytes((bytes*6/5/mebibyte + 1) * mebibyte)
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/mebibyte) }
