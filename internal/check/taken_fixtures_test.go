package check

import (
	"slices"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

const (
	db    = "statefulset/postgres"
	cache = "deployment/redis"
	s3    = "s3 (s3.example.com:443)"
)

// withCache needs its database, and does without its cache.
var withCache = contractWith(func(c *contract.Contract) {
	c.HTTP.Query = &contract.Route{Path: "/q"}
	c.Dependencies = append(c.Dependencies, contract.Dependency{Object: cache, Kind: "redis", Optional: true})
})

// withQueue needs both its database and its queue.
var withQueue = contractWith(func(c *contract.Contract) {
	c.HTTP.Query = &contract.Route{Path: "/q"}
	c.Dependencies = append(c.Dependencies, contract.Dependency{Object: "statefulset/mq", Kind: "rabbitmq"})
})

// withStore does without what is outside of the cluster.
var withStore = contractWith(func(c *contract.Contract) {
	c.HTTP.Query = &contract.Route{Path: "/q"}
	c.Dependencies = append(c.Dependencies, contract.Dependency{Host: "s3.example.com:443", Name: "s3", Kind: "s3", Optional: true})
})

// unmovedOutages are of something that the workload uses and does without: it answers all the while,
// and is connected again.
func unmovedOutages(name string) *evidence.Outages {
	o := goodOutages()
	o.Dependency, o.Without.BecameReady = name, true
	for i := range o.Trials {
		t := &o.Trials[i]
		t.Unready, t.Ready, t.Fault, t.Connected = time.Time{}, time.Time{}, evidence.FaultProxy, ptr(true)
		pod := podIn(evidence.Evidence{Outages: o}, *t).Name
		one := []evidence.Client{{Address: "10.244.0.7", Pod: pod, Open: 1}}
		t.Passage = &evidence.Passage{Before: one, During: []evidence.Client{{Address: "10.244.0.7", Pod: pod, Accepted: 2}}, After: one}
		began, healed := t.Began.Sub(at(0)).Seconds(), t.Healed.Sub(at(0)).Seconds()
		t.Requests = nil
		for _, stream := range []string{"health", "ready", "query"} {
			t.Requests = append(t.Requests, answer(stream, began-1, 200), answer(stream, (began+healed)/2, 200), answer(stream, healed+0.2, 200))
		}
	}
	return o
}

func unmovedSlow(name string) *evidence.Outages {
	o := goodSlow()
	o.Dependency, o.Trials[1].Unready, o.Trials[1].Ready = name, time.Time{}, time.Time{}
	return o
}

// further is good evidence with a second dependency that was taken away, too.
func further(name string, change func(*evidence.Taken)) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		t := evidence.Taken{Dependency: name, Outages: unmovedOutages(name), Slow: unmovedSlow(name), Termination: goodTermination()}
		change(&t)
		e.SchemaVersion, e.Further = evidence.SchemaVersion, []evidence.Taken{t}
	})
}

func asItIs(*evidence.Taken) {}

// queue is what a dependency that is needed is like: as the database.
func queue(t *evidence.Taken) { t.Outages, t.Slow = goodOutages(), goodSlow() }

// unreachable is a host that the cluster does not reach: it refuses and hangs, and is never given back.
func unreachable(t *evidence.Taken) {
	o := t.Outages
	o.Unreachable, o.Without.Recovered, o.Without.After = "no route to host", false, 0
	o.Trials = o.Trials[2:]
	for i := range o.Trials {
		o.Trials[i].Connected = nil
		o.Trials[i].Requests = slices.DeleteFunc(o.Trials[i].Requests, func(r evidence.Request) bool { return r.Start.After(o.Trials[i].Healed) })
	}
	t.Slow = &evidence.Outages{Dependency: t.Dependency, Unreachable: "no route to host"}
}

// unusedCache shows no connection to it, and nothing that it changed.
func unusedCache(t *evidence.Taken) {
	for i := range t.Outages.Trials {
		t.Outages.Trials[i].Passage, t.Outages.Trials[i].Connected = &evidence.Passage{}, ptr(false)
	}
	for i := range t.Slow.Trials {
		x := &t.Slow.Trials[i]
		x.Passage, x.Connected = &evidence.Passage{}, ptr(false)
		for k := range x.Requests {
			x.Requests[k].End = 0.01
		}
	}
}

func cacheOutages(change func(*evidence.Outages)) evidence.Evidence {
	return further(cache, func(t *evidence.Taken) { change(t.Outages) })
}

var (
	twoDatabases = further("statefulset/mq", queue)
	notTaken     = with(func(e *evidence.Evidence) { e.SchemaVersion = evidence.SchemaVersion })
	noRoom       = further(cache, func(t *evidence.Taken) {
		*t = evidence.Taken{Dependency: cache, Missing: map[evidence.Section]string{evidence.SectionOutages: "no room for redis", evidence.SectionSlow: "no room for redis", evidence.SectionOutageTermination: "no room for redis"}}
	})
	cutShort = further(cache, func(t *evidence.Taken) {
		t.Missing = map[evidence.Section]string{evidence.SectionOutages: "cut off", evidence.SectionSlow: "cut off", evidence.SectionOutageTermination: "cut off"}
	})
	bothBroken = further(cache, func(t *evidence.Taken) { t.Outages.Without.BecameReady = false })
)

// worksAlone is a worker that nobody asks, and does without its only dependency.
var worksAlone = contractWith(func(c *contract.Contract) {
	c.HTTP = contract.HTTP{}
	c.Dependencies = optionalAlone.Dependencies
})

func workerAlone(change func(*evidence.Outages)) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		e.Outages = unmovedOutages(cache)
		e.Outages.Pod.Spec = *e.Outages.Pod.Spec.DeepCopy()
		e.Outages.Pod.Spec.Containers[0].ReadinessProbe = nil
		change(e.Outages)
	})
}

// required is the contract with its last dependency needed.
func required(c contract.Contract) contract.Contract {
	c.Dependencies = slices.Clone(c.Dependencies)
	c.Dependencies[len(c.Dependencies)-1].Optional = false
	return c
}

// optionalAlone does without the only dependency that it has.
var optionalAlone = contractWith(func(c *contract.Contract) {
	c.HTTP.Query = &contract.Route{Path: "/q"}
	c.Dependencies = []contract.Dependency{{Object: cache, Kind: "redis", Optional: true}}
})
