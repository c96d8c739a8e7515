package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/report"
)

// verifyAttest are the flags with which verify attests straight away.
type verifyAttest struct {
	image string
	attestFlags
}

func (f *verifyAttest) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.image, "attest", "", "when all promises hold, sign that and store it beside this `IMAGE`: where what was verified is pushed by then")
	fl.StringVar(&f.key, "key", "", "with --attest: sign with the private key in this `FILE`")
	fl.StringVar(&f.signer, "signer", "", "with --attest: sign with this `COMMAND`, as podproof attest does")
	fl.StringVar(&f.publicKey, "public-key", "", "with --signer: check its signature with the public key in this `FILE`")
}

// check finds what is wrong before anything is run.
func (f *verifyAttest) check() error {
	if f.image == "" {
		for flag, value := range map[string]string{"key": f.key, "signer": f.signer, "public-key": f.publicKey} {
			if value != "" {
				return fmt.Errorf("--%s is for --attest IMAGE, which is not given", flag)
			}
		}
		return nil
	}
	_, err := f.signing()
	return err
}

// after attests the record of a run. A run that did not pass is not attested, and ends as it would.
func (f *verifyAttest) after(ctx context.Context, rec report.Record, out io.Writer) error {
	if f.image == "" {
		return nil
	}
	o, err := f.signing()
	if err != nil {
		return usage(err)
	}
	o.File, o.Image = "the record of this run", f.image
	if o.Record, err = json.Marshal(rec); err != nil {
		return couldNot(err)
	}
	err = f.attest(ctx, o, out)
	var code exitError
	if errors.As(err, &code) && code.err != nil {
		return exitError{code.code, fmt.Errorf("--attest: %w; all promises hold, and nothing is signed", code.err)}
	}
	return err
}
