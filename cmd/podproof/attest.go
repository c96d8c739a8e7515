package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/attest"
	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// How long a registry may take for all its answers; whoever signs may have to be asked for it, too.
const (
	gateTime   = 2 * time.Minute
	attestTime = 10 * time.Minute
)

// within bounds what depends on others, with a cause that a person understands.
func within(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, most, fmt.Errorf("it was not done within %s", most))
}

type attestFlags struct {
	key, signer, publicKey, record             string
	index, legacyTag, predicateOnly, anyResult bool
}

func newAttest() *cobra.Command {
	var f attestFlags
	c := &cobra.Command{
		Use:   "attest [flags] RECORD IMAGE",
		Short: "Sign what a run came to, and store it beside the image in its registry",
		Long: `attest judges RECORD, the file that ` + "`podproof verify --evidence FILE`" + ` kept, and stores a signed
statement of the verdicts beside IMAGE, for ` + "`podproof gate`" + ` and other verifiers: an in-toto statement
in a Sigstore bundle, as an OCI referrer. The record is stored, too, so that a gate can judge it again.

IMAGE is where the verified image was pushed. Its configuration's digest, which no push changes,
must be that of the image that was verified. A result that is not pass is not signed.

The key is ECDSA P-256 or Ed25519 in PEM (PKCS#8), or one of cosign's, with its password in
COSIGN_PASSWORD. --signer runs a command instead: it is given what is to be signed on standard
input, and prints the signature. Use a key for podproof alone.

Exit codes: 0 stored, 1 refused: the result does not pass, or the image is another one, 2 wrong
record, key or flags, 3 the registry or the signer could not be used, or the result is inconclusive.`,
		Example: `  podproof attest run.json registry.example/shop/api:1.4.2 --key podproof.key

  # with a key in a vault
  podproof attest run.json registry.example/shop/api:1.4.2 --signer 'vault-sign podproof'

  # for GitHub's actions/attest, which signs with the workflow's identity
  podproof attest run.json ghcr.io/shop/api:1.4.2 --predicate-only > predicate.json`,
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			return f.run(c.Context(), args[0], args[1], c.OutOrStdout())
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.key, "key", "", "sign with the private key in this `FILE`")
	fl.StringVar(&f.signer, "signer", "", "sign with this `COMMAND`: what is to be signed on standard input, the signature on standard output")
	fl.StringVar(&f.publicKey, "public-key", "", "with --signer: check its signature with the public key in this `FILE` before anything is stored")
	fl.StringVar(&f.record, "record", "", "what to store of the record: `full`, verdicts or none (default: full, but verdicts where a Secret's value may be in it)")
	fl.BoolVar(&f.index, "index", false, "cover an index, too, that has platforms which were not verified")
	fl.BoolVar(&f.legacyTag, "legacy-tag", false, "write the tag sha256-….att, too, for verifiers that do not know referrers")
	fl.BoolVar(&f.predicateOnly, "predicate-only", false, "sign nothing: print the predicate, for another program to sign")
	fl.BoolVar(&f.anyResult, "any-result", false, "sign a result that is not pass, too")
	complete(c, "record", []string{attest.RecordFull, attest.RecordVerdicts, attest.RecordNone})
	return c
}

func (f *attestFlags) run(ctx context.Context, file, image string, out io.Writer) error {
	o, err := f.options(file, image)
	if err != nil {
		return usage(err)
	}
	return f.attest(ctx, o, out)
}

// attest signs and stores, and says what.
func (f *attestFlags) attest(ctx context.Context, o attest.Options, out io.Writer) error {
	ctx, cancel := within(ctx, attestTime)
	defer cancel()
	a, err := attest.Attest(ctx, o)
	var refusal *attest.Refusal
	switch {
	case errors.As(err, &refusal) && refusal.Result == check.Inconclusive:
		return couldNot(err)
	case errors.As(err, &refusal):
		return exitError{exitFail, err}
	case err != nil:
		return registryError(ctx, err)
	}
	if a.Kept == attest.RecordVerdicts && f.record == "" {
		fmt.Fprintln(os.Stderr, "podproof: only the verdicts are stored, since a Secret's value may be in the record; a gate cannot judge them again (--record full stores all)")
	}
	if len(a.Open) > 0 && a.Index == "" {
		fmt.Fprintf(os.Stderr, "podproof: the index is not covered: it has %s as well, which was not verified (--index covers it all the same)\n", strings.Join(a.Open, ", "))
	}
	if f.predicateOnly {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(a.Predicate)
	}
	fmt.Fprintf(out, "Attested %s (%s): %s, %d promises kept\n", a.Image, strings.Join(a.Predicate.Platforms, ", "), a.Predicate.Result, a.Predicate.Counts[check.Pass])
	if a.Index != "" {
		fmt.Fprintf(out, "and the index %s\n", a.Index)
	}
	return nil
}

func (f *attestFlags) options(file, image string) (attest.Options, error) {
	o, err := f.signing()
	if err != nil {
		return o, err
	}
	o.File, o.Image = file, image
	o.Record, err = report.ReadText(file)
	return o, err
}

// signing is all that does not depend on a record and an image.
func (f *attestFlags) signing() (attest.Options, error) {
	o := attest.Options{Keep: f.record, Index: f.index, LegacyTag: f.legacyTag, AnyResult: f.anyResult, PredicateOnly: f.predicateOnly, Version: version()}
	switch {
	case f.predicateOnly && (f.key != "" || f.signer != "" || f.legacyTag):
		return o, errors.New("--predicate-only signs nothing; leave out --key, --signer and --legacy-tag")
	case f.key != "" && f.signer != "":
		return o, errors.New("--key and --signer both sign; leave one out")
	case f.publicKey != "" && f.signer == "":
		return o, errors.New("--public-key checks what --signer signs; leave it out, or name a --signer")
	case f.key == "" && f.signer == "" && !f.predicateOnly:
		return o, errors.New("nothing signs the statement; name a private key with --key FILE, or a command with --signer COMMAND (`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out podproof.key` makes a key)")
	}
	kinds := []string{attest.RecordFull, attest.RecordVerdicts, attest.RecordNone}
	if f.record != "" && !slices.Contains(kinds, f.record) {
		hint := ""
		if near := contract.Nearest(f.record, kinds); near != "" {
			hint = fmt.Sprintf("; did you mean %s?", near)
		}
		return o, fmt.Errorf("--record %q is none of %s%s", f.record, strings.Join(kinds, ", "), hint)
	}
	var err error
	if f.key != "" {
		if o.Signer, err = attest.ReadSigner(f.key); err != nil {
			return o, fmt.Errorf("--key: %w", err)
		}
	}
	if f.signer != "" {
		var public *attest.PublicKey
		if f.publicKey != "" {
			k, err := attest.ReadPublicKey(f.publicKey)
			if err != nil {
				return o, fmt.Errorf("--public-key: %w", err)
			}
			public = &k
		}
		o.Signer = attest.CommandSigner(f.signer, public)
	}
	return o, nil
}

// registryError is an error of what was named, or of the registry that did not answer.
func registryError(ctx context.Context, err error) error {
	var input *attest.InputError
	switch {
	case errors.As(context.Cause(ctx), new(*pipeline.Stopped)):
		return context.Cause(ctx)
	case errors.As(err, &input):
		return usage(err)
	}
	return couldNot(err)
}
