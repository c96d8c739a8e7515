package attest

import (
	"strings"
	"testing"
)

func TestReadBundle(t *testing.T) {
	const envelope = `{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"eA=="}]}`
	good := `{"mediaType":"` + BundleType + `","verificationMaterial":{"publicKey":{"hint":"x"},"tlogEntries":[]},"dsseEnvelope":` + envelope + `}`
	e, err := readBundle([]byte(good))
	if err != nil || string(e.Payload) != "{}" || string(e.Signatures[0].Sig) != "x" {
		t.Fatalf("%+v, %v", e, err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"of another version":      {strings.Replace(good, "v0.3", "v0.1", 1), "v0.1+json\"; podproof reads"},
		"of a message":            {strings.Replace(good, "dsseEnvelope", "messageSignature", 1), "it holds no DSSE envelope"},
		"without an envelope":     {strings.Replace(good, envelope, "null", 1), "it holds no DSSE envelope"},
		"without a payload":       {strings.Replace(good, "e30=", "", 1), "its payload is empty"},
		"a payload of no base64":  {strings.Replace(good, "e30=", "{}", 1), "illegal base64"},
		"an envelope twice":       {strings.Replace(good, `"dsseEnvelope"`, `"dsseenvelope":null,"dsseEnvelope"`, 1), `the key "dsseEnvelope" comes twice`},
		"something after it":      {good + "{}", "something follows"},
		"cut short":               {good[:len(good)-4], "it ends in the middle"},
		"nested without an end":   {strings.Repeat(`{"a":`, 100), "nested more than"},
		"no UTF-8":                {good + "\xff", "it is not UTF-8"},
		"a list":                  {"[]", "cannot unmarshal array"},
		"an envelope of no shape": {strings.Replace(good, envelope, `"x"`, 1), "cannot unmarshal string"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := readBundle([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
