// Package auth knows the one owner: it checks the password and issues and verifies tokens.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Validity is how long a token can be used.
const Validity = time.Hour

const issuer = "reactbin"

// Owner is the one account of the service.
type Owner struct {
	Username string
	Password string
	Key      []byte           // signs tokens, HMAC-SHA-256
	Now      func() time.Time // time.Now, or a test's clock
}

// Matches compares in a time that depends on neither the values nor which of the two is wrong.
func (o Owner) Matches(username, password string) bool {
	// Hashes are of one length, which ConstantTimeCompare needs to keep its promise.
	u := equal(username, o.Username)
	p := equal(password, o.Password)
	return u&p == 1
}

func equal(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// Token issues a token for the owner.
func (o Owner) Token() (string, error) {
	now := o.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer:    issuer,
		Subject:   o.Username,
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(Validity)),
	})
	signed, err := token.SignedString(o.Key)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return signed, nil
}

// Verify returns an error that says why the token is not the owner's, without quoting it.
func (o Owner) Verify(token string) error {
	_, err := jwt.ParseWithClaims(token, &jwt.RegisteredClaims{},
		func(*jwt.Token) (any, error) { return o.Key, nil },
		// The algorithm is fixed here: a token must not choose how it is checked.
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer),
		jwt.WithSubject(o.Username),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(o.Now),
	)
	return err
}
