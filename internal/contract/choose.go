package contract

import (
	"path"
	"slices"

	"github.com/distribution/reference"
)

// ChooseImage says which image of the manifests is meant by one that was named on the command
// line, where the contract names neither an image nor a workload: the same, or else the only
// one of the same repository, of the same path in another registry, or of the same last name. Where
// there is none, it is that of the only workload that is no database or the like. It is empty
// where that is not known.
func ChooseImage(named string, all []WorkloadFacts) string {
	last := func(image string) string { return path.Base(repositoryOf(image)) }
	for _, alike := range []func(image string) bool{
		func(image string) bool { return SameImage(image, named) },
		func(image string) bool { return repositoryOf(image) == repositoryOf(named) },
		func(image string) bool { return Alike(image, named) },
		func(image string) bool { return last(image) == last(named) },
	} {
		var found []string
		for _, w := range all {
			for _, k := range w.Containers {
				if repositoryOf(named) != "" && repositoryOf(k.Image) != "" && alike(k.Image) && !slices.Contains(found, k.Image) {
					found = append(found, k.Image)
				}
			}
		}
		switch {
		case len(found) == 1 || len(found) > 0 && SameImage(found[0], named):
			return found[0]
		case len(found) > 1:
			return ""
		}
	}
	if own := unknownKinds(all); len(own) == 1 && len(own[0].Containers) == 1 && len(all) > 1 {
		return own[0].Containers[0].Image
	}
	return ""
}

// repositoryOf is an image's name without tag and digest, empty for what is no name.
func repositoryOf(image string) string {
	r, err := reference.ParseDockerRef(image)
	if err != nil {
		return ""
	}
	return r.Name()
}

// SameImage tells whether two names mean the same image: "api" and "docker.io/library/api:latest".
func SameImage(a, b string) bool {
	ra, errA := reference.ParseDockerRef(a)
	rb, errB := reference.ParseDockerRef(b)
	if errA != nil || errB != nil {
		return a == b
	}
	return ra.String() == rb.String()
}

// Alike tells whether two names are of one image in whatever version: the same repository, or
// the same path in two registries.
func Alike(a, b string) bool {
	ra, errA := reference.ParseDockerRef(a)
	rb, errB := reference.ParseDockerRef(b)
	if errA != nil || errB != nil {
		return a == b
	}
	return reference.Path(ra) == reference.Path(rb)
}

func imagesOf(all []WorkloadFacts) (out []string) {
	for _, w := range all {
		for _, k := range w.Containers {
			out = append(out, k.Image)
		}
	}
	return out
}

// unknownKinds are the workloads that run no database, cache or the like by their images or ports, and
// that somebody wrote, in all likelihood.
func unknownKinds(all []WorkloadFacts) []WorkloadFacts {
	return slices.DeleteFunc(slices.Clone(all), func(w WorkloadFacts) bool {
		kind, _ := w.kind()
		return kind != "" || w.Idle
	})
}
