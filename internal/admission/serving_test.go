package admission

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// configured is a cluster with the webhook's configuration, which also has somebody else's webhook.
func configured() *fake.Clientset {
	at := func(service string) admissionregistrationv1.WebhookClientConfig {
		return admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{Namespace: "podproof-gate", Name: service}, CABundle: []byte("\n")}
	}
	return fake.NewClientset(&admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "podproof-gate"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{Name: "pods", ClientConfig: at("podproof-gate")}, {Name: "workloads", ClientConfig: at("podproof-gate")}, {Name: "other", ClientConfig: at("other")}}})
}

func own(t *testing.T, client *fake.Clientset, id string) *Own {
	t.Helper()
	o := &Own{Client: client, Configuration: "podproof-gate", Service: "podproof-gate", Namespace: "podproof-gate", ID: id, Log: slog.New(slog.DiscardHandler)}
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	return o
}

// bundle is what the configuration trusts; both webhooks must trust the same, and somebody else's nothing.
func bundle(t *testing.T, client *fake.Clientset) []byte {
	t.Helper()
	c, err := client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(t.Context(), "podproof-gate", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := c.Webhooks[0].ClientConfig.CABundle
	if !bytes.Equal(b, c.Webhooks[1].ClientConfig.CABundle) || string(c.Webhooks[2].ClientConfig.CABundle) != "\n" {
		t.Errorf("the webhooks trust %q, %q and %q", b, c.Webhooks[1].ClientConfig.CABundle, c.Webhooks[2].ClientConfig.CABundle)
	}
	return b
}

// trusted tells whether an API server that trusts a bundle takes a replica's certificate.
func trusted(t *testing.T, bundle []byte, o *Own, now time.Time) bool {
	t.Helper()
	c, err := o.Certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "podproof-gate.podproof-gate.svc", CurrentTime: now})
	return err == nil
}

func authorities(bundle []byte) int { return bytes.Count(bundle, []byte("BEGIN CERTIFICATE")) }

// Replicas trust each other's authorities into the configuration, and take out what is no more.
func TestEachReplicaIsTrusted(t *testing.T) {
	client := configured()
	now := time.Now()
	a, b := own(t, client, "gate-a"), own(t, client, "gate-b")
	if a.Ready() == nil {
		t.Error("it is ready before it is trusted")
	}
	for range 2 {
		a.Look(t.Context(), now)
		b.Look(t.Context(), now)
	}
	got := bundle(t, client)
	if a.Ready() != nil || b.Ready() != nil || !trusted(t, got, a, now) || !trusted(t, got, b, now) || authorities(got) != 2 {
		t.Errorf("trusted are\n%s", got)
	}
	client.ClearActions()
	a.Look(t.Context(), now)
	b.Look(t.Context(), now)
	for _, x := range client.Actions() {
		if x.GetVerb() != "get" {
			t.Errorf("what is so already is written again: %s", x.GetVerb())
		}
	}
	// A container that starts again has a new authority in the place of its old one.
	again := own(t, client, "gate-a")
	again.Look(t.Context(), now)
	if got := bundle(t, client); trusted(t, got, a, now) || !trusted(t, got, again, now) || authorities(got) != 2 {
		t.Errorf("after a start trusted are\n%s", got)
	}
	// Somebody takes it out: it comes back.
	c, _ := client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(t.Context(), "podproof-gate", metav1.GetOptions{})
	c.Webhooks[0].ClientConfig.CABundle, c.Webhooks[1].ClientConfig.CABundle = nil, nil
	if _, err := client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Update(t.Context(), c, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	again.Look(t.Context(), now)
	b.Look(t.Context(), now)
	// In time it is renewed: the new authority is trusted beside the old one, until that is not shown any more.
	later := now.Add(lifetime - lifetime/3 + time.Hour)
	before, _ := again.Certificate(nil)
	again.Look(t.Context(), later)
	after, _ := again.Certificate(nil)
	if got := bundle(t, client); bytes.Equal(before.Certificate[0], after.Certificate[0]) || authorities(got) != 3 || !trusted(t, got, again, later) {
		t.Errorf("after renewing trusted are\n%s", got)
	}
	again.Look(t.Context(), later)
	if got := bundle(t, client); authorities(got) != 2 || !trusted(t, got, again, later) {
		t.Errorf("then trusted are\n%s", got)
	}
	again.Look(t.Context(), now.Add(lifetime+time.Hour))
	if got := bundle(t, client); authorities(got) != 1 {
		t.Errorf("what has ended stays:\n%s", got)
	}
}

func TestManyReplicasThatAreNoMore(t *testing.T) {
	var got []byte
	now := time.Now()
	for i := range 2 * maxAuthorities {
		p, err := newPair("gate-"+string(rune('a'+i)), []string{"x"}, now.Add(time.Duration(i)*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		got = trusting(got, p.authority.Subject.CommonName, []*x509.Certificate{p.authority}, now)
		if !bytes.Contains(got, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.authority.Raw})) {
			t.Fatal("its own is not in it")
		}
	}
	if n := authorities(got); n != maxAuthorities {
		t.Errorf("%d are trusted", n)
	}
}

func TestWhyAReplicaIsNotTrusted(t *testing.T) {
	for want, change := range map[string]func(*fake.Clientset, *Own){
		"there is no validatingwebhookconfiguration/none": func(_ *fake.Clientset, o *Own) { o.Configuration = "none" },
		"has no webhook at service/none":                  func(_ *fake.Clientset, o *Own) { o.Service = "none" },
		"may not get and update validatingwebhookconfiguration/podproof-gate": func(c *fake.Clientset, _ *Own) {
			c.PrependReactor("update", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, apierrors.NewForbidden(admissionregistrationv1.Resource("validatingwebhookconfigurations"), "podproof-gate", errors.New("no"))
			})
		},
	} {
		client := configured()
		o := own(t, client, "gate-a")
		change(client, o)
		o.Look(t.Context(), time.Now())
		if err := o.Ready(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	// Once it is trusted it stays so, while the API server is away.
	client := configured()
	o := own(t, client, "gate-a")
	o.Look(t.Context(), time.Now())
	client.PrependReactor("get", "*", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("away") })
	o.Look(t.Context(), time.Now())
	if err := o.Ready(); err != nil {
		t.Error(err)
	}
	// Two that write at once: the second tries again.
	client = configured()
	refused := false
	client.PrependReactor("update", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
		if refused {
			return false, nil, nil
		}
		refused = true
		return true, nil, apierrors.NewConflict(admissionregistrationv1.Resource("validatingwebhookconfigurations"), "podproof-gate", errors.New("changed"))
	})
	o = own(t, client, "gate-a")
	o.Look(t.Context(), time.Now())
	if err := o.Ready(); err != nil || !refused {
		t.Error(err)
	}
}

// served is a server that runs, and what ends it.
func served(t *testing.T, s Server) (address string, end context.CancelFunc, ended chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	ended = make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	return "https://" + l.Addr().String(), cancel, ended
}

// The API server asks over TLS that it trusts by the bundle; SIGTERM answers what was asked before.
func TestServing(t *testing.T) {
	client := configured()
	o := own(t, client, "gate-a")
	asked, answer := make(chan bool), make(chan bool)
	hook := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- true
		<-answer
		_, _ = io.WriteString(w, "answered")
	})
	address, end, ended := served(t, Server{Webhook: hook, Certificate: o.Certificate, Ready: o.Ready, Drain: 50 * time.Millisecond})
	get := func(roots *x509.CertPool, path string) (int, string, error) {
		c := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "podproof-gate.podproof-gate.svc"}, DisableKeepAlives: true}}
		do := c.Get
		if path == Path {
			do = func(url string) (*http.Response, error) { return c.Post(url, "application/json", nil) }
		}
		resp, err := do(address + path)
		if err != nil {
			return 0, "", err
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), err
	}
	if _, _, err := get(x509.NewCertPool(), "/healthz"); err == nil {
		t.Error("it is trusted by nobody, and was asked all the same")
	}
	o.Look(t.Context(), time.Now())
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle(t, client))
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/other": 404} {
		if code, _, err := get(roots, path); code != want || err != nil {
			t.Errorf("%s: %d (%v)", path, code, err)
		}
	}
	got := make(chan string, 1)
	go func() {
		_, said, err := get(roots, Path)
		if err != nil {
			said = err.Error()
		}
		got <- said
	}()
	<-asked
	end()
	for { // it is not ready any more, and serves on
		code, said, err := get(roots, "/readyz")
		if err != nil || code == http.StatusServiceUnavailable && strings.Contains(said, "this replica is ending") {
			break
		}
	}
	close(answer)
	if said := <-got; said != "answered" {
		t.Errorf("what was asked before the end got %q", said)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, _, err := get(roots, "/healthz"); err == nil {
		t.Error("it serves on")
	}
}
