//go:build integration

package report

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
)

// pageFaults is what a browser is asked about a page: all that is wrong with it, in sentences.
//
//go:embed testdata/pagefaults.js
var pageFaults string

// stopped is the evidence of a good run as one had it that was cut off in the middle.
func stopped(t *testing.T) Report {
	t.Helper()
	r, err := ReadFile(unpacked(t, "testdata/recorded/good.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	r.Evidence.Run.CutOff = "--timeout of 1m0s"
	r.Evidence.Rollouts, r.Evidence.Outages, r.Evidence.Final = nil, nil, nil
	r.Evidence.Missing = map[evidence.Section]string{}
	for _, s := range []evidence.Section{evidence.SectionRollouts, evidence.SectionOutages, evidence.SectionFinal} {
		r.Evidence.Missing[s] = "stopped before it was tried: --timeout of 1m0s"
	}
	return judged(t, r)
}

// TestPage looks at the report in a real browser: a run that passed, one that did not, and one that
// decided little, on a desk and on a phone, in light and in dark.
func TestPage(t *testing.T) {
	program := os.Getenv("CHROMIUM")
	if program == "" {
		t.Fatal("CHROMIUM does not say where a browser is; `make test-page` does")
	}
	// The page is our own, so that no sandbox is needed, which root and many containers cannot have.
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	browser, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("%s does not start: %v", program, err)
	}
	for _, c := range []struct {
		name   string
		r      Report
		result check.Status
		colour string // of its headline, in light
	}{
		{"pass", recorded(t, "good"), check.Pass, "rgb(23, 102, 58)"},
		{"fail", recorded(t, "closes-its-pool-first"), check.Fail, "rgb(180, 35, 24)"},
		{"fail-outage", recorded(t, "one-connection-for-life"), check.Fail, "rgb(180, 35, 24)"},
		{"inconclusive", stopped(t), check.Inconclusive, "rgb(138, 83, 0)"},
	} {
		if c.r.Result != c.result {
			t.Fatalf("%s is a %s", c.name, c.r.Result)
		}
		file := filepath.Join(t.TempDir(), c.name+".html")
		if err := os.WriteFile(file, []byte(htmlText(t, c.r)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int64{1280, 390} {
			for _, scheme := range []string{"light", "dark"} {
				t.Run(fmt.Sprintf("%s-%d-%s", c.name, width, scheme), func(t *testing.T) {
					tab := open(t, browser, file, width, scheme)
					if scheme == "light" {
						tab.wants(t, `getComputedStyle(document.querySelector("h1")).color`, c.colour)
					}
					tab.screenshot(t, c.name)
					tab.wants(t, `document.querySelectorAll("details").forEach(d => d.open = true), ""`, "")
					tab.fits(t)
					tab.flawless(t)
				})
			}
		}
	}
	t.Run("keys and print", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "page.html")
		if err := os.WriteFile(file, []byte(htmlText(t, recorded(t, "good"))), 0o600); err != nil {
			t.Fatal(err)
		}
		tab := open(t, browser, file, 1280, "light")
		// The links of the summary come first, and then the promises.
		var keys string
		for range 3 {
			keys += kb.Tab
		}
		if err := chromedp.Do(tab.ctx, chromedp.KeyEvent(keys), chromedp.KeyEvent(kb.Enter)); err != nil {
			t.Fatal(err)
		}
		tab.wants(t, `document.activeElement.tagName + " " + document.activeElement.parentElement.open`, "SUMMARY true")
		if _, err := chromedp.Call(tab.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
			t.Fatal(err)
		}
		tab.wants(t, `[...document.querySelectorAll("details:not([open]) dd")].every(d => d.getBoundingClientRect().height > 0) + ""`, "true")
	})
}

type tab struct {
	ctx           context.Context
	width, height int64
	scheme        string
}

// open shows a file. What the page says on the console, and each request beside that for the file itself,
// is a fault of the test.
func open(t *testing.T, browser context.Context, file string, width int64, scheme string) tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	var mu sync.Mutex
	var said []string
	listening := chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			said = append(said, fmt.Sprintf("console: %s", e.Type))
		case *runtime.EventExceptionThrown:
			said = append(said, "exception: "+e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			said = append(said, fmt.Sprintf("log: %s: %s", e.Entry.Level, e.Entry.Text))
		case *network.EventRequestWillBeSent:
			if !strings.HasSuffix(e.Request.URL, filepath.Base(file)) {
				said = append(said, "request: "+e.Request.URL)
			}
		}
	})
	b := tab{ctx, width, 900, scheme}
	address := (&url.URL{Scheme: "file", Path: file}).String()
	dark := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	_, requests := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	_, media := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: dark})
	if err := errors.Join(listening, requests, media, chromedp.Do(ctx, b.size(), chromedp.Navigate(address))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range said {
			t.Error(s)
		}
	})
	return b
}

func (b tab) size() chromedp.Action[chromedp.Void] {
	return chromedp.EmulateViewport(b.width, b.height)
}

// wants evaluates an expression that is a text.
func (b tab) wants(t *testing.T, expression, want string) {
	t.Helper()
	if got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression)); err != nil || got != want {
		t.Errorf("%s: %q, not %q: %v", expression, got, want, err)
	}
}

// fits makes the window as high as the page, and asks for what stands out at its side.
func (b *tab) fits(t *testing.T) {
	t.Helper()
	size, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]int64]("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"))
	if err != nil {
		t.Fatal(err)
	}
	if size[0] > b.width {
		t.Errorf("the page is %d px wide in a window of %d", size[0], b.width)
	}
	b.height = size[1]
	if err := chromedp.Do(b.ctx, b.size()); err != nil {
		t.Fatal(err)
	}
}

func (b tab) flawless(t *testing.T) {
	t.Helper()
	faults, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](pageFaults))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults[:min(20, len(faults))] {
		t.Error(f)
	}
}

// screenshot keeps a picture of the whole page, with -artifacts, and looks whether something is on it.
func (b tab) screenshot(t *testing.T, name string) {
	t.Helper()
	data, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.ArtifactDir(), fmt.Sprintf("%s-%d-%s.png", name, b.width, b.scheme))
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	colours := map[[3]uint32]bool{}
	size := img.Bounds()
	for y := size.Min.Y; y < size.Max.Y; y += 3 {
		for x := size.Min.X; x < size.Max.X; x += 3 {
			r, g, bl, _ := img.At(x, y).RGBA()
			colours[[3]uint32{r, g, bl}] = true
		}
	}
	if size.Dx() != int(b.width) || size.Dy() < 1500 || len(colours) < 20 {
		t.Errorf("a picture of %v in %d colours", size, len(colours))
	}
}
