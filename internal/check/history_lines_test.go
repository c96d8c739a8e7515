package check

import (
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// What an image holds is mended where the Dockerfile put it in, and not at the last COPY or at FROM.
func TestWhatAnImageHoldsIsMendedAtItsInstruction(t *testing.T) {
	build := func(i *evidence.Image) {
		i.History = []evidence.History{
			{CreatedBy: "ADD rootfs.tar.xz / # buildkit", Layer: 0},
			{CreatedBy: "COPY .env /app/.env # buildkit", Layer: 1},
			{CreatedBy: "ENV API_TOKEN=" + planted, EmptyLayer: true, Layer: -1},
			{CreatedBy: "RUN /bin/sh -c chmod 4755 /app/helper # buildkit", Layer: 2},
			{CreatedBy: "COPY . . # buildkit", Layer: 3},
			{CreatedBy: `CMD ["/shop"]`, EmptyLayer: true, Layer: -1},
		}
		i.Layers = make([]evidence.Layer, 4)
	}
	instructions := []evidence.Instruction{
		{Line: 4, Stage: "stage-0", Text: "FROM debian:13"}, {Line: 5, Stage: "stage-0", Text: "COPY .env /app/.env"},
		{Line: 6, Stage: "stage-0", Text: "ENV API_TOKEN=x"}, {Line: 8, Stage: "stage-0", Text: "RUN chmod 4755 /app/helper"},
		{Line: 9, Stage: "stage-0", Text: "COPY . ."}, {Line: 10, Stage: "stage-0", Text: `CMD ["/shop"]`}}
	secret := func(layer int) func(*evidence.Image) {
		return func(i *evidence.Image) {
			i.Secrets = []evidence.FileSecret{{Rule: "env", What: "a password", Path: "/app/.env", Layer: layer, Reach: evidence.Reachable}}
		}
	}
	setuid := func(i *evidence.Image) {
		i.Privileged = []evidence.PrivilegedFile{{Path: "/app/helper", Layer: 2, Mode: "4755"}}
	}
	for _, x := range []struct {
		name, id string
		change   func(*evidence.Image)
		want     int
		about    bool
	}{
		{"a file of an earlier COPY", "image/no-secrets-in-layers", secret(1), 5, false},
		{"one of the base image", "image/no-secrets-in-layers", secret(0), 4, false},
		{"one of an image that is not this Dockerfile's", "image/no-secrets-in-layers", func(i *evidence.Image) { secret(1)(i); i.History = i.History[:4] }, 9, false},
		{"a program that a RUN made set-uid", "image/no-setuid", setuid, 8, false},
		{"one of a layer that is not known", "image/no-setuid", func(i *evidence.Image) { setuid(i); i.History = i.History[:4] }, 4, true},
		{"a variable", "image/no-secrets-in-history", func(*evidence.Image) {}, 6, false},
		{"a debug mode", "image/no-dev-server", func(i *evidence.Image) {
			i.History[2].CreatedBy, i.Config.Env = "ENV FLASK_DEBUG=1", []string{"FLASK_DEBUG=1"}
		}, 6, false},
		{"a build argument that only the provenance has", "image/no-secrets-in-history", func(i *evidence.Image) {
			i.History[2].CreatedBy, i.Provenance = "ENV A=b", []string{"ARG NPM_TOKEN=" + planted}
		}, 4, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			e := inFiles(image(func(i *evidence.Image) { build(i); x.change(i) }))
			e.Build = &evidence.Build{Instructions: instructions}
			c := goodContract()
			c.Build = &contract.Build{Dockerfile: "Dockerfile"}
			for _, v := range Judge(Catalogue(), c, e) {
				if v.Check.ID != x.id {
					continue
				}
				if l := v.Location; v.Status != Fail || l == nil || l.File != "Dockerfile" || l.Line != x.want || (l.About != "") != x.about {
					t.Errorf("%s at %+v, want line %d", v.Status, l, x.want)
				}
			}
		})
	}
}
