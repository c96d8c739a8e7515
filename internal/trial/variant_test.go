package trial

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// varied makes a trial of a changed pod, and returns that as it was made, too.
func varied(t *testing.T, x Trial, run func(context.Context, *TestBed) (*evidence.Variant, error), l life, change ...func(*corev1.PodTemplateSpec)) (*evidence.Variant, corev1.PodSpec) {
	t.Helper()
	k := newKubelet(t, l)
	v, err := run(t.Context(), k.bench(template(change...)).as(t, x))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	if left := k.there(); len(left) != 0 {
		t.Errorf("it stays: %q", left)
	}
	return v, v.Pod.Spec
}

func withSidecar(t *corev1.PodTemplateSpec) {
	t.Spec.Containers = append(t.Spec.Containers, corev1.Container{Name: "proxy"})
}

func TestAReadOnlyRootIsTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, spec := varied(t, ReadOnlyRoot, tryReadOnlyRoot, life{ready: 3 * time.Second}, withSidecar)
		s := spec.Containers[0].SecurityContext
		if !v.Ready || v.Seconds < 3 || v.Seconds > 4 || s == nil || !*s.ReadOnlyRootFilesystem || spec.Containers[1].SecurityContext != nil {
			t.Errorf("got %+v of %+v", v, spec.Containers)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		kept := func(t *corev1.PodTemplateSpec) {
			t.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(7))}
		}
		v, spec := varied(t, ReadOnlyRoot, tryReadOnlyRoot, life{never: true, ends: 2 * time.Second, code: 1}, kept)
		if v.Ready || v.Seconds > 4 || *spec.Containers[0].SecurityContext.RunAsUser != 7 {
			t.Errorf("got %+v", v)
		}
	})
	synctest.Test(t, func(t *testing.T) { // nothing comes of it
		if v, _ := varied(t, ReadOnlyRoot, tryReadOnlyRoot, life{waits: "CreateContainerError"}); v.Ready || v.Seconds > 4 {
			t.Errorf("got %+v", v)
		}
	})
	synctest.Test(t, func(t *testing.T) { // nor in time
		if v, _ := varied(t, ReadOnlyRoot, tryReadOnlyRoot, life{never: true}); v.Ready || v.Seconds < 20 {
			t.Errorf("got %+v", v)
		}
	})
}

// Without a probe a container is Ready because it runs: what it cannot do shows a little later.
func TestAVariantWithoutAProbeMustRunOn(t *testing.T) {
	unprobed := func(t *corev1.PodTemplateSpec) { t.Spec.Containers[0].ReadinessProbe = nil }
	synctest.Test(t, func(t *testing.T) {
		if v, _ := varied(t, ReadOnlyRoot, tryReadOnlyRoot, life{ends: 2 * time.Second, code: 1}, unprobed); v.Ready {
			t.Errorf("got %+v", v)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		if v, _ := varied(t, ReadOnlyRoot, tryReadOnlyRoot, life{}, unprobed); !v.Ready || v.Seconds < settles.Seconds() {
			t.Errorf("got %+v", v)
		}
	})
}

func TestAnArbitraryUserIsTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, spec := varied(t, ArbitraryUID, tryArbitraryUID, life{})
		s := spec.Containers[0].SecurityContext
		if !v.Ready || v.UID < 1_000_000_000 || *s.RunAsUser != v.UID || *s.RunAsGroup != 0 || !*s.RunAsNonRoot || *spec.SecurityContext.FSGroup != v.UID {
			t.Errorf("got %+v of %+v", v, s)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		shared := &corev1.PodSecurityContext{FSGroup: new(int64(9)), RunAsUser: new(int64(5))}
		v, spec := varied(t, ArbitraryUID, tryArbitraryUID, life{}, func(t *corev1.PodTemplateSpec) { t.Spec.SecurityContext = shared })
		if *spec.SecurityContext.FSGroup != v.UID || *spec.SecurityContext.RunAsUser != 5 || *shared.FSGroup != 9 {
			t.Errorf("got %+v; the template's own is %+v", spec.SecurityContext, shared)
		}
	})
}

func TestAVariantThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{never: true})
		b := k.bench(template())
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if v, err := tryArbitraryUID(ctx, b.as(t, ArbitraryUID)); err == nil || v != nil {
			t.Errorf("got %+v, %v", v, err)
		}
	})
}
