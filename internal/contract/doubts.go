package contract

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Doubts says what in a contract as it was written does not fit the manifests and the image,
// and is wrong in all likelihood. A process may do otherwise than its manifest declares, so
// that none of it is an error. The day is that of the run.
func Doubts(c Contract, f Facts, day time.Time) []string {
	var out []string
	say := func(format string, a ...any) { out = append(out, fmt.Sprintf(format, a...)) }
	for _, w := range c.Waivers {
		if w.Over(day) {
			say("%s ended on %s, so it waives nothing", w, w.Until)
		}
	}
	if c.Build != nil {
		if root := checkout(c.dir); root != "" && !inside(root, c.Path(c.Build.Context)) {
			say("build.context is %s, which is above this repository (%s), so that all beside it is sent to the builder: name a folder in it", c.Build.Context, root)
		}
	}
	i := slices.IndexFunc(f.Workloads, func(w WorkloadFacts) bool { return w.Object.String() == c.Workload })
	if i < 0 {
		return out
	}
	w := f.Workloads[i]
	k, err := (&deriver{c: c}).container(w)
	if err != nil {
		return out
	}
	ports := declaredPorts(w, k, f.Image)
	for _, p := range []struct {
		field string
		port  int
	}{{"http.port", c.HTTP.Port}, {"http.healthPort", c.HTTP.HealthPort}} {
		if p.port != 0 && len(ports) > 0 && !slices.Contains(ports, p.port) {
			say("%s is %d, which is not a port that %s or its Services declare; those are %s", p.field, p.port, w.Object, joined(ports))
		}
	}
	grace := defaultGrace
	if w.GraceSeconds != nil {
		grace = time.Duration(*w.GraceSeconds) * time.Second
	}
	if c.Termination.Within.Std() > grace {
		say("termination.within is %s, and the kubelet kills a container that has not exited after terminationGracePeriodSeconds, %s of %s: raise that, or lower termination.within", c.Termination.Within, grace, w.Object)
	}
	if k.EnvElsewhere {
		return out
	}
	for _, name := range c.Env.Required {
		if !slices.Contains(k.Env, name) && !slices.Contains(f.Image.Env, name) {
			say("env.required names %s, which no manifest sets for %s%s", name, w.Object, alike(name, slices.Concat(k.Env, f.Image.Env)))
		}
	}
	return out
}

// checkout is the nearest folder above that has a repository in it; empty where none has.
func checkout(dir string) string {
	for dir != "" {
		if exists(filepath.Join(dir, ".git")) {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	return ""
}

func inside(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(rel)
}

func alike(name string, set []string) string {
	if near := Nearest(name, set); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// declaredPorts are all that anything says of the ports of a container.
func declaredPorts(w WorkloadFacts, k ContainerFacts, img ImageFacts) []int {
	out := slices.Concat(portNumbers(k.Ports), tcpPorts(img.ExposedPorts))
	for _, s := range w.Services {
		if n := resolvePort(s.Target, k.Ports); n != 0 {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func joined(ports []int) string {
	var out []string
	for _, p := range ports {
		out = append(out, strconv.Itoa(p))
	}
	return strings.Join(out, ", ")
}
