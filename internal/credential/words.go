// Package credential tells by a name and by a value whether the value is a secret that is
// written out. It knows nothing of where the two stand.
package credential

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Whether a name speaks of a secret is decided word by word, not by substring:
// MONKEY, COMPASS, KEYCLOAK, TOKENIZERS and ACCESS_LOG hold none of these words.
var (
	// secretWord makes a name sensitive wherever it stands in it.
	secretWord = set("PASSWORD PASSWD PASSWRD PASSPHRASE SECRET SECRETS TOKEN CREDENTIAL CREDENTIALS " +
		"APIKEY SECRETKEY ACCESSKEY AUTHKEY PRIVATEKEY AUTHTOKEN ACCESSTOKEN STOREPASS KEYPASS MASTERAUTH")
	// secretEnding makes a name sensitive as its last word only: DB_PASS, not PASS_RATE.
	secretEnding = set("PASS PWD PW")
	// secretSuffix is for words written together: PGPASSWORD.
	secretSuffix = []string{"PASSWORD", "PASSWD", "PASSPHRASE", "SECRETKEY", "APIKEY", "SECRET", "STOREPASS", "KEYPASS",
		"DBPASS", "SQLPASS", "USERPASS", "ADMINPASS", "ROOTPASS", "MAILPASS", "SMTPPASS", "FTPPASS", "LDAPPASS", "SSHPASS", "REQUIREPASS"}
	// secretKey are the words before KEY that make it one to keep.
	secretKey = set("API ACCESS SECRET PRIVATE PRIV ENCRYPTION ENCRYPT CRYPT CRYPTO DECRYPTION SIGNING SIGN " +
		"SIGNATURE AUTH MASTER DEPLOY SSH RSA SESSION COOKIE HMAC JWT JWE APP ACCOUNT SERVICE FERNET AES ROOT WEBHOOK LICENSE LICENCE")
	// publicWord says that the value is meant to be seen, or is the name of a secret elsewhere.
	publicWord = set("PUBLIC PUBLISHABLE GPG PGP PULL NO NOT WITHOUT DISABLE DISABLED SKIP ALLOW IGNORE EMPTY MOUNT")
	// aboutWord, as the last word, says that the value is about a secret and is none.
	aboutWord = set("FILE FILES PATH PATHS DIR DIRECTORY FOLDER URL URLS URI ENDPOINT HOST HOSTS PORT NAME NAMES TYPE " +
		"KIND LENGTH LEN SIZE MIN MAX COUNT LIMIT TTL AGE EXPIRE EXPIRES EXPIRY EXPIRATION EXPIRED LIFETIME DURATION " +
		"MINUTES SECONDS HOURS DAYS TIMEOUT INTERVAL ALGORITHM ALG HASHER HASHERS POLICY HEADER HEADERS PREFIX SUFFIX FIELD " +
		"PARAM FORMAT PROVIDER ISSUER AUDIENCE SCOPE SCOPES ENABLED REQUIRED MODE METHOD VERSION ENV VAR PATTERN REGEX " +
		"MANAGER BACKEND STORE CLASS IMAGE ID IDS STDIN FD PROMPT HELPER HELP LABEL SERVICE SERVER MOUNT AUTHENTICATION " +
		"VALIDATION VALIDATOR VALIDATORS RESET ROTATION LOCATION SOURCE DESCRIPTION TITLE REF SPEC REALM " +
		"REGION REGIONS ZONE ARN ENGINE ADDR ADDRESS DOMAIN DOMAINS STATUS SECURE SAMESITE CAPACITY RATE QUOTA RETRIES ATTEMPTS " +
		"STRATEGY STRENGTH COST ROUNDS ITERATIONS ENCODING HINT RULES NAMESPACE TEMPLATE TEMPLATES LEEWAY GRACE WINDOW DRIVER ADAPTER")
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// URLLogin is a URL with user and password.
var URLLogin = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'?#\[\]]*:([^\s/"'?#]+)@`)

// Sensitivity is how much a name says about its value.
type Sensitivity int

// The sensitivities.
const (
	Harmless  Sensitivity = iota
	Secretive             // a token or a key: a number is not one
	Password              // a password: 123456 is one, too
)

// NameSays judges the name of a variable, a flag, a label or a header.
func NameSays(name string) Sensitivity {
	var room [8]string
	words := appendWords(room[:0], name)
	if len(words) == 0 {
		return Harmless
	}
	last := words[len(words)-1]
	if aboutWord[last] && !endsWith(words, "SECRET", "ID") {
		return Harmless
	}
	if slices.ContainsFunc(words, func(w string) bool { return publicWord[w] }) {
		return Harmless
	}
	if rest := withoutStore(words); len(rest) < len(words) {
		if len(rest) == 0 || rest[len(rest)-1] == "ID" {
			return Harmless
		}
		words = rest
	}
	shown := isShown(words)
	for i, w := range words {
		switch {
		case w == "PASSWORD" || w == "PASSWD" || w == "PASSPHRASE" || (w == last && strings.Contains(w, "PASS") && hasSecretSuffix(w)):
			return Password
		case i == len(words)-1 && secretEnding[w]:
			if w == "PASS" || len(words) > 1 { // PWD alone is the working directory
				return Password
			}
		case shown && (w == "TOKEN" || w == "APIKEY" || w == "KEY"):
			// Whoever opens the page has it.
		case secretWord[w] || hasSecretSuffix(w):
			return Secretive
		case w == "KEY" && i > 0 && secretKey[words[i-1]]:
			return Secretive
		}
	}
	if strings.HasSuffix(strings.ToLower(name), "_auth") && (len(words) == 1 || strings.Contains(name, "__") || login[words[len(words)-2]]) { // .npmrc, NPM_CONFIG__AUTH, BASIC_AUTH
		return Secretive
	}
	return Harmless
}

// login are the words before AUTH that make it a user and a password, or a password.
var login = set("BASIC REDIS")

// shownPrefixes begin the names of variables that a bundler writes into what it makes for browsers.
var shownPrefixes = [][]string{{"VITE"}, {"GATSBY"}, {"REACT", "APP"}, {"NG", "APP"}, {"VUE", "APP"}}

func isShown(words []string) bool {
	return slices.ContainsFunc(shownPrefixes, func(p []string) bool { return len(words) > len(p) && slices.Equal(words[:len(p)], p) })
}

// withoutStore leaves out the name of a store of secrets and what stands before it. What follows
// it says where in the store something lies: AWS_SECRETS_MANAGER_SECRET_ID.
func withoutStore(words []string) []string {
	for i := range len(words) - 1 {
		if (words[i] == "SECRETS" || words[i] == "SECRET") && (words[i+1] == "MANAGER" || words[i+1] == "STORE") {
			return words[i+2:]
		}
	}
	return words
}

// shortestSuffix is the length of the shortest of secretSuffix.
const shortestSuffix = len("SECRET")

func hasSecretSuffix(w string) bool {
	return len(w) >= shortestSuffix && slices.ContainsFunc(secretSuffix, func(s string) bool { return strings.HasSuffix(w, s) })
}

func endsWith(words []string, tail ...string) bool {
	return len(words) >= len(tail) && slices.Equal(words[len(words)-len(tail):], tail)
}

// nameWords cuts a name at punctuation, at digits and where small letters become capitals.
func nameWords(name string) []string { return appendWords(nil, name) }

// appendWords is for the many names of a file: of ASCII, it takes no memory but for the capitals.
func appendWords(words []string, name string) []string {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return appendLetters(words, name)
		}
	}
	capitals, start := strings.ToUpper(name), -1
	for i := range len(name) {
		small, capital := name[i] >= 'a' && name[i] <= 'z', name[i] >= 'A' && name[i] <= 'Z'
		if start >= 0 && (!small && !capital || capital && name[i-1] >= 'a' && name[i-1] <= 'z') {
			words, start = append(words, capitals[start:i]), -1
		}
		if start < 0 && (small || capital) {
			start = i
		}
	}
	if start >= 0 {
		words = append(words, capitals[start:])
	}
	return words
}

func appendLetters(words []string, name string) []string {
	var current []rune
	end := func() {
		if len(current) > 0 {
			words = append(words, strings.ToUpper(string(current)))
		}
		current = nil
	}
	var before rune
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r):
			end()
		case unicode.IsUpper(r) && unicode.IsLower(before):
			end()
			current = append(current, r)
		default:
			current = append(current, r)
		}
		before = r
	}
	end()
	return words
}

// Mask is what stands where podproof took a secret out.
var Mask = regexp.MustCompile(`\[masked:(\d+)(?::([A-Za-z0-9-]+))?\]`)

// maskBegin begins a Mask.
const maskBegin = "[masked:"

// anchored is an expression that begins at the beginning of a value, where one of the characters of first stands. Most
// values begin otherwise, and cost nothing then.
type anchored struct {
	first string
	re    *regexp.Regexp
}

func begins(first, expression string) anchored {
	return anchored{first, regexp.MustCompile(expression)}
}

func (a anchored) matches(v string) bool {
	return v != "" && strings.IndexByte(a.first, v[0]) >= 0 && a.re.MatchString(v)
}

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

var (
	// reference is a value that is only looked up when the command runs.
	reference   = begins("$%:/._-", `^(?:\$env:[A-Za-z_]\w*|\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|\$[0-9@*#?]|%[A-Za-z_]+%|[:/._-])+$`)
	defaulted   = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*:?[-=](.*)\}$`)
	optional    = begins("$", `^\$\{[A-Za-z_][A-Za-z0-9_]*(?:[:?+#%/,^@].*)?\}$`)
	elsewhere   = begins("adefghikoprstvADEFGHIKOPRSTV", `^(?i)(?:arn:|file:|env:|vault:|ref\+|projects/|(?:op|ssm|awssm|gcpsm|secretsmanager|vault|keyring|akv|https?|oci|docker)://|id=|type=)`)
	versionLike = begins("=~^<>v"+digits, `^[=~^<>]*v?\d+(?::\d+)?\.\d+[\w.+~:-]*$`)
	pathLike    = begins(`~./\`+letters, `^(?:~|\.{1,2}|[A-Za-z]:)?[/\\][\w.@/\\-]*$`)
	fileLike    = begins("_./@-"+letters+digits, `^[\w./@-]+\.(?:pem|key|crt|cer|pub|p12|pfx|jks|json|ya?ml|txt|env|toml|conf|cfg|ini|properties|gpg|asc)$`)
	numberLike  = begins("+-"+digits, `^[-+]?\d+(?:\.\d+)?[a-z%]?$`)
	template    = begins("<{%*xX.?_-@[", `^(?:<.*>|\{.*\}|%[a-z]|[*xX.?_-]+|__.*__|@.*@|\[[A-Za-z_ -]*\])$`)
	// toReplace begins what stands where somebody shall put a secret, without punctuation, and
	// replaced is all of it.
	toReplace = strings.Fields("changeme changethis changeit replaceme replacethis replacewith placeholder example dummy fake insert redacted " +
		"yoursecret yourpassword yourtoken yourapi yourkey youraccess unused notset notused notasecret notneeded buildtime buildonly onlyforbuild")
	replaced = set("your todo tbd fixme removed masked hidden unset build none null nil undefined empty true false yes no on off " +
		"enable enabled disable disabled required optional auto default random")
)

// IsLiteral tells whether a value under a name of that Sensitivity is a secret written out,
// and not a reference, a placeholder, a switch, a place or a version.
func IsLiteral(value string, s Sensitivity) bool {
	v := strings.Trim(value, `"' `)
	if strings.Contains(v, maskBegin) && Mask.MatchString(v) {
		return true
	}
	if strings.HasPrefix(v, "${") {
		if m := defaulted.FindStringSubmatch(v); m != nil {
			return IsLiteral(m[1], s)
		}
	}
	plain := lettersAndDigits(v)
	switch {
	case plain == "": // useradd -p '!'
		return false
	case encrypted.matches(v), IsPublic(v):
		return false
	case strings.HasPrefix(v, "$("), strings.HasPrefix(v, "`"), strings.HasPrefix(v, "="):
		return false
	case reference.matches(v), optional.matches(v), template.matches(v), strings.Contains(v, "{{"):
		return false
	case elsewhere.matches(v) && !URLLogin.MatchString(v), versionLike.matches(v), strings.Contains(v, ".") && fileLike.matches(v):
		return false
	case strings.ContainsAny(v, `/\`) && (len(v) < 32 || strings.Count(v, "/") > 2) && pathLike.matches(v):
		return false
	case numberLike.matches(v):
		return s == Password && len(v) >= 4
	case strings.HasSuffix(v, "EXAMPLE"), strings.HasSuffix(v, "EXAMPLEKEY"): // AWS's documentation
		return false
	case strings.ToUpper(v) == v && NameSays(v) != Harmless && !strings.ContainsAny(v, digits): // --password PASSWORD
		return false
	}
	return !replaced[plain] && !slices.ContainsFunc(toReplace, func(w string) bool { return strings.HasPrefix(plain, w) })
}

// madeUp are words that say of a value that it stands for another one.
var madeUp = set("dummy fake build builder building temp tmp temporary test testing static collectstatic collect placeholder insecure unsafe " +
	"not notreal nothing none foo bar baz unused only ci docker dockerfile precompile assets compile stub sample example mock ignore ignored " +
	"whatever anything irrelevant phony bogus nope invalid secret")

// IsMadeUp tells of a value that nobody would guard: a word or two, one of which says that it
// stands for another, or one character, however often.
func IsMadeUp(value string) bool {
	v := strings.ToLower(strings.Trim(value, "\"' "))
	v = strings.TrimRight(strings.TrimPrefix(v, "base64:"), "=") // Laravel's
	if v == "" || strings.Trim(v, v[:1]) == "" {
		return v != ""
	}
	words := strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune("_-. :/", r) })
	if strings.IndexFunc(v, func(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune("_-. :/", r) }) >= 0 {
		return false
	}
	return slices.ContainsFunc(words, func(w string) bool { return madeUp[w] })
}

// IsShown tells of a variable by its name that its value is in the pages that an application makes.
func IsShown(name string) bool {
	words := nameWords(name)
	return isShown(words) || slices.Contains(words, "PUBLIC") || slices.Contains(words, "FIREBASE")
}

func lettersAndDigits(v string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, v)
}
