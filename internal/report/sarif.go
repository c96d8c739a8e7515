package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"podproof.dev/podproof/internal/check"
)

// The part of SARIF 2.1.0 that code scanning reads, and its limits, are those of GitHub's page
// "SARIF support for code scanning".
const (
	sarifSchema  = "https://json.schemastore.org/sarif-2.1.0.json"
	sarifResults = 25_000 // of a run; GitHub shows the worst 5 000 of them
	sarifText    = 1_000  // characters of a text; GitHub shows 1 024
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	AutomationDetails sarifID           `json:"automationDetails"`
	Invocations       []sarifInvocation `json:"invocations"`
	Results           []sarifResult     `json:"results"`
	ColumnKind        string            `json:"columnKind"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Rules   []sarifRule `json:"rules"`
}

type sarifID struct {
	ID string `json:"id"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifWord `json:"message"`
}

type sarifWord struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifRule struct {
	ID               string        `json:"id"`
	ShortDescription sarifWord     `json:"shortDescription"`
	FullDescription  sarifWord     `json:"fullDescription"`
	Help             sarifWord     `json:"help"`
	Default          sarifLevel    `json:"defaultConfiguration"`
	Properties       sarifRuleTags `json:"properties"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

type sarifRuleTags struct {
	Tags []string `json:"tags"` // GitHub takes 20
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifWord         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Properties   map[string]any    `json:"properties"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region struct {
			StartLine int `json:"startLine"`
		} `json:"region"`
	} `json:"physicalLocation"`
	Logical []sarifLogical `json:"logicalLocations"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

// WriteSARIF writes what is broken and what is undecided for a code-scanning page. What holds and what
// is waived is not written: such a page shows all results as open.
func WriteSARIF(w io.Writer, r Report, _ Console) error {
	return sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{r.sarifRun()}}.write(w)
}

func (l sarifLog) write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(l)
}

func (r Report) sarifRun() sarifRun {
	run := sarifRun{Results: []sarifResult{}, ColumnKind: "unicodeCodePoints"}
	run.Tool.Driver = sarifDriver{Name: "podproof", Version: r.Run.Version, Rules: []sarifRule{}}
	// What follows the last slash is one run of many: by the rest the page tells two images apart.
	run.AutomationDetails.ID = "podproof/" + repository(r.Subject.Image) + "/"
	if r.among != "" {
		run.AutomationDetails.ID = "podproof/" + r.among + "/" + repository(r.Subject.Image) + "/"
	}
	of := map[string]int{}
	all := r.alerts()
	for _, a := range all[:min(len(all), sarifResults)] {
		i, ok := of[a.ID]
		if !ok {
			i = len(run.Tool.Driver.Rules)
			of[a.ID] = i
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(a.Verdict))
		}
		run.Results = append(run.Results, r.sarifResult(a, i))
	}
	said := sarifInvocation{Successful: r.Incomplete == ""}
	if r.Incomplete != "" {
		said.tell("the run was stopped before its end by " + r.Incomplete)
	}
	if text := r.answeredText(); text != "" {
		said.tell(text)
	}
	if n := len(all) - len(run.Results); n > 0 {
		said.tell(fmt.Sprintf("%d results are left out, since GitHub takes %d; the JSON report has them all", n, sarifResults))
	}
	run.Invocations = []sarifInvocation{said}
	return run
}

func (i *sarifInvocation) tell(text string) {
	i.Notifications = append(i.Notifications, sarifNotification{"warning", sarifWord{Text: sarifPlain(text)}})
}

func sarifRuleOf(v Verdict) sarifRule {
	group, _, _ := strings.Cut(v.ID, "/")
	return sarifRule{
		ID:               v.ID,
		ShortDescription: sarifWord{Text: cut(v.Title, sarifText)},
		FullDescription:  sarifWord{Text: cut(v.Why, sarifText)},
		Help: sarifWord{
			Text:     v.howTo + "\nMore: podproof explain " + v.ID,
			Markdown: mdText(v.howTo) + "\n\nMore: `podproof explain " + v.ID + "`\n",
		},
		Default:    sarifLevel{"error"},
		Properties: sarifRuleTags{[]string{"podproof", group, v.Story.Title}},
	}
}

func (r Report) sarifResult(a alert, rule int) sarifResult {
	level := "error"
	if a.Verdict.Verdict == check.Inconclusive {
		level = "warning"
	}
	text := cut(a.what(), sarifText)
	if a.finding != nil {
		text += "\nSeen: " + cut(a.Seen, sarifText)
	}
	text += "\nPromised: " + cut(a.Promised, sarifText) + "\nWhat to do: " + cut(a.Fix, sarifText)
	out := sarifResult{
		RuleID: a.ID, RuleIndex: rule, Level: level, Message: sarifWord{Text: sarifPlain(text)},
		Fingerprints: map[string]string{"podproof/v1": a.fingerprint},
		Properties:   map[string]any{"verdict": a.Verdict.Verdict, "image": r.Subject.Image, "digest": r.Subject.Digest},
		Locations:    make([]sarifLocation, 1),
	}
	at := &out.Locations[0]
	at.Physical.Artifact.URI, at.Physical.Region.StartLine = uri(a.file), a.line
	image := r.Subject.Image
	if image == "" {
		image = "no image"
	}
	at.Logical = []sarifLogical{{image, "image"}}
	if a.finding == nil || a.finding.Location == nil {
		return out
	}
	l := a.finding.Location
	if l.Path != "" {
		at.Logical[0].Name += l.Path
		out.Properties["path"] = l.Path
	}
	if l.Layer > 0 {
		out.Properties["layer"] = l.Layer
	}
	if l.Object != "" {
		at.Logical = append(at.Logical, sarifLogical{strings.TrimSuffix(l.Object+"."+l.Field, "."), "object"})
	}
	return out
}

// sarifPlain keeps a text from being read as one with links: "[words](target)".
func sarifPlain(s string) string {
	return strings.ReplaceAll(Clean(s), "](", "] (")
}
