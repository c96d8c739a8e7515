package admission

import (
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/attest"
	"podproof.dev/podproof/internal/check"
)

// answer is what is known of an image by its digest. Empty is that it is proven.
type answer struct {
	// refused says in a sentence what is missing, and what would provide it.
	refused string
	// unasked tells that the registry did not say, so that the next try may come to something else.
	unasked bool
}

// Refusal is the first of a report's verdicts that refuses the image: what is missing, and the command that
// provides it.
func Refusal(g attest.Gated) string {
	for _, v := range g.Report.Verdicts {
		if strings.HasPrefix(v.ID, "gate/") && (v.Verdict == check.Fail || v.Verdict == check.Inconclusive) {
			return fmt.Sprintf("%s (%s). %s", v.Seen, v.ID, v.Fix)
		}
	}
	return fmt.Sprintf("the result is %s", g.Report.Result)
}

// byTag says how an image is to be named. A tag may lead to another image by the time a node pulls it.
func byTag(image, digest string, err error) string {
	const why = "an image must be named by its digest, since a tag may lead to another image by the time a node pulls it: "
	if err != nil {
		return why + fmt.Sprintf("write %s@sha256:…, which `podproof gate %s` prints (asked just now, the registry did not say: %v)", image, image, err)
	}
	return why + fmt.Sprintf("write %s@%s", image, digest)
}

// crashed is the answer where podproof itself failed.
func crashed(image string, p any) string {
	return fmt.Sprintf("podproof crashed on %s, or on what is stored beside it, which is a bug; please report it: %v", image, p)
}

// most is how long a denial may be: events are cut at 1024 bytes, and a person reads no more.
const most = 2048

// joined is the message of a denial.
func joined(reasons []string) string {
	const shown = 3
	text := strings.Join(reasons[:min(shown, len(reasons))], "; ")
	if n := len(reasons) - shown; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return cut(text)
}

func cut(text string) string {
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
