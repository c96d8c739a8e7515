package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/pipeline"
)

// planText is a plan for a person: first what needs doing, then what is to be known. All has the rest, too.
func planText(p pipeline.Plan, all bool) string {
	t := &lines{}
	what := p.Image
	if p.Workload != "" {
		what = strings.TrimSpace(p.Workload + " with the image " + p.Image)
	}
	t.line("Verify %s, in %s", what, p.Where)
	if len(p.Assumed) > 0 {
		t.line("\n%s", strings.Join(p.Assumed, "\n"))
	}
	t.list(fmt.Sprintf("A run would end at once (%d):", len(p.Stops)), p.Stops)
	t.list(fmt.Sprintf("In the way (%d):", len(p.InTheWay)), p.InTheWay)
	var broken []string
	for _, v := range p.Broken {
		broken = append(broken, fmt.Sprintf("%s: %s\n%s", v.Check.ID, v.Seen, v.Fix))
	}
	t.list(fmt.Sprintf("Broken already, by the manifests alone (%d):", len(p.Broken)), broken)
	t.list("Advice, by the manifests alone:", each(p.Advice, func(v check.Verdict) string { return v.Check.ID + ": " + v.Seen }))
	title := fmt.Sprintf("Would be tried (%d promises):", len(p.Tried))
	if all {
		t.list(title, each(p.Tried, func(v check.Verdict) string { return fmt.Sprintf("%-36s %s", v.Check.ID, v.Check.Title) }))
	} else {
		t.list(title, byFolder(p.Tried))
	}
	t.list("Would stay undecided here:", grouped(p.Untried, func(v check.Verdict) string { return v.Seen }))
	t.list("Would not be tried:", grouped(p.Skipped, func(v check.Verdict) string {
		if v.Enabling == "" {
			return v.Seen
		}
		return v.Seen + "\n→ " + v.Enabling
	}))
	t.list("More would be seen with these lines in the contract:", p.Hints)
	t.list("Images:", each(p.Images, func(i pipeline.PlannedImage) string {
		return strings.TrimSuffix(fmt.Sprintf("%s of %s: %s; %s", i.Name, i.For, i.How, i.Digest), "; ")
	}))
	t.list("The namespace demands:", p.Demands)
	if all {
		t.list("Would be applied:", p.Applied)
	}
	t.list("Would be left out of the manifests:", each(p.LeftOut, func(l string) string { return strings.TrimPrefix(l, "Left out ") }))
	t.list("Worth knowing:", p.Notes)
	if all {
		t.list("In these steps, side by side where they do not wait for each other:", p.Steps)
	} else if n := len(p.Applied); n > 0 {
		t.line("\n%d objects would be applied, in %d steps; -v names them.", n, len(p.Steps))
	}
	t.line("\nIt would take about %s with a good image, the building and the pulling of images aside; the steps end within %s at the latest.", pipeline.About(p.Usual), p.AtMost.Round(time.Second))
	t.b.WriteString("Nothing was made.")
	return t.b.String()
}

// lines are a text under way.
type lines struct{ b strings.Builder }

func (t *lines) line(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n", args...) }

// list is a title with what is below it, where there is something.
func (t *lines) list(title string, items []string) {
	if len(items) > 0 {
		t.line("\n%s", title)
	}
	for _, i := range items {
		t.line("  %s", strings.ReplaceAll(i, "\n", "\n    "))
	}
}

func each[T any](of []T, text func(T) string) []string {
	var out []string
	for _, x := range of {
		out = append(out, text(x))
	}
	return out
}

// byFolder has a line for the promises of each folder: "termination: exit-zero, refuses-late".
func byFolder(vs []check.Verdict) []string {
	var out, folders []string
	for _, v := range vs {
		folder, name, _ := strings.Cut(v.Check.ID, "/")
		if i := slices.Index(folders, folder); i >= 0 {
			out[i] += ", " + name
			continue
		}
		folders, out = append(folders, folder), append(out, fmt.Sprintf("%-12s %s", folder, name))
	}
	return out
}

// grouped says once what several promises have in common.
func grouped(vs []check.Verdict, why func(check.Verdict) string) []string {
	var reasons []string
	ids := map[string][]string{}
	for _, v := range vs {
		w := why(v)
		if ids[w] == nil {
			reasons = append(reasons, w)
		}
		ids[w] = append(ids[w], v.Check.ID)
	}
	return each(reasons, func(w string) string { return strings.Join(ids[w], ", ") + ": " + w })
}
