package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
)

// Without leaves out the checks that a contract skips: nothing is tried for them.
func Without(selected []Check, skip []contract.Skip) []Check {
	return slices.DeleteFunc(slices.Clone(selected), func(c Check) bool { return leftOut(skip, c.ID) != nil })
}

// leftOut is the contract's word on a check that it skips; nil where it does not.
func leftOut(skip []contract.Skip, id string) *contract.Skip {
	for i, s := range skip {
		if matches([]string{s.ID}, id) {
			return &skip[i]
		}
	}
	return nil
}

// Matches tells of a glob that fits no check, and which may have been meant; nil where one does.
func Matches(glob string) error {
	all := Catalogue()
	if matchesAny(all, glob) {
		return nil
	}
	return noMatch(all, glob)
}

// TakesPlaces tells of a glob that fits no check whose findings can be waived one by one; nil where one does.
func TakesPlaces(glob string) error {
	if matchesAny(slices.DeleteFunc(Catalogue(), func(c Check) bool { return !c.ByPlace }), glob) {
		return nil
	}
	var ids []string
	for _, c := range Catalogue() {
		if c.ByPlace {
			ids = append(ids, c.ID)
		}
	}
	return fmt.Errorf("%s is judged as a whole; leave `where` out, which is for %s", glob, strings.Join(ids, ", "))
}

func matchesAny(all []Check, glob string) bool {
	return slices.ContainsFunc(all, func(c Check) bool { return matches([]string{glob}, c.ID) })
}

func matches(globs []string, id string) bool {
	for _, g := range globs {
		if ok, _ := path.Match(g, id); ok {
			return true
		}
	}
	return false
}

func noMatch(all []Check, glob string) error {
	if glob == "" {
		return fmt.Errorf("an empty text does not name a check; `podproof checks` lists them")
	}
	hint := "`podproof checks` lists them"
	if group := strings.TrimRight(glob, "/") + "/*"; matchesAny(all, group) {
		hint = fmt.Sprintf("did you mean %q?", group)
	} else {
		var known []string
		for _, c := range all {
			known = append(known, c.ID)
		}
		if near := contract.Nearest(glob, known); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
	}
	return fmt.Errorf("no check matches %q; %s", glob, hint)
}
