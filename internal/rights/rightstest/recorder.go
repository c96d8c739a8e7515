// Package rightstest helps tests to hold what code asks of client-go's fakes against the rights that it declares.
package rightstest

import (
	"runtime"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"

	"podproof.dev/podproof/internal/rights"
)

// Recorder keeps what is asked of fakes, but for what tests themselves ask.
type Recorder struct {
	mu   sync.Mutex
	used []rights.Rule
	next *Recorder
}

// On has the recorder listen to a fake. A reactor that is put before it later, and that answers, keeps
// its requests from it.
func (r *Recorder) On(f *clienttesting.Fake) {
	f.PrependReactor("*", "*", func(a clienttesting.Action) (bool, kruntime.Object, error) {
		r.record(a)
		return false, nil, nil
	})
	f.PrependWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
		r.record(a)
		return false, nil, nil
	})
}

// Next is a recorder of what is asked from here on.
func (r *Recorder) Next() *Recorder {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = &Recorder{}
	return r.next
}

// Used are the rights that were used so far.
func (r *Recorder) Used() []rights.Rule {
	r.mu.Lock()
	defer r.mu.Unlock()
	return rights.Union(r.used)
}

func (r *Recorder) record(a clienttesting.Action) {
	if !ofATest() {
		r.keep(ruleOf(a))
	}
}

// ruleOf is the right that an action takes.
func ruleOf(a clienttesting.Action) rights.Rule {
	verb := strings.ReplaceAll(a.GetVerb(), "-", "") // delete-collection
	out := rights.Rule{Group: a.GetResource().Group, Resource: a.GetResource().Resource, Subresource: a.GetSubresource(), Verbs: []string{verb}, Wide: a.GetNamespace() == ""}
	if name := nameOf(a); name != "" {
		out.Names = []string{name}
	}
	return out
}

func (r *Recorder) keep(used rights.Rule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next != nil {
		r.next.keep(used)
		return
	}
	r.used = append(r.used, used)
}

// named is an action that says of which object it is.
type named interface {
	clienttesting.Action
	GetName() string
}

// nameOf is the object that an action is about, as an API server takes it from the request: that
// of a list or a watch is one of its field selector.
func nameOf(a clienttesting.Action) string {
	switch a := a.(type) {
	case clienttesting.WatchAction:
		name, _ := a.GetWatchRestrictions().Fields.RequiresExactMatch("metadata.name")
		return name
	case clienttesting.ListAction:
		name, _ := a.GetListRestrictions().Fields.RequiresExactMatch("metadata.name")
		return name
	case named:
		if a.GetVerb() != "create" { // that of a creation is not in its path
			return a.GetName()
		}
	case clienttesting.UpdateAction:
		if o, err := meta.Accessor(a.GetObject()); err == nil && a.GetVerb() != "create" {
			return o.GetName()
		}
	}
	return ""
}

const house = "podproof.dev/podproof/"

// ofATest tells whether the code of ours that is nearest on the stack is a test's.
func ofATest() bool {
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, house) && !strings.HasPrefix(f.Function, house+"internal/rights/rightstest.") {
			return strings.HasSuffix(f.File, "_test.go")
		}
		if !more {
			return false // an informer's own goroutine
		}
	}
}
