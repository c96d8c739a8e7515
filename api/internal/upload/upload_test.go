package upload

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

var bucket = Bucket{
	Endpoint:        &url.URL{Scheme: "https", Host: "s3.example.com:9000"},
	Name:            "reactions",
	Region:          "eu-west-1",
	AccessKeyID:     "AKID",
	SecretAccessKey: "secret/with+signs",
}

func TestPut(t *testing.T) {
	p := bucket.Put("a/b", "image/png")
	if p.Method != http.MethodPut || p.Headers["Content-Type"] != "image/png" {
		t.Errorf("got %s with headers %v", p.Method, p.Headers)
	}
	expectSigned(t, p, "content-type:image/png\nhost:s3.example.com:9000\n", "content-type;host")
}

func TestGet(t *testing.T) {
	p := bucket.Get("a/b")
	if p.Method != http.MethodGet || len(p.Headers) != 0 {
		t.Errorf("got %s with headers %v", p.Method, p.Headers)
	}
	expectSigned(t, p, "host:s3.example.com:9000\n", "host")
}

func TestTheEndpointStaysAsItWas(t *testing.T) {
	bucket.Get("a/b")
	if got := bucket.Endpoint.String(); got != "https://s3.example.com:9000" {
		t.Errorf("it became %s", got)
	}
}

// expectSigned computes the signature as an S3 server does, by AWS's description of
// Signature Version 4 in query parameters.
func expectSigned(t *testing.T, p Presigned, canonicalHeaders, signedHeaders string) {
	t.Helper()
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "https" || u.Host != "s3.example.com:9000" || u.Path != "/reactions/a/b" {
		t.Errorf("got URL %s", p.URL)
	}
	query := u.Query()
	signature := query.Get("X-Amz-Signature")
	query.Del("X-Amz-Signature")
	moment := query.Get("X-Amz-Date")
	if got := query.Get("X-Amz-SignedHeaders"); got != signedHeaders {
		t.Errorf("signed headers are %s, expected %s", got, signedHeaders)
	}

	signed, err := time.Parse("20060102T150405Z", moment)
	if err != nil {
		t.Fatal(err)
	}
	if query.Get("X-Amz-Expires") != "900" {
		t.Errorf("it expires in %s s, expected 900", query.Get("X-Amz-Expires"))
	}
	// Two readings of the clock: the signer's is later, or in the same second.
	if p.ExpiresAt.After(signed.Add(Validity)) {
		t.Errorf("it claims to be valid until %s, which is after %s + %s", p.ExpiresAt, signed, Validity)
	}

	scope := moment[:8] + "/eu-west-1/s3/aws4_request"
	canonical := strings.Join([]string{p.Method, "/reactions/a/b", query.Encode(), canonicalHeaders, signedHeaders, "UNSIGNED-PAYLOAD"}, "\n")
	digest := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", moment, scope, hex.EncodeToString(digest[:])}, "\n")
	key := []byte("AWS4" + bucket.SecretAccessKey)
	for _, part := range append(strings.Split(scope, "/"), toSign) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	if expected := hex.EncodeToString(key); signature != expected {
		t.Errorf("signature is %s, expected %s", signature, expected)
	}
	if got := query.Get("X-Amz-Credential"); got != "AKID/"+scope {
		t.Errorf("credential is %s", got)
	}
	if strings.Contains(p.URL, "secret") {
		t.Error("the secret is in the URL")
	}
}
