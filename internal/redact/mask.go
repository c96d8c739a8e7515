package redact

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"podproof.dev/podproof/internal/credential"
	"podproof.dev/podproof/internal/evidence"
)

// Image returns the evidence with every secret of the configuration and of the
// history replaced by "[masked:7]", 7 being its length in bytes. Evidence is kept in
// files; a masked value is still judged as a literal secret, so the verdict stays the same.
func Image(img evidence.Image) evidence.Image {
	img.Config.Env = maskEach(img.Config.Env, maskPair)
	img.Config.OnBuild = maskEach(img.Config.OnBuild, History)
	img.Config.Entrypoint = Arguments(img.Config.Entrypoint)
	img.Config.Cmd = Arguments(img.Config.Cmd)
	img.Config.Healthcheck = Arguments(img.Config.Healthcheck)
	img.Config.Labels = maps.Clone(img.Config.Labels)
	for k, v := range img.Config.Labels {
		// The name is judged with the value and stays as it is.
		img.Config.Labels[k] = strings.TrimPrefix(maskPair(k+"="+v), k+"=")
	}
	img.History = slices.Clone(img.History)
	for i, h := range img.History {
		img.History[i].CreatedBy = History(h.CreatedBy)
		img.History[i].Comment = Text(h.Comment)
	}
	img.Provenance = maskEach(img.Provenance, History)
	img.Layers = slices.Clone(img.Layers)
	for i, l := range img.Layers {
		img.Layers[i].CreatedBy = History(l.CreatedBy)
	}
	img.Entry = slices.Clone(img.Entry)
	for i, f := range img.Entry {
		img.Entry[i].LastCommand = Text(f.LastCommand)
	}
	return img
}

// Build does the same for the instructions, the errors and the output of a build.
func Build(b evidence.Build) evidence.Build {
	b.Instructions = slices.Clone(b.Instructions)
	for i, in := range b.Instructions {
		b.Instructions[i].Text = History(in.Text)
	}
	b.Steps = maskSteps(b.Steps)
	b.Error = Text(b.Error)
	b.Source = maskEach(b.Source, Text)
	b.Log = maskEach(b.Log, Text)
	return b
}

// Rebuild does the same for another build.
func Rebuild(b evidence.Rebuild) evidence.Rebuild {
	b.Steps = maskSteps(b.Steps)
	b.Error = Text(b.Error)
	b.Alone = slices.Clone(b.Alone)
	for i, a := range b.Alone {
		b.Alone[i] = Rebuild(a)
	}
	return b
}

// Reproduction does the same for two more builds.
func Reproduction(r evidence.Reproduction) evidence.Reproduction {
	r.Error = Text(r.Error)
	r.Log = maskEach(r.Log, Text)
	r.Layers = slices.Clone(r.Layers)
	for i, l := range r.Layers {
		r.Layers[i].CreatedBy = History(l.CreatedBy)
	}
	return r
}

func maskSteps(steps []evidence.BuildStep) []evidence.BuildStep {
	steps = slices.Clone(steps)
	for i, s := range steps {
		steps[i].Name = Text(s.Name)
		steps[i].Instruction = History(s.Instruction)
		steps[i].Error = Text(s.Error)
	}
	return steps
}

// Text masks what looks like a secret in a command line, a log line or other text.
func Text(s string) string { return mask(s, InText) }

// History masks what looks like a secret in a line of an image's history, or in an instruction
// of a Dockerfile.
func History(s string) string { return mask(s, InHistory) }

func maskPair(s string) string { return mask(s, InPair) }

// Arguments masks an argument list; an option's value may be the next argument.
func Arguments(args []string) []string {
	if len(args) == 0 {
		return args
	}
	return strings.Split(Text(strings.Join(args, "\x00")), "\x00")
}

func maskEach(ss []string, f func(string) string) []string {
	ss = slices.Clone(ss)
	for i := range ss {
		ss[i] = f(ss[i])
	}
	return ss
}

// mask replaces secrets until none is left to replace: a text without its secrets may be
// cut into words differently, as a secret may hold quotes. So masking twice changes nothing.
func mask(s string, find func(string) []Secret) string {
	for range len(s) + 1 {
		masked := maskOnce(s, find(s))
		if masked == s {
			break
		}
		s = masked
	}
	return s
}

func maskOnce(s string, secrets []Secret) string {
	var b strings.Builder
	end := 0
	for _, x := range secrets {
		value := x.Of(s)
		b.WriteString(s[end:x.Start])
		if m := credential.Mask.FindString(value); m != "" && m == value {
			b.WriteString(value)
		} else {
			b.WriteString("[masked:" + strconv.Itoa(len(value)))
			if x.Shape != "" {
				b.WriteString(":" + x.Shape)
			}
			b.WriteString("]")
		}
		end = x.End
	}
	return b.String() + s[end:]
}
