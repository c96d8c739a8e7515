package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	now   = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	owner = Owner{
		Username: "owner",
		Password: "correct",
		Key:      []byte(strings.Repeat("k", 32)),
		Now:      func() time.Time { return now },
	}
)

func at(t time.Time) Owner {
	o := owner
	o.Now = func() time.Time { return t }
	return o
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		username, password string
		expected           bool
	}{
		{"owner", "correct", true},
		{"owner", "Correct", false},
		{"owner", "", false},
		{"other", "correct", false},
		{"", "", false},
		{"ownercorrect", "", false},
	} {
		if got := owner.Matches(c.username, c.password); got != c.expected {
			t.Errorf("%q with %q: got %t", c.username, c.password, got)
		}
	}
}

func TestTokenIsValidForAnHour(t *testing.T) {
	token, err := owner.Token()
	if err != nil {
		t.Fatal(err)
	}
	for age, valid := range map[time.Duration]bool{
		0:                      true,
		Validity - time.Second: true,
		Validity + time.Second: false,
	} {
		if err := at(now.Add(age)).Verify(token); (err == nil) != valid {
			t.Errorf("after %s: got error %v, expected valid %t", age, err, valid)
		}
	}
}

func TestForeignTokensAreRefused(t *testing.T) {
	claims := func(change func(*jwt.RegisteredClaims)) jwt.RegisteredClaims {
		c := jwt.RegisteredClaims{Issuer: issuer, Subject: "owner", ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute))}
		change(&c)
		return c
	}
	same := func(*jwt.RegisteredClaims) {}
	sign := func(method jwt.SigningMethod, key any, c jwt.RegisteredClaims) string {
		token, err := jwt.NewWithClaims(method, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := sign(jwt.SigningMethodHS256, owner.Key, claims(same))
	if err := owner.Verify(good); err != nil {
		t.Fatalf("the token that the others differ from: %v", err)
	}
	for name, token := range map[string]string{
		"empty":             "",
		"no token":          "abc",
		"unsigned":          sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(same)),
		"other algorithm":   sign(jwt.SigningMethodHS512, owner.Key, claims(same)),
		"other key":         sign(jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), claims(same)),
		"other subject":     sign(jwt.SigningMethodHS256, owner.Key, claims(func(c *jwt.RegisteredClaims) { c.Subject = "other" })),
		"other issuer":      sign(jwt.SigningMethodHS256, owner.Key, claims(func(c *jwt.RegisteredClaims) { c.Issuer = "other" })),
		"never expires":     sign(jwt.SigningMethodHS256, owner.Key, claims(func(c *jwt.RegisteredClaims) { c.ExpiresAt = nil })),
		"changed signature": good[:len(good)-10] + "AAAAAAAAAA",
	} {
		if owner.Verify(token) == nil {
			t.Errorf("%s: the token was accepted", name)
		}
	}
}
