package admission

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// Own are certificates that podproof makes for itself. Each replica has an authority of its own, and adds it to
// those that the webhook's configuration trusts.
type Own struct {
	Client kubernetes.Interface
	// Configuration is the name of the ValidatingWebhookConfiguration, and Service that of the Service in Namespace.
	Configuration, Service, Namespace string
	// ID is the replica's: the name of its pod.
	ID  string
	Log *slog.Logger

	mu    sync.Mutex
	pair  pair
	ready error
}

var (
	errNotYet = errors.New("the webhook's configuration does not trust this replica yet")
	errEnding = errors.New("this replica is ending")
)

// Start makes the certificate. It is not trusted until Look has said so.
func (o *Own) Start() (err error) {
	o.ready = errNotYet
	o.pair, err = newPair(o.ID, o.names(), time.Now())
	return err
}

func (o *Own) names() []string {
	return []string{o.Service + "." + o.Namespace + ".svc", o.Service + "." + o.Namespace, o.Service + "." + o.Namespace + ".svc.cluster.local"}
}

// Certificate is for tls.Config.
func (o *Own) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.pair.serving // a copy, which no renewal changes
	return &c, nil
}

// Ready tells whether the webhook's configuration trusts this replica.
func (o *Own) Ready() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ready
}

// Keep looks every so often that the configuration trusts this replica, until the context ends.
func (o *Own) Keep(ctx context.Context, every time.Duration) {
	for {
		o.Look(ctx, time.Now())
		wait := every
		if o.Ready() != nil {
			wait = min(every, 2*time.Second)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// Look has the configuration trust this replica, and renews the certificate in time: the new authority is trusted
// before a certificate of it is shown.
func (o *Own) Look(ctx context.Context, now time.Time) {
	o.mu.Lock()
	current := o.pair
	o.mu.Unlock()
	next, trusted := current, []*x509.Certificate{current.authority}
	var err error
	if now.After(current.authority.NotAfter.Add(-lifetime / 3)) {
		if next, err = newPair(o.ID, o.names(), now); err == nil {
			trusted = append(trusted, next.authority)
		}
	}
	if err == nil {
		err = o.publish(ctx, trusted, now)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.pair = next
	} else if ctx.Err() == nil && (o.ready == nil || o.ready.Error() != err.Error()) {
		o.Log.Error("not trusted", "error", err)
	}
	// A replica that was trusted still is while the API server is away.
	if err == nil || o.ready != nil || apierrors.IsNotFound(err) {
		o.ready = err
	}
}

// publish writes the authorities into the configuration, where they are not in it.
func (o *Own) publish(ctx context.Context, own []*x509.Certificate, now time.Time) error {
	api := o.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		c, err := api.Get(ctx, o.Configuration, metav1.GetOptions{})
		if err != nil {
			return err
		}
		found, changed := false, false
		for i := range c.Webhooks {
			to := &c.Webhooks[i].ClientConfig
			if to.Service == nil || to.Service.Name != o.Service || to.Service.Namespace != o.Namespace {
				continue
			}
			found = true
			if want := trusting(to.CABundle, o.ID, own, now); !bytes.Equal(want, to.CABundle) {
				to.CABundle, changed = want, true
			}
		}
		if !found {
			return fmt.Errorf("validatingwebhookconfiguration/%s has no webhook at service/%s in namespace %s; apply manifests/gate again, or name them with --webhook and --service", o.Configuration, o.Service, o.Namespace)
		}
		if !changed {
			return nil
		}
		_, err = api.Update(ctx, c, metav1.UpdateOptions{FieldManager: "podproof-gate"})
		return err
	})
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("there is no validatingwebhookconfiguration/%s, so that nothing asks this gate; apply manifests/gate, or name another with --webhook: %w", o.Configuration, err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("this gate may not get and update validatingwebhookconfiguration/%s, to have it trust its certificate; give it the ClusterRole of manifests/gate, or certificates with --tls-cert and --tls-key: %w", o.Configuration, err)
	}
	return err
}
