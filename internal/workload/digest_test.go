package workload

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDigest(t *testing.T) {
	digest := func(text string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "all.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		objects, err := Read([]Path{{Written: file, Real: file}})
		if err != nil {
			t.Fatal(err)
		}
		d, err := Digest(objects)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	config := func(value string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: " + value + "}\n"
	}
	secret := func(name, value string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata:\n  name: " + name + "\n  annotations: {kubectl.kubernetes.io/last-applied-configuration: " + value + "}\nstringData: {x: " + value + "}\n"
	}
	if a, b := digest(config("one")), digest("# a comment\n"+config("one")); a != b || len(a) != len("sha256:")+64 {
		t.Errorf("%q and %q of the same objects", a, b)
	}
	if digest(config("one")) == digest(config("two")) {
		t.Error("other content has the same digest")
	}
	if digest(secret("a", "one")) != digest(secret("a", "two")) {
		t.Error("the digest tells the value of a Secret")
	}
	if digest(secret("a", "one")) == digest(secret("b", "one")) {
		t.Error("another Secret has the same digest")
	}
	if d, err := Digest(nil); d != "" || err != nil {
		t.Errorf("%q, %v of nothing", d, err)
	}
}
