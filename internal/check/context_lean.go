package check

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var contextLean = Check{
	ID:    "build/context-lean",
	Title: "The build context contains nothing the build does not need",
	Why: "What lies in the context is sent to the builder, is hashed for its cache, and is copied by the next `COPY .`: " +
		"version control data and caches make every build slower, and its layers change without need.",
	Fix:     "Name what no build needs in .dockerignore. What has to be there is named in the contract's build.allowInContext.",
	Story:   Reproducible,
	Profile: contract.ProfileRecommended,
	Needs:   []evidence.Section{evidence.SectionBuild, evidence.SectionContext},
	ByPlace: true,
	At:      []Spot{inDockerfile("COPY", "ADD")},
	Judge:   judgeContextLean,
}

// ballast is a part of the context: a folder, or a file.
type ballast struct {
	at    string
	kind  junk
	files int
	bytes int64
	sent  bool
	by    []taking // the instructions that take it
}

func judgeContextLean(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "the build context holds what the build needs: no version control data, virtual environment, node_modules, cache, or big file that nothing uses"}
	if c.Build == nil {
		return j.skip(notBuilt).until(buildLine)
	}
	if e.Context == nil {
		return inconclusive(e, evidence.SectionContext, j.Promised)
	}
	if e.Build == nil {
		return inconclusive(e, evidence.SectionBuild, j.Promised)
	}
	ctx := e.Context
	seen := fmt.Sprintf("%s (%s) in the context; BuildKit asks for %d of them (%s)",
		count(ctx.Files, "file"), dataSize(ctx.Bytes), ctx.SentFiles, dataSize(ctx.SentBytes))
	heavy, rest := weigh(c, *e.Build, *ctx)
	var lines, faults []string
	for _, b := range heavy {
		where := filesOfContext(c, []string{b.at})
		switch {
		case b.named():
			j.note(where, "%s (%s): %s takes it by name, so it is meant to be there", b.kind.what, b.size(), b.takers())
		case b.faulty():
			j.broken(where, "%s (%s)%s", b.kind.what, b.size(), b.fate())
			lines, faults = append(lines, b.line(heavy)), append(faults, where)
		default:
			j.note(where, "%s (%s)%s", b.kind.what, b.size(), b.fate())
		}
	}
	if n := len(rest); n > 0 {
		j.note(c.Build.Context, "no instruction uses %s (%s): %s", count(n, "small file"), dataSize(bytesOf(rest)), said(strings.Join(pathsOf(rest), ", "), 200))
	}
	if j.firstBroken() == nil {
		return j.pass(fmt.Sprintf("Build context OK (%s)", dataSize(ctx.SentBytes)), seen)
	}
	slices.Sort(lines)
	return j.fail(seen+"; not needed: "+said(strings.Join(faults, ", "), 200), ignoreFix(c, *ctx, slices.Compact(lines)))
}

// weigh groups the context: what is junk or big, and small files that no instruction uses.
func weigh(c contract.Contract, b evidence.Build, ctx evidence.BuildContext) (heavy []ballast, rest []evidence.ContextEntry) {
	allowed, marked, all := contract.NewPaths(c.Build.AllowInContext), marks(ctx.Entries), takings(b.Steps)
	found := map[string]*ballast{}
	add := func(at string, kind junk, e evidence.ContextEntry) {
		x, ok := found[at]
		if !ok {
			x = &ballast{at: at, kind: kind, by: takers(at+"/", all)}
			found[at] = x
		}
		x.files += e.Files
		x.bytes += e.Bytes
		x.sent = x.sent || e.Sent
	}
	for _, e := range ctx.Entries {
		if pattern, _ := allowed.Match(strings.TrimSuffix(e.Path, "/")); pattern != "" || isBuildFile(c, e.Path, ctx) {
			continue
		}
		switch at, kind, isJunk := junkAt(e.Path, marked); {
		case isJunk:
			add(at, kind, e)
		case e.Files == 1 && e.Bytes >= big:
			add(e.Path, bigJunk, e)
		case !e.Sent:
			rest = append(rest, e)
		}
	}
	for top, idle := range idleFolders(rest, all) {
		for _, e := range idle {
			add(top, idleJunk, e)
		}
		rest = slices.DeleteFunc(rest, func(e evidence.ContextEntry) bool { return strings.HasPrefix(e.Path, top+"/") })
	}
	for _, at := range slices.Sorted(maps.Keys(found)) {
		heavy = append(heavy, *found[at])
	}
	slices.SortStableFunc(heavy, func(a, b ballast) int { return cmp.Compare(b.bytes, a.bytes) })
	return heavy, rest
}

// idleFolders are the topmost folders that no instruction takes anything of, and that are
// big together although no file of them is.
func idleFolders(unsent []evidence.ContextEntry, all []taking) map[string][]evidence.ContextEntry {
	out := map[string][]evidence.ContextEntry{}
	for _, e := range unsent {
		if top, _, below := strings.Cut(e.Path, "/"); below && len(takers(top+"/", all)) == 0 {
			out[top] = append(out[top], e)
		}
	}
	maps.DeleteFunc(out, func(_ string, es []evidence.ContextEntry) bool { return bytesOf(es) < idleJunk.unsent })
	return out
}

// isBuildFile tells those that are there to describe the build: BuildKit always reads them.
func isBuildFile(c contract.Contract, p string, ctx evidence.BuildContext) bool {
	return p == ctx.IgnoreFile || p == ".dockerignore" || path.Join(c.Build.Context, p) == path.Clean(c.Build.Dockerfile)
}

// named tells whether every instruction that takes it asks for just this.
func (b ballast) named() bool {
	return len(b.by) > 0 && !slices.ContainsFunc(b.by, func(t taking) bool { return !t.names(b.at) })
}

func (b ballast) faulty() bool {
	if b.sent {
		return b.bytes >= b.kind.sent
	}
	return b.bytes >= b.kind.unsent
}

func (b ballast) size() string {
	if b.files == 1 {
		return dataSize(b.bytes)
	}
	return fmt.Sprintf("%s, %s", count(b.files, "file"), dataSize(b.bytes))
}

func (b ballast) takers() string {
	var out []string
	for _, t := range b.by {
		out = append(out, t.words())
	}
	return list(out)
}

func (b ballast) fate() string {
	switch {
	case b.sent && len(b.by) > 0:
		return ", sent to the builder with all the rest for " + b.takers()
	case b.sent:
		return ", sent to the builder"
	}
	return ": no instruction uses it; BuildKit leaves it out as long as none takes all of the context, other builders send it"
}

// line is what to write into .dockerignore: for a name that occurs in several folders once for all.
func (b ballast) line(all []ballast) string {
	base := path.Base(b.at)
	same := 0
	for _, x := range all {
		if path.Base(x.at) == base {
			same++
		}
	}
	if same > 1 {
		return "**/" + base
	}
	return b.at
}

func ignoreFix(c contract.Contract, ctx evidence.BuildContext, lines []string) string {
	file, how := path.Join(c.Build.Context, ".dockerignore"), "Add to"
	switch {
	case ctx.IgnoreFile == "":
		how = "Write"
	case ctx.IgnoreFile != ".dockerignore":
		file = path.Join(path.Dir(c.Build.Dockerfile), ctx.IgnoreFile)
	}
	return fmt.Sprintf("%s %s:\n%s", how, file, strings.Join(lines, "\n"))
}

func bytesOf(entries []evidence.ContextEntry) (n int64) {
	for _, e := range entries {
		n += e.Bytes
	}
	return n
}

func pathsOf(entries []evidence.ContextEntry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Path)
	}
	return out
}
