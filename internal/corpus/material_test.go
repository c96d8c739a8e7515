package corpus

import (
	"encoding/binary"
	"encoding/pem"
	"hash/crc32"
	"math/rand/v2"
	"strings"
)

// Nothing here is a credential of anyone. What has the shape of one is made when the tests run,
// the same in every run, so that no scanner of repositories takes these files for a leak.

func chance(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

func random(seed uint64, n int, alphabet string) string {
	r, b := chance(seed), make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	digits  = "0123456789"
	hex     = digits + "abcdef"
	capital = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	small   = "abcdefghijklmnopqrstuvwxyz"
	alnum   = digits + capital + small
)

func pemOf(kind string, seed uint64) string {
	b := make([]byte, 240)
	for i, r := 0, chance(seed); i < len(b); i++ {
		b[i] = byte(r.IntN(256))
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
}

// keyLine is a line from the middle of a key in PEM, which tells the key.
func keyLine(key string) string { return strings.Split(key, "\n")[2] }

func awsKey() string { return "AKIA" + random(1, 16, capital+"234567") }

// githubToken ends with a checksum, as GitHub's do.
func githubToken() string {
	body := random(2, 30, alnum)
	sum, tail := crc32.ChecksumIEEE([]byte(body)), make([]byte, 6)
	for i := len(tail) - 1; i >= 0; i-- {
		tail[i] = alnum[sum%62]
		sum /= 62
	}
	return "ghp_" + body + string(tail)
}

func npmToken() string { return "npm_" + random(8, 36, alnum) }
func slackHook() string {
	return "https://hooks.slack.com/services/T" + random(3, 9, capital+digits) + "/B" + random(4, 9, capital+digits) + "/" + random(5, 24, alnum)
}
func stripeKey() string { return "sk_" + "live_" + random(6, 24, alnum) }
func jwt() string {
	return "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + "eyJzdWIiOiJzaG9wLWFwaSIsInJvbGUiOiJhZG1pbiJ9." + random(7, 43, alnum)
}

// goProgram is what of a Go program tells what it was built from: debug/buildinfo's mark, with
// the version and the modules in line, and the names of functions, which a stripped program has, too.
func goProgram(pkg string, functions ...string) string {
	var b strings.Builder
	b.WriteString(elf + strings.Repeat("\x00", 56))
	b.WriteString("\xff Go buildinf:\x08\x02" + strings.Repeat("\x00", 16))
	modules := strings.Repeat("\x01", 16) + "path\t" + pkg + "\nmod\t" + pkg + "\t(devel)\t\n" + strings.Repeat("\x02", 16)
	for _, s := range []string{"go1.26.0", modules} {
		b.Write(binary.AppendUvarint(nil, uint64(len(s))))
		b.WriteString(s)
	}
	b.WriteString("\x00main.main\x00" + strings.Join(functions, "\x00") + "\x00")
	return b.String()
}

// mixed is a text of ordinary words, of that many bytes.
func mixed(seed uint64, n int) string {
	r, b := chance(seed), strings.Builder{}
	words := strings.Fields("the order is paid when stock was found and a parcel leaves for its buyer")
	for b.Len() < n {
		b.WriteString(words[r.IntN(len(words))])
		b.WriteByte(" \n"[r.IntN(8)/7])
	}
	return b.String()[:n]
}
