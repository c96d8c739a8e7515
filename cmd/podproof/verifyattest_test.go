package main

import (
	"bytes"
	"strings"
	"testing"
)

// A run that passed is attested straight away, with the same refusals.
func TestVerifyAttests(t *testing.T) {
	ref := pushed(t)
	var f verifyAttest
	f.image, f.key = ref, "podproof.key"
	if err := f.check(); err != nil {
		t.Fatal(err)
	}
	rec := goodRun(t)
	rec.Evidence.Image.ID = imageID(t, "1002")
	var out, wrong bytes.Buffer
	if code := exitCode(f.after(t.Context(), rec, &out), &wrong); code != exitFail || !strings.Contains(wrong.String(), "--attest: this is not the image that was verified") || !strings.Contains(wrong.String(), "nothing is signed") {
		t.Errorf("exit code %d, said %s", code, wrong.String())
	}
	if code, _ := said(t, "gate", ref, "--key", "podproof.pub"); code != exitFail {
		t.Errorf("another image's run is a proof: %d", code)
	}
	rec.Evidence.Image.ID = imageID(t, "1001")
	if err := f.after(t.Context(), rec, &out); err != nil || !strings.Contains(out.String(), "Attested "+strings.Split(ref, ":1")[0]) {
		t.Errorf("%v, said %s", err, out.String())
	}
	if code, said := said(t, "gate", ref, "--key", "podproof.pub"); code != exitPass {
		t.Errorf("%d %s", code, said)
	}
	if err := (&verifyAttest{}).after(t.Context(), rec, &out); err != nil {
		t.Error(err)
	}
}

// What is wrong with the flags is told before anything is run.
func TestWhatVerifyNeedsToAttest(t *testing.T) {
	alone(t)
	writeKeys(t, "podproof")
	for want, f := range map[string]verifyAttest{
		"--key is for --attest IMAGE":       {attestFlags: attestFlags{key: "podproof.key"}},
		"--signer is for --attest IMAGE":    {attestFlags: attestFlags{signer: "true"}},
		"nothing signs the statement":       {image: "r.example/a"},
		"--key and --signer both sign":      {image: "r.example/a", attestFlags: attestFlags{key: "podproof.key", signer: "true"}},
		"--key: ":                           {image: "r.example/a", attestFlags: attestFlags{key: "none.key"}},
		"--public-key checks what --signer": {image: "r.example/a", attestFlags: attestFlags{key: "podproof.key", publicKey: "podproof.pub"}},
	} {
		if err := f.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
