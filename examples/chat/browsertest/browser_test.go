package browsertest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// browser starts Chromium without what it would do on its own. It skips the
// test if there is none, but not in CI.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" && os.Getenv("CI") == "true" {
		t.Fatal("no Chromium: install it (apt-get install chromium)")
	}
	if path == "" {
		t.Skip("no Chromium")
	}
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		end()
		stop()
		_ = os.RemoveAll(profile) // what Chromium still writes at its end stays in the temporary folder
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// page is one person's tab.
type page struct {
	t   *testing.T
	ctx context.Context
}

// open enters a room as a user, on the node behind address.
func open(t *testing.T, browser context.Context, address, room, user string) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil { // the tab lives as long as the context of its first run
		t.Fatal(err)
	}
	p := &page{t, ctx}
	query := url.Values{"room": {room}, "user": {user}}
	p.run(chromedp.EmulateViewport(1440, 860), chromedp.Navigate("http://"+address+"/?"+query.Encode()))
	eventually(t, upTime, func() error {
		if got := p.attribute("[data-testid=connection]", "state"); got != "open" {
			return fmt.Errorf("%s's connection is %q, want open", user, got)
		}
		if p.home() == "" {
			return fmt.Errorf("%s's page does not know where the room is", user)
		}
		return nil
	})
	return p
}

func (p *page) run(actions ...chromedp.Action) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, upTime)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// say types a line and presses Enter.
func (p *page) say(text string) {
	p.t.Helper()
	p.run(chromedp.SendKeys("[data-testid=compose]", text+"\r", chromedp.ByQuery))
}

// lines are those that the room has, as the page shows them.
func (p *page) lines() (all []string) {
	p.t.Helper()
	p.run(chromedp.Evaluate(`[...document.querySelectorAll("[data-testid=message][data-seq]")]
		.map((m) => m.dataset.user + ": " + m.querySelector("[data-testid=message-text]").textContent)`, &all))
	return all
}

func (p *page) attribute(selector, name string) (value string) {
	p.t.Helper()
	p.run(chromedp.Evaluate(fmt.Sprintf(`document.querySelector(%q).dataset[%q] ?? ""`, selector, name), &value))
	return value
}

func (p *page) home() string { return p.attribute("[data-testid=room-home]", "home") }

// node is the page of the node that this one is connected to now.
func (p *page) node() string { return p.attribute("[data-testid=connection]", "page") }

// shows waits until the page shows exactly these lines.
func (p *page) shows(within time.Duration, want ...string) {
	p.t.Helper()
	eventually(p.t, within, func() error {
		if got := p.lines(); !slices.Equal(got, want) {
			return fmt.Errorf("got lines %q, want %q", got, want)
		}
		return nil
	})
}

// scheme makes the page light or dark.
func scheme(name string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}})
}
