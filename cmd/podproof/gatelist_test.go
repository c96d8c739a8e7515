package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"

	"podproof.dev/podproof/internal/admission"
)

// A proven image is put on the list, and what is on it is asked about again.
func TestTheAllowList(t *testing.T) {
	ref := pushed(t)
	client := fake.NewClientset()
	asks := func(image string) (code int, said string) {
		t.Helper()
		var f gateFlags
		c := &cobra.Command{}
		c.SetContext(t.Context())
		f.policyFlags.add(c)
		f.keys = []string{"podproof.pub"}
		f.outputs = nil
		f.list = gateList{where: "shop/proven", list: admission.List{Client: client, Namespace: "shop", Name: "proven"}}
		var out, wrong bytes.Buffer
		c.SetOut(&out)
		err := error(nil)
		if image == "" {
			err = f.again(c)
		} else {
			err = f.run(c, image)
		}
		code = exitCode(err, &wrong)
		return code, out.String() + wrong.String()
	}
	listed := func() map[string]string {
		t.Helper()
		m, err := client.CoreV1().ConfigMaps("shop").Get(t.Context(), "proven", metav1.GetOptions{})
		if err != nil {
			return nil
		}
		return m.Data
	}
	if code, said := asks(ref); code != exitFail || listed() != nil {
		t.Fatalf("%d %s: %v", code, said, listed())
	}
	says(t, "attest", "run.json", ref, "--key", "podproof.key")
	if code, said := asks(ref); code != exitPass || len(listed()) != 1 {
		t.Fatalf("%d %s: %v", code, said, listed())
	}
	if code, said := asks(""); code != exitPass || !strings.Contains(said, "✓ "+ref+"@sha256:") || len(listed()) != 1 {
		t.Errorf("%d %s: %v", code, said, listed())
	}
	// Broken since: it is taken off. What nobody asked about is, too.
	rec := goodRun(t)
	rec.Evidence.Image.ID = imageID(t, "1001")
	rec.Evidence.Image.Config.User, rec.Evidence.Image.User = "root", nil
	rec.Evidence.Run.Finished = rec.Evidence.Run.Finished.Add(time.Second)
	writeRecord(t, "later.json", rec)
	says(t, "attest", "later.json", ref, "--key", "podproof.key", "--any-result")
	m, err := client.CoreV1().ConfigMaps("shop").Get(t.Context(), "proven", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m.Data["sha256-0"] = "by hand"
	m.Data["sha256-1"] = "127.0.0.1:1/away@sha256:" + strings.Repeat("1", 64) + " until " + time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	m.Data["sha256-2"] = "127.0.0.1:1/ended@sha256:" + strings.Repeat("2", 64) + " until " + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	if _, err := client.CoreV1().ConfigMaps("shop").Update(t.Context(), m, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	code, said := asks("")
	for _, want := range []string{"- " + ref + "@", "came to fail: image/user-non-root", "? 127.0.0.1:1/away@", "stays until ", "- 127.0.0.1:1/ended@", "- sha256-0: taken off: podproof did not write it"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	if code != exitFail || len(listed()) != 1 {
		t.Errorf("%d: %v", code, listed())
	}
}

func imageID(t *testing.T, user string) string {
	t.Helper()
	id, err := linuxShop(t, user).ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

// Printed, the list is an object that kubectl applies, and the report is beside it.
func TestThePrintedAllowList(t *testing.T) {
	ref := pushed(t)
	says(t, "attest", "run.json", ref, "--key", "podproof.key")
	var m corev1.ConfigMap
	if err := yaml.UnmarshalStrict([]byte(says(t, "gate", ref, "--key", "podproof.pub", "--allow-list", "-")), &m); err != nil {
		t.Fatal(err)
	}
	if m.Kind != "ConfigMap" || m.Name != listName || len(m.Data) != 1 {
		t.Errorf("it prints %+v", m)
	}
	for args, want := range map[string]string{
		"gate":                                   "expects one argument, IMAGE; or --allow-list",
		"gate --key podproof.pub --allow-list -": "expects one argument, IMAGE; or --allow-list",
		"gate --key podproof.pub --allow-list a/b -o json":                     "-o is for one IMAGE",
		"gate --key podproof.pub --allow-list a " + ref:                        "write it as NAMESPACE/NAME",
		"gate --key podproof.pub --allow-list A/b " + ref:                      "write it as NAMESPACE/NAME",
		"gate --key podproof.pub --kubeconfig x " + ref:                        "--kubeconfig is for --allow-list",
		"gate --key podproof.pub --allow-list a/b --kubeconfig nowhere " + ref: "nowhere",
		"gate a b": "at most one argument, IMAGE",
	} {
		var said bytes.Buffer
		if code := exitCode(execute(t.Context(), newRoot(), strings.Fields(args)), &said); code != exitUsage || !strings.Contains(said.String(), want) {
			t.Errorf("podproof %s: exit code %d, said %q, want %q", args, code, said.String(), want)
		}
	}
}
