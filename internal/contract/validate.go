package contract

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// envName is what Kubernetes takes for a variable that every shell can set, too.
var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// validate says what is well-formed YAML but cannot be promised. It brings names of
// objects into their usual form.
func (r *reader) validate(c *Contract) {
	if strings.ContainsAny(c.Image, " \t\n") {
		r.fail("image", "image is %q; an image name has no spaces: write name:tag", c.Image)
	}
	r.profile(c.Profile)
	r.object("workload", &c.Workload)
	r.dependencies(c)
	r.manifests(c)
	r.build(c.Build)
	r.http(c.HTTP)
	r.grpc(c.GRPC)
	r.env(c.Env)
	r.identity(c.Identity)
	r.lifecycle(c.Startup, c.Termination)
	r.devDependencies(c.DevDependencies)
	r.paths("secrets.allow", c.Secrets.Allow)
	r.paths("files.forbid", c.Files.Forbid)
	r.paths("files.allow", c.Files.Allow)
	r.size(c.Size)
	r.imageConfig(c)
	for i, s := range c.Skip {
		r.skip(fmt.Sprintf("skip[%d]", i), s)
	}
	r.waivers(c.Waivers)
}

func (r *reader) waivers(ws []Waiver) {
	for i, w := range ws {
		r.waiver(fmt.Sprintf("waivers[%d]", i), w)
	}
}

func (r *reader) object(field string, s *string) {
	if *s == "" {
		return
	}
	o, err := ParseObject(*s)
	if err != nil {
		r.fail(field, "%s: %v", field, err)
		return
	}
	*s = o.String()
}

func (r *reader) distinct(field string, list []string) {
	for i, s := range list {
		if s != "" && slices.Index(list, s) < i {
			r.fail(fmt.Sprintf("%s[%d]", field, i), "%s names %s twice; remove one of them", field, s)
		}
	}
}

func (r *reader) build(b *Build) {
	if b == nil {
		return
	}
	for i, a := range b.Args {
		if name, _, _ := strings.Cut(a, "="); a != "" && !envName.MatchString(name) {
			r.fail(fmt.Sprintf("build.args[%d]", i), "build.args: %q is not a valid variable name; write NAME=VALUE, or NAME to take its value from the environment", name)
		}
	}
	r.source("build.sourceFile", b.SourceFile, b.Context)
	for i, s := range b.SourceFiles {
		r.source(fmt.Sprintf("build.sourceFiles[%d]", i), s, b.Context)
	}
	r.distinct("build.sourceFiles", b.SourceFiles)
	r.paths("build.allowInContext", b.AllowInContext)
	for i, s := range b.DependencySteps {
		if _, err := regexp.Compile(s); err != nil {
			r.fail(fmt.Sprintf("build.dependencySteps[%d]", i), "build.dependencySteps: %q is not a valid regular expression (%v); see https://go.dev/s/re2syntax", s, reason(err))
		}
	}
}

func (r *reader) source(field, file, context string) {
	if rel, err := filepath.Rel(context, file); file != "" && (err != nil || !filepath.IsLocal(rel) || rel == ".") {
		r.fail(field, "%s is %s, which is not in the build context %s, so the image cannot depend on it; name a source file below %s", field, file, context, context)
	}
}

// reason leaves out that a regular expression could not be parsed, which is already said.
func reason(err error) string { return strings.TrimPrefix(err.Error(), "error parsing regexp: ") }

func (r *reader) http(h HTTP) {
	if r.sound("http.port") && (h.Port < 1 || h.Port > 65535) {
		r.fail("http.port", "http.port is %d; a port is a number from 1 to 65535", h.Port)
	}
	if r.sound("http.healthPort") && (h.HealthPort < 1 || h.HealthPort > 65535) {
		r.fail("http.healthPort", "http.healthPort is %d; a port is a number from 1 to 65535", h.HealthPort)
	}
	if h.Scheme != "" && h.Scheme != SchemeHTTP && h.Scheme != SchemeHTTPS {
		r.fail("http.scheme", "http.scheme is %q; write %s or %s", h.Scheme, SchemeHTTP, SchemeHTTPS)
	}
	r.header("http", h.Header)
	r.path("http.health", h.Health)
	r.route("http.query", h.Query)
	r.route("http.upload", h.Upload)
	if u := h.Upload; u != nil && len(u.Body) < 2 && !r.wrong["http.upload.body"] {
		r.fail("http.upload", "http.upload needs a body of two bytes or more, which podproof sends in two halves; add one that the route reads")
	}
}

// path is one that a route may have.
func (r *reader) path(field, path string) {
	switch {
	case path == "" || strings.HasPrefix(path, "/") && !strings.ContainsAny(path, " \t\n"):
	case strings.Contains(path, "://"):
		r.fail(field, "%s is %q; write its path alone, such as /health: podproof finds the address itself", field, path)
	default:
		r.fail(field, "%s is %q; write a path that starts with /, such as %q", field, path, "/"+strings.Trim(path, "/ \t\n"))
	}
}

var httpMethod = regexp.MustCompile(`^[A-Z]+$`)

func (r *reader) route(field string, t *Route) {
	if t == nil {
		return
	}
	if t.Path == "" && !r.given(field+".path") && !r.wrong[field] {
		r.fail(field, "%s has no path; give it one", field)
	}
	at := field + ".path"
	if !r.given(at) { // a path alone
		at = field
	}
	r.path(at, t.Path)
	if t.Method != "" && !httpMethod.MatchString(t.Method) {
		r.fail(field+".method", "%s.method is %q; write it in capitals, such as GET or POST", field, t.Method)
	}
	r.header(field, t.Header)
}

func (r *reader) header(field string, h map[string]string) {
	for name, value := range h {
		if strings.ContainsAny(name+value, "\r\n") || strings.ContainsAny(name, " :") {
			r.fail(field+".header", "%s.header: %q is not a valid header field; write its name and its value, each on one line", field, name)
		}
	}
}

func (r *reader) grpc(g *GRPC) {
	if g != nil && (g.Port < 1 || g.Port > 65535) {
		r.fail("grpc.port", "grpc.port is %d; a port is a number from 1 to 65535", g.Port)
	}
}

func (r *reader) env(e Env) {
	for i, name := range e.Required {
		field := fmt.Sprintf("env.required[%d]", i)
		before, _, assigned := strings.Cut(name, "=")
		switch {
		case name == "":
		case assigned:
			// The value may be a secret: it is not repeated.
			r.fail(field, "env.required: %s comes with a value; write the name alone: %s", before, before)
		case !envName.MatchString(name):
			r.fail(field, "env.required: %q is not a valid variable name; use letters, digits and _, and start with a letter or _", name)
		}
	}
	r.distinct("env.required", e.Required)
}

func (r *reader) identity(id Identity) {
	for field, v := range map[string]*int64{"identity.uid": id.UID, "identity.gid": id.GID} {
		// The kernel's IDs have 32 bits; the kubelet refuses what does not fit an int32.
		if v != nil && (*v < 0 || *v > 1<<31-1) {
			r.fail(field, "%s is %d; an ID is a number from 0 to 2147483647", field, *v)
		}
	}
}

func (r *reader) lifecycle(s Startup, t Termination) {
	if s.Stream != "" && s.Stream != StreamAny && s.Stream != StreamStdout {
		r.fail("startup.stream", "startup.stream is %q; write %s or %s", s.Stream, StreamAny, StreamStdout)
	}
	r.distinct("startup.logs", s.Logs)
	if t.ExitCodes != nil && len(t.ExitCodes) == 0 {
		r.fail("termination.exitCodes", "termination.exitCodes is empty, so no exit code would be accepted; write [0]")
	}
	for i, code := range t.ExitCodes {
		if code < 0 || code > 255 {
			r.fail(fmt.Sprintf("termination.exitCodes[%d]", i), "termination.exitCodes: %d is not an exit code; write a number from 0 to 255", code)
		}
	}
}

func (r *reader) devDependencies(d DevDependencies) {
	for i, name := range d.Allow {
		if name != "" && slices.Contains(d.Forbid, name) {
			r.fail(fmt.Sprintf("devDependencies.allow[%d]", i), "devDependencies: %s is both forbidden and allowed; remove it from one list", name)
		}
	}
}

func (r *reader) paths(field string, patterns []string) {
	for i, p := range patterns {
		if p == "" {
			continue
		}
		if err := checkPattern(p); err != nil {
			r.fail(fmt.Sprintf("%s[%d]", field, i), "%s: %v", field, err)
		}
	}
	r.distinct(field, patterns)
}

func (r *reader) size(s Size) {
	if r.sound("size.layers") && s.Layers < 1 {
		r.fail("size.layers", "size.layers is %d; an image has at least one layer; write a larger number or remove the line", s.Layers)
	}
	if s.Compressed != nil && s.Uncompressed != nil && *s.Compressed > *s.Uncompressed {
		r.fail("size.compressed", "size.compressed is %s, more than size.uncompressed (%s), so it would never apply; lower it or remove it", s.Compressed, s.Uncompressed)
	}
}

func (r *reader) imageConfig(c *Contract) {
	for i, l := range c.ImageConfig.Labels {
		if name, _, assigned := strings.Cut(l, "="); assigned || strings.ContainsAny(l, " \t\n") {
			r.fail(fmt.Sprintf("imageConfig.labels[%d]", i), "imageConfig.labels: %q is not a label name; write the name alone, such as %s", l, labelExample(name))
		}
	}
	r.distinct("imageConfig.labels", c.ImageConfig.Labels)
}

func labelExample(name string) string {
	if name == "" || strings.ContainsAny(name, " \t\n") {
		return "org.opencontainers.image.source"
	}
	return name
}

// skip cannot know which checks there are either.
func (r *reader) skip(field string, s Skip) {
	for _, m := range [][2]string{{"id", "rollout/*"}, {"reason", "why it does not apply to this image"}} {
		if !r.given(join(field, m[0])) {
			r.fail(field, "%s has no %s; add `%s: %s`", field, m[0], m[0], m[1])
		}
	}
	if _, err := path.Match(s.ID, ""); s.ID != "" && (!strings.Contains(s.ID, "/") || err != nil) {
		r.fail(join(field, "id"), "%s.id is %q; write the ID of a check, or a group as %s: `podproof checks` lists them", field, s.ID, "rollout/*")
	}
}

// waiver cannot know which checks there are; whoever loads the contract looks at the ID.
func (r *reader) waiver(field string, w Waiver) {
	for _, m := range []struct{ key, value, example string }{
		{"id", w.ID, "image/no-dev-dependencies"},
		{"reason", w.Reason, "why the broken promise is accepted for now"},
		{"by", w.By, "who is responsible for it"},
		{"until", w.Until, "2026-12-31"},
	} {
		if !r.given(join(field, m.key)) {
			r.fail(field, "%s has no %s; add `%s: %s`", field, m.key, m.key, m.example)
		}
	}
	if _, err := path.Match(w.ID, ""); w.ID != "" && (!strings.Contains(w.ID, "/") || err != nil) {
		r.fail(join(field, "id"), "%s.id is %q; write the ID of a check, such as image/no-dev-dependencies, or a group as %s: `podproof checks` lists them", field, w.ID, "image/*")
	}
	if _, err := time.Parse(time.DateOnly, w.Until); w.Until != "" && err != nil {
		r.fail(join(field, "until"), "%s.until is %q; write its last day as year-month-day: 2026-12-31", field, w.Until)
	}
}
