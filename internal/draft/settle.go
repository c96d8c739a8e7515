package draft

import (
	"errors"
	"strconv"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/subject"
)

// Settled is what is under test, as far as it can be known.
type Settled struct {
	subject.Subject
	// Image is what was seen of the image, nil where nothing was.
	Image *evidence.Image
	// open are the fields that nothing decides, with all that may be meant: the first is taken.
	open map[string][]string
}

// Settle reads what a contract names, and takes the first of what nothing decides. Image is the name on
// the command line, and seen what is known of it.
func Settle(c contract.Contract, image string, seen *evidence.Image) (Settled, error) {
	out := Settled{Image: seen, open: map[string][]string{}}
	for {
		s, err := subject.Read(c, subject.Options{Image: image, Owned: true})
		if err == nil {
			s, err = s.With(facts(seen))
		}
		var unclear *contract.AmbiguousError
		if !errors.As(err, &unclear) || out.open[unclear.Field] != nil {
			out.Subject = s
			return out, err
		}
		first := unclear.Candidates[0]
		switch unclear.Field {
		case "workload":
			c.Workload = first
		case "image":
			c.Image = first
		case "http.port":
			if c.HTTP.Port, err = strconv.Atoi(first); err != nil {
				return out, err
			}
		default:
			return out, unclear
		}
		out.open[unclear.Field] = unclear.Candidates
	}
}

func facts(seen *evidence.Image) contract.ImageFacts {
	if seen == nil {
		return contract.ImageFacts{}
	}
	return contract.ImageFacts{User: seen.Config.User, ExposedPorts: seen.Config.ExposedPorts, Healthcheck: seen.Config.Healthcheck}
}
