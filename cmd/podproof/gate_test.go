package main

import (
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/collect/image/imagetest"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/report"
)

// pushed is an image in a registry of this process, with the record of a good run of it in run.json, and keys
// in podproof.key and podproof.pub, all in the current folder.
func pushed(t *testing.T) (ref string) {
	t.Helper()
	alone(t)
	s := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	ref = strings.TrimPrefix(s.URL, "http://") + "/shop/api:1"
	img := linuxShop(t, "1001")
	put(t, ref, img)
	id, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	rec := goodRun(t)
	rec.Evidence.Image.ID = id.String()
	writeRecord(t, "run.json", rec)
	writeKeys(t, "podproof")
	return ref
}

func linuxShop(t *testing.T, user string) v1.Image {
	return imagetest.Config(t, shop(t, user), func(c *v1.ConfigFile) { c.Architecture = "amd64" })
}

func put(t *testing.T, ref string, img v1.Image) {
	t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(r, img); err != nil {
		t.Fatal(err)
	}
}

// goodRun is a recorded run that ended a minute ago.
func goodRun(t *testing.T) report.Record {
	t.Helper()
	f, err := os.Open(recordedRun)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := report.ReadRecord("good.json", data)
	if err != nil {
		t.Fatal(err)
	}
	rec.Selected = nil
	for _, c := range check.Catalogue() {
		rec.Selected = append(rec.Selected, c.ID)
	}
	rec.Contract.Skip = []contract.Skip{{ID: "database/slow", Reason: "the record is older than the check"}}
	rec.Evidence.Run.Platform = "linux/amd64"
	rec.Evidence.Run.Finished = time.Now().Add(-time.Minute).UTC()
	rec.Evidence.Run.Started = rec.Evidence.Run.Finished.Add(-time.Minute)
	return rec
}

// recordedRun is found before a test changes its folder.
var recordedRun = func() string {
	file, err := filepath.Abs("../../internal/report/testdata/recorded/good.json.gz")
	if err != nil {
		panic(err)
	}
	return file
}()

func writeRecord(t *testing.T, file string, rec report.Record) {
	t.Helper()
	if err := rec.WriteFile(file); err != nil {
		t.Fatal(err)
	}
}

func writeKeys(t *testing.T, name string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	write(t, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	write(t, name+".pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAttestAndGate(t *testing.T) {
	ref := pushed(t)
	code, out := said(t, "gate", ref, "--key", "podproof.pub")
	if code != exitFail || !strings.Contains(out, "no statement is stored beside") || !strings.Contains(out, "podproof attest run.json "+ref) {
		t.Errorf("before it is attested: exit code %d\n%s", code, out)
	}
	code, out = said(t, "attest", "run.json", ref, "--key", "podproof.key")
	if code != exitPass || !strings.HasPrefix(out, "Attested "+strings.TrimSuffix(ref, ":1")+"@sha256:") || !strings.Contains(out, "(linux/amd64): pass, ") {
		t.Fatalf("attest: exit code %d\n%s", code, out)
	}
	code, out = said(t, "gate", ref, "--key", "podproof.pub")
	if code != exitPass || !strings.Contains(out, "[gate] All checks that were run passed (Gate + US1 + US2 + US3)") {
		t.Errorf("gate: exit code %d\n%s", code, out)
	}
	put(t, ref, linuxShop(t, "1002"))
	if code, out = said(t, "gate", ref, "--key", "podproof.pub"); code != exitFail || !strings.Contains(out, "the tag was moved") {
		t.Errorf("of another image: exit code %d\n%s", code, out)
	}
}

// Every format that verify has tells what the gate says, be it a pass or a refusal.
func TestGateFormats(t *testing.T) {
	ref := pushed(t)
	for _, want := range []int{exitFail, exitPass} {
		args := []string{"gate", ref, "--key", "podproof.pub", "-o", "json=gate.json", "-o", "junit=gate.xml"}
		if code, out := said(t, args...); code != want {
			t.Fatalf("exit code %d, want %d\n%s", code, want, out)
		}
		compiler := jsonschema.NewCompiler()
		schema, err := jsonschema.UnmarshalJSON(strings.NewReader(report.Schema))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("report.json", schema); err != nil {
			t.Fatal(err)
		}
		compiled, err := compiler.Compile("report.json")
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile("gate.json")
		if err != nil {
			t.Fatal(err)
		}
		got, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(got); err != nil {
			t.Errorf("the report is not as its schema says: %v", err)
		}
		var r report.Report
		if err := json.Unmarshal(data, &r); err != nil || r.ExitCode() != want || r.Verdicts[0].ID != "gate/signed" || !strings.HasPrefix(r.Subject.Image, ref+"@sha256:") {
			t.Errorf("%v: %s, %s, %+v", err, r.Result, r.Verdicts[0].ID, r.Subject)
		}
		if data, err = os.ReadFile("gate.xml"); err != nil || xml.Unmarshal(data, new(struct{})) != nil || !strings.Contains(string(data), `classname="Gate`) && !strings.Contains(string(data), "gate/signed") {
			t.Errorf("%v: %s", err, data)
		}
		if want == exitFail {
			if code, out := said(t, "attest", "run.json", ref, "--key", "podproof.key"); code != exitPass {
				t.Fatalf("attest: exit code %d\n%s", code, out)
			}
		}
	}
}

func TestGatePolicy(t *testing.T) {
	ref := pushed(t)
	if code, out := said(t, "attest", "run.json", ref, "--key", "podproof.key"); code != exitPass {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	const head = "apiVersion: podproof/v1alpha1\nkind: Gate\nkeys: [podproof.pub]\n"
	write(t, "gate.yaml", head+"maxAge: 1h\nrequire: ['termination/*']\ncontract: deploy.yaml\n")
	write(t, "deploy.yaml", "apiVersion: podproof/v1alpha1\nkind: Contract\nskip:\n  - {id: database/slow, reason: not here}\n")
	write(t, "strict.yaml", "apiVersion: podproof/v1alpha1\nkind: Contract\nidentity: {uid: 2000}\n")
	write(t, "short.yaml", head+"maxAge: 1s\n")
	write(t, "typo.yaml", head+"require: [termination/exit-zeero]\n")
	write(t, "wrong.yaml", head+"maxage: 1h\n")
	writeKeys(t, "other")
	for _, c := range []struct {
		name string
		args string
		code int
		says string
	}{
		{"a policy", "-f gate.yaml", exitPass, "Judged again by the deployer's contract"},
		{"what was taken", "-f gate.yaml", exitPass, "taken from the contract of that run, since the deployer's leaves it out: image"},
		{"a flag goes before it", "-f gate.yaml --max-age 1s", exitFail, "gate/fresh"},
		{"too old", "-f short.yaml", exitFail, "FAIL gate/fresh"},
		{"a flag that allows it", "-f short.yaml --max-age 2h", exitPass, "Verified "},
		{"another contract", "-f gate.yaml --contract strict.yaml", exitFail, "judged again, "},
		{"another key beside it", "--key other.pub --key podproof.pub", exitPass, "Signed by podproof.pub"},
		{"another key", "--key other.pub", exitFail, "none is signed by other.pub"},
		{"a required promise", "--key podproof.pub --require database/slow", exitFail, "left out by the contract"},
		{"another platform", "--key podproof.pub --platform linux/s390x", exitFail, "there is no image for linux/s390x"},
		{"a policy with a typing mistake", "-f typo.yaml", exitUsage, `typo.yaml:4:11: require: no check matches "termination/exit-zeero"; did you mean "termination/exit-zero"?`},
		{"a policy with a wrong key", "-f wrong.yaml", exitUsage, `wrong.yaml:4:1: unknown key "maxage"; did you mean "maxAge"?`},
		{"no policy", "-f none.yaml", exitUsage, "none.yaml: there is no such file"},
		{"no key", "", exitUsage, "--key podproof.pub"},
		{"a key that is not there", "--key none.pub", exitUsage, "there is no key none.pub"},
		{"the private key", "--key podproof.key", exitUsage, "openssl pkey -in podproof.key -pubout"},
		{"no contract", "--key podproof.pub --contract none.yaml", exitUsage, "none.yaml"},
		{"no check", "--key podproof.pub --require image/none", exitUsage, `no check matches "image/none"`},
		{"an empty check", "--key podproof.pub --require=", exitUsage, "an empty text does not name a check"},
		{"no age", "--key podproof.pub --max-age 0s", exitUsage, "is not above zero"},
		{"no duration", "--key podproof.pub --max-age 14d", exitUsage, "is not a duration"},
		{"no platform", "--key podproof.pub --platform amd64", exitUsage, "write it as linux/amd64"},
		{"an empty platform", "--key podproof.pub --platform=", exitUsage, "write it as linux/amd64"},
		{"no format", "--key podproof.pub -o yaml", exitUsage, "unknown format"},
		{"no folder for the report", "--key podproof.pub -o json=none/x.json", exitUsage, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out := said(t, append([]string{"gate", ref}, strings.Fields(c.args)...)...)
			if code != c.code || !strings.Contains(out, c.says) || strings.Contains(out, "goroutine ") {
				t.Errorf("exit code %d, want %d and %q\n%s", code, c.code, c.says, out)
			}
		})
	}
}

func TestGateImages(t *testing.T) {
	pushed(t)
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(refusing.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	empty := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(empty.Close)
	host := func(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }
	for _, c := range []struct {
		image string
		code  int
		says  string
	}{
		{host(gone) + "/shop/api:1", exitInconclusive, "from registry " + host(gone)},
		{host(refusing) + "/shop/api:1", exitInconclusive, "docker login"},
		{host(empty) + "/shop/api:1", exitUsage, "has no image"},
		{"Shop API", exitUsage, "is not a valid image name"},
		{"docker:shop/api:1", exitUsage, "is not in a registry"},
	} {
		if code, out := said(t, "gate", c.image, "--key", "podproof.pub"); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s", c.image, code, c.code, c.says, out)
		}
	}
	for _, args := range []string{"gate", "gate a b", "attest", "attest run.json"} {
		if code, out := said(t, strings.Fields(args)...); code != exitUsage || !strings.Contains(out, "argument") {
			t.Errorf("%s: exit code %d\n%s", args, code, out)
		}
	}
}

func TestAttestErrors(t *testing.T) {
	ref := pushed(t)
	rec := goodRun(t)
	id := rec.Evidence.Image.ID
	writeRecord(t, "other.json", rec) // of the image that was recorded
	rec.Evidence.Image.User, rec.Evidence.Image.Config.User = nil, "root"
	writeRecord(t, "fail.json", rec)
	rec = goodRun(t)
	rec.Evidence.Health = nil
	writeRecord(t, "open.json", rec)
	write(t, "text.json", "{}")
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"other.json IMAGE --key podproof.key", exitFail, "the record is about " + id},
		{"fail.json IMAGE --key podproof.key", exitFail, "is not signed: image/user-non-root (fail)"},
		{"open.json IMAGE --key podproof.key", exitInconclusive, "is not signed: health/answers (inconclusive)"},
		{"text.json IMAGE --key podproof.key", exitUsage, "text.json is not evidence of podproof"},
		{"none.json IMAGE --key podproof.key", exitUsage, "there is no file none.json"},
		{"run.json IMAGE", exitUsage, "--key FILE, or a command with --signer"},
		{"run.json IMAGE --key none.key", exitUsage, "--key: there is no key none.key"},
		{"run.json IMAGE --key podproof.pub", exitUsage, "--key: key podproof.pub is a public key"},
		{"run.json IMAGE --key podproof.key --signer cat", exitUsage, "--key and --signer both sign"},
		{"run.json IMAGE --key podproof.key --public-key podproof.pub", exitUsage, "--public-key checks what --signer signs"},
		{"run.json IMAGE --key podproof.key --predicate-only", exitUsage, "--predicate-only signs nothing"},
		{"run.json IMAGE --key podproof.key --record verdict", exitUsage, "did you mean verdicts?"},
		{"run.json IMAGE --signer false", exitInconclusive, "the signer `false` failed with exit status 1"},
		{"run.json docker:shop/api:1 --key podproof.key", exitUsage, "is not in a registry"},
	} {
		if code, out := said(t, append([]string{"attest"}, strings.Fields(strings.Replace(c.args, "IMAGE", ref, 1))...)...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s", c.args, code, c.code, c.says, out)
		}
	}
	code, out := said(t, "attest", "run.json", ref, "--predicate-only")
	var p map[string]any
	if err := json.Unmarshal([]byte(out), &p); err != nil || code != exitPass || p["result"] != "pass" {
		t.Errorf("--predicate-only: exit code %d, %v\n%s", code, err, out)
	}
	if code, out := said(t, "gate", ref, "--key", "podproof.pub"); code != exitFail {
		t.Errorf("something of all that was stored: exit code %d\n%s", code, out)
	}
}
