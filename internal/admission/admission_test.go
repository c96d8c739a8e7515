package admission

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestOnlyWhatIsProvenIsLetIn(t *testing.T) {
	w := newWorld(t)
	good := w.proven("1001")
	bad, img := w.pushed("1002")
	w.admits(creating(t, pod(good)))
	w.admits(creating(t, pod(good, good)))
	said := w.denies(creating(t, pod(good, bad, bad)), "container c1, container c2: no statement is stored beside "+bad+" (linux/amd64): it was never verified (gate/signed). ",
		"`podproof verify --evidence run.json "+bad+" && podproof attest run.json "+bad+" --key podproof.key`")
	if strings.Contains(said, "c0") {
		t.Errorf("it says %q", said)
	}
	if log := w.log.String(); !strings.Contains(log, "msg=denied kind=Pod namespace=shop name=api") {
		t.Errorf("the log is %q", log)
	}
	// Attested meanwhile, it is let in as soon as the refusal is forgotten.
	w.attest(bad, img)
	w.denies(creating(t, pod(bad)), "never verified")
	w.time = w.time.Add(11 * time.Second)
	w.admits(creating(t, pod(bad)))
}

func TestAnImageByItsTag(t *testing.T) {
	w := newWorld(t)
	good := w.proven("1001")
	_, digest, _ := strings.Cut(good, "@")
	tagged := w.host + "/shop/api:1001"
	w.denies(creating(t, pod(tagged)), "container c0: an image must be named by its digest", "write "+tagged+"@"+digest)
	w.admits(creating(t, pod(tagged+"@"+digest)))
	w.denies(creating(t, pod(w.host+"/shop/api:none")), "write "+w.host+"/shop/api:none@sha256:…", "has no image")
	w.denies(creating(t, pod("A b")), `"A b" is not a valid image name`)
	w.denies(creating(t, pod(w.host+"/shop/api@sha256:"+strings.Repeat("0", 64))), "has no image")
}

// What a pod mounts may hold the program that it runs.
func TestImageVolumes(t *testing.T) {
	w := newWorld(t)
	good := w.proven("1001")
	bad, _ := w.pushed("1002")
	mounting := func(image string) corev1.PodSpec {
		p := pod(good).Spec
		p.Volumes = []corev1.Volume{{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			{Name: "plugins", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: image}}}}
		return p
	}
	for image, says := range map[string]string{good: "", bad: "image volume plugins: no statement is stored", w.host + "/shop/api:1001": "image volume plugins: an image must be named by its digest"} {
		p := pod(good)
		p.Spec = mounting(image)
		d := appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: p.Spec}}}
		if says == "" {
			w.admits(creating(t, p))
			w.admits(creating(t, d))
			continue
		}
		w.denies(creating(t, p), says)
		w.denies(creating(t, d), says)
		w.admits(updating(t, p, p)) // it is there already
	}
}

// Each way to a container is the same question, and what is there already is none.
func TestEveryContainerIsAskedAbout(t *testing.T) {
	w := newWorld(t)
	good := w.proven("1001")
	bad, _ := w.pushed("1002")
	withInit := pod(good)
	withInit.Spec.InitContainers = []corev1.Container{{Name: "prepare", Image: bad}}
	w.denies(creating(t, withInit), "init container prepare: no statement")
	debugged := pod(good)
	debugged.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: bad}}}
	r := updating(t, pod(good), debugged)
	r.SubResource = "ephemeralcontainers"
	w.denies(r, "ephemeral container debug: no statement")

	// A pod from before the namespace asked goes on: nothing else could take its finalizer off.
	labelled := pod(bad)
	labelled.Labels = map[string]string{"a": "b"}
	w.asked.Store(0)
	w.admits(updating(t, pod(bad), labelled))
	if n := w.asked.Load(); n != 0 {
		t.Errorf("the registry was asked %d times about what is there already", n)
	}
	w.denies(updating(t, pod(good), pod(bad)), "container c0")
	w.denies(updating(t, pod(bad), pod(bad, bad)), "container c1: no statement")
}

func TestWhatMakesPods(t *testing.T) {
	w := newWorld(t)
	good := w.proven("1001")
	bad, _ := w.pushed("1002")
	is := true
	owned := metav1.ObjectMeta{Name: "api", OwnerReferences: []metav1.OwnerReference{{Kind: "Deployment", Name: "api", Controller: &is}}}
	for kind, of := range map[string]func(metav1.ObjectMeta, string) any{
		"Deployment": func(m metav1.ObjectMeta, image string) any {
			return appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: m, Spec: appsv1.DeploymentSpec{Template: template(image)}}
		},
		"ReplicaSet": func(m metav1.ObjectMeta, image string) any {
			return appsv1.ReplicaSet{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ReplicaSet"}, ObjectMeta: m, Spec: appsv1.ReplicaSetSpec{Template: template(image)}}
		},
		"StatefulSet": func(m metav1.ObjectMeta, image string) any {
			return appsv1.StatefulSet{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"}, ObjectMeta: m, Spec: appsv1.StatefulSetSpec{Template: template(image)}}
		},
		"DaemonSet": func(m metav1.ObjectMeta, image string) any {
			return appsv1.DaemonSet{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"}, ObjectMeta: m, Spec: appsv1.DaemonSetSpec{Template: template(image)}}
		},
		"ReplicationController": func(m metav1.ObjectMeta, image string) any {
			tmpl := template(image)
			return corev1.ReplicationController{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ReplicationController"}, ObjectMeta: m, Spec: corev1.ReplicationControllerSpec{Template: &tmpl}}
		},
		"Job": func(m metav1.ObjectMeta, image string) any {
			return batchv1.Job{TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}, ObjectMeta: m, Spec: batchv1.JobSpec{Template: template(image)}}
		},
		"CronJob": func(m metav1.ObjectMeta, image string) any {
			return batchv1.CronJob{TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "CronJob"}, ObjectMeta: m, Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template(image)}}}}
		},
	} {
		t.Run(kind, func(t *testing.T) {
			w := w
			free := metav1.ObjectMeta{Name: "api"}
			w.admits(creating(t, of(free, good)))
			w.denies(creating(t, of(free, bad)), "container app: no statement")
			w.denies(updating(t, of(free, good), of(free, bad)), "container app: no statement")
			w.admits(updating(t, of(free, bad), of(free, bad)))
			// Its maker was asked, and its pods will be.
			w.admits(creating(t, of(owned, bad)))
		})
	}
	w.denies(creating(t, autoscalingv1.Scale{TypeMeta: metav1.TypeMeta{APIVersion: "autoscaling/v1", Kind: "Scale"}}), "does not know where a Scale (autoscaling/v1) names its images")
	broken := creating(t, pod(good))
	broken.Object.Raw = []byte(`{"spec":"text"}`)
	w.denies(broken, "the Pod cannot be read")
	// A pod is asked about whoever owns it.
	mine := pod(bad)
	mine.OwnerReferences = owned.OwnerReferences
	w.denies(creating(t, mine), "container c0")
}

func template(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: image}}}}
}

// What is known is not asked again, and what many ask at once is asked once.
func TestAnswersAreRemembered(t *testing.T) {
	w := newWorld(t)
	good := w.proven("1001")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { w.admits(creating(t, pod(good))) })
	}
	all.Wait()
	once := w.asked.Load()
	if once == 0 || once > 15 {
		t.Errorf("the registry was asked %d times for 50 pods", once)
	}
	w.time = w.time.Add(4 * time.Minute)
	w.admits(creating(t, pod(good)))
	if n := w.asked.Load(); n != once {
		t.Errorf("it was asked again, %d times", n-once)
	}
	w.time = w.time.Add(2 * time.Minute)
	w.admits(creating(t, pod(good)))
	if w.asked.Load() == once {
		t.Error("it was never asked again")
	}
	// Remembered no longer than the proof lasts.
	w.time = w.time.Add(14*24*time.Hour - 8*time.Minute)
	w.admits(creating(t, pod(good)))
	w.time = w.time.Add(2 * time.Minute)
	w.denies(creating(t, pod(good)), "the run ended at ", "(gate/fresh)", "podproof verify")
}

// A registry that hangs refuses in time, is said to, and is not asked in vain: its late answer is the next one's.
func TestARegistryThatIsAway(t *testing.T) {
	w := newWorld(t)
	good := w.proven("1001")
	w.hook.Bounds.Fetch = 300 * time.Millisecond
	w.away.Store(true)
	began := time.Now()
	w.deniesIn("?timeout=100ms", creating(t, pod(good)), "container c0: registry "+w.host+" has not said in time whether "+good+" is proven", "for the next try")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the answer took %s", took)
	}
	w.denies(creating(t, pod(good)), "the registry could not be asked whether "+good+" is proven, so that it is refused for now: it was not done within 300ms; try again when it answers")
	w.deniesIn("?timeout=100ms", creating(t, pod(w.host+"/shop/api:1001")), "the registry did not say: it did not answer within 50ms")
	w.away.Store(false)
	w.hook.Bounds.Fetch, w.hook.asker.Fetch = time.Minute, time.Minute
	w.admits(creating(t, pod(good)))
	// What is known is known while the registry is away.
	w.away.Store(true)
	w.admits(creating(t, pod(good)))
}

func TestWhatGoesIsNotAskedAbout(t *testing.T) {
	w := newWorld(t)
	bad, _ := w.pushed("1002")
	r := creating(t, pod(bad))
	r.Operation, r.OldObject, r.Object = admissionv1.Delete, r.Object, runtime.RawExtension{}
	w.admits(r)
}

func TestExceptions(t *testing.T) {
	w := newWorld(t)
	bad, _ := w.pushed("1002")
	except, err := ParseExcept([]string{w.host + "/mesh/*", "docker.io/library/postgres", "docker.io/redis"})
	if err != nil {
		t.Fatal(err)
	}
	w.hook.Except = except
	w.admits(creating(t, pod(w.host+"/mesh/proxy:1", "postgres:16", "redis")))
	w.denies(creating(t, pod(w.host+"/mesh/proxy:1", bad)), "container c1: no statement")
	w.denies(creating(t, pod(w.host+"/mesh/a/proxy:1")), "by its digest")
	for _, wrong := range []string{"", "postgres", "library/postgres", "r.example/a@sha256:1", "r.example/a:1", "r.example/[", "a b/c"} {
		if _, err := ParseExcept([]string{wrong}); err == nil {
			t.Errorf("%q is taken for a repository", wrong)
		}
	}
}

func TestWhatIsNoReview(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]string{
		"":   "this is no AdmissionReview",
		"{}": "podproof answers an AdmissionReview of admission.k8s.io/v1",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`:                                 "with a request",
		`{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}`:               "v1beta1",
		`{"apiVersion":"` + strings.Repeat("a", maxReview) + `","kind":"AdmissionReview"}`:              "too large",
		`{"request":{"object":{"spec":{"containers":[` + strings.Repeat("{},", maxValues+1) + `{}]}}}}`: "more than 131072 values",
	} {
		rec := httptest.NewRecorder()
		w.hook.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, Path, bytes.NewReader([]byte(body))))
		if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%.80q: %d %s", body, rec.Code, rec.Body)
		}
	}
}

func TestALongDenial(t *testing.T) {
	if said := joined([]string{"a", "b", "c", "d", "e"}); said != "a; b; c; and 2 more" {
		t.Error(said)
	}
	if said := joined([]string{strings.Repeat("ä", most)}); len(said) > most+len("…") || !strings.HasSuffix(said, "ä…") {
		t.Errorf("%d bytes", len(said))
	}
}
