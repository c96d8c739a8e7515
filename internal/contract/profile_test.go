package contract

import (
	"strings"
	"testing"
)

func TestProfiles(t *testing.T) {
	for profile, asks := range map[string]string{"": "baseline recommended", ProfileBaseline: "baseline", ProfileRecommended: "baseline recommended", ProfileStrict: "baseline recommended strict"} {
		c := Contract{Profile: profile}
		var got []string
		for _, p := range Profiles {
			if c.Asks(p) {
				got = append(got, p)
			}
		}
		if strings.Join(got, " ") != asks || !c.Asks("") {
			t.Errorf("%q asks for %q, want %s", profile, got, asks)
		}
	}
	for text, want := range map[string]string{"strict": "", "relaxed": "F:3:10: profile is \"relaxed\"; write baseline, recommended or strict"} {
		file := write(t, header2+"profile: "+text+"\n")
		if _, err := Load(file); (err == nil) != (want == "") || err != nil && strings.ReplaceAll(err.Error(), file, "F") != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}
