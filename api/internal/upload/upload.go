// Package upload makes URLs that a client uploads an image to, and fetches it from, without
// passing it through this service. Making one needs no network: S3 can be down.
package upload

import (
	"net/http"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// Validity is how long a URL can be used.
const Validity = 15 * time.Minute

// Bucket is an S3 bucket and the right to use it.
type Bucket struct {
	Endpoint        *url.URL // scheme and host, no path
	Name            string
	Region          string
	AccessKeyID     string
	SecretAccessKey string
}

// Presigned is a request that anybody can send until it expires.
type Presigned struct {
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers,omitempty"` // to be sent unchanged: they are signed
	ExpiresAt time.Time         `json:"expires_at"`
}

// Put is the request that stores an object of this media type under key.
func (b Bucket) Put(key, contentType string) Presigned {
	return b.presign(http.MethodPut, key, map[string]string{"Content-Type": contentType})
}

// Get is the request that fetches the object under key.
func (b Bucket) Get(key string) Presigned {
	return b.presign(http.MethodGet, key, nil)
}

// presign signs for the path style (HOST/BUCKET/KEY), which every S3 server understands
// and which needs no DNS name for each bucket.
func (b Bucket) presign(method, key string, headers map[string]string) Presigned {
	target := *b.Endpoint
	target.Path = "/" + b.Name + "/" + key // not JoinPath: the signer needs the leading slash
	request := http.Request{Method: method, URL: &target, Host: target.Host, Header: http.Header{}}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	expires := time.Now().Add(Validity).UTC().Truncate(time.Second)
	signed := signer.PreSignV4(request, b.AccessKeyID, b.SecretAccessKey, "", b.Region, int64(Validity/time.Second))
	return Presigned{Method: method, URL: signed.URL.String(), Headers: headers, ExpiresAt: expires}
}
