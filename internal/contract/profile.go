package contract

import "slices"

// The profiles say which promises break a run: each asks for what those before it ask for, too. What a
// profile does not ask for is advice.
const (
	// ProfileBaseline asks for what loses requests, data or secrets.
	ProfileBaseline = "baseline"
	// ProfileRecommended also asks for what good manifests and images have. It is the one of a contract
	// that names none.
	ProfileRecommended = "recommended"
	// ProfileStrict also asks for what is a matter of opinion.
	ProfileStrict = "strict"
)

// Profiles are all of them, in their order.
var Profiles = []string{ProfileBaseline, ProfileRecommended, ProfileStrict}

// ProfileName is the contract's profile.
func (c Contract) ProfileName() string {
	if c.Profile == "" {
		return ProfileRecommended
	}
	return c.Profile
}

// Asks tells whether the contract asks for what a profile asks for. The empty one is ProfileBaseline.
func (c Contract) Asks(profile string) bool {
	return slices.Index(Profiles, profile) <= slices.Index(Profiles, c.ProfileName())
}

func (r *reader) profile(name string) {
	if name != "" && !slices.Contains(Profiles, name) {
		r.fail("profile", "profile is %q; write baseline, recommended or strict", name)
	}
}
