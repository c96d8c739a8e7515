package draft

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/subject"
)

// This repository's own API needs its contract for what nobody else can know.
func TestReactbinWithoutItsContract(t *testing.T) {
	t.Setenv("GO_IMAGE", "mirror.example/go:1")
	t.Setenv("STATIC_IMAGE", "mirror.example/static:1")
	const root = "../.."
	written, err := contract.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	unwritten, err := Look(root, Question{Command: "podproof verify"})
	if err != nil {
		t.Fatal(err)
	}
	complete := func(c contract.Contract) subject.Subject {
		t.Helper()
		s, err := subject.Read(c, subject.Options{Pods: true, Owned: true})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	want, got := complete(written), complete(unwritten)
	for _, x := range []struct {
		field     string
		want, got any
	}{
		{"image", want.Contract.Image, got.Contract.Image},
		{"workload", want.Contract.Workload, got.Contract.Workload},
		{"dependencies", want.Contract.Dependencies, got.Contract.Dependencies},
		{"manifests", slices.Sorted(slices.Values(written.Manifests)), got.Contract.Manifests},
		{"objects", len(want.Objects), len(got.Objects)},
		{"build.context", written.Build.Context, got.Contract.Build.Context},
		{"build.dockerfile", written.Build.Dockerfile, got.Contract.Build.Dockerfile},
		{"build.args", written.Build.Args, got.Contract.Build.Args},
		{"http.port", want.Contract.HTTP.Port, got.Contract.HTTP.Port},
		{"http.health", want.Contract.HTTP.Health, got.Contract.HTTP.Health},
		{"identity", want.Contract.Identity, got.Contract.Identity},
		{"termination.exitCodes", want.Contract.Termination.ExitCodes, got.Contract.Termination.ExitCodes},
	} {
		if diff := cmp.Diff(x.want, x.got); diff != "" {
			t.Errorf("%s (-contract +derived):\n%s", x.field, diff)
		}
	}
	said := got.Assumed()
	for _, line := range []string{
		"manifests     manifests/api, manifests/postgres (found here; beside manifests/gate, which decides what a whole cluster admits, manifests/gate/vap, which decides what a whole cluster admits, manifests/job, which runs Jobs alone)  [-m]",
		"build         api/Dockerfile.prod in api (found here), args GO_IMAGE, STATIC_IMAGE (",
		"workload      deployment/api (", "dependencies  statefulset/postgres (", "port 8000", "health /api/v1/health", "[http:]", "uid 1001", "gid 1001",
		"Nothing tells env.required, http.query, http.upload,", "`podproof init`",
	} {
		if !strings.Contains(strings.Join(said, "\n"), line) {
			t.Errorf("it does not say %q:\n%s", line, strings.Join(said, "\n"))
		}
	}
	if len(said) > 12 || len(want.Assumed()) > 0 {
		t.Errorf("%d lines without a contract, %d with one", len(said), len(want.Assumed()))
	}
}
