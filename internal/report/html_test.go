package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"podproof.dev/podproof/internal/check"
)

// recorded is the report of a real run's evidence, judged again.
func recorded(t *testing.T, name string) Report {
	t.Helper()
	r, err := ReadFile(unpacked(t, filepath.Join("testdata", "recorded", name+".json.gz")))
	if err != nil {
		t.Fatal(err)
	}
	return judged(t, r)
}

func judged(t *testing.T, r Record) Report {
	t.Helper()
	selected, err := check.Select(r.Selected, nil)
	if err != nil {
		t.Fatal(err)
	}
	return New(r.Contract, r.Evidence, check.Judge(selected, r.Contract, r.Evidence))
}

func htmlText(t *testing.T, r Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, r, Console{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// parsedPage is the page as a browser has it.
func parsedPage(t *testing.T, text string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// sound looks for what no page may have, whatever is in it.
func sound(t *testing.T, text string) {
	t.Helper()
	root := parsedPage(t, text)
	ids, links := map[string]bool{}, []string{}
	level := 0
	allowed := strings.Fields("html head meta title style body header main footer section article p h1 h2 h3 span code b em a ul li dl dt dd div details summary table thead tbody tr th td figure figcaption svg desc rect line text")
	attributes := strings.Fields("lang charset http-equiv content name class id href aria-labelledby aria-hidden role scope x y x1 x2 y1 y2 width height text-anchor dx")
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if !slices.Contains(allowed, n.Data) {
			t.Errorf("there is an element <%s>", n.Data)
		}
		for _, a := range n.Attr {
			if !slices.Contains(attributes, a.Key) {
				t.Errorf("<%s> has an attribute %s=%q", n.Data, a.Key, a.Val)
			}
			if a.Key == "href" {
				links = append(links, a.Val)
			}
			if a.Key == "id" && ids[a.Val] {
				t.Errorf("the id %s is there twice", a.Val)
			} else if a.Key == "id" {
				ids[a.Val] = true
			}
		}
		if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
			now := int(n.Data[1] - '0')
			if now > level+1 || now == 1 && level > 0 {
				t.Errorf("<%s> follows <h%d>", n.Data, level)
			}
			level = now
		}
		if n.Data == "svg" && attribute(n, "aria-hidden") != "true" && (attribute(n, "role") != "img" || !told(n)) {
			t.Error("a drawing has no text alternative")
		}
	}
	for _, l := range links {
		if target, ok := strings.CutPrefix(l, "#"); !ok || !ids[target] {
			t.Errorf("the link to %s leads nowhere", l)
		}
	}
	if level == 0 {
		t.Error("there is no heading")
	}
}

func told(svg *html.Node) bool {
	n := 0
	for _, id := range strings.Fields(attribute(svg, "aria-labelledby")) {
		for c := range svg.ChildNodes() {
			if c.Type == html.ElementNode && attribute(c, "id") == id && c.FirstChild != nil && strings.TrimSpace(c.FirstChild.Data) != "" {
				n++
			}
		}
	}
	return n == 2
}

func TestHTMLOfRecordedRuns(t *testing.T) {
	for name, want := range map[string]struct {
		headline string
		drawings int
	}{
		"good":                    {"41 promises hold", 15},
		"good-v1alpha1":           {"41 promises hold", 15},
		"closes-its-pool-first":   {"2 promises are broken", 6},
		"drops-requests":          {"1 promise is broken", 4},
		"one-connection-for-life": {"1 promise is broken", 5},
		"ready-without-database":  {"2 promises are broken", 7},
		"prints-its-settings":     {"1 promise is broken", 2},
		"runs-as-root":            {"3 promises are broken", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := htmlText(t, recorded(t, name))
			sound(t, text)
			if !strings.Contains(text, "<h1 class=") || !strings.Contains(text, ">"+want.headline+"</h1>") {
				t.Errorf("the headline is not %q", want.headline)
			}
			if n := strings.Count(text, "<figure "); n != want.drawings {
				t.Errorf("%d drawings, not %d", n, want.drawings)
			}
			if len(text) > 400_000 {
				t.Errorf("%d bytes are much for a phone", len(text))
			}
		})
	}
}

func TestHTMLOfEveryKindOfResult(t *testing.T) {
	for name, r := range cases(t) {
		text := htmlText(t, r)
		sound(t, text)
		for _, v := range r.Verdicts {
			if !strings.Contains(text, v.ID) {
				t.Errorf("%s: %s is not told", name, v.ID)
			}
		}
	}
	text := htmlText(t, cases(t)["inconclusive"])
	if !strings.Contains(text, "7 promises, for one reason") || strings.Count(text, "no space left on device") != 1 {
		t.Error("what is undecided for one reason is not told once")
	}
	none := cases(t)["pass"]
	none.Steps, none.observed.Steps = nil, nil
	if !strings.Contains(htmlText(t, none), "The record does not say which steps the run had.") {
		t.Error("a record without steps does not say so")
	}
}

// TestHTMLIsTextThroughout puts what would be markup, a script or a trick into everything that a run may
// have seen.
func TestHTMLIsTextThroughout(t *testing.T) {
	const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(1)></title></style></svg></desc><a href="javascript:alert(1)">&lt; {{.}} ` + "` \x1b[31m \u202e"
	r, err := ReadFile(unpacked(t, "testdata/recorded/closes-its-pool-first.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(r.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	quoted, _ := json.Marshal(hostile)
	word := string(quoted[1 : len(quoted)-1])
	// Names of pods, of steps, of the image, what logs and events say, and by what layers were made.
	for _, name := range []string{"api-5d67ff4c9f-hn6xs", "rollouts"} {
		data = bytes.ReplaceAll(data, []byte(`"name":"`+name+`"`), []byte(`"name":"`+name+word+`"`))
	}
	for _, key := range []string{"ref", "createdBy", "message", "text", "podproofVersion", "architecture", "provider", "kubernetes"} {
		data = regexp.MustCompile(`"`+key+`":"(?:[^"\\]|\\.)*"`).ReplaceAllLiteral(data, []byte(`"`+key+`":"`+word+`"`))
	}
	r.Evidence.Image = nil
	if err := json.Unmarshal(data, &r.Evidence); err != nil {
		t.Fatal(err)
	}
	r.Contract.Workload = hostile
	rep := judged(t, r)
	rep.Evidence, rep.Incomplete, rep.IdleWaivers = hostile, hostile, []string{hostile}
	for i := range rep.Verdicts {
		v := &rep.Verdicts[i]
		v.Title, v.Promised, v.Seen, v.Fix, v.Why, v.line = hostile, hostile, hostile, hostile, hostile, hostile
		v.Findings = append(v.Findings, check.Finding{Where: hostile, Message: hostile})
		for j := range v.Timeline {
			v.Timeline[j].What = hostile
		}
	}
	text := htmlText(t, rep)
	sound(t, text)
	if strings.ContainsAny(text, "\x1b\u202e") {
		t.Error("control characters reach the page")
	}
	if n := strings.Count(text, "alert(1)"); n < 100 {
		t.Errorf("the trick is there %d times, so that not much was tried", n)
	}
}

// The policy in the page allows its own style, and nothing else: no script, no network.
func TestHTMLPolicyAllowsItsStyleAlone(t *testing.T) {
	text := htmlText(t, cases(t)["pass"])
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(text)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	var policy string
	for n := range parsedPage(t, text).Descendants() {
		if attribute(n, "http-equiv") == "Content-Security-Policy" {
			policy = attribute(n, "content")
		}
	}
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	if policy != want {
		t.Errorf("got  %s\nwant %s", policy, want)
	}
	if strings.Contains(style[1], "url(") || strings.Contains(style[1], "@import") {
		t.Error("the style loads something")
	}
}

// A drawing stands under the promise that is broken, and once.
func TestHTMLDrawsUnderWhatIsBroken(t *testing.T) {
	text := htmlText(t, recorded(t, "closes-its-pool-first"))
	article := regexp.MustCompile(`(?s)<article>.*?</article>`).FindAllString(text, -1)
	if len(article) != 2 || strings.Count(article[0], "<figure ") != 3 || strings.Count(article[1], "<figure ") != 1 {
		t.Fatalf("%d articles", len(article))
	}
	for _, want := range []string{"<figcaption>Rollout restart</figcaption>", "135 of 390 requests lost", "deletion requested, 2.15 s", "no endpoint any more, 4.92 s"} {
		if !strings.Contains(article[0], want) {
			t.Errorf("no %q under rollout/no-lost-requests", want)
		}
	}
}

func TestPicturedPromisesAreThere(t *testing.T) {
	all := map[string]check.Check{}
	for _, c := range check.Catalogue() {
		all[c.ID] = c
	}
	for id, p := range pictured {
		if c, ok := all[id]; !ok || !slices.Contains(c.Needs, p.section) {
			t.Errorf("%s is drawn from %s, which it does not rest on", id, p.section)
		}
	}
}

func TestProse(t *testing.T) {
	for text, want := range map[string][]span{
		"PID 1 is `sh -c x`, alas": {{"PID 1 is ", false}, {"sh -c x", true}, {", alas", false}},
		"`a`":                      {{"a", true}},
		"a ` b":                    {{"a ` b", false}},
		"`a` b ` c":                {{"a", true}, {" b ` c", false}},
		"":                         nil,
	} {
		if got := prose(text); !slices.Equal(got, want) {
			t.Errorf("%q: %v", text, got)
		}
	}
}
