package contract

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Bytes is an amount of data. It reads and writes itself as Kubernetes does: "150Mi", "1G".
type Bytes int64

// String prints the amount as a Kubernetes quantity, with the largest unit that loses nothing.
func (b Bytes) String() string {
	if b%1000 == 0 && b%1024 != 0 {
		return resource.NewQuantity(int64(b), resource.DecimalSI).String()
	}
	return resource.NewQuantity(int64(b), resource.BinarySI).String()
}

// UnmarshalYAML reads "150Mi". Load adds where in the file it stands.
func (b *Bytes) UnmarshalYAML(n *yaml.Node) error {
	v, err := parseBytes(n.Value)
	*b = v
	return err
}

// MarshalJSON writes "150Mi".
func (b Bytes) MarshalJSON() ([]byte, error) { return json.Marshal(b.String()) }

// UnmarshalJSON reads "150Mi".
func (b *Bytes) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("a size is a string such as \"150Mi\": %w", err)
	}
	q, err := resource.ParseQuantity(s)
	*b = Bytes(q.Value())
	return err
}

// parseBytes refuses what Kubernetes takes and nobody means: "150" is 150 bytes to it, and
// "150m" a sixth of one.
func parseBytes(s string) (Bytes, error) {
	number := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit := strings.TrimSpace(s[len(number):])
	q, err := resource.ParseQuantity(s)
	switch {
	case s == "0":
		return 0, nil
	case strings.HasPrefix(number, "-"):
		return 0, fmt.Errorf("%q is negative; write it as 150Mi or 1.5Gi", s)
	case number != "" && (unit == "" || unit == "m" || unit == "B"):
		return 0, fmt.Errorf("%q needs a unit such as Mi; write %sMi or %sM", s, number, number)
	case err == nil:
		return Bytes(q.Value()), nil
	}
	if _, err := resource.ParseQuantity(number); err == nil {
		switch letter := strings.ToUpper(unit[:1]); letter { // "150MB", "150 mb", "150KB"
		case "K":
			return 0, fmt.Errorf("%q is not a Kubernetes quantity; write %sKi or %sk", s, number, number)
		case "M", "G", "T":
			return 0, fmt.Errorf("%q is not a Kubernetes quantity; write %s%si or %s%s", s, number, letter, number, letter)
		}
	}
	return 0, fmt.Errorf("%q is not a size; write it as 150Mi or 1.5Gi", s)
}
