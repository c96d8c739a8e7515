package shell

import "testing"

func TestParseHistory(t *testing.T) {
	for text, want := range map[string][3]string{
		"ENV A=1":                                                  {"ENV", "", "A=1"},
		"/bin/sh -c #(nop)  CMD [\"sh\"]":                          {"CMD", "", `["sh"]`},
		"RUN /bin/sh -c make # buildkit":                           {"RUN", "", "/bin/sh -c make"},
		"RUN |2 A=x y B= /bin/sh -c make # buildkit":               {"RUN", "A=x y B=", " /bin/sh -c make"},
		"|1 DIR=/opt/x /bin/bash -o pipefail -c make":              {"RUN", "DIR=/opt/x", " /bin/bash -o pipefail -c make"},
		"RUN --mount=type=cache,target=/x --network=none make all": {"RUN", "", "make all"},
		"|9999999999999999999 A=1 /bin/sh -c x":                    {"RUN", "A=1 /bin/sh -c x", ""},
		"  copy a b":                                               {"COPY", "", "a b"},
		"environment is fine":                                      {"RUN", "", "environment is fine"},
		"":                                                         {"RUN", "", ""},
	} {
		in := ParseHistory(text)
		if got := [3]string{in.Keyword, in.Args.Of(text), in.Body.Of(text)}; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
