package check

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"podproof.dev/podproof/internal/credential"
	"podproof.dev/podproof/internal/evidence"
)

// MaskImage returns the evidence with every secret of the configuration and of the
// history replaced by "[masked:7]", 7 being its length in bytes. Evidence is kept in
// files; a masked value is still judged as a literal secret, so the verdict stays the same.
func MaskImage(img evidence.Image) evidence.Image {
	img.Config.Env = maskEach(img.Config.Env, maskPair)
	img.Config.OnBuild = maskEach(img.Config.OnBuild, maskHistory)
	img.Config.Entrypoint = maskArguments(img.Config.Entrypoint)
	img.Config.Cmd = maskArguments(img.Config.Cmd)
	img.Config.Healthcheck = maskArguments(img.Config.Healthcheck)
	img.Config.Labels = maps.Clone(img.Config.Labels)
	for k, v := range img.Config.Labels {
		// The name is judged with the value and stays as it is.
		img.Config.Labels[k] = strings.TrimPrefix(maskPair(k+"="+v), k+"=")
	}
	img.History = slices.Clone(img.History)
	for i, h := range img.History {
		img.History[i].CreatedBy = maskHistory(h.CreatedBy)
		img.History[i].Comment = MaskText(h.Comment)
	}
	img.Layers = slices.Clone(img.Layers)
	for i, l := range img.Layers {
		img.Layers[i].CreatedBy = maskHistory(l.CreatedBy)
	}
	img.Entry = slices.Clone(img.Entry)
	for i, f := range img.Entry {
		img.Entry[i].LastCommand = MaskText(f.LastCommand)
	}
	return img
}

// MaskBuild does the same for the instructions, the errors and the output of a build.
func MaskBuild(b evidence.Build) evidence.Build {
	b.Instructions = slices.Clone(b.Instructions)
	for i, in := range b.Instructions {
		b.Instructions[i].Text = maskHistory(in.Text)
	}
	b.Steps = maskSteps(b.Steps)
	b.Error = MaskText(b.Error)
	b.Source = maskEach(b.Source, MaskText)
	b.Log = maskEach(b.Log, MaskText)
	return b
}

// MaskRebuild does the same for another build.
func MaskRebuild(b evidence.Rebuild) evidence.Rebuild {
	b.Steps = maskSteps(b.Steps)
	b.Error = MaskText(b.Error)
	b.Alone = slices.Clone(b.Alone)
	for i, a := range b.Alone {
		b.Alone[i] = MaskRebuild(a)
	}
	return b
}

// MaskReproduction does the same for two more builds.
func MaskReproduction(r evidence.Reproduction) evidence.Reproduction {
	r.Error = MaskText(r.Error)
	r.Log = maskEach(r.Log, MaskText)
	r.Layers = slices.Clone(r.Layers)
	for i, l := range r.Layers {
		r.Layers[i].CreatedBy = maskHistory(l.CreatedBy)
	}
	return r
}

func maskSteps(steps []evidence.BuildStep) []evidence.BuildStep {
	steps = slices.Clone(steps)
	for i, s := range steps {
		steps[i].Name = MaskText(s.Name)
		steps[i].Instruction = maskHistory(s.Instruction)
		steps[i].Error = MaskText(s.Error)
	}
	return steps
}

// MaskText masks what looks like a secret in a command line, a log line or other text.
func MaskText(s string) string { return mask(s, secretsInText) }

func maskHistory(s string) string { return mask(s, secretsInHistory) }
func maskPair(s string) string    { return mask(s, secretsInPair) }

// maskArguments masks an argument list; an option's value may be the next argument.
func maskArguments(args []string) []string {
	if len(args) == 0 {
		return args
	}
	return strings.Split(MaskText(strings.Join(args, "\x00")), "\x00")
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
func mask(s string, find func(string) []secret) string {
	for range len(s) + 1 {
		masked := maskOnce(s, find(s))
		if masked == s {
			break
		}
		s = masked
	}
	return s
}

func maskOnce(s string, secrets []secret) string {
	var b strings.Builder
	end := 0
	for _, x := range secrets {
		value := x.of(s)
		b.WriteString(s[end:x.start])
		if m := credential.Mask.FindString(value); m != "" && m == value {
			b.WriteString(value)
		} else {
			b.WriteString("[masked:" + strconv.Itoa(len(value)))
			if x.shape != "" {
				b.WriteString(":" + x.shape)
			}
			b.WriteString("]")
		}
		end = x.end
	}
	return b.String() + s[end:]
}
