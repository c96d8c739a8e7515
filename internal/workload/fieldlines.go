package workload

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Lines are those of the object's fields: "spec.template.spec.containers[api].livenessProbe". A list's
// item goes by its name, and one without a name is not told.
func (s Source) Lines() map[string]int {
	if s.node == nil {
		return nil
	}
	out := map[string]int{}
	fieldLines(s.node, "", out)
	return out
}

func fieldLines(n *yaml.Node, path string, out map[string]int) {
	switch n.Kind {
	case yaml.DocumentNode:
		fieldLines(n.Content[0], path, out)
	case yaml.AliasNode:
		fieldLines(n.Alias, path, out)
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, field := n.Content[i], path
			if key.Value != "<<" { // YAML's merge, whose fields are the mapping's own
				field = key.Value
				if path != "" {
					field = path + "." + key.Value
				}
				out[field] = key.Line
			}
			fieldLines(n.Content[i+1], field, out)
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			name := valueOf(item, "name")
			if name == nil {
				continue
			}
			field := fmt.Sprintf("%s[%s]", path, name.Value)
			out[field] = item.Line
			fieldLines(item, field, out)
		}
	}
}
