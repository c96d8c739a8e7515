package attest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// maxSignature is how many bytes a signer may print.
const maxSignature = 16 << 10

// command has another program sign: what is to be signed is on its standard input, and it prints the
// signature, as it is or in base64.
type command struct {
	line   string
	public *PublicKey
}

// CommandSigner signs with a command line, which a shell runs: of a KMS, an HSM or a vault. With a
// public key each signature is checked before anything is stored.
func CommandSigner(line string, public *PublicKey) Signer { return command{line, public} }

// Public is the key that was named.
func (c command) Public() (PublicKey, bool) {
	if c.public == nil {
		return PublicKey{}, false
	}
	return *c.public, true
}

// Sign runs the command.
func (c command) Sign(ctx context.Context, message []byte) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", c.line)
	cmd.Stdin = bytes.NewReader(message)
	stdout, stderr := limited{max: maxSignature}, limited{max: 4 << 10}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	said := strings.TrimSpace(string(stderr.kept))
	if said == "" {
		said = "it said nothing on standard error"
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("the signer `%s` did not end in time: %w", c.line, context.Cause(ctx))
	case errors.As(err, &exit):
		return nil, fmt.Errorf("the signer `%s` failed with %s: %s", c.line, exit.ProcessState, said)
	case err != nil:
		return nil, fmt.Errorf("the signer `%s` could not be run: %w", c.line, err)
	case stdout.over:
		return nil, fmt.Errorf("the signer `%s` printed more than %d bytes; it is to print the signature alone", c.line, maxSignature)
	}
	return signature(c.line, stdout.kept)
}

// signature takes what a signer printed. ECDSA signatures are a DER sequence, Ed25519's have 64 bytes.
func signature(line string, printed []byte) ([]byte, error) {
	if looksRight(printed) {
		return printed, nil
	}
	if raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(printed))); err == nil && looksRight(raw) {
		return raw, nil
	}
	return nil, fmt.Errorf("the signer `%s` printed %d bytes that are not a signature; it is to sign its standard input and print an ECDSA signature in DER, or an Ed25519 signature of 64 bytes, as it is or in base64", line, len(printed))
}

func looksRight(sig []byte) bool {
	if len(sig) == 64 {
		return true
	}
	// A sequence (0x30) whose length is that of the rest: two numbers of P-256 take less than 128 bytes.
	return len(sig) > 7 && sig[0] == 0x30 && int(sig[1]) == len(sig)-2
}

// limited keeps the beginning of what is written.
type limited struct {
	kept []byte // and no bytes.Buffer in it, whose ReadFrom would go past Write
	max  int
	over bool
}

// Write takes what fits, and says that it took all.
func (l *limited) Write(p []byte) (int, error) {
	fits := min(len(p), l.max-len(l.kept))
	l.over = l.over || fits < len(p)
	l.kept = append(l.kept, p[:fits]...)
	return len(p), nil
}
