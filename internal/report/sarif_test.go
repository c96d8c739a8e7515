package report

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
)

// sarifDemands is the part of SARIF 2.1.0 that GitHub demands of a file, by its page "SARIF support
// for code scanning", and nothing beside what podproof writes.
const sarifDemands = `{
"$schema": "https://json-schema.org/draft/2020-12/schema",
"$defs": {
	"words": {"type": "object", "required": ["text"], "additionalProperties": false,
		"properties": {"text": {"type": "string", "minLength": 1}, "markdown": {"type": "string", "minLength": 1}}},
	"short": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1, "maxLength": 1024}}},
	"level": {"enum": ["error", "warning"]},
	"uri": {"type": "string", "minLength": 1, "pattern": "^[^/:\\s][^:\\s]*$", "not": {"pattern": "(^|/)\\.\\.?(/|$)"}}
},
"type": "object", "required": ["$schema", "version", "runs"], "additionalProperties": false,
"properties": {
	"$schema": {"type": "string", "format": "uri"},
	"version": {"const": "2.1.0"},
	"runs": {"type": "array", "minItems": 1, "maxItems": 20, "items": {
		"type": "object", "required": ["tool", "results", "automationDetails"], "additionalProperties": false,
		"properties": {
			"columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
			"automationDetails": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "pattern": "^podproof/.*/$"}}, "additionalProperties": false},
			"invocations": {"type": "array", "items": {"type": "object", "required": ["executionSuccessful"], "additionalProperties": false, "properties": {
				"executionSuccessful": {"type": "boolean"},
				"toolExecutionNotifications": {"type": "array", "items": {"type": "object", "required": ["message"], "additionalProperties": false,
					"properties": {"level": {"enum": ["none", "note", "warning", "error"]}, "message": {"$ref": "#/$defs/words"}}}}}}},
			"tool": {"type": "object", "required": ["driver"], "additionalProperties": false, "properties": {"driver": {
				"type": "object", "required": ["name", "rules"], "additionalProperties": false, "properties": {
					"name": {"const": "podproof"}, "version": {"type": "string"},
					"rules": {"type": "array", "maxItems": 25000, "items": {
						"type": "object", "required": ["id", "shortDescription", "fullDescription", "help"], "additionalProperties": false, "properties": {
							"id": {"type": "string", "minLength": 1, "maxLength": 255},
							"shortDescription": {"$ref": "#/$defs/short"}, "fullDescription": {"$ref": "#/$defs/short"},
							"help": {"allOf": [{"$ref": "#/$defs/words"}, {"required": ["markdown"]}]},
							"defaultConfiguration": {"type": "object", "properties": {"level": {"$ref": "#/$defs/level"}}, "additionalProperties": false},
							"properties": {"type": "object", "properties": {"tags": {"type": "array", "maxItems": 20, "uniqueItems": true, "items": {"type": "string"}}}}}}}}}}},
			"results": {"type": "array", "maxItems": 25000, "items": {
				"type": "object", "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"], "additionalProperties": false, "properties": {
					"ruleId": {"type": "string", "minLength": 1}, "ruleIndex": {"type": "integer", "minimum": 0},
					"level": {"$ref": "#/$defs/level"}, "message": {"$ref": "#/$defs/words"}, "properties": {"type": "object"},
					"partialFingerprints": {"type": "object", "required": ["podproof/v1"], "additionalProperties": {"type": "string", "minLength": 1}},
					"locations": {"type": "array", "minItems": 1, "maxItems": 1000, "items": {
						"type": "object", "required": ["physicalLocation"], "additionalProperties": false, "properties": {
							"physicalLocation": {"type": "object", "required": ["artifactLocation", "region"], "additionalProperties": false, "properties": {
								"artifactLocation": {"type": "object", "required": ["uri"], "properties": {"uri": {"$ref": "#/$defs/uri"}}, "additionalProperties": false},
								"region": {"type": "object", "required": ["startLine"], "properties": {"startLine": {"type": "integer", "minimum": 1}}, "additionalProperties": false}}},
							"logicalLocations": {"type": "array", "items": {"type": "object", "additionalProperties": false,
								"properties": {"fullyQualifiedName": {"type": "string", "minLength": 1}, "kind": {"type": "string"}}}}}}}}}}}}}}}`

func demands(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(sarifDemands))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("demands.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("demands.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sarifBytes(t *testing.T, r Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSARIF(&b, r, Console{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sarif(t *testing.T, r Report) sarifRun {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal(sarifBytes(t, r), &log); err != nil {
		t.Fatal(err)
	}
	return log.Runs[0]
}

// located is a report whose one broken promise has findings of every kind of place.
func located(t *testing.T, fs ...check.Finding) Report {
	t.Helper()
	vs := allPass()
	with(t, vs, "image/no-secrets-in-history", func(v *check.Verdict) {
		v.Status, v.Seen, v.Findings = check.Fail, "a secret", fs
	})
	return inRoot(New(promised(), observed(), vs))
}

func at(file string, line int) check.Finding {
	return check.Finding{Where: "there", Message: "wrong", Fingerprint: "f0", Location: &check.Location{File: file, Line: line}}
}

func TestSARIFIsWhatGitHubDemands(t *testing.T) {
	s := demands(t)
	all := cases(t)
	all["located"] = located(t, at("k8s/my api: v1.yaml", 7), at("../../etc/passwd", 1), at("/elsewhere/Dockerfile", 0), at("", 3),
		check.Finding{Where: "layer 3, /app/.env", Message: "[click](https://evil.example)", Location: &check.Location{Layer: 3, Path: "/app/.env"}})
	all["no image"] = Report{home: Home{Folder: ".", File: contract.DefaultFile}, Verdicts: all["fail"].Verdicts}
	for name, r := range all {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(sarifBytes(t, r)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDemandsRefuse shows that the schema above can say no.
func TestDemandsRefuse(t *testing.T) {
	s := demands(t)
	good := string(sarifBytes(t, located(t, at("Dockerfile", 3))))
	for name, change := range map[string][2]string{
		"an absolute path":    {`"uri": "Dockerfile"`, `"uri": "/Dockerfile"`},
		"a colon":             {`"uri": "Dockerfile"`, `"uri": "shop/api:1"`},
		"a blank":             {`"uri": "Dockerfile"`, `"uri": "my file"`},
		"line 0":              {`"startLine": 3`, `"startLine": 0`},
		"no place":            {`"physicalLocation"`, `"nowhere"`},
		"a level of a pass":   {`"level": "error",`, `"level": "none",`},
		"another version":     {`"version": "2.1.0"`, `"version": "2.0.0"`},
		"no fingerprint":      {`"podproof/v1"`, `"primary"`},
		"no help in Markdown": {`"markdown"`, `"html"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if bad == good || err != nil {
			t.Fatalf("%s: nothing changed, or %v", name, err)
		}
		if s.Validate(doc) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSARIFResultsStandAtRealLines(t *testing.T) {
	for _, tt := range []struct {
		f    check.Finding
		want string
	}{
		{at("k8s/api.yaml", 12), "k8s/api.yaml:12"},
		{at("api/Dockerfile", 0), "api/Dockerfile:1"},
		{at("my api: v1.yaml", 2), "my%20api%3A%20v1.yaml:2"},
		{at("./k8s/../Dockerfile", 4), "Dockerfile:4"},
		{at("../Dockerfile", 4), "podproof.yaml:1"},
		{check.Finding{Where: "history 3", Message: "wrong"}, "podproof.yaml:1"},
		{check.Finding{Where: "/app/.env", Message: "wrong", Location: &check.Location{Path: "/app/.env", Line: 9}}, "podproof.yaml:1"},
	} {
		p := sarif(t, located(t, tt.f)).Results[0].Locations[0].Physical
		if got := fmt.Sprintf("%s:%d", p.Artifact.URI, p.Region.StartLine); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.f.Location, got, tt.want)
		}
	}
}

// A promise that could not be decided has no finding of its own, and stands where a note does.
func TestSARIFOfAnUndecidedPromise(t *testing.T) {
	vs := allPass()
	with(t, vs, "startup/ready", undecided)
	with(t, vs, "probes/declared", func(v *check.Verdict) {
		undecided(v)
		v.Findings = []check.Finding{{Note: true, Message: "see", Location: &check.Location{File: "k8s/api.yaml", Line: 5}}}
	})
	var got []string
	for _, x := range sarif(t, inRoot(New(promised(), observed(), vs))).Results {
		p := x.Locations[0].Physical
		got = append(got, fmt.Sprintf("%s %s %s:%d", x.Level, x.RuleID, p.Artifact.URI, p.Region.StartLine))
	}
	if want := []string{"warning startup/ready podproof.yaml:1", "warning probes/declared k8s/api.yaml:5"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSARIFHoldsNeitherWhatPassesNorWhatIsWaived(t *testing.T) {
	for _, name := range []string{"pass", "waived", "skipped", "not-asked-for"} {
		if run := sarif(t, cases(t)[name]); len(run.Results) != 0 || len(run.Tool.Driver.Rules) != 0 {
			t.Errorf("%s: %+v", name, run.Results)
		}
	}
	accepted := at("a", 1)
	accepted.Waiver = &contract.Waiver{By: "ops"}
	r := located(t, accepted, at("b", 2), check.Finding{Message: "by the way", Note: true})
	if rs := sarif(t, r).Results; len(rs) != 1 || rs[0].Locations[0].Physical.Artifact.URI != "b" || rs[0].Level != "error" {
		t.Errorf("%+v", rs)
	}
}

func TestSARIFRulesAreTheChecks(t *testing.T) {
	run := sarif(t, cases(t)["fail-twice"])
	ids := map[string]bool{}
	for _, x := range run.Results {
		rule := run.Tool.Driver.Rules[x.RuleIndex]
		if rule.ID != x.RuleID {
			t.Errorf("the rule of %s is %s", x.RuleID, rule.ID)
		}
		ids[x.RuleID] = true
	}
	if len(ids) != 3 || len(run.Tool.Driver.Rules) != 3 {
		t.Errorf("%v, %d rules", ids, len(run.Tool.Driver.Rules))
	}
	rule := run.Tool.Driver.Rules[0]
	if rule.ShortDescription.Text != "SIGTERM ends the process with exit 0" || rule.FullDescription.Text != "Because termination/exit-zero matters." ||
		!strings.Contains(rule.Help.Markdown, "Fix termination/exit-zero so.") || !slices.Contains(rule.Properties.Tags, "termination") {
		t.Errorf("%+v", rule)
	}
}

// Two results of one fingerprint would be one alert, and two images close each other's.
func TestSARIFTellsAlertsApart(t *testing.T) {
	first, second := at("a", 1), at("a", 1)
	second.Fingerprint = "f1"
	rs := sarif(t, located(t, first, second)).Results
	if rs[0].Fingerprints["podproof/v1"] != "f0" || rs[1].Fingerprints["podproof/v1"] != "f1" {
		t.Errorf("%+v", rs)
	}
	for image, want := range map[string]string{
		"api":                        "podproof/api/",
		"registry:5000/shop/api:1.2": "podproof/registry:5000/shop/api/",
		"registry:5000/shop/api":     "podproof/registry:5000/shop/api/",
		"shop/api:1@sha256:4f6a":     "podproof/shop/api/",
	} {
		r := cases(t)["fail"]
		r.Subject.Image = image
		if got := sarif(t, r).AutomationDetails.ID; got != want {
			t.Errorf("%s: %s, want %s", image, got, want)
		}
	}
}

func TestSARIFNamesTheImage(t *testing.T) {
	f := check.Finding{Where: "x", Message: "y", Location: &check.Location{Layer: 3, Path: "/app/.env", Object: "deployment/api", Field: "spec"}}
	x := sarif(t, located(t, f)).Results[0]
	want := []sarifLogical{{"reactbin-api-prod:latest/app/.env", "image"}, {"deployment/api.spec", "object"}}
	if !slices.Equal(x.Locations[0].Logical, want) || x.Properties["digest"] != digest || x.Properties["path"] != "/app/.env" {
		t.Errorf("%+v", x)
	}
}

// GitHub takes 25 000 results of 10 MB gzipped.
func TestSARIFHoldsTheLimits(t *testing.T) {
	var fs []check.Finding
	for i := range sarifResults + 5 {
		f := at("k8s/api.yaml", i+1)
		f.Fingerprint, f.Message = hash(fmt.Sprint(i)), strings.Repeat(hash(fmt.Sprint("x", i)), 70)
		fs = append(fs, f)
	}
	r := located(t, fs...)
	r.Verdicts[0].Verdict = check.Inconclusive // told after what is broken
	text := sarifBytes(t, r)
	if n := bytes.Count(text, []byte(`"ruleId"`)); n != sarifResults || bytes.Contains(text, []byte(`"level": "warning",\n   "locations"`)) {
		t.Errorf("%d results", n)
	}
	if !bytes.Contains(text, []byte(`"text": "6 results are left out`)) {
		t.Error("what is left out is not told")
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(text)
	if z.Close(); zipped.Len() > 10<<20 {
		t.Errorf("%d bytes gzipped", zipped.Len())
	}
	one := sarif(t, located(t, fs[0])).Results[0].Message.Text
	if n := len([]rune(one)); n > 4*sarifText+100 || !strings.Contains(one, "…") {
		t.Errorf("a message of %d characters", n)
	}
}

func TestSARIFTellsWhatStoppedTheRun(t *testing.T) {
	i := sarif(t, cases(t)["stopped"]).Invocations[0]
	if i.Successful || len(i.Notifications) != 1 || !strings.Contains(i.Notifications[0].Message.Text, "--timeout of 7m0s") {
		t.Errorf("%+v", i)
	}
}

// A log line makes no link on GitHub's page.
func TestSARIFMessagesAreText(t *testing.T) {
	f := at("a", 1)
	f.Message = "see [this](https://evil.example) \x1b[31m\u202ered"
	text := sarif(t, located(t, f)).Results[0].Message.Text
	if regexp.MustCompile(`\]\(|\x1b|\x{202e}`).MatchString(text) {
		t.Errorf("%q", text)
	}
}
