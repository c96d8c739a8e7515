package evidence

import "slices"

// Taken is what was seen while one dependency was away, and slow.
type Taken struct {
	// Dependency is contract.Dependency's String: "statefulset/postgres", "s3 (s3.example.com:443)".
	Dependency string `json:"dependency"`
	// Outages, Slow and Termination are what Evidence has of the first as Outages, Slow and
	// OutageTermination.
	Outages     *Outages     `json:"outages,omitempty"`
	Slow        *Outages     `json:"slow,omitempty"`
	Termination *Termination `json:"termination,omitempty"`
	// Missing says, as Evidence.Missing does, what was in the way of this dependency's sections.
	Missing map[Section]string `json:"missing,omitempty"`
}

// Taken is what was seen of each dependency, the first before the further ones. Of a first one that
// nothing was seen of, there is none.
func (e Evidence) Taken() []Taken {
	first := Taken{Outages: e.Outages, Slow: e.Slow, Termination: e.OutageTermination}
	for _, o := range []*Outages{e.Slow, e.Outages} {
		if o != nil {
			first.Dependency = o.Dependency
		}
	}
	if first.Outages == nil && first.Slow == nil && first.Termination == nil {
		return e.Further
	}
	return append([]Taken{first}, e.Further...)
}

// Also is where to write what is seen of a dependency that is not the first; it is made where it is
// not there yet. It is good until the next one is made.
func (e *Evidence) Also(dependency string) *Taken {
	i := slices.IndexFunc(e.Further, func(t Taken) bool { return t.Dependency == dependency })
	if i < 0 {
		i = len(e.Further)
		e.Further = append(e.Further, Taken{Dependency: dependency})
	}
	return &e.Further[i]
}

// FirstAlone tells that the podproof which wrote the evidence took away the first dependency of a
// contract, and none of the others.
func (e Evidence) FirstAlone() bool {
	return e.SchemaVersion == schemaV1 || e.SchemaVersion == schemaV2
}

// Miss says what was in the way of a section; nil is nothing.
func (t *Taken) Miss(s Section, err error) {
	if err == nil {
		return
	}
	if t.Missing == nil {
		t.Missing = map[Section]string{}
	}
	t.Missing[s] = err.Error()
}
