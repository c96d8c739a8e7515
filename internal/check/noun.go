package check

import (
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
)

// noun is what the dependency under judgement is in a sentence.
func noun(c contract.Contract) string {
	if len(c.Dependencies) == 0 {
		return "database"
	}
	return c.Dependencies[0].Noun()
}

// Worded is the check in words of a contract: they are written of a database, and where what the workload
// depends on is a cache they tell of that. Dependencies of several kinds have one word in common.
func (c Check) Worded(of contract.Contract) Check {
	what := noun(of)
	if slices.ContainsFunc(of.Dependencies, func(d contract.Dependency) bool { return d.Noun() != what }) {
		what = "dependency"
	}
	for _, text := range []*string{&c.Title, &c.Why, &c.Fix} {
		*text = ofA(what, *text)
	}
	return c
}

// ofA tells of another kind of dependency what a text says of a database.
func ofA(what, text string) string {
	if what == "database" {
		return text
	}
	many := what + "s"
	if stem, y := strings.CutSuffix(what, "y"); y {
		many = stem + "ies"
	}
	a := "a "
	if strings.ContainsAny(what[:1], "aeiou") {
		a = "an "
	}
	return strings.NewReplacer(
		"a database", a+what, "A database", capital(a)+what,
		"databases", many, "Databases", capital(many),
		"database", what,
	).Replace(text)
}

func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
