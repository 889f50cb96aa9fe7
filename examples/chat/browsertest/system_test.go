package browsertest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "write docs/chat.png; uses the ports 7001-7003 and 8081-8083")

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "chat")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "chat")
	code := m.Run()
	_ = os.RemoveAll(dir) // it is in the temporary folder
	os.Exit(code)
}

// backTime is how soon people talk again after the node of their room died.
const backTime = 15 * time.Second

func TestSystemBrowser(t *testing.T) {
	chromium := browser(t)
	for _, c := range []struct {
		name string
		dies int // the node that hosts the room; Ada is on 0, Grace on 1
	}{{"a node without people dies", 2}, {"the node that somebody is on dies", 1}} {
		t.Run(c.name, func(t *testing.T) {
			all := freePorts(t, 6)
			nodes := startCluster(t, all[:3], all[3:])
			room := nodes.roomOn(c.dies)
			ada := open(t, chromium, nodes.http[0], room, "Ada")
			grace := open(t, chromium, nodes.http[1], room, "Grace")
			if got, want := ada.home(), nodes.listen[c.dies]; got != want {
				t.Fatalf("the page says that the room is on %q, want %q", got, want)
			}
			talkAndCrash(t, nodes, ada, grace)
		})
	}
}

func talkAndCrash(t *testing.T, nodes *cluster, ada, grace *page) {
	said := []string{"Ada: one", "Grace: two", "Ada: three", "Grace: four"}
	for i, p := range []*page{ada, grace, ada, grace} {
		p.say(said[i][len([]string{"Ada: ", "Grace: "}[i%2]):])
		ada.shows(upTime, said[:i+1]...)
		grace.shows(upTime, said[:i+1]...)
	}

	dead := ada.home()
	nodes.kill(dead)
	killed := time.Now()
	ada.say("is anybody there?") // while the room is nowhere: kept, and said once
	left := func() time.Duration { return backTime - time.Since(killed) }
	said = append(said, "Ada: is anybody there?")
	ada.shows(left(), said...)
	grace.shows(left(), said...)
	grace.say("I am")
	said = append(said, "Grace: I am")
	ada.shows(left(), said...)
	grace.shows(left(), said...)
	eventually(t, left(), func() error {
		for _, p := range []*page{ada, grace} {
			got, err := members(p.node())
			if err != nil {
				return err
			}
			if slices.Contains(got, dead) || len(got) != 2 {
				return fmt.Errorf("%s lists %v, want it without %s", p.node(), got, dead)
			}
			if home := p.home(); home == dead || home == "" {
				return fmt.Errorf("the page says that the room is on %q", home)
			}
		}
		return nil
	})
	t.Logf("they talked again %v after the crash", time.Since(killed).Round(100*time.Millisecond))
}

// TestSystemPhone looks at the page in a narrow window: one part at a time.
func TestSystemPhone(t *testing.T) {
	chromium := browser(t)
	all := freePorts(t, 6)
	nodes := startCluster(t, all[:3], all[3:])
	p := open(t, chromium, nodes.http[0], "go", "Ada")
	p.run(chromedp.EmulateViewport(390, 844))
	for tab, want := range map[string]string{"side": "[data-testid=rooms]", "grove": "[data-testid=members]", "chat": "[data-testid=compose]"} {
		p.run(chromedp.Click(".tabs [data-to="+tab+"]", chromedp.ByQuery), chromedp.WaitVisible(want, chromedp.ByQuery))
		var visible []string
		p.run(chromedp.Evaluate(`["side", "chat", "grove"].filter((id) => document.getElementById(id).offsetParent !== null)`, &visible))
		if !slices.Equal(visible, []string{tab}) {
			t.Errorf("tab %s: got %v visible, want it alone", tab, visible)
		}
		var overflow int
		p.run(chromedp.Evaluate(`document.documentElement.scrollWidth - innerWidth`, &overflow))
		if overflow > 0 {
			t.Errorf("tab %s: the page is %d pixels too wide", tab, overflow)
		}
	}
}

// TestSystemPicture writes the picture of the README, with -update.
func TestSystemPicture(t *testing.T) {
	if !*update {
		t.Skip("writes docs/chat.png with -update")
	}
	chromium := browser(t)
	var listen, pages []string
	for i := range 3 {
		listen, pages = append(listen, fmt.Sprint("127.0.0.1:", 7001+i)), append(pages, fmt.Sprint("127.0.0.1:", 8081+i))
	}
	startCluster(t, listen, pages)
	people := map[string]*page{}
	for i, name := range []string{"Grace", "Ada", "Linus"} {
		people[name] = open(t, chromium, pages[i], "grove", name)
	}
	open(t, chromium, pages[1], "release", "Barbara")
	open(t, chromium, pages[2], "go", "Ken")
	var said []string
	for _, line := range [][2]string{
		{"Linus", "Good morning! Which nodes are you on?"},
		{"Ada", "On 7002, a seed. The crown says that 7001 leads."},
		{"Grace", "I am on that one. It hosts this room, too."},
		{"Grace", "What if I kill it?"},
		{"Linus", "Then the room comes back on another node in a few seconds, with our lines, and we go on. Nobody elects anything, nobody restarts anything."},
		{"Ada", "And what we type meanwhile is kept, and said once. Shall we try?"},
		{"Grace", "Ready when you are."},
	} {
		people[line[0]].say(line[1])
		said = append(said, line[0]+": "+line[1])
		for _, p := range people {
			p.shows(upTime, said...)
		}
	}
	ada := people["Ada"]
	eventually(t, upTime, func() error { // the lobby has heard of all rooms
		var rooms int
		ada.run(chromedp.Evaluate(`document.querySelectorAll("[data-testid=rooms] small").length`, &rooms))
		if rooms != 3 {
			return errors.New("the page does not list three rooms yet")
		}
		return nil
	})
	var picture []byte
	ada.run(scheme("light"), chromedp.EmulateViewport(1440, 860, chromedp.EmulateScale(1.5)),
		chromedp.Sleep(time.Second), // for what moves on the page
		chromedp.CaptureScreenshot(&picture))
	if err := os.WriteFile(filepath.Join(root, "docs", "chat.png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
