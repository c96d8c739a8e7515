package check

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
)

// config changes the good image's configuration.
func config(change func(*evidence.ImageConfig)) evidence.Evidence {
	return image(func(i *evidence.Image) { change(&i.Config) })
}

// line is an image whose history has this line.
func line(createdBy string) evidence.Evidence {
	return image(func(i *evidence.Image) {
		i.History = append([]evidence.History{{CreatedBy: createdBy, EmptyLayer: true, Layer: -1}}, i.History...)
	})
}

var secretsExamples = []example{
	{name: "none", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"No secrets in image layers OK", "3 lines of history"}},
	{name: "no history at all", c: goodContract(), e: image(func(i *evidence.Image) { i.History = nil }), want: Pass, says: []string{"carries no history"}},
	{name: "harmless settings", c: goodContract(), e: line("ENV TOKENIZERS_PARALLELISM=false PASSWORD_MIN_LENGTH=8"), want: Pass},
	{name: "a flag without a value", c: goodContract(), e: line("RUN /bin/sh -c createuser --no-password shop && adduser --disabled-password app # buildkit"), want: Pass},
	{name: "environment and history are one", c: goodContract(), want: Fail, says: []string{"1 secret", "config Env; history line 1 of 4, ENV", "DB_PASSWORD has its value written out"},
		e: func() evidence.Evidence {
			e := line("ENV DB_PASSWORD=" + planted)
			e.Image.Config.Env = append(e.Image.Config.Env, "DB_PASSWORD="+planted)
			return e
		}()},
	{name: "two of one name", c: goodContract(), want: Fail, says: []string{"2 secrets"}, e: func() evidence.Evidence {
		e := line("ENV TOKEN=" + planted)
		e.Image.Config.Env = []string{"TOKEN=" + planted + "2"}
		return e
	}()},
	{name: "in a layer", c: goodContract(), want: Fail, says: []string{"history line 1 of 3, RUN (layer 1)", "mysql -p"}, hides: []string{"config"}, e: image(func(i *evidence.Image) {
		i.History[0].CreatedBy = "RUN /bin/sh -c mysql -uroot -p" + planted + " < schema.sql # buildkit"
	})},
	{name: "url", c: goodContract(), e: config(func(c *evidence.ImageConfig) {
		c.Env = []string{"DATABASE_URL=postgres://shop:" + planted + "@db/shop"}
	}), want: Fail,
		says: []string{"DATABASE_URL holds the password in a URL"}},
	{name: "label", c: goodContract(), e: config(func(c *evidence.ImageConfig) { c.Labels = map[string]string{"com.example.api-token": planted} }), want: Fail, says: []string{"config Labels"}},
	{name: "command", c: goodContract(), e: config(func(c *evidence.ImageConfig) { c.Cmd = []string{"/shop", "--admin-password", planted} }), want: Fail, says: []string{"config Cmd", "--admin-password"}},
	{name: "entrypoint", c: goodContract(), e: config(func(c *evidence.ImageConfig) { c.Entrypoint = []string{"sh", "-c", "exec /shop --token=" + planted} }), want: Fail, says: []string{"config Entrypoint"}},
	{name: "health check", c: goodContract(), e: config(func(c *evidence.ImageConfig) {
		c.Healthcheck = []string{"CMD-SHELL", "curl -fu admin:" + planted + " http://localhost/ || curl -u admin:" + planted + " http://localhost/"}
	}), want: Fail, says: []string{"config Healthcheck", "curl -u"}},
	{name: "onbuild", c: goodContract(), e: config(func(c *evidence.ImageConfig) { c.OnBuild = []string{"ENV API_KEY " + planted} }), want: Fail, says: []string{"config OnBuild", "API_KEY"}},
	{name: "provenance beside the image", c: goodContract(), e: image(func(i *evidence.Image) { i.Provenance = []string{"ARG VERSION=1.2", "ARG NPM_TOKEN=" + planted} }), want: Fail,
		says: []string{"provenance attestation, build argument", "NPM_TOKEN"}, hides: []string{"VERSION"}},
	{name: "a token by its shape", c: goodContract(), e: config(func(c *evidence.ImageConfig) { c.Env = []string{"GREETING=ghp_" + strings.Repeat("a1", 18)} }), want: Fail,
		says: []string{"GREETING holds what looks like a secret (GitHub token)"}, hides: []string{"ghp_"}},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionImage, func(e *evidence.Evidence) { e.Image = nil }), want: Inconclusive},
}

func TestMaskedEvidenceIsJudgedTheSame(t *testing.T) {
	for _, x := range secretsExamples {
		if x.e.Image == nil {
			continue
		}
		raw := x.e
		masked := raw
		img := redact.Image(*raw.Image)
		masked.Image = &img
		kept, err := json.Marshal(masked.Image)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(kept), planted) {
			t.Errorf("%s: the evidence still holds the secret: %s", x.name, kept)
		}
		var read evidence.Image
		if err := json.Unmarshal(kept, &read); err != nil {
			t.Fatal(err)
		}
		again := masked
		again.Image = &read
		want := noSecretsInHistory.Judge(contract.Contract{}, raw)
		for _, e := range []evidence.Evidence{masked, again} {
			if got := noSecretsInHistory.Judge(contract.Contract{}, e); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: masked: %+v\nraw: %+v", x.name, got, want)
			}
		}
	}
}
