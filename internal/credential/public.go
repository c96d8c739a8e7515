package credential

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

var (
	// encrypted is a value that only somebody with a key can read: of jasypt, sops, eyaml, Spring
	// Cloud Config, dotenvx, Ansible, Vault's transit engine, AWS KMS.
	encrypted = begins("E{e$vA-", `^(?:ENC[(\[].*[)\]]|\{(?:cipher|aes|gcm)\}.+|encrypted:[A-Za-z0-9+/=]{20,}|\$ANSIBLE_VAULT;.*|vault:v\d+:.+|AQICAH[A-Za-z0-9+/=]{40,}|-----BEGIN (?:AGE ENCRYPTED FILE|PGP MESSAGE)-----.*)$`)
	// publishable is a key that its issuer made for browsers: of Stripe, Clerk, Supabase, Mapbox.
	publishable = begins("ps", `^(?:pk_(?:live|test)_|sb_publishable_|pk\.eyJ)`)
)

// IsPublic tells of a key that is meant to be seen by everybody.
func IsPublic(v string) bool { return publishable.matches(v) || isAnonymous(v) }

// isAnonymous is for a JWT that gives its bearer the rights of a visitor, as Supabase and
// PostgREST have it.
func isAnonymous(token string) bool {
	if !strings.HasPrefix(token, "eyJ") {
		return false
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var claims struct{ Role string }
	return json.Unmarshal(b, &claims) == nil && claims.Role == "anon"
}
