package report

import (
	"slices"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/report/drawing"
)

// pictured says which drawings show what a promise is about: those of a section, and of its kinds, where it
// has several.
var pictured = map[string]struct {
	section evidence.Section
	kinds   []string
}{
	"startup/ready":                    {evidence.SectionStartup, nil},
	"startup/time":                     {evidence.SectionStartup, nil},
	"termination/exit-zero":            {evidence.SectionTermination, nil},
	"termination/during-startup":       {evidence.SectionEarlyTermination, nil},
	"termination/requests-in-flight":   {evidence.SectionInFlight, nil},
	"termination/refuses-late":         {evidence.SectionInFlight, nil},
	"termination/exit-under-outage":    {evidence.SectionOutageTermination, nil},
	"probes/readiness-tells-the-truth": {evidence.SectionOutages, []string{evidence.OutageRefused, evidence.OutageFrozen}},
	"probes/liveness-survives-outage":  {evidence.SectionOutages, nil},
	"database/recovers":                {evidence.SectionOutages, nil},
	"database/slow":                    {evidence.SectionSlow, nil},
	"rollout/no-lost-requests":         {evidence.SectionRollouts, []string{evidence.RolloutRestart, evidence.RolloutEviction}},
	"rollout/scale-down":               {evidence.SectionRollouts, []string{evidence.RolloutScaleDown}},
	"resources/limits":                 {evidence.SectionResources, nil},
	"image/size-budget":                {evidence.SectionImage, nil},
}

// placement is where in the page each drawing stands: once, under the first broken or undecided promise that
// it is about, or else among the others at the end.
type placement struct {
	all        []drawing.Drawing
	under, see map[string][]drawing.Drawing
	used       map[string]bool
}

func placed(r Report) placement {
	p := placement{drawing.All(r.observed), map[string][]drawing.Drawing{}, map[string][]drawing.Drawing{}, map[string]bool{}}
	for _, s := range []check.Status{check.Fail, check.Inconclusive} {
		for _, v := range r.with(s) {
			for _, d := range p.about(v.ID) {
				if !p.used[d.ID] {
					p.used[d.ID] = true
					p.under[v.ID] = append(p.under[v.ID], d)
				} else {
					p.see[v.ID] = append(p.see[v.ID], d)
				}
			}
		}
	}
	for _, s := range []check.Status{check.Pass, check.Waived} {
		for _, v := range r.with(s) {
			p.see[v.ID] = p.about(v.ID)
		}
	}
	return p
}

func (p placement) about(id string) []drawing.Drawing {
	want, ok := pictured[id]
	if !ok {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.all), func(d drawing.Drawing) bool {
		return d.Section != want.section || len(want.kinds) > 0 && !slices.Contains(want.kinds, d.Kind)
	})
}

// rest are the drawings that stand under no verdict, in groups.
func (p placement) rest() []webDrawings {
	groups := []webDrawings{{ID: "trials", Title: "What happened to the pods"}, {ID: "image", Title: "What was used, and of what the image is made"}, {ID: "run", Title: "What the run did, and when"}}
	for _, d := range p.all {
		if p.used[d.ID] {
			continue
		}
		g := &groups[0]
		switch d.Section {
		case evidence.SectionResources, evidence.SectionImage:
			g = &groups[1]
		case "":
			g = &groups[2]
		}
		g.Drawings = append(g.Drawings, d)
	}
	return slices.DeleteFunc(groups, func(g webDrawings) bool { return len(g.Drawings) == 0 && g.ID != "run" })
}
