package contract

import (
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// WaiverFile is what a file of waiversFrom holds.
type WaiverFile struct {
	Waivers []Waiver `yaml:"waivers"`
}

// readWaivers adds the waivers of the files that the contract names, each with its place there.
// The folder is the contract's, as it was given.
func (c *Contract) readWaivers(folder string) []Problem {
	var problems []Problem
	for i, name := range c.WaiversFrom {
		data, err := os.ReadFile(c.Path(name))
		if err != nil {
			p := c.places[fmt.Sprintf("waiversFrom[%d]", i)]
			p.Message = fmt.Sprintf("waiversFrom[%d] cannot be read: %v; correct the name, which is relative to the contract, or remove it", i, err)
			problems = append(problems, p)
			continue
		}
		problems = append(problems, c.addWaivers(filepath.Join(folder, name), data)...)
	}
	return problems
}

func (c *Contract) addWaivers(name string, data []byte) []Problem {
	root, problems := document(data, "a list of waivers", "start it with the line `waivers:`")
	if root != nil {
		problems = c.takeWaivers(name, root)
	}
	for i := range problems {
		problems[i].file = name
	}
	return problems
}

func (c *Contract) takeWaivers(name string, root *yaml.Node) []Problem {
	var f WaiverFile
	r := newReader(root, &f)
	r.waivers(f.Waivers)
	for i := range f.Waivers {
		n := r.at[fmt.Sprintf("waivers[%d].id", i)]
		if n != nil {
			c.places[fmt.Sprintf("waivers[%d].id", len(c.Waivers)+i)] = Problem{Line: n.Line, Column: n.Column, file: name}
		}
	}
	c.Waivers = append(c.Waivers, f.Waivers...)
	return r.problems
}
