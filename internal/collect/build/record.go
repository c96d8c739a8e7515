package build

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"podproof.dev/podproof/internal/evidence"
)

// logLines is how much of a step's output is kept, from its end.
const logLines = 40

// recorder makes steps of BuildKit's updates. It is used by one goroutine at a time.
type recorder struct {
	progress func(string)
	order    []digest.Digest
	known    map[digest.Digest]*vertex
	ended    bool // the build was ended on purpose: what comes after says so of every step
}

type vertex struct {
	evidence.BuildStep
	log  []string
	rest string // output after the last end of line
}

func newRecorder(progress func(string)) *recorder {
	if progress == nil {
		progress = func(string) {}
	}
	return &recorder{progress: progress, known: map[digest.Digest]*vertex{}}
}

// add takes an update. BuildKit announces the whole graph before it starts a step of it,
// and may start a step twice: to find its cache key, then to run.
func (r *recorder) add(u *client.SolveStatus) {
	if r.ended {
		return
	}
	for _, v := range u.Vertexes {
		r.vertex(v)
	}
	for _, l := range u.Logs {
		if k, ok := r.known[l.Vertex]; ok {
			k.write(string(l.Data))
		}
	}
}

func (r *recorder) vertex(v *client.Vertex) {
	k, ok := r.known[v.Digest]
	if !ok {
		k = &vertex{}
		k.Digest, k.Name = v.Digest.String(), v.Name
		k.Stage, k.Instruction = parse(v.Name)
		for _, in := range v.Inputs {
			k.Inputs = append(k.Inputs, in.String())
		}
		r.known[v.Digest] = k
		r.order = append(r.order, v.Digest)
	}
	if v.Started == nil {
		return
	}
	if !k.Started && !v.Cached {
		r.progress(v.Name)
	}
	k.Started, k.Completed, k.Cached, k.Error = true, v.Completed != nil, v.Cached, v.Error
	if v.Completed != nil {
		k.Seconds = v.Completed.Sub(*v.Started).Seconds()
	}
}

// steps are a copy of what is known, in the order in which BuildKit named them.
func (r *recorder) steps() []evidence.BuildStep {
	out := make([]evidence.BuildStep, 0, len(r.order))
	for _, d := range r.order {
		out = append(out, r.known[d].BuildStep)
	}
	return out
}

// failure says which step failed, and the end of its output.
func (r *recorder) failure(said string) (message string, log []string) {
	for _, d := range r.order {
		// Steps beside the one that failed are cancelled.
		if k := r.known[d]; k.Error != "" && !strings.HasSuffix(k.Error, "context canceled") {
			return fmt.Sprintf("step %q failed: %s", k.Name, k.Error), k.tail()
		}
	}
	return cmp.Or(said, "the build failed, and BuildKit did not say why"), nil
}

// colours are what programs send to terminals (ECMA-48 control sequences).
var colours = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]`)

func (k *vertex) write(s string) {
	lines := strings.Split(k.rest+s, "\n")
	k.rest = lines[len(lines)-1]
	for _, l := range lines[:len(lines)-1] {
		k.log = append(k.log, clean(l))
	}
	if n := len(k.log) - logLines; n > 0 {
		k.log = slices.Delete(k.log, 0, n)
	}
}

func (k *vertex) tail() []string {
	log := slices.Clone(k.log)
	if k.rest != "" {
		log = append(log, clean(k.rest))
	}
	return log[max(0, len(log)-logLines):]
}

// clean keeps what a terminal would show of a line that was written over.
func clean(l string) string {
	l = strings.TrimRight(l, "\r")
	return colours.ReplaceAllString(l[strings.LastIndex(l, "\r")+1:], "")
}

// stepName is how the Dockerfile frontend names the steps that come from instructions:
// "[2/5] RUN …", "[builder  3/12] COPY …", "[linux/arm64 builder 1/2] FROM …".
var stepName = regexp.MustCompile(`^\[(?:(.*?) +)?\d+/\d+\] (?s:(.*))$`)

// parse returns the stage and the instruction. Both are empty for BuildKit's own steps,
// the stage also where the Dockerfile has one stage without a name.
func parse(name string) (stage, instruction string) {
	m := stepName.FindStringSubmatch(name)
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}
