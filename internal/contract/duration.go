package contract

import (
	"encoding/json"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// Duration is a time span that reads and writes itself as in Go: "30s", "1m30s".
type Duration time.Duration

// Std returns the span as Go's own type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Seconds returns the span in seconds.
func (d Duration) Seconds() float64 { return time.Duration(d).Seconds() }

// String prints the span as Go does.
func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalYAML reads "30s". Load adds where in the file it stands.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a duration; write it as 30s or 1m30s", n.Value)
	case v <= 0:
		return fmt.Errorf("%q is not above zero; write it as 30s or 1m30s", n.Value)
	}
	*d = Duration(v)
	return nil
}

// MarshalJSON writes "30s".
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads "30s".
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a duration is a string such as \"30s\": %w", err)
	}
	v, err := time.ParseDuration(s)
	*d = Duration(v)
	return err
}
