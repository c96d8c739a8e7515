package contract

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Dependency is what the workload needs, or can do without: an object of the manifests, or a host
// outside of the cluster. In YAML and JSON one with an object alone is a plain text:
// "statefulset/postgres".
type Dependency struct {
	// Object is one of the manifests', such as "statefulset/postgres"; it is empty where Host is not.
	Object string `yaml:"object" json:"object,omitempty"`
	// Host is a name and a port outside of the cluster: "s3.example.com:443".
	Host string `yaml:"host" json:"host,omitempty"`
	// Name is what a host is called in what podproof says, a DNS label: "s3".
	Name string `yaml:"name" json:"name,omitempty"`
	// Kind is one of Kinds, by which it has its noun. Empty: it is not known.
	Kind string `yaml:"kind" json:"kind,omitempty"`
	// Optional promises that the workload is Ready and stays so without it.
	Optional bool `yaml:"optional" json:"optional,omitempty"`
}

// Needs are dependencies by their objects alone.
func Needs(objects ...string) []Dependency {
	var out []Dependency
	for _, o := range objects {
		out = append(out, Dependency{Object: o})
	}
	return out
}

// String names it for a person: "statefulset/postgres", or "s3 (s3.example.com:443)".
func (d Dependency) String() string {
	switch {
	case d.Object != "":
		return d.Object
	case d.Name != "":
		return fmt.Sprintf("%s (%s)", d.Name, d.Host)
	}
	return d.Host
}

// Is tells whether evidence by that name is of this dependency: a host may have been given another
// name since.
func (d Dependency) Is(name string) bool {
	return name != "" && (name == d.Object || name == d.Host || name == d.String())
}

// External tells that it is outside of the cluster, so that no manifest holds it.
func (d Dependency) External() bool { return d.Host != "" }

// plain tells that its object is all there is to say of it.
func (d Dependency) plain() bool { return d == Dependency{Object: d.Object} }

// setText reads the plain form.
func (d *Dependency) setText(s string) { d.Object = s }

// MarshalJSON writes one that is an object alone as a text, as contracts before had it.
func (d Dependency) MarshalJSON() ([]byte, error) {
	if d.plain() {
		return json.Marshal(d.Object)
	}
	type members Dependency
	return json.Marshal(members(d))
}

// UnmarshalJSON reads both forms.
func (d *Dependency) UnmarshalJSON(b []byte) error {
	*d = Dependency{}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &d.Object)
	}
	type members Dependency
	return json.Unmarshal(b, (*members)(d))
}

// InCluster are the objects of the manifests that the contract depends on, in its order. Hosts
// outside of the cluster are not among them.
func (c Contract) InCluster() []string {
	var out []string
	for _, d := range c.Dependencies {
		if !d.External() {
			out = append(out, d.Object)
		}
	}
	return out
}

// Needed are the dependencies without which the workload need not be Ready.
func (c Contract) Needed() []Dependency {
	return slices.DeleteFunc(slices.Clone(c.Dependencies), func(d Dependency) bool { return d.Optional })
}
