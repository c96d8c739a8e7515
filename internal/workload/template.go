package workload

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// chartFile is at the root of each Helm chart (https://helm.sh/docs/topics/charts/).
const chartFile = "Chart.yaml"

// aChart is an error where the folder is a Helm chart, or the templates of one.
func aChart(p Path) error {
	for _, up := range []string{"", ".."} {
		if !isFile(filepath.Join(p.Real, up, chartFile)) || up != "" && filepath.Base(p.Real) != "templates" {
			continue
		}
		chart := Path{Written: filepath.Join(p.Written, up), Real: filepath.Join(p.Real, up)}
		return fmt.Errorf("%s: this is a Helm chart (it has %s), and podproof reads what Helm makes of it: run `%s | podproof verify -m - IMAGE`, or write that into a file, and name it in `manifests`",
			p.Written, filepath.Join(chart.Written, chartFile), HelmTemplate(chart.Real, chart.Written))
	}
	return nil
}

// aTemplate says that a file is a template and no manifest.
func aTemplate(p Path, line int) error {
	chart := Path{Written: "CHART"}
	if dir := filepath.Dir(filepath.Dir(p.Real)); p.Real != "" && isFile(filepath.Join(dir, chartFile)) {
		chart = Path{Written: filepath.Join(filepath.Dir(p.Written), ".."), Real: dir}
	}
	return fmt.Errorf("%s:%d: this is a template ({{ … }}), not a manifest; podproof reads what Helm makes of it: run `%s | podproof verify -m - IMAGE`, or write that into a file, and name it in `manifests`",
		p.Written, line, HelmTemplate(chart.Real, chart.Written))
}

// HelmTemplate is the command that renders a chart, which lies in a folder and is called by a path.
func HelmTemplate(folder, path string) string {
	release := "RELEASE"
	if b, err := os.ReadFile(filepath.Join(folder, chartFile)); err == nil {
		var c struct {
			Name string `yaml:"name"`
		}
		if yaml.Unmarshal(b, &c) == nil && c.Name != "" {
			release = c.Name
		}
	}
	return fmt.Sprintf("helm template %s %s", release, path)
}

// action is a template's action where a key, a value or a whole line would begin.
var action = regexp.MustCompile(`(?m)^\s*(?:- )?(?:[\w./"'-]+:\s+)?\{\{`)

// templateLine is the line of the first action of a template, 0 where a document is none. Text
// that holds "{{", such as an alert's, makes no template: an action breaks the YAML, or becomes
// a mapping that is a key, or stands in the object's name.
func templateLine(file []byte, doc *yaml.Node, broken error) int {
	if broken != nil {
		if at := action.FindIndex(file); at != nil {
			return 1 + bytes.Count(file[:at[1]], []byte("\n"))
		}
		return 0
	}
	for _, root := range doc.Content {
		for _, n := range []*yaml.Node{valueOf(root, "apiVersion"), valueOf(root, "kind"), valueOf(root, "metadata", "name"), valueOf(root, "metadata", "namespace")} {
			if n != nil && strings.Contains(n.Value, "{{") {
				return n.Line
			}
		}
	}
	return mappingAsKey(doc)
}

// mappingAsKey is the line of the first one: what YAML makes of an unquoted "{{ .Values.name }}".
func mappingAsKey(n *yaml.Node) int {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && c.Kind == yaml.MappingNode {
			return c.Line
		}
		if line := mappingAsKey(c); line > 0 {
			return line
		}
	}
	return 0
}

// inflates says which charts a kustomization has Helm render: podproof runs no Helm.
func inflates(written string, charts yaml.Node) []string {
	var out []string
	for _, n := range charts.Content {
		get := func(key string) string {
			if v := valueOf(n, key); v != nil {
				return v.Value
			}
			return ""
		}
		name := get("name")
		command := fmt.Sprintf("helm template %s %s", cmp.Or(get("releaseName"), name), name)
		for _, f := range []struct{ flag, value string }{{"--repo", get("repo")}, {"--version", get("version")}, {"--namespace", get("namespace")}, {"--values", get("valuesFile")}} {
			if f.value != "" {
				command += " " + f.flag + " " + f.value
			}
		}
		out = append(out, fmt.Sprintf("%s:%d: helmCharts has Helm render the chart %s, and podproof runs no Helm: run `%s > %s.yaml`, and list that file under `resources` in its place",
			written, n.Line, name, command, name))
	}
	return out
}
