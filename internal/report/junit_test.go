package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// element is an XML element of any kind.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
	Text     string     `xml:",chardata"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (e element) children(name string) []element {
	var out []element
	for _, c := range e.Children {
		if c.XMLName.Local == name {
			out = append(out, c)
		}
	}
	return out
}

func junit(t *testing.T, r Report) (element, string) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJUnit(&b, r, Console{}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	var root element
	d := xml.NewDecoder(&b)
	if err := d.Decode(&root); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for tok, err := d.Token(); err != io.EOF; tok, err = d.Token() {
		if space, ok := tok.(xml.CharData); err != nil || !ok || len(bytes.TrimSpace(space)) > 0 {
			t.Fatalf("after the root element: %v, %v", tok, err)
		}
	}
	return root, text
}

var (
	decimalSeconds = regexp.MustCompile(`^[0-9]+\.[0-9]+$`)
	zonelessTime   = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$`)
	count          = regexp.MustCompile(`^[0-9]+$`)
	token          = regexp.MustCompile(`^\S+( \S+)*$`)
	anything       = regexp.MustCompile(`(?s).*`)
)

// rule is what the schemas of Ant and of Jenkins together ask of one element: all of these
// attributes and no other, these children in this order.
type rule struct {
	attrs    map[string]*regexp.Regexp
	children []string
	// more are attributes that these schemas do not know, and that readers of theirs pass over.
	more []string
}

var rules = map[string]rule{
	"testsuites": {nil, []string{"testsuite"}, nil},
	"testsuite": {map[string]*regexp.Regexp{
		"id": count, "package": token, "name": token, "timestamp": zonelessTime, "hostname": token,
		"tests": count, "failures": count, "errors": count, "skipped": count, "time": decimalSeconds,
	}, []string{"properties", "testcase", "system-out", "system-err"}, nil},
	"properties": {nil, []string{"property"}, nil},
	"property":   {map[string]*regexp.Regexp{"name": token, "value": anything}, nil, nil},
	"testcase":   {map[string]*regexp.Regexp{"name": token, "classname": token, "time": decimalSeconds}, []string{"skipped", "error", "failure"}, []string{"file"}},
	"skipped":    {map[string]*regexp.Regexp{"message": anything}, nil, nil},
	"error":      {map[string]*regexp.Regexp{"message": anything, "type": token}, nil, nil},
	"failure":    {map[string]*regexp.Regexp{"message": anything, "type": token}, nil, nil},
	"system-out": {}, "system-err": {},
}

func validate(e element) error {
	name := e.XMLName.Local
	r, ok := rules[name]
	if !ok {
		return fmt.Errorf("an unknown element <%s>", name)
	}
	for _, a := range e.Attrs {
		if r.attrs[a.Name.Local] == nil && !slices.Contains(r.more, a.Name.Local) {
			return fmt.Errorf("<%s> has the attribute %s", name, a.Name.Local)
		}
	}
	for a, form := range r.attrs {
		if !slices.ContainsFunc(e.Attrs, func(x xml.Attr) bool { return x.Name.Local == a }) {
			return fmt.Errorf("<%s> has no attribute %s", name, a)
		}
		if !form.MatchString(e.attr(a)) {
			return fmt.Errorf("<%s %s=%q>", name, a, e.attr(a))
		}
	}
	last := 0
	for _, c := range e.Children {
		at := slices.Index(r.children, c.XMLName.Local)
		if at < last {
			return fmt.Errorf("<%s> is out of place in <%s>", c.XMLName.Local, name)
		}
		last = at
		if err := validate(c); err != nil {
			return err
		}
	}
	if name == "testcase" && len(e.Children) > 1 {
		return fmt.Errorf("a test case with %d results", len(e.Children))
	}
	if name == "testsuite" {
		for _, must := range []string{"properties", "system-out", "system-err"} {
			if len(e.children(must)) != 1 {
				return fmt.Errorf("<testsuite> has %d <%s>", len(e.children(must)), must)
			}
		}
	}
	return nil
}

func TestJUnitKeepsToTheSchema(t *testing.T) {
	for name, r := range cases(t) {
		root, text := junit(t, r)
		if err := validate(root); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		for i, s := range root.children("testsuite") {
			if s.attr("id") != strconv.Itoa(i) {
				t.Errorf("%s: suite %d has the id %s", name, i, s.attr("id"))
			}
			got := map[string]int{"tests": len(s.children("testcase"))}
			for _, c := range s.children("testcase") {
				for _, result := range c.Children {
					got[result.XMLName.Local]++
				}
			}
			for attr, kind := range map[string]string{"tests": "tests", "failures": "failure", "errors": "error", "skipped": "skipped"} {
				if s.attr(attr) != strconv.Itoa(got[kind]) {
					t.Errorf("%s: %s=%s, but there are %d", name, attr, s.attr(attr), got[kind])
				}
			}
		}
	}
}

// TestValidateRefuses shows that the rules above can say no.
func TestValidateRefuses(t *testing.T) {
	_, good := junit(t, cases(t)["fail"])
	for name, change := range map[string][2]string{
		"time with a unit":    {`time="30.200"`, `time="30.2s"`},
		"time with a zone":    {`05:06:07"`, `05:06:07Z"`},
		"no host name":        {` hostname="localhost"`, ""},
		"another element":     {"<failure ", "<warning "},
		"properties at last":  {"<properties>", "<system-out></system-out><properties>"},
		"failure of no type":  {` type="termination/exit-zero"`, ""},
		"two results of one":  {"</failure>", `</failure><skipped message=""></skipped>`},
		"an unknown property": {`<property name="run"`, `<property key="run"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if name == "another element" {
			bad = strings.Replace(bad, "</failure>", "</warning>", 1)
		}
		if bad == good {
			t.Errorf("%s: nothing changed", name)
		}
		var root element
		if err := xml.Unmarshal([]byte(bad), &root); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if validate(root) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestJUnitTellsTheVerdicts(t *testing.T) {
	find := func(r Report, id string) element {
		root, _ := junit(t, r)
		for _, s := range root.Children {
			for _, c := range s.children("testcase") {
				if c.attr("name") == id {
					return c
				}
			}
		}
		t.Fatalf("no test case %s", id)
		return element{}
	}
	fail := find(cases(t)["fail"], "termination/exit-zero").children("failure")
	if len(fail) != 1 {
		t.Fatal("no failure")
	}
	for _, want := range []string{"promised: exit 0 within 30 s", "seen: exit code 137", "what to do: Use the exec form", "pod api-7d9f, container api: state", "evidence: run.json"} {
		if !strings.Contains(fail[0].Text, want) {
			t.Errorf("the failure does not tell %q:\n%s", want, fail[0].Text)
		}
	}
	if strings.ContainsRune(fail[0].Text, '\x1b') || !strings.Contains(fail[0].Text, "\uFFFD[31mbye") {
		t.Errorf("a control character that XML forbids: %q", fail[0].Text)
	}
	if e := find(cases(t)["inconclusive"], "startup/ready").children("error"); len(e) != 1 || !strings.Contains(e[0].attr("message"), "no space left") {
		t.Errorf("%+v", e)
	}
	if s := find(cases(t)["waived"], "image/no-dev-dependencies").children("skipped"); len(s) != 1 ||
		s[0].attr("message") != "waived by ops until 2026-12-31: removed with the next base image; seen: pytest 8.1 is in layer 3" {
		t.Errorf("%+v", s)
	}
	if s := find(cases(t)["skipped"], "identity/non-root").children("skipped"); len(s) != 1 || s[0].attr("message") != "not selected for this run" {
		t.Errorf("%+v", s)
	}
	if root, _ := junit(t, cases(t)["pass"]); !strings.Contains(root.Children[0].children("system-out")[0].Text, "startup/logs: note: pod api-7d9f: the lines came on stderr") {
		t.Error("a note of a promise that holds is lost")
	}
}

// A file is named where one is known, and images of one pipeline have classes of their own.
func TestJUnitNamesFileAndImage(t *testing.T) {
	r := located(t, at("k8s/api.yaml", 3))
	r.Subject.Image = "registry.example:5000/shop/api:1.2"
	_, text := junit(t, r)
	if want := `<testcase name="image/no-secrets-in-history" classname="podproof.registry_example:5000/shop/api.US2" file="k8s/api.yaml"`; !strings.Contains(text, want) {
		t.Errorf("no %s in\n%s", want, text)
	}
	if strings.Count(text, ` file=`) != 1 {
		t.Errorf("a promise that holds names a file:\n%s", text)
	}
	r.Subject.Image = ""
	if _, text := junit(t, r); !strings.Contains(text, `classname="podproof.US1"`) {
		t.Error("without an image the class is not podproof.US1")
	}
}
