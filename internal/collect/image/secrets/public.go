package secrets

import (
	"bytes"

	"podproof.dev/podproof/internal/credential"
)

const (
	googleKey = "AIza"
	// publicReach is how far around a key of Google's it is looked for what the key is for.
	publicReach = 600
)

var (
	// forBrowsers is what stands around a Google key that every visitor of a page or user of an
	// app has: Firebase's configuration, a map's script.
	forBrowsers = lazy(`authDomain|messagingSenderId|\.firebaseapp\.com|\.firebaseio\.com|firebasestorage|mobilesdk_app_id|GCM_SENDER_ID|maps\.googleapis\.com/maps/api/js`)
	// forBundles is a variable that a bundler writes into pages.
	forBundles = lazy(`(?:NEXT_PUBLIC|NUXT_PUBLIC|EXPO_PUBLIC|PUBLIC|VITE|REACT_APP|VUE_APP|NG_APP|GATSBY)_\w*["']?\s*[:=]\s*["']?$`)
)

// isPublic tells of a token that is made for everybody to see.
func isPublic(b []byte, at span) bool {
	token := b[at.start:at.end]
	if !bytes.HasPrefix(token, []byte(googleKey)) {
		return credential.IsPublic(string(token))
	}
	return forBrowsers.Match(b[max(0, at.start-publicReach):min(len(b), at.end+publicReach)]) || forBundles.Match(b[max(0, at.start-longestName):at.start])
}

// isSealed is for a value of a SealedSecret, which only its cluster can read.
func isSealed(b []byte, at span) bool {
	return sealed.Match(b[at.start:at.end]) && bytes.Contains(b, []byte("encryptedData"))
}

// sealed begins with the length of an RSA block: 256 or 512 bytes.
var sealed = lazy(`^Ag[A-D][A-Za-z0-9+/]{90,}={0,2}$`)
