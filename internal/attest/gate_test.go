package attest

import (
	"crypto"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func TestProvenImagePasses(t *testing.T) {
	for name, referrers := range map[string]bool{"referrers API": true, "fallback tag": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, referrers)
			a := w.attest()
			r := w.passes(w.ref)
			if !strings.HasSuffix(r.Subject.Image, a.Image[strings.Index(a.Image, "@"):]) || r.Subject.Digest != w.rec.Evidence.Image.ID || !strings.Contains(r.Evidence, "@sha256:") {
				t.Errorf("the report is about %+v, with the evidence %s", r.Subject, r.Evidence)
			}
			w.passes(a.Image)
			// The newest counts, also where an older one failed.
			w.later(time.Minute)
			w.attest()
			w.passes(w.ref)
		})
	}
}

func TestAttestedTwiceIsStoredOnce(t *testing.T) {
	for name, key := range map[string]func(testing.TB) crypto.Signer{"ECDSA": ecdsaKey, "Ed25519": ed25519Key} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, true)
			w.key, w.public = newKey(t, key(t))
			a, before := w.attest(), w.stored()
			b, after := w.attest(), w.stored()
			if a.Statement != b.Statement || !slices.Equal(before, after) || len(after) != 3 {
				t.Errorf("%s with %v, then %s with %v", a.Statement, before, b.Statement, after)
			}
			w.passes(w.ref)
		})
	}
}

// Each way in which an image is not proven has a sentence of its own, and the command that would prove it.
func TestRefusals(t *testing.T) {
	const prove, attest = "podproof verify --evidence run.json ", "podproof attest run.json "
	fail := func(w *world) { w.rec.Evidence.Image.Config.User = "root"; w.rec.Evidence.Image.User = nil }
	for _, c := range []struct {
		name          string
		make          func(*world) (ref string)
		id, seen, fix string
	}{
		{"no statement", func(w *world) string { return w.ref }, "gate/signed", "no statement is stored beside ", prove},
		{"another key", func(w *world) string {
			w.key, _ = newKey(w.t, ecdsaKey(w.t))
			w.attest()
			return w.ref
		}, "gate/signed", "one signed bundle is stored beside ", "--key"},
		{"the tag moved", func(w *world) string {
			w.attest()
			w.push(w.ref, shop(w.t, "amd64", "1002"))
			return w.ref
		}, "gate/signed", "the tag was moved to another image since", prove},
		{"the tag moved, and the statement along", func(w *world) string {
			w.attest()
			w.carry(w.push(w.ref, shop(w.t, "amd64", "1002")))
			return w.ref
		}, "gate/signed", "the tag was moved, or the statement was copied", prove},
		{"a layer changed", func(w *world) string {
			w.attest()
			w.carry(w.push(w.ref, withOtherLayer(w.t, w.img)))
			return w.ref
		}, "gate/signed", "a layer was exchanged, or compressed anew: ", "Deploy the digest that was verified"},
		{"result fail", func(w *world) string {
			fail(w)
			w.attest(func(o *Options) { o.AnyResult = true })
			return w.ref
		}, "gate/result", "came to fail: image/user-non-root", "Correct the image"},
		{"an older pass and a later fail", func(w *world) string {
			w.attest()
			w.later(time.Minute)
			fail(w)
			w.attest(func(o *Options) { o.AnyResult = true })
			return w.ref
		}, "gate/result", "the newest run, of ", "Correct the image"},
		{"a pass and a fail of one run", func(w *world) string {
			w.attest()
			fail(w)
			w.attest(func(o *Options) { o.AnyResult = true })
			return w.ref
		}, "gate/result", "came to fail", "Correct the image"},
		{"result inconclusive", func(w *world) string {
			w.rec.Evidence.Health = nil
			w.attest(func(o *Options) { o.AnyResult = true })
			return w.ref
		}, "gate/result", "decided not all: health/answers", "allowInconclusive: true"},
		{"too old", func(w *world) string {
			w.attest()
			w.now = w.rec.Evidence.Run.Finished.Add(15 * 24 * time.Hour)
			return w.ref
		}, "gate/fresh", "15 days ago", "--max-age"},
		{"of the future", func(w *world) string {
			w.attest()
			w.now = w.rec.Evidence.Run.Finished.Add(-time.Hour)
			return w.ref
		}, "gate/fresh", "in the future", "Set the clock"},
		{"a promise left out of the run", func(w *world) string {
			w.rec.Selected = slices.DeleteFunc(w.rec.Selected, func(id string) bool { return id == "termination/exit-zero" })
			w.attest()
			return w.ref
		}, "gate/required", "the run left out termination/exit-zero", "--require"},
		{"a required promise left out of the run", func(w *world) string {
			w.rec.Selected = slices.DeleteFunc(w.rec.Selected, func(id string) bool { return id == "termination/exit-zero" })
			w.policy.Require = []string{"termination/*"}
			w.attest()
			return w.ref
		}, "gate/required", "missing: termination/exit-zero (left out of the run)", prove},
		{"a required promise left out by the contract", func(w *world) string {
			w.policy.Require = []string{"database/*"}
			w.attest()
			return w.ref
		}, "gate/required", "database/slow (left out by the contract)", prove},
		{"a required promise that the contract takes for advice", func(w *world) string {
			w.rec.Contract.Profile = contract.ProfileBaseline
			for i := range w.rec.Evidence.Workload.Template.Spec.Containers {
				w.rec.Evidence.Workload.Template.Spec.Containers[i].Resources = corev1.ResourceRequirements{}
			}
			w.policy.Require = []string{"resources/*"}
			w.attest()
			return w.ref
		}, "gate/required", "resources/limits (advice under the contract's profile)", prove},
		{"a required promise that there is nothing to try by", func(w *world) string {
			w.policy.Require = []string{"identity/arbitrary-uid"}
			w.attest()
			return w.ref
		}, "gate/required", "identity/arbitrary-uid (there was nothing to try it by)", prove},
		{"a required group that there is nothing to try by", func(w *world) string {
			w.policy.Require = []string{"identity/arb*"}
			w.attest()
			return w.ref
		}, "gate/required", "identity/arb* (no such promise was kept)", prove},
		{"a required promise that is undecided", func(w *world) string {
			w.rec.Evidence.Health = nil
			w.attest(func(o *Options) { o.AnyResult = true })
			w.policy = contract.Policy{AllowInconclusive: true, Require: []string{"health/*"}}
			return w.ref
		}, "gate/required", "missing: health/answers (inconclusive)", prove},
		{"a run of one check", func(w *world) string {
			w.rec.Selected = []string{"image/platform"}
			w.attest()
			return w.ref
		}, "gate/required", "the run left out startup/ready, ", prove},
		{"a run of nothing that could be tried", func(w *world) string {
			w.rec.Selected = []string{"identity/arbitrary-uid"}
			w.attest(func(o *Options) { o.AnyResult = true })
			w.policy = contract.Policy{AllowInconclusive: true, AllowWaivers: true, AllowNoRecord: true, Require: []string{"identity/*"}}
			return w.ref
		}, "gate/judged", "no promise is kept: none was looked at", prove},
		{"not by the deployer's contract", func(w *world) string {
			w.attest()
			c := w.rec.Contract
			uid := int64(2000)
			c.Identity.UID = &uid
			w.deployers = &c
			return w.ref
		}, "gate/judged", "judged again, identity/as-declared is broken", prove},
		{"a waiver", func(w *world) string {
			fail(w)
			w.waive("2027-01-31")
			w.attest()
			return w.ref
		}, "gate/waivers", "waived: image/user-non-root (by ann until 2027-01-31: soon)", "allowWaivers: true"},
		{"a waiver that ended since", func(w *world) string {
			fail(w)
			w.waive(w.rec.Evidence.Run.Started.Format(time.DateOnly))
			w.attest()
			w.policy.AllowWaivers = true
			w.now = w.now.Add(48 * time.Hour)
			return w.ref
		}, "gate/waivers", "the waiver has ended of image/user-non-root", "renew its waiver"},
		{"waivers of single findings, of which one ended since", func(w *world) string {
			today := w.rec.Evidence.Run.Started.Format(time.DateOnly)
			w.rec.Evidence.Image.Privileged = []evidence.PrivilegedFile{{Path: "/bin/a"}, {Path: "/bin/b"}}
			w.rec.Contract.Waivers = []contract.Waiver{
				{ID: "image/no-setuid", Reason: "soon", By: "ann", Until: "2027-01-31", Where: "/bin/a"},
				{ID: "image/*", Reason: "soon", By: "bob", Until: today, Where: "/bin/b"},
			}
			w.attest()
			w.policy.AllowWaivers = true
			w.passes(w.ref)
			w.now = w.now.Add(48 * time.Hour)
			return w.ref
		}, "gate/waivers", "the waiver has ended of image/no-setuid (by bob", "renew its waiver"},
		{"a waiver that ended since, on the signer's word", func(w *world) string {
			fail(w)
			w.waive(w.rec.Evidence.Run.Started.Format(time.DateOnly))
			w.attest(func(o *Options) { o.Keep = RecordNone })
			w.policy.AllowWaivers, w.policy.AllowNoRecord = true, true
			w.passes(w.ref)
			w.now = w.now.Add(48 * time.Hour)
			return w.ref
		}, "gate/waivers", "the waiver has ended of image/user-non-root", "renew its waiver"},
		{"a waiver, on the signer's word", func(w *world) string {
			fail(w)
			w.waive("2027-01-31")
			w.attest(func(o *Options) { o.Keep = RecordNone })
			w.policy.AllowNoRecord = true
			return w.ref
		}, "gate/waivers", "waived: image/user-non-root (by ann", "allowWaivers: true"},
		{"an older podproof", func(w *world) string {
			w.attest()
			w.policy.MinVersion = "v0.6.0"
			return w.ref
		}, "gate/version", "verified by podproof v0.5.0", "podproof v0.6.0 or newer"},
		{"a podproof without a version", func(w *world) string {
			w.rec.Evidence.Run.Version = "(devel)"
			w.attest()
			w.policy.MinVersion = "v0.1.0"
			return w.ref
		}, "gate/version", `"(devel)" cannot be compared`, "v0.1.0"},
		{"no record", func(w *world) string {
			w.attest(func(o *Options) { o.Keep = RecordNone })
			return w.ref
		}, "gate/record", "no evidence was stored", attest},
		{"verdicts alone", func(w *world) string {
			w.attest(func(o *Options) { o.Keep = RecordVerdicts })
			return w.ref
		}, "gate/record", "no evidence was stored", "allowNoRecord: true"},
		{"a platform that the image does not have", func(w *world) string {
			w.attest()
			w.policy.Platforms = []string{"linux/amd64", "linux/s390x"}
			return w.ref
		}, "gate/platform", "there is no image for linux/s390x", "--platform"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, true)
			r := w.refused(c.make(w), c.id, c.seen, c.fix)
			if text := terminal(t, r); !strings.Contains(text, "The image is not to be deployed.") || strings.Contains(text, "Run it again with") {
				t.Error(text)
			}
		})
	}
}

// What the policy allows is no refusal.
func TestPolicyAllows(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(*world)
	}{
		{"waivers", func(w *world) {
			w.rec.Evidence.Image.User, w.rec.Evidence.Image.Config.User = nil, "root"
			w.waive("2027-01-31")
			w.attest()
			w.policy.AllowWaivers = true
		}},
		{"inconclusive", func(w *world) {
			w.rec.Evidence.Health = nil
			w.attest(func(o *Options) { o.AnyResult = true })
			w.policy.AllowInconclusive = true
		}},
		{"no record", func(w *world) {
			w.attest(func(o *Options) { o.Keep = RecordNone })
			w.policy.AllowNoRecord = true
		}},
		{"verdicts", func(w *world) {
			w.attest(func(o *Options) { o.Keep = RecordVerdicts })
			w.policy.AllowNoRecord = true
		}},
		{"age", func(w *world) {
			w.attest()
			w.policy.MaxAge = contract.Duration(30 * 24 * time.Hour)
			w.now = w.now.Add(20 * 24 * time.Hour)
		}},
		{"a selection", func(w *world) {
			w.rec.Selected = []string{"termination/exit-zero", "identity/non-root", "identity/as-declared", "identity/arbitrary-uid"}
			w.attest()
			w.policy.Require = []string{"termination/exit-zero", "identity/*"}
		}},
		{"a version", func(w *world) {
			w.attest()
			w.policy.MinVersion = "v0.5.0"
		}},
		{"the deployer's contract", func(w *world) {
			w.attest()
			w.deployers = &contract.Contract{APIVersion: contract.APIVersion, Kind: contract.Kind, Skip: w.rec.Contract.Skip}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, true)
			c.make(w)
			w.passes(w.ref)
		})
	}
}

func (w *world) waive(until string) {
	w.rec.Contract.Waivers = []contract.Waiver{{ID: "image/user-non-root", Reason: "soon", By: "ann", Until: until}}
}

// What both podproofs know is held to; what only one of them knows is told.
func TestOtherPodproofs(t *testing.T) {
	w := newWorld(t, true)
	p := w.predicate()
	drop := func(id string) {
		p.Counts[p.Promises[id]]--
		delete(p.Promises, id)
		p.Selection = slices.DeleteFunc(slices.Clone(p.Selection), func(s string) bool { return s == id })
		w.rec.Selected = p.Selection
	}
	drop("image/platform") // which came later
	p.Promises["image/of-tomorrow"], p.Selection = check.Pass, append(p.Selection, "image/of-tomorrow")
	p.Counts[check.Pass]++
	w.rec.Selected = p.Selection
	p.Record = w.stores(w.rec)
	w.store(w.top().Digest, w.signs(payloadType, w.statement(about("", []v1.Hash{w.top().Digest}), VerificationType, p)))
	text := terminal(t, w.passes(w.ref))
	for _, want := range []string{"whoever verified it did not know image/platform yet", "this podproof does not know image/of-tomorrow, on which the signer's verdict counts"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	w.policy.Require = []string{"image/platform"}
	w.refused(w.ref, "gate/required", "image/platform (the podproof that verified it does not know it)", "podproof verify")
}

// A check that breaks passes nothing.
func TestEmptyEvidence(t *testing.T) {
	w := newWorld(t, true)
	w.rec.Evidence = evidence.Evidence{SchemaVersion: evidence.SchemaVersion, Run: w.rec.Evidence.Run, Image: &evidence.Image{ID: w.rec.Evidence.Image.ID, OS: "linux", Architecture: "amd64"}}
	w.attest(func(o *Options) { o.AnyResult = true })
	r := w.refused(w.ref, "gate/result", "came to fail: ", "")
	if r.Result != check.Fail {
		t.Error(r.Result)
	}
}
