package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/admission"
	"podproof.dev/podproof/internal/cluster/existing"
)

type gateServeFlags struct {
	policyFlags
	kubeconfig, listen, cert, key, webhook, service, namespace string
	except                                                     []string
	keep, drain                                                time.Duration
}

func newGateServe() *cobra.Command {
	var f gateServeFlags
	b := admission.UsualBounds()
	c := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Let no pod into a cluster whose images are not proven: the gate as an admission webhook",
		Long: `serve answers the API server whether pods, and what makes them, may be created: each of their images
must be named by its digest, and be proven as ` + "`podproof gate`" + ` asks it. manifests/gate installs it. What it
cannot find out it refuses, and the next try asks again.

It makes its own certificate, and has the webhook's configuration trust that; or it takes the one in
--tls-cert and --tls-key, and reads it again when it has changed. It asks registries with the pull secrets
of a pod, where it may read them, and with the passwords that it was given itself.

Exit codes: 0 ended by SIGTERM or Ctrl-C, 2 wrong key, policy or flags, 3 it could not serve.`,
		Example: `  # in manifests/gate
  podproof gate serve -f /etc/podproof/gate.yaml

  # with the certificate of cert-manager, and a mesh's sidecars let in without a proof
  podproof gate serve --key podproof.pub --tls-cert tls.crt --tls-key tls.key --except 'registry.example/mesh/*'`,
		Args: asUsed,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	f.policyFlags.add(c)
	fl := c.Flags()
	fl.StringVar(&f.listen, "listen", ":8443", "serve at this `ADDRESS`, with TLS: "+admission.Path+", /healthz and /readyz")
	fl.StringVar(&f.cert, "tls-cert", "", "certificate `FILE` (PEM), instead of one of its own")
	fl.StringVar(&f.key, "tls-key", "", "private key `FILE` (PEM) of --tls-cert")
	fl.StringVar(&f.webhook, "webhook", "podproof-gate", "`NAME` of the ValidatingWebhookConfiguration that is to trust its own certificate")
	fl.StringVar(&f.service, "service", "podproof-gate", "`NAME` of its Service, in its namespace")
	fl.StringVarP(&f.namespace, "namespace", "n", "", "`NAMESPACE` of its Service (default: its pod's)")
	fl.StringSliceVar(&f.except, "except", nil, "`REPOSITORY` whose images need no proof and no digest, with globs: 'registry.example/mesh/*'")
	fl.DurationVar(&f.keep, "remember", b.Keep, "how long a proven image is not asked about again")
	fl.DurationVar(&f.drain, "drain", 5*time.Second, "how long to go on after SIGTERM, until the API server knows")
	fl.StringVar(&f.kubeconfig, "kubeconfig", "", "look for the cluster in this `FILE` (default: that of its pod)")
	return c
}

func (f *gateServeFlags) run(c *cobra.Command) error {
	o, err := f.options(c)
	if err != nil {
		return usage(err)
	}
	switch {
	case len(o.Keys) == 0:
		return usage(errors.New("no key is named by which a proof would be believed; name one with --key podproof.pub, or with keys in the policy"))
	case (f.cert == "") != (f.key == ""):
		return usage(errors.New("--tls-cert and --tls-key belong together; give both, or none"))
	case f.keep < 0 || f.drain < 0:
		return usage(errors.New("--remember and --drain are times of zero or more, such as 5m"))
	}
	if f.except, err = admission.ParseExcept(f.except); err != nil {
		return usage(fmt.Errorf("--except: %w", err))
	}
	log := slog.New(slog.NewTextHandler(c.OutOrStdout(), nil))
	client, err := f.client(c.Context())
	if err != nil {
		return usage(err)
	}
	bounds := admission.UsualBounds()
	bounds.Keep = f.keep
	hook := &admission.Webhook{Policy: o, Except: f.except, Bounds: bounds, Client: client, Log: log}
	serving := admission.Server{Webhook: hook, Drain: f.drain, Ready: func() error { return nil }}
	if serving.Certificate, err = f.certificate(c.Context(), client, log, &serving); err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(c.Context(), "tcp", f.listen)
	if err != nil {
		return couldNot(fmt.Errorf("--listen %s: %w", f.listen, err))
	}
	log.Info("serving", "address", l.Addr().String(), "version", version())
	if err := serving.Serve(c.Context(), l); err != nil {
		return couldNot(fmt.Errorf("serving: %w", err))
	}
	log.Info("ended", "by", context.Cause(c.Context()))
	return nil
}

// client is nil outside of a cluster, where nothing needs it.
func (f *gateServeFlags) client(ctx context.Context) (kubernetes.Interface, error) {
	if f.cert != "" && f.kubeconfig == "" && os.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		return nil, nil
	}
	return clientOf(ctx, f.kubeconfig)
}

// certificate is that of the files, or its own, which is kept trusted from here on.
func (f *gateServeFlags) certificate(ctx context.Context, client kubernetes.Interface, log *slog.Logger, s *admission.Server) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	if f.cert != "" {
		files := &admission.Files{Cert: f.cert, Key: f.key, Log: log}
		if err := files.Start(); err != nil {
			return nil, usage(err)
		}
		return files.Certificate, nil
	}
	namespace := f.namespace
	if namespace == "" {
		var err error
		if namespace, err = existing.Namespace(); err != nil {
			return nil, usage(err)
		}
	}
	id, err := os.Hostname()
	if err != nil {
		return nil, couldNot(err)
	}
	own := &admission.Own{Client: client, Configuration: f.webhook, Service: f.service, Namespace: namespace, ID: id, Log: log}
	if err := own.Start(); err != nil {
		return nil, couldNot(err)
	}
	go own.Keep(ctx, time.Minute)
	s.Ready = own.Ready
	return own.Certificate, nil
}
