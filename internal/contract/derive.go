package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What holds when neither the contract nor anything else says otherwise.
const (
	defaultStartup = 30 * time.Second
	// defaultGrace is also the Kubernetes default of terminationGracePeriodSeconds.
	defaultGrace = 30 * time.Second
	// defaultLongest is the least that a request is taken to last.
	defaultLongest = 5 * time.Second
)

// AmbiguousError says that a field was left out which the facts do not settle.
type AmbiguousError struct {
	Field      string // "workload"
	Why        string // what was found, as a sentence without a full stop
	Candidates []string
	// unwritten tells that there is no contract yet to say it in.
	unwritten bool
}

// Error tells how to settle it.
func (e *AmbiguousError) Error() string {
	where := "in the contract"
	if e.unwritten {
		where = "in a " + DefaultFile + ", which `podproof init` writes"
	}
	return fmt.Sprintf("%s; say which with `%s:` %s, one of: %s", e.Why, e.Field, where, strings.Join(e.Candidates, ", "))
}

// UnknownObjectError says that the contract names what the manifests do not hold.
type UnknownObjectError struct {
	Field  string // "workload"
	Object string
	Held   []string
}

// Error lists what the manifests do hold.
func (e *UnknownObjectError) Error() string {
	msg := fmt.Sprintf("%s is %s, but the manifests hold no such object; they hold %s", e.Field, e.Object, strings.Join(e.Held, ", "))
	if near := Nearest(e.Object, e.Held); near != "" {
		msg += fmt.Sprintf("; did you mean %s?", near)
	}
	return msg
}

// Derive fills in what a contract leaves out, and says where each value came from. It never
// changes what the contract says; an empty list is said, too. It may be called again when
// more is known: first with the manifests, then with the image's configuration.
//
// Its errors are *AmbiguousError and *UnknownObjectError.
func Derive(c Contract, f Facts) (_ Contract, _ []Derived, err error) {
	defer func() {
		if unclear := (*AmbiguousError)(nil); errors.As(err, &unclear) {
			unclear.unwritten = !c.Written()
		}
	}()
	d := &deriver{c: c}
	w, err := d.workload(f.Workloads)
	if err != nil {
		return c, nil, err
	}
	ctr, err := d.container(w)
	if err != nil {
		return c, nil, err
	}
	if err := d.answers(w, ctr, f.Image); err != nil {
		return c, nil, err
	}
	d.identity(w, ctr, f.Image)
	d.times(w, ctr)
	return d.c, d.derived, nil
}

type deriver struct {
	c       Contract
	derived []Derived
}

func (d *deriver) note(field string, value any, from string) {
	d.derived = append(d.derived, Derived{field, fmt.Sprint(value), from})
}

// workload finds the object under test, and those that it needs. It returns a zero value
// where there are no manifests.
func (d *deriver) workload(all []WorkloadFacts) (WorkloadFacts, error) {
	if len(all) == 0 {
		return WorkloadFacts{}, nil
	}
	var names []string
	for _, w := range all {
		names = append(names, w.Object.String())
	}
	if d.c.Workload == "" {
		name, from, err := d.chooseWorkload(all, names)
		if err != nil {
			return WorkloadFacts{}, err
		}
		d.c.Workload = name
		d.note("workload", name, from)
	}
	i := slices.Index(names, d.c.Workload)
	if i < 0 {
		return WorkloadFacts{}, &UnknownObjectError{"workload", d.c.Workload, names}
	}
	if d.c.Dependencies == nil {
		var workers []string
		for j, w := range all {
			switch {
			case j == i || w.Idle || w.Object.Kind != "deployment" && w.Object.Kind != "statefulset":
			case w.Object.Kind == "deployment" && !w.reachable():
				workers = append(workers, names[j])
			default:
				d.c.Dependencies = append(d.c.Dependencies, Dependency{Object: names[j]})
			}
		}
		if d.c.Dependencies != nil {
			from := "the other workloads of the manifests"
			if len(workers) > 0 {
				from += " but those that serve no port: " + strings.Join(workers, ", ")
			}
			d.note("dependencies", strings.Join(d.c.InCluster(), ", "), from)
		}
	}
	for _, dep := range d.c.InCluster() {
		if !slices.Contains(names, dep) {
			return WorkloadFacts{}, &UnknownObjectError{"dependencies", dep, names}
		}
	}
	d.kinds(all)
	return all[i], nil
}

// reachable tells whether anybody can connect with the workload: a Deployment without a port and a
// Service, such as a worker or what sends load, is nobody's dependency.
func (w WorkloadFacts) reachable() bool {
	kind, _ := w.kind()
	return kind != "" || len(w.Services) > 0 || slices.ContainsFunc(w.Containers, func(k ContainerFacts) bool {
		return len(k.Ports) > 0 || len(probes(k, ProtocolHTTP, ProtocolHTTPS, ProtocolGRPC, ProtocolTCP)) > 0
	})
}

func (d *deriver) chooseWorkload(all []WorkloadFacts, names []string) (name, from string, err error) {
	var using []string
	for i, w := range all {
		if d.c.Image != "" && slices.ContainsFunc(w.Containers, func(k ContainerFacts) bool { return SameImage(k.Image, d.c.Image) }) {
			using = append(using, names[i])
		}
	}
	switch {
	case len(using) == 1:
		return using[0], "the manifests: it runs " + d.c.Image, nil
	case len(using) > 1:
		return "", "", &AmbiguousError{Field: "workload", Why: fmt.Sprintf("%d workloads of the manifests run %s", len(using), d.c.Image), Candidates: using}
	case len(names) == 1:
		return names[0], "the manifests: it is the only workload", nil
	case d.c.Image != "":
		why := fmt.Sprintf("no workload of the manifests runs %s", d.c.Image)
		if near := Nearest(d.c.Image, imagesOf(all)); near != "" {
			why += ", though one runs " + near
		}
		return "", "", &AmbiguousError{Field: "workload", Why: why, Candidates: names}
	}
	if own := unknownKinds(all); len(own) == 1 {
		return own[0].Object.String(), "the manifests: the only workload that is no database or the like", nil
	}
	return "", "", &AmbiguousError{Field: "workload", Why: fmt.Sprintf("the manifests hold %d workloads", len(names)), Candidates: names}
}

// container finds the one that runs the image under test.
func (d *deriver) container(w WorkloadFacts) (ContainerFacts, error) {
	if len(w.Containers) == 0 {
		return ContainerFacts{}, nil
	}
	var images []string
	for _, k := range w.Containers {
		images = append(images, k.Image)
		if d.c.Image != "" && SameImage(k.Image, d.c.Image) {
			return k, nil
		}
	}
	if len(w.Containers) > 1 {
		why := fmt.Sprintf("%s has %d containers", w.Object, len(images))
		if d.c.Image != "" {
			why += ", and none of them runs " + d.c.Image
		}
		return ContainerFacts{}, &AmbiguousError{Field: "image", Why: why, Candidates: images}
	}
	only := w.Containers[0]
	if d.c.Image == "" {
		d.c.Image = only.Image
		d.note("image", only.Image, "the container "+only.Name+" of "+w.Object.String())
	}
	return only, nil
}

func (d *deriver) times(w WorkloadFacts, k ContainerFacts) {
	if d.c.Startup.Within == 0 {
		within, from := defaultStartup, "podproof's default"
		if k.StartupBudget > within {
			within, from = k.StartupBudget, "the startup probe of "+w.Object.String()
		}
		d.c.Startup.Within = Duration(within)
		d.note("startup.within", d.c.Startup.Within, from)
	}
	if d.c.Startup.Stream == "" {
		d.c.Startup.Stream = StreamAny
		d.note("startup.stream", StreamAny, "podproof's default")
	}
	if d.c.Termination.Within == 0 {
		within, from := defaultGrace, "Kubernetes' default of terminationGracePeriodSeconds"
		if w.GraceSeconds != nil && *w.GraceSeconds > 0 {
			within, from = time.Duration(*w.GraceSeconds)*time.Second, "terminationGracePeriodSeconds of "+w.Object.String()
		}
		d.c.Termination.Within = Duration(within)
		d.note("termination.within", d.c.Termination.Within, from)
	}
	if grace := d.c.Termination.Within; d.c.HTTP.Longest == 0 && d.c.Serves() {
		d.c.HTTP.Longest = max(grace/4, Duration(defaultLongest))
		d.note("http.longest", d.c.HTTP.Longest, "a quarter of the time in which it ends, at least "+defaultLongest.String())
	}
	if d.c.Termination.ExitCodes == nil {
		d.c.Termination.ExitCodes = []int32{0}
		d.note("termination.exitCodes", "0", "podproof's default")
	}
}
