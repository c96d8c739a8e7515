package attest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"podproof.dev/podproof/internal/check"
)

// proof is a statement of podproof's that one of the keys signed.
type proof struct {
	Verification
	statement Statement
	key       PublicKey
	found     found
	// err is why its predicate cannot be read. It may say that the image is broken; so it is no proof, and
	// no reason to take an older one.
	err error
}

// witnesses are what is stored beside an image.
type witnesses struct {
	proofs []proof
	// strangers counts the bundles that none of the keys signed, and unread says why others are none.
	strangers int
	unread    []string
}

// add verifies what was found. Nothing of a bundle is looked at before its signature is, and nothing of it is kept
// that none of the keys signed: there may be many, of anybody's size.
func (w *witnesses) add(f found, keys []PublicKey) {
	if f.err != nil {
		w.unread = append(w.unread, short(fmt.Sprintf("%s: %v", f.digest, f.err)))
		return
	}
	key, ok := f.signedBy(keys)
	if !ok {
		w.strangers++
		return
	}
	s, err := readStatement(f.Payload)
	if err != nil {
		w.unread = append(w.unread, short(fmt.Sprintf("%s: %v", f.digest, err)))
		return
	}
	if !isVerification(s.PredicateType) {
		return // the key has signed something else, too
	}
	p := proof{statement: s, key: key, found: f}
	if s.PredicateType == VerificationType {
		p.Verification, p.err = readVerification(s.Predicate)
	} else {
		p.err = fmt.Errorf("it is of the type %s, and this podproof reads %s", s.PredicateType, VerificationType)
	}
	w.proofs = append(w.proofs, p)
}

// short cuts a text that quotes what somebody else wrote.
func short(text string) string {
	const most = 400
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// newestFirst orders proofs by the end of their runs. Of two of one run the worse comes first.
func newestFirst(a, b proof) int {
	rank := map[check.Status]int{check.Fail: 0, check.Inconclusive: 1, check.Pass: 2}
	return cmp.Or(b.Finished.Compare(a.Finished), rank[a.Result]-rank[b.Result], bytes.Compare(a.found.Payload, b.found.Payload))
}

// signed finds the statement that counts: the newest about this manifest.
func (h *hearing) signed() (proof, bool) {
	promised := "a statement about " + h.v.Digest.String() + " is signed by " + keyNames(h.Keys)
	var about []proof
	for _, p := range h.heard.proofs {
		if p.statement.covers(h.v.Digest) {
			about = append(about, p)
		}
	}
	if len(about) == 0 {
		seen, fix := h.unsigned()
		h.say(signedGate.fails(promised, seen, fix))
		return proof{}, false
	}
	if i := slices.IndexFunc(about, func(p proof) bool { return p.err != nil }); i >= 0 {
		h.say(signedGate.fails(promised, fmt.Sprintf("the statement %s is signed by %s and cannot be read: %v", about[i].found.digest, about[i].key.Name, about[i].err),
			"Ask with the podproof that signed it, or a newer one; or remove the statement from the registry and attest again."))
		return proof{}, false
	}
	slices.SortFunc(about, newestFirst)
	p := about[0]
	if p.Image.Config != h.v.config.String() {
		h.say(signedGate.fails(promised, fmt.Sprintf("the statement %s is about an image with the configuration %s, and this one has %s", p.found.digest, p.Image.Config, h.v.config), h.prove()))
		return proof{}, false
	}
	h.say(signedGate.passes(promised, fmt.Sprintf("%s, signed by %s", p.found.digest, p.key.Name), "Signed by "+p.key.Name))
	return p, true
}

// unsigned says which statement there is instead of the one that is missing.
func (h *hearing) unsigned() (seen, fix string) {
	image := fmt.Sprintf("%s (%s)", h.named(), h.v.platform)
	for _, p := range h.heard.proofs {
		switch {
		case p.err != nil:
			continue
		case h.besides(p.statement):
			return fmt.Sprintf("the statement that is there is for another platform: it is for %s, and %s can run on %s as well, as %s", listed(p.Platforms), h.where, h.v.platform, h.v.Digest),
				fmt.Sprintf("Verify it on %s, too, and attest that: %s; or say on which platforms it will run: --platform %s.", h.v.platform, h.commands(), strings.Join(p.Platforms, ","))
		case p.Image.Config == h.v.config.String():
			return fmt.Sprintf("a layer was exchanged, or compressed anew: a statement is about %s, which has the same configuration, and not about %s", subjects(p), h.v.Digest),
				"Deploy the digest that was verified; or push that image again, and attest it: " + h.commands() + "."
		}
	}
	for _, p := range h.heard.proofs {
		if p.err == nil {
			return fmt.Sprintf("the statement beside it is about another image, %s, and not about %s: the tag was moved, or the statement was copied", subjects(p), h.v.Digest), h.prove()
		}
	}
	switch {
	case h.heard.strangers > 0:
		return fmt.Sprintf("%s stored beside %s, and none is signed by %s", statements(h.heard.strangers), image, keyNames(h.Keys)),
			"Name the key of whoever verified it with --key, or verify it yourself: " + h.commands() + "."
	case len(h.heard.unread) > 0:
		return fmt.Sprintf("no statement is stored beside %s that can be read: %s", image, some(h.heard.unread)), h.prove()
	}
	why := "it was never verified"
	if _, ok := h.where.(name.Tag); ok {
		why += ", or the tag was moved to another image since"
	}
	return "no statement is stored beside " + image + ": " + why, h.prove()
}

// besides tells whether a statement is about another platform of the same image.
func (h *hearing) besides(s Statement) bool {
	return h.img.isIndex() && (s.covers(h.img.top.Digest) || slices.ContainsFunc(h.img.all, func(v variant) bool { return s.covers(v.Digest) }))
}

// prove says how a proof is made, and commands with what.
func (h *hearing) prove() string { return "Verify it, and sign what comes out: " + h.commands() + "." }

func (h *hearing) commands() string {
	return fmt.Sprintf("`podproof verify --evidence run.json %s && podproof attest run.json %s --key podproof.key`", h.where, h.where)
}

func subjects(p proof) string {
	var out []string
	for _, s := range p.statement.Subject {
		out = append(out, "sha256:"+s.Digest["sha256"])
	}
	return some(out)
}

func statements(n int) string {
	if n == 1 {
		return "one signed bundle is"
	}
	return fmt.Sprintf("%d signed bundles are", n)
}

func keyNames(keys []PublicKey) string {
	var out []string
	for _, k := range keys {
		out = append(out, k.Name)
	}
	return strings.Join(out, " or ")
}

// some lists the first of many.
func some(all []string) string {
	const most = 6
	if len(all) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return listed(all)
}

// listed is "a, b and c".
func listed(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}
