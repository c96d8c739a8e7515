package check

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// Location is where a finding stands: in the user's tree, in the image, or in an object of the
// cluster. What is not known is empty.
type Location struct {
	File  string `json:"file,omitempty"`  // of the user's tree, as the contract names it: "Dockerfile", "k8s/api.yaml"
	Layer int    `json:"layer,omitempty"` // of the image, from 1
	Path  string `json:"path,omitempty"`  // in the image: "/app/.env"
	Line  int    `json:"line,omitempty"`  // of File or Path, from 1
	// Object is named as kubectl does, "deployment/api", and Field as kubectl explain does, with a
	// list's item by its name: "spec.template.spec.containers[api].resources".
	Object string `json:"object,omitempty"`
	Field  string `json:"field,omitempty"`
	// About says what is to be changed where that is not at the line itself.
	About string `json:"about,omitempty"`
}

// place is a location, in words for a person.
type place struct {
	words string
	Location
}

// brokenAt is broken at a place that a program can find, too.
func (j *Judgement) brokenAt(p place, format string, args ...any) {
	f := Finding{Where: p.words, Message: fmt.Sprintf(format, args...)}
	if p.Location != (Location{}) {
		f.Location = &p.Location
	}
	j.Findings = append(j.Findings, f)
}

// stepPlace is that of a Dockerfile's instruction.
func stepPlace(c contract.Contract, s evidence.BuildStep) place {
	p := place{words: stepWhere(c, s)}
	if s.Line > 0 && c.Build != nil {
		p.File, p.Line = c.Build.Dockerfile, s.Line
	}
	return p
}

// containerField is a field of one of a pod's containers.
func containerField(c corev1.Container, field string) string {
	return fmt.Sprintf("containers[%s].%s", c.Name, field)
}

// fieldPlace is a field of the container under test, where the workload is known.
func fieldPlace(e evidence.Evidence, words, field string) place {
	if e.Workload == nil || e.Workload.Container == "" {
		return place{words: words}
	}
	return podPlace(*e.Workload, words, "containers["+e.Workload.Container+"]."+field)
}

// podPlace is a field of the workload's pod template, "containers[api].livenessProbe", or all of it.
func podPlace(w evidence.Workload, words, field string) place {
	spec := "spec.template.spec."
	if w.Kind == "Pod" {
		spec = "spec."
	}
	return workloadPlace(w, words, strings.TrimSuffix(spec+field, "."))
}

// workloadPlace is a field of the workload itself: "spec.strategy".
func workloadPlace(w evidence.Workload, words, field string) place {
	p := place{words: words, Location: Location{Object: strings.ToLower(w.Kind) + "/" + w.Name, Field: field}}
	if w.Source != nil {
		p.File, p.Line = w.Source.File, lineIn(*w.Source, p.Field)
	}
	return p
}

// lineIn is the line of a field, or of the nearest one around it that is there.
func lineIn(s evidence.Source, field string) int {
	for field != "" {
		if line := s.Lines[field]; line > 0 {
			return line
		}
		// A name in brackets may have dots: "volumes[a.b]".
		if strings.HasSuffix(field, "]") {
			field = field[:max(0, strings.LastIndexByte(field, '['))]
		} else {
			field = field[:max(0, strings.LastIndexByte(field, '.'))]
		}
	}
	return s.Line
}
