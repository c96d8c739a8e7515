//go:build integration && kyverno

package verifiers

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// policy is that of examples/gates/kyverno, with what its reader puts in: a key, and where the images are.
func policy(t *testing.T, key []byte, host string) string {
	t.Helper()
	text, err := os.ReadFile("../../examples/gates/kyverno/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := string(text)
	for from, to := range map[string]string{
		`"put the text of podproof.pub here: a key that signs nothing else"`: strconv.Quote(string(key)),
		"registry.example/shop/*": strconv.Quote(host + "/shop/*"),
	} {
		if strings.Count(out, from) != 1 {
			t.Fatalf("the policy does not have %s once", from)
		}
		out = strings.ReplaceAll(out, from, to)
	}
	return out
}

// said is what Kyverno's own command line says when an object is created or updated: pass, fail, error or nothing, and why.
func said(t *testing.T, policy string, object map[string]any, operation string) (result, why string) {
	t.Helper()
	kyverno := os.Getenv("KYVERNO")
	if kyverno == "" {
		t.Fatal("KYVERNO names no Kyverno; `make test-kyverno` compiles one")
	}
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, text := range map[string]string{"policy.yaml": policy, "object.yaml": string(data), "values.yaml": "{apiVersion: cli.kyverno.io/v1alpha1, kind: Values, globalValues: {request.operation: " + operation + "}}"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	x := exec.CommandContext(ctx, kyverno, "apply", "policy.yaml", "--resource", "object.yaml", "--values-file", "values.yaml", "--policy-report", "--output-format", "json")
	x.Dir = dir
	out, err := x.CombinedOutput() // it exits with 1 where it refuses
	if ctx.Err() != nil {
		t.Fatalf("Kyverno did not end: %s", out)
	}
	for line := range strings.Lines(string(out)) {
		var report struct {
			Results []struct{ Result, Message string }
		}
		if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &report) != nil {
			continue
		}
		if len(report.Results) != 1 {
			t.Fatalf("Kyverno says %d things: %s", len(report.Results), out)
		}
		r := report.Results[0]
		return r.Result, r.Message
	}
	if err != nil {
		t.Fatalf("Kyverno: %v: %s", err, out)
	}
	return "", string(out)
}

// aPod is one whose container runs an image; more are the other fields of its spec.
func aPod(image string, more map[string]any) map[string]any {
	spec := map[string]any{"containers": []any{map[string]any{"name": "api", "image": image}}}
	for k, v := range more {
		spec[k] = v
	}
	return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "api", "namespace": "shop"}, "spec": spec}
}

// The runs that a statement may be of.
func endedAgo(ago time.Duration) func(map[string]any) {
	return func(evidence map[string]any) {
		run, end := evidence["run"].(map[string]any), time.Now().Add(-ago).UTC()
		run["started"], run["finished"] = end.Add(-time.Minute).Format(time.RFC3339Nano), end.Format(time.RFC3339Nano)
	}
}

func failedNow(evidence map[string]any) {
	endedAgo(time.Hour)(evidence)
	evidence["image"].(map[string]any)["config"].(map[string]any)["user"] = "0"
}

// proven is an image of a registry whose run has just passed.
func proven(t *testing.T, host, user, key string) name.Digest {
	t.Helper()
	image, img := pushed(t, host, user)
	attestedAs(t, image, img, key, endedAgo(time.Hour))
	return image
}

// wanted holds what Kyverno says of an object to what it should, which is empty where it lets it in.
func wanted(t *testing.T, policy string, object map[string]any, refused string) {
	t.Helper()
	result, why := said(t, policy, object, "CREATE")
	if want := map[bool]string{true: "pass", false: "fail"}[refused == ""]; result != want || !strings.Contains(why, refused) {
		t.Errorf("Kyverno says %s: %s; want %s: %s", result, why, want, refused)
	}
}

func TestKyvernoAcceptsAStatement(t *testing.T) {
	for _, kind := range []string{"ECDSA P-256", "Ed25519"} {
		for _, referrers := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/referrers=%v", kind, referrers), func(t *testing.T) {
				host := aRegistry(t, referrers)
				private, public := keys(t, kind)
				wanted(t, policy(t, public, host), aPod(proven(t, host, "1001", private).Name(), nil), "")
			})
		}
	}
}

func TestKyvernoRefusesWhatIsNotProven(t *testing.T) {
	const unsigned, failed, old = "no statement by a known key", "did not pass", "more than 14 days ago"
	host := aRegistry(t, true)
	private, public := keys(t, "ECDSA P-256")
	other, _ := keys(t, "ECDSA P-256")
	good := proven(t, host, "1001", private)
	for name, c := range map[string]struct {
		image func(t *testing.T, image name.Digest, img v1.Image) string // what the pod names, given one without a statement
		want  string
	}{
		"nothing": {func(_ *testing.T, image name.Digest, _ v1.Image) string { return image.Name() }, unsigned},
		"another key": {func(t *testing.T, image name.Digest, img v1.Image) string {
			attestedAs(t, image, img, other, endedAgo(time.Hour))
			return image.Name()
		}, unsigned},
		"a run that failed": {func(t *testing.T, image name.Digest, img v1.Image) string {
			attestedAs(t, image, img, private, failedNow, "--any-result")
			return image.Name()
		}, failed},
		"a run of 15 days ago": {func(t *testing.T, image name.Digest, img v1.Image) string {
			attestedAs(t, image, img, private, endedAgo(15*24*time.Hour))
			return image.Name()
		}, old},
		"a changed payload": {func(t *testing.T, image name.Digest, img v1.Image) string {
			there, _ := pushed(t, aRegistry(t, true), "as a changed payload") // the same image
			attestedAs(t, there, img, private, failedNow, "--any-result")
			store(t, changed(t, bundle(t, there), `"result":"fail"`, `"result":"pass"`), image)
			return image.Name()
		}, unsigned},
		"another image's statement": {func(t *testing.T, image name.Digest, _ v1.Image) string {
			store(t, bundle(t, good), image)
			return image.Name()
		}, unsigned},
		"the same image elsewhere": {func(t *testing.T, image name.Digest, _ v1.Image) string {
			img, err := remote.Image(good)
			if err != nil {
				t.Fatal(err)
			}
			there := image.Context().Registry.Repo("shop", "retagged").Digest(good.DigestStr())
			if err := remote.Write(there, img); err != nil {
				t.Fatal(err)
			}
			return there.Name()
		}, unsigned},
		"a tag": {func(t *testing.T, _ name.Digest, _ v1.Image) string {
			img, err := remote.Image(good)
			if err != nil {
				t.Fatal(err)
			}
			tag := good.Context().Tag("1.4.2")
			if err := remote.Write(tag, img); err != nil {
				t.Fatal(err)
			}
			return tag.Name()
		}, "does not have a digest"},
	} {
		t.Run(name, func(t *testing.T) {
			image, img := pushed(t, host, "as "+name)
			wanted(t, policy(t, public, host), aPod(c.image(t, image, img), nil), c.want)
		})
	}
}

// Each image of a pod is asked about, wherever it stands.
func TestKyvernoAsksAboutEachImage(t *testing.T) {
	host := aRegistry(t, true)
	private, public := keys(t, "ECDSA P-256")
	good := proven(t, host, "1001", private).Name()
	fields := map[string]func(image string) any{
		"initContainers":      func(image string) any { return map[string]any{"name": "first", "image": image} },
		"ephemeralContainers": func(image string) any { return map[string]any{"name": "debugger", "image": image} },
		"volumes": func(image string) any {
			return map[string]any{"name": "model", "image": map[string]any{"reference": image}}
		},
	}
	all, n := map[string]any{}, 0
	for field, with := range fields {
		n++
		all[field] = []any{with(proven(t, host, fmt.Sprint(2000+n), private).Name())}
	}
	all["volumes"] = append(all["volumes"].([]any), map[string]any{"name": "scratch", "emptyDir": map[string]any{}})
	t.Run("all proven", func(t *testing.T) { wanted(t, policy(t, public, host), aPod(good, all), "") })
	unproven, _ := pushed(t, host, "3000")
	for field, with := range fields {
		t.Run(field, func(t *testing.T) {
			wanted(t, policy(t, public, host), aPod(good, map[string]any{field: []any{with(unproven.Name())}}), "no statement by a known key")
		})
	}
}

// A pod that runs goes on to: its labels and finalizers change after its proof has ended, too.
func TestKyvernoAsksNothingWhereNothingNewRuns(t *testing.T) {
	host := aRegistry(t, true)
	_, public := keys(t, "ECDSA P-256")
	image, _ := pushed(t, host, "1001")
	if result, why := said(t, policy(t, public, host), aPod(image.Name(), nil), "UPDATE"); result != "" {
		t.Errorf("Kyverno says %s: %s", result, why)
	}
}

// Kyverno reads one of an image's statements, the last that is listed: where it is an older one, that decides.
func TestKyvernoReadsTheStatementListedLast(t *testing.T) {
	const old = 20 * 24 * time.Hour
	private, public := keys(t, "ECDSA P-256")
	host := aRegistry(t, false) // where the list is always in one order
	for user := range 4 {
		image, img := pushed(t, host, fmt.Sprint(1001+user))
		attestedAs(t, image, img, private, endedAgo(old))
		attestedAs(t, image, img, private, endedAgo(time.Hour))
		all := bundles(t, image)
		if len(all) != 2 {
			t.Fatalf("there are %d statements", len(all))
		}
		want := ""
		if strings.Contains(string(payload(t, all[1])), time.Now().Add(-old).UTC().Format(`"finished":"2006-01-02T`)) {
			want = "more than 14 days ago"
		}
		wanted(t, policy(t, public, host), aPod(image.Name(), nil), want)
	}
}

// payload is what a bundle's statement says.
func payload(t *testing.T, bundle []byte) []byte {
	t.Helper()
	var b struct {
		Envelope struct{ Payload []byte } `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		t.Fatal(err)
	}
	return b.Envelope.Payload
}
