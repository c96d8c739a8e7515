package contract

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func policyFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gate.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const policyHead = "apiVersion: podproof/v1alpha1\nkind: Gate\n"

func TestLoadPolicy(t *testing.T) {
	file := policyFile(t, policyHead+`keys: [podproof.pub, /etc/other.pub]
contract: podproof.yaml
maxAge: 168h
require: ['termination/*', identity/non-root]
allowWaivers: true
allowInconclusive: true
allowNoRecord: true
platforms: [linux/amd64, linux/arm64]
minVersion: v0.4.0
`)
	got, err := LoadPolicy(file)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := got.Path(got.Keys[0]), got.Path(got.Keys[1]); a != filepath.Join(filepath.Dir(file), "podproof.pub") || b != "/etc/other.pub" {
		t.Errorf("the keys are %s and %s", a, b)
	}
	if err := got.Mistake("require[1]", "wrong"); !strings.HasSuffix(err.Error(), "gate.yaml:6:28: wrong") {
		t.Error(err)
	}
	want := Policy{
		APIVersion: APIVersion, Kind: PolicyKind, Keys: []string{"podproof.pub", "/etc/other.pub"}, Contract: "podproof.yaml", MaxAge: Duration(7 * 24 * time.Hour),
		Require: []string{"termination/*", "identity/non-root"}, AllowWaivers: true, AllowInconclusive: true, AllowNoRecord: true,
		Platforms: []string{"linux/amd64", "linux/arm64"}, MinVersion: "v0.4.0",
		dir: filepath.Dir(file), file: file, places: got.places,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got, err := LoadPolicy(policyFile(t, policyHead)); err != nil || got.MaxAge != 0 || got.AllowWaivers || got.AllowInconclusive || got.AllowNoRecord {
		t.Errorf("what is not written is asked for: %+v (%v)", got, err)
	}
}

func TestLoadPolicyMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":             {"", []string{"gate.yaml: the file is empty; start it with the lines `apiVersion: podproof/v1alpha1` and `kind: Gate`"}},
		"no YAML":           {policyHead + "keys: [", []string{"gate.yaml:3: this is not YAML"}},
		"a contract":        {"apiVersion: podproof/v1alpha1\nkind: Contract\n", []string{"gate.yaml:2:7: kind is the text \"Contract\", but this podproof reads `kind: Gate`"}},
		"a list":            {"[]", []string{"this is a list and not a gate's policy"}},
		"two documents":     {policyHead + "---\na: b\n", []string{"a second YAML document starts here"}},
		"an unknown key":    {policyHead + "allowWaiver: true\n", []string{`gate.yaml:3:1: unknown key "allowWaiver"; did you mean "allowWaivers"?`}},
		"a key twice":       {policyHead + "maxAge: 1h\nmaxAge: 9999h\n", []string{`gate.yaml:4:1: the key "maxAge" was already given on line 3`}},
		"no duration":       {policyHead + "maxAge: 14d\n", []string{`gate.yaml:3:9: maxAge: "14d" is not a duration`}},
		"no time":           {policyHead + "maxAge: 0s\n", []string{`"0s" is not above zero`}},
		"no truth":          {policyHead + "allowWaivers: maybe\n", []string{"write true or false"}},
		"nothing required":  {policyHead + "require: []\n", []string{"gate.yaml:3:10: require is an empty list"}},
		"no value":          {policyHead + "require:\n", []string{"require has no value"}},
		"a platform twice":  {policyHead + "platforms: [linux/amd64, linux/amd64]\n", []string{"platforms names linux/amd64 twice"}},
		"no platform":       {policyHead + "platforms: [amd64]\n", []string{`platforms: "amd64" is not a platform; write it as linux/amd64`}},
		"no version":        {policyHead + "minVersion: latest\n", []string{`minVersion is "latest"; write a version such as v0.4.0`}},
		"several at a time": {policyHead + "minVersion: latest\nmaxAge: x\n", []string{"has 2 mistakes", "gate.yaml:3:13", "gate.yaml:4:9"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := LoadPolicy(policyFile(t, c.text))
			var wrong *Error
			if !errors.As(err, &wrong) {
				t.Fatalf("%v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
			}
		})
	}
	if _, err := LoadPolicy(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "there is no such file") {
		t.Error(err)
	}
	if _, err := LoadPolicy(t.TempDir()); err == nil || !strings.Contains(err.Error(), "the policy cannot be read") {
		t.Error(err)
	}
}
