package agent

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"

	"podproof.dev/podproof/internal/evidence"
)

// grpcConn asks gRPC's health protocol over HTTP/2 without TLS, as a kubelet does
// (https://github.com/grpc/grpc/blob/master/doc/health-checking.md, pkg/probe/grpc/grpc.go).
type grpcConn struct {
	*http.ClientConn // one connection, which sends nothing twice
	tcp              net.Conn
}

func dialGRPC(ctx context.Context, address string, connected func()) (connection, error) {
	g := &grpcConn{}
	t := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			w, err := dial(ctx, address)
			if err != nil {
				return nil, err
			}
			connected()
			g.tcp = w.tcp
			return w.tcp, nil
		}}
	t.Protocols.SetUnencryptedHTTP2(true)
	var err error
	g.ClientConn, err = t.NewClientConn(ctx, "http", address)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// open is false also when the server has said GOAWAY.
func (g *grpcConn) open() bool { return g.Err() == nil && g.Available() > 0 }

func (g *grpcConn) acked() (uint64, bool) { return acknowledged(g.tcp) }

// resets is never true: many streams share the connection, and the server says which it has read.
func (g *grpcConn) resets(error) bool { return false }

func (g *grpcConn) ask(ctx context.Context, x *exchange, o *evidence.Request, since func() float64) error {
	body, message := io.Pipe()
	defer body.Close()
	held, sent := make(chan struct{}), make(chan float64, 1)
	trace := &httptrace.ClientTrace{WroteHeaders: func() {
		if x.Hold {
			x.tell(Line{Held: x.Name})
		}
		close(held)
	}}
	go func() {
		select {
		case <-held:
		case <-ctx.Done():
		}
		if x.Hold {
			if _, err := x.due(ctx, nil); err != nil {
				message.CloseWithError(err)
				return
			}
			sent <- since()
		}
		_, err := message.Write(healthRequest(x.Service))
		message.CloseWithError(err)
	}()
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodPost,
		(&url.URL{Scheme: "http", Host: cmp.Or(x.Host, x.Address), Path: "/grpc.health.v1.Health/Check"}).String(), body)
	if err != nil {
		return err
	}
	for k, v := range x.Header {
		request.Header.Set(k, v)
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	request.Header.Set("User-Agent", "podproof")
	answer, err := g.RoundTrip(request)
	if err != nil {
		select {
		case <-held:
		default:
			if o.Reused {
				return &unsent{err}
			}
		}
		return &classed{err, evidence.FailureProtocol} // where it is not that the server is gone
	}
	defer answer.Body.Close()
	o.Answered = since()
	select {
	case o.Released = <-sent:
	default:
		o.Early = x.Hold
	}
	// The trailer is there when the body has been read.
	said, err := io.ReadAll(io.LimitReader(answer.Body, bodyKept))
	if o.Bytes = int64(len(said)); err != nil {
		return fmt.Errorf("after %d bytes of the answer's message: %w", o.Bytes, err)
	}
	o.Status, o.Body = healthStatus(answer, said, x.AnyState)
	o.Closes = !g.open()
	return nil
}

// healthRequest is a grpc.health.v1.HealthCheckRequest, framed: not compressed, its length, and
// the field 1, a string.
func healthRequest(service string) []byte {
	var m []byte
	if service != "" {
		m = binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(service)))
		m = append(m, service...)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(m))), m...)
}

// The codes of gRPC that an answer to a health check has
// (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md).
const (
	grpcOK            = 0
	grpcNotFound      = 5
	grpcUnimplemented = 12
)

// healthStatus is the answer as a status of HTTP has it, with what was said.
func healthStatus(answer *http.Response, said []byte, anyState bool) (status int, text string) {
	code, message := answer.Trailer.Get("Grpc-Status"), answer.Trailer.Get("Grpc-Message")
	if code == "" { // an answer without a message has no trailer of its own
		code, message = answer.Header.Get("Grpc-Status"), answer.Header.Get("Grpc-Message")
	}
	n, err := strconv.Atoi(code)
	if plain, unescape := url.PathUnescape(message); unescape == nil {
		message = plain
	}
	switch {
	case answer.StatusCode == http.StatusNotFound:
		return http.StatusNotImplemented, "HTTP 404: no gRPC health service is served"
	case answer.StatusCode != http.StatusOK:
		return max(answer.StatusCode, http.StatusBadRequest), fmt.Sprintf("HTTP %d in place of a gRPC answer", answer.StatusCode)
	case err != nil:
		return http.StatusInternalServerError, fmt.Sprintf("no gRPC answer: its grpc-status is %q", code)
	case n == grpcOK:
		if status, text = servingStatus(said); anyState && text != "" {
			status = http.StatusOK
		}
		return status, text
	case n == grpcNotFound:
		return http.StatusNotFound, "grpc-status 5 NOT_FOUND: " + message
	case n == grpcUnimplemented:
		return http.StatusNotImplemented, "grpc-status 12 UNIMPLEMENTED: " + message
	}
	return http.StatusInternalServerError, fmt.Sprintf("grpc-status %d: %s", n, message)
}

// servingStatus reads a grpc.health.v1.HealthCheckResponse: its field 1 is UNKNOWN (0, which
// is not written), SERVING (1), NOT_SERVING (2) or SERVICE_UNKNOWN (3).
func servingStatus(framed []byte) (status int, text string) {
	const prefix = 5
	if len(framed) < prefix || framed[0] != 0 {
		return http.StatusInternalServerError, ""
	}
	serving, message := uint64(0), framed[prefix:]
	for len(message) > 1 && message[0] == 1<<3 {
		n, size := binary.Uvarint(message[1:])
		if size <= 0 {
			break
		}
		serving, message = n, message[1+size:]
	}
	switch serving {
	case 1:
		return http.StatusOK, "SERVING"
	case 2:
		return http.StatusServiceUnavailable, "NOT_SERVING"
	case 3:
		return http.StatusNotFound, "SERVICE_UNKNOWN"
	}
	return http.StatusServiceUnavailable, "UNKNOWN"
}
