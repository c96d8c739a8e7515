package pipeline

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"podproof.dev/podproof/internal/rights"
)

// kinds are those that the API server of a test has, by their path.
var kinds = map[string]struct {
	kind string
	wide bool // it belongs to the whole cluster
}{
	"/api/v1/namespaces": {"Namespace", true}, "/api/v1/nodes": {"Node", true}, "/api/v1/pods": {"Pod", false}, "/api/v1/services": {"Service", false},
	"/api/v1/secrets": {"Secret", false}, "/api/v1/persistentvolumeclaims": {"PersistentVolumeClaim", false}, "/api/v1/configmaps": {"ConfigMap", false}, "/api/v1/serviceaccounts": {"ServiceAccount", false}, "/api/v1/events": {"Event", false},
	"/api/v1/limitranges": {"LimitRange", false}, "/apis/networking.k8s.io/v1/networkpolicies": {"NetworkPolicy", false}, "/api/v1/resourcequotas": {"ResourceQuota", false}, "/apis/apps/v1/deployments": {"Deployment", false}, "/apis/apps/v1/statefulsets": {"StatefulSet", false}, "/apis/batch/v1/jobs": {"Job", false},
	"/apis/discovery.k8s.io/v1/endpointslices": {"EndpointSlice", false}, "/apis/storage.k8s.io/v1/storageclasses": {"StorageClass", true},
	"/apis/scheduling.k8s.io/v1/priorityclasses": {"PriorityClass", true}, "/apis/rbac.authorization.k8s.io/v1/clusterroles": {"ClusterRole", true},
	"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings": {"ClusterRoleBinding", true},
}

// apiServer plays a Kubernetes of one node: what is applied is there at once, and its pods are Ready.
type apiServer struct {
	t *testing.T
	*httptest.Server

	mu      sync.Mutex
	version int
	objects map[string]*unstructured.Unstructured // by path
	changed chan struct{}
	log     []change
	did     []string // what changed something: "DELETE /api/v1/namespaces/shop"
	asked   []rights.Rule
	// denied are the rights that whoever asks does not have.
	denied []rights.Rule
	// unready are the names of controllers whose pods are never Ready.
	unready map[string]bool
	// runs is the ID of the image that all containers are said to run.
	runs string
	// forbidden are the kinds, by their path, of which the user may know nothing.
	forbidden map[string]bool
	// fails has every request fail with that status, once it is not 0.
	fails atomic.Int32
	// applied is told of each object that is made, by its path.
	applied func(path string)
	// kubernetes is its version, where a test wants another one.
	kubernetes string
	// refused says of kinds, by their path, why admission lets none in, in a dry run.
	refused map[string]string
}

type change struct {
	Type   string                     `json:"type"`
	Object *unstructured.Unstructured `json:"object"`
	path   string
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	a := &apiServer{t: t, objects: map[string]*unstructured.Unstructured{}, changed: make(chan struct{}), unready: map[string]bool{}}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(func() {
		a.CloseClientConnections() // a watch ends with its client
		a.Close()
	})
	a.put("ADDED", "/api/v1/nodes/worker", a.parse(`{"apiVersion":"v1","kind":"Node","metadata":{"name":"worker"},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`))
	return a
}

// system gives the cluster a UID, and another version where that is not empty.
func (a *apiServer) system(uid, version string) {
	u := a.parse(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system"}}`)
	u.SetUID(types.UID(uid))
	a.put("ADDED", "/api/v1/namespaces/kube-system", u)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kubernetes = version
}

func (a *apiServer) rest() *rest.Config {
	return &rest.Config{Host: a.URL, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
}

func (a *apiServer) parse(text string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(text), &u.Object); err != nil {
		a.t.Errorf("%s: %v", text, err)
	}
	return u
}

// put stores an object, and tells those who watch.
func (a *apiServer) put(how, path string, u *unstructured.Unstructured) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version++
	u.SetResourceVersion(strconv.Itoa(a.version))
	if u.GetUID() == "" {
		u.SetUID(types.UID(strconv.Itoa(a.version)))
	}
	if how == "DELETED" {
		delete(a.objects, path)
	} else {
		a.objects[path] = u
	}
	a.log = append(a.log, change{how, u.DeepCopy(), path})
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *apiServer) get(path string) *unstructured.Unstructured {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.objects[path].DeepCopy()
}

// changes are those that were asked for with a verb, in their order.
func (a *apiServer) changes(verb string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, d := range a.did {
		if path, ok := strings.CutPrefix(d, verb+" "); ok {
			out = append(out, path)
		}
	}
	return out
}

// collect removes what has an owner that is gone, and the pods of what goes.
func (a *apiServer) collect(owner types.UID) {
	a.mu.Lock()
	gone := map[string]*unstructured.Unstructured{}
	for path, o := range a.objects {
		if slices.ContainsFunc(o.GetOwnerReferences(), func(r metav1.OwnerReference) bool { return r.UID == owner }) {
			gone[path] = o
			if pod := a.objects["/api/v1/namespaces/"+o.GetNamespace()+"/pods/"+o.GetName()+"-0"]; pod != nil {
				gone["/api/v1/namespaces/"+o.GetNamespace()+"/pods/"+pod.GetName()] = pod
			}
		}
	}
	a.mu.Unlock()
	for path, o := range gone {
		a.put("DELETED", path, o)
	}
}

// request is what a path asks for: "/api/v1/namespaces/shop/pods/api-0/log".
type request struct {
	collection, namespace, name, sub string
}

func parsePath(path string) request {
	words := strings.Split(strings.Trim(path, "/"), "/")
	n := 2 // api/v1
	if words[0] == "apis" {
		n = 3
	}
	var r request
	prefix, rest := "/"+strings.Join(words[:min(n, len(words))], "/"), words[min(n, len(words)):]
	if len(rest) > 2 && rest[0] == "namespaces" {
		r.namespace, rest = rest[1], rest[2:]
	}
	rest = append(rest, "", "", "")
	r.collection, r.name, r.sub = prefix+"/"+rest[0], rest[1], rest[2]
	return r
}

func (a *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	fails := func(code int, reason, message string) {
		w.WriteHeader(code)
		answer(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
	}
	q := parsePath(r.URL.Path)
	k, known := kinds[q.collection]
	path := r.URL.Path
	if code := int(a.fails.Load()); code != 0 {
		fails(code, strings.ReplaceAll(http.StatusText(code), " ", ""), http.StatusText(code))
		return
	}
	if known {
		a.record(q, r)
	}
	if r.Method != http.MethodGet && known && r.FormValue("dryRun") == "" {
		a.mu.Lock()
		a.did = append(a.did, r.Method+" "+path)
		a.mu.Unlock()
	}
	switch {
	case path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
		answer(a.review(r).Object)
		return
	case path == "/apis/authentication.k8s.io/v1/selfsubjectreviews":
		answer(map[string]any{"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "status": map[string]any{"userInfo": map[string]any{"username": "system:serviceaccount:ci:podproof"}}})
		return
	case a.forbidden[q.collection]:
		fails(403, "Forbidden", path+" is forbidden")
	case path == "/version":
		answer(map[string]string{"gitVersion": cmp.Or(a.kubernetes, "v1.37.2"), "major": "1", "minor": "37"})
	case !known:
		if found := discovery(path); found != nil {
			answer(found)
			return
		}
		fails(404, "NotFound", path+" is not there")
	case q.sub == "exec":
		fails(404, "NotFound", "no container runs here")
	case q.sub == "log":
		_, _ = io.WriteString(w, time.Now().UTC().Format(time.RFC3339Nano)+" started\n")
	case r.Method == http.MethodGet && q.name == "" && r.FormValue("watch") != "":
		if r.FormValue("sendInitialEvents") != "" {
			fails(422, "Invalid", "only what changes is watched")
			return
		}
		a.watch(w, r, q)
	case r.Method == http.MethodGet && q.name == "":
		a.mu.Lock()
		items, version := []any{}, a.version
		for _, p := range slices.Sorted(maps.Keys(a.objects)) {
			if of(q, p, a.objects[p], r) {
				items = append(items, a.objects[p].Object)
			}
		}
		a.mu.Unlock()
		answer(map[string]any{"kind": k.kind + "List", "apiVersion": strings.Trim(strings.TrimPrefix(strings.TrimPrefix(q.collection[:strings.LastIndex(q.collection, "/")], "/apis"), "/api"), "/"),
			"metadata": map[string]string{"resourceVersion": strconv.Itoa(version)}, "items": items})
	case r.Method == http.MethodPost:
		u := a.body(r)
		path += "/" + u.GetName()
		switch {
		case q.namespace != "" && a.get("/api/v1/namespaces/"+q.namespace) == nil:
			fails(404, "NotFound", "namespaces "+q.namespace+" not found")
			return
		case a.get(path) != nil:
			fails(409, "AlreadyExists", path+" exists already")
			return
		case r.FormValue("dryRun") != "":
			if why := a.refused[q.collection]; why != "" {
				fails(403, "Forbidden", u.GetKind()+" "+u.GetName()+" is forbidden: "+why)
				return
			}
			answer(u.Object)
			return
		}
		u.SetNamespace(q.namespace)
		a.made(path, u)
		answer(u.Object)
	case r.Method == http.MethodDelete && q.name == "":
		answer(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Success"})
	case a.get(path) == nil && r.Method != http.MethodPatch:
		fails(404, "NotFound", path+" is not there")
	case r.Method == http.MethodGet:
		answer(a.get(path).Object)
	case r.Method == http.MethodPatch:
		u, was := a.body(r), a.get(path)
		if was != nil {
			merge(was.Object, u.Object)
			a.put("MODIFIED", path, was)
			answer(was.Object)
			return
		}
		if !strings.Contains(r.Header.Get("Content-Type"), "apply-patch") {
			fails(404, "NotFound", path+" is not there")
			return
		}
		a.made(path, u)
		answer(u.Object)
	case r.Method == http.MethodDelete:
		owner := a.get(path)
		a.put("DELETED", path, owner)
		a.collect(owner.GetUID())
		answer(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Success"})
	}
}

func (a *apiServer) body(r *http.Request) *unstructured.Unstructured {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	return a.parse(string(text))
}

// made stores what was made, and does what its controller does.
func (a *apiServer) made(path string, u *unstructured.Unstructured) {
	if a.applied != nil {
		a.applied(path)
	}
	template, _, _ := unstructured.NestedMap(u.Object, "spec", "template")
	switch u.GetKind() {
	case "Job":
		_ = unstructured.SetNestedSlice(u.Object, []any{map[string]any{"type": "Complete", "status": "True"}}, "status", "conditions")
	case "Deployment", "StatefulSet":
		p := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]}}
		p.SetName(u.GetName() + "-0")
		p.SetNamespace(u.GetNamespace())
		a.started("/api/v1/namespaces/"+u.GetNamespace()+"/pods/"+p.GetName(), p, !a.unready[u.GetName()])
	case "Service":
		_ = unstructured.SetNestedField(u.Object, "10.96.0.9", "spec", "clusterIP")
	case "Pod":
		a.started(path, u, true)
		return
	}
	a.put("ADDED", path, u)
}

// started stores a pod that runs.
func (a *apiServer) started(path string, p *unstructured.Unstructured, ready bool) {
	_ = unstructured.SetNestedField(p.Object, "worker", "spec", "nodeName")
	var statuses []any
	containers, _, _ := unstructured.NestedSlice(p.Object, "spec", "containers")
	for _, c := range containers {
		statuses = append(statuses, map[string]any{"name": c.(map[string]any)["name"], "ready": ready, "image": "", "imageID": a.runs, "restartCount": int64(0),
			"containerID": "containerd://c1", "state": map[string]any{"running": map[string]any{}}})
	}
	is := map[bool]string{true: "True", false: "False"}
	p.Object["status"] = map[string]any{"phase": "Running", "podIP": "10.244.0.7", "containerStatuses": statuses,
		"conditions": []any{map[string]any{"type": "Ready", "status": is[ready]}, map[string]any{"type": "Initialized", "status": "True"}}}
	p.SetCreationTimestamp(metav1.Now())
	a.put("ADDED", path, p)
}

// watch tells what changes from a version on.
func (a *apiServer) watch(w http.ResponseWriter, r *http.Request, q request) {
	from, _ := strconv.Atoi(r.FormValue("resourceVersion"))
	out := json.NewEncoder(w)
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	for n := 0; ; {
		a.mu.Lock()
		news, changed := a.log[n:], a.changed
		n = len(a.log)
		a.mu.Unlock()
		for _, c := range news {
			if v, _ := strconv.Atoi(c.Object.GetResourceVersion()); v > from && of(q, c.path, c.Object, r) {
				_ = out.Encode(c)
			}
		}
		w.(http.Flusher).Flush()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
		if a.fails.Load() != 0 {
			return // a server that goes away ends its watches, too
		}
	}
}

// of tells whether an object is one of those that a list or a watch asks for.
func of(q request, path string, u *unstructured.Unstructured, r *http.Request) bool {
	x := parsePath(path)
	if x.collection != q.collection || q.namespace != "" && x.namespace != q.namespace {
		return false
	}
	if name, ok := strings.CutPrefix(r.FormValue("fieldSelector"), "metadata.name="); ok && name != u.GetName() {
		return false
	}
	s, err := labels.Parse(r.FormValue("labelSelector"))
	return err == nil && s.Matches(labels.Set(u.GetLabels()))
}

// merge is a merge patch (RFC 7386).
func merge(into, patch map[string]any) {
	for k, v := range patch {
		m, isMap := v.(map[string]any)
		was, wasMap := into[k].(map[string]any)
		switch {
		case v == nil:
			delete(into, k)
		case isMap && wasMap:
			merge(was, m)
		default:
			into[k] = v
		}
	}
}

// discovery says which kinds there are.
func discovery(path string) any {
	groups := map[string][]any{}
	for collection, k := range kinds {
		at := strings.LastIndex(collection, "/")
		groups[collection[:at]] = append(groups[collection[:at]], map[string]any{"name": collection[at+1:], "kind": k.kind, "namespaced": !k.wide, "verbs": []string{"get", "list", "watch", "create", "patch"}})
	}
	switch path {
	case "/api":
		return map[string]any{"kind": "APIVersions", "versions": []string{"v1"}}
	case "/apis":
		var list []any
		for prefix := range groups {
			if name, ok := strings.CutPrefix(prefix, "/apis/"); ok {
				group, _, _ := strings.Cut(name, "/")
				v := map[string]string{"groupVersion": name, "version": "v1"}
				list = append(list, map[string]any{"name": group, "versions": []any{v}, "preferredVersion": v})
			}
		}
		return map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": list}
	}
	if resources, ok := groups[path]; ok {
		return map[string]any{"kind": "APIResourceList", "groupVersion": strings.TrimPrefix(strings.TrimPrefix(path, "/apis/"), "/api/"), "resources": resources}
	}
	return nil
}
