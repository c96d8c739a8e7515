package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/contract"
)

func TestInit(t *testing.T) {
	alone(t)
	writeAll(t, map[string]string{"k8s/a.yaml": `{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: "shop/api:1.0"}]}}}}`})
	run := func(args string) (int, string) {
		root := newRoot()
		var out, wrong bytes.Buffer
		root.SetOut(&out)
		code := exitCode(execute(t.Context(), root, strings.Fields(args)), &wrong)
		return code, out.String() + wrong.String()
	}
	if code, said := run("init"); code != exitPass || said != "Wrote podproof.yaml for deployment/api. Look at what it requires, and at its comments; then: podproof plan\n" {
		t.Fatalf("exit code %d: %s", code, said)
	}
	written, err := os.ReadFile(contract.DefaultFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loadContract(contract.DefaultFile); err != nil {
		t.Error(err)
	}
	for _, args := range []string{"init", "init -f .", "init -f podproof.yaml -m k8s"} {
		if code, said := run(args); code != exitUsage || !strings.Contains(said, "podproof.yaml is there already, and is not overwritten") {
			t.Errorf("podproof %s: exit code %d: %s", args, code, said)
		}
	}
	if after, err := os.ReadFile(contract.DefaultFile); err != nil || !bytes.Equal(after, written) {
		t.Errorf("the file was changed (%v):\n%s", err, after)
	}
	// With an image it has a budget, which that image keeps.
	if code, said := run("init -f with-image.yaml tar:" + archive(t, shop(t, "1001"))); code != exitPass || !strings.HasSuffix(said, "then: podproof plan -f with-image.yaml\n") {
		t.Fatalf("exit code %d: %s", code, said)
	}
	if c, err := loadContract("with-image.yaml"); err != nil || c.Size.Uncompressed == nil || *c.Identity.UID != 1001 {
		t.Errorf("%+v, %v", c, err)
	}
	for args, want := range map[string]string{
		"init -f new.yaml tar:none.tar": "there is no file none.tar",
		"init -f none/new.yaml":         "there is no folder none",
		"init -f new.yaml -m none":      "-m none: there is no such file or folder here",
	} {
		if code, said := run(args); code != exitUsage || !strings.Contains(said, want) {
			t.Errorf("podproof %s: exit code %d: %s", args, code, said)
		}
		if _, err := os.Stat("new.yaml"); err == nil {
			t.Errorf("podproof %s wrote a file", args)
		}
	}
}
