package attest

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/report"
)

// another says that the image in the registry is not the one that was verified, and how it differs where
// that can be told.
func (r *registry) another(img pushed, rec report.Record) string {
	tried := rec.Evidence.Image
	var has []string
	why := ""
	for _, v := range img.all {
		has = append(has, fmt.Sprintf("%s (%s)", v.config, v.platform))
		if changed := rewritten(v.img, *tried); why == "" && changed != "" {
			why = fmt.Sprintf("; the layers of %s are the same, and its configuration differs in %s: it was converted on the way", v.config, changed)
		}
	}
	return fmt.Sprintf("this is not the image that was verified: %s has the configuration %s in registry %s, and the record is about %s (%s/%s)%s; push the image that was verified, or verify the one that was pushed",
		r.where, strings.Join(has, " and "), r.host(), tried.ID, tried.OS, tried.Architecture, why)
}

// rewritten names the fields of the configuration that differ where all layers are the same; empty where
// they are not.
func rewritten(img v1.Image, tried evidence.Image) string {
	c, err := img.ConfigFile()
	if err != nil || len(tried.Layers) == 0 || !slices.EqualFunc(c.RootFS.DiffIDs, tried.Layers, func(h v1.Hash, l evidence.Layer) bool { return h.String() == l.DiffID }) {
		return ""
	}
	var health []string
	if c.Config.Healthcheck != nil {
		health = c.Config.Healthcheck.Test
	}
	var differ []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"User", c.Config.User == tried.Config.User},
		{"Entrypoint", slices.Equal(c.Config.Entrypoint, tried.Config.Entrypoint)},
		{"Cmd", slices.Equal(c.Config.Cmd, tried.Config.Cmd)},
		{"WorkingDir", c.Config.WorkingDir == tried.Config.WorkingDir},
		{"StopSignal", c.Config.StopSignal == tried.Config.StopSignal},
		{"Healthcheck", slices.Equal(health, tried.Config.Healthcheck)},
		{"Labels", len(c.Config.Labels) == len(tried.Config.Labels)},
		{"created", c.Created.Equal(tried.Created)},
		{"history", len(c.History) == len(tried.History)},
	} {
		if !f.same {
			differ = append(differ, f.name)
		}
	}
	if len(differ) == 0 {
		return "fields that a run does not look at"
	}
	return strings.Join(differ, ", ")
}
