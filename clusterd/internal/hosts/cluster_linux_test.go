package hosts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// budget is what crash, cut and rejoin take at most with the fast preset; waits
// are three times that, on a machine that may do other work.
const budget = 10 * time.Second

// grove is five nodes on five hosts.
type grove struct {
	t     *testing.T
	lan   *LAN
	seeds []string
	hosts []*host // by number; [0] is unused
	gone  []*host // that were killed

	began int64    // as sinceBoot tells
	story []string // steps and faults, told again after the logs of the hosts, of which there is much
}

func newGrove(t *testing.T) *grove {
	t.Helper()
	g := &grove{t: t, lan: New(t, 5), hosts: make([]*host, 6), began: sinceBoot()}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("in short:\n" + strings.Join(g.story, "\n"))
		}
	})
	for i := 1; i <= 3; i++ {
		g.seeds = append(g.seeds, g.lan.IP(i)+":7000")
	}
	for i := 1; i <= 5; i++ {
		g.hosts[i] = startNode(t, g.lan, i, g.seeds)
	}
	g.agree(1, 2, 3, 4, 5)
	return g
}

// logf tells of a step, or how it ended.
func (g *grove) logf(format string, args ...any) {
	g.t.Helper()
	text := fmt.Sprintf(format, args...)
	g.story = append(g.story, fmt.Sprintf("%v: %s", time.Duration(sinceBoot()-g.began).Round(time.Millisecond), text))
	g.t.Log(text)
}

// errorf fails the test, which goes on.
func (g *grove) errorf(format string, args ...any) {
	g.t.Helper()
	g.logf(format, args...)
	g.t.Fail()
}

// agree waits until the given nodes say that they are the members, and returns
// how long that took.
func (g *grove) agree(hosts ...int) time.Duration {
	g.t.Helper()
	begin, since := time.Now(), sinceBoot()
	for time.Since(begin) < 3*budget {
		if !slices.ContainsFunc(hosts, func(i int) bool { return !g.hosts[i].agrees(since, hosts) }) {
			return time.Since(begin)
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, i := range hosts {
		g.t.Logf("host %d: %+v", i, g.hosts[i].state())
	}
	g.errorf("hosts %v do not agree within %v", hosts, 3*budget)
	g.t.FailNow()
	return 0
}

// check holds that no entity ever ran in two places: on the one clock that all
// hosts share, the first message that a copy begins comes after the last that
// the copy before it began.
func (g *grove) check() {
	g.t.Helper()
	type span struct {
		copy        string
		first, last int64
	}
	spans := map[string]map[string]*span{}
	for _, h := range append(slices.Clone(g.hosts[1:]), g.gone...) {
		h.mu.Lock()
		for _, b := range h.begins {
			if spans[b.Begin] == nil {
				spans[b.Begin] = map[string]*span{}
			}
			s := spans[b.Begin][b.Copy]
			if s == nil {
				s = &span{b.Copy, b.At, b.At}
				spans[b.Begin][b.Copy] = s
			}
			s.first, s.last = min(s.first, b.At), max(s.last, b.At)
		}
		h.mu.Unlock()
	}
	if len(spans) != entities {
		g.errorf("%d entities ran, want %d", len(spans), entities)
	}
	for id, copies := range spans { // order: each entity is checked by itself
		var order []*span
		for _, s := range copies { // order: sorted below
			order = append(order, s)
		}
		slices.SortFunc(order, func(a, b *span) int { return cmp.Compare(a.first, b.first) })
		for k := 1; k < len(order); k++ {
			if a, b := order[k-1], order[k]; b.first < a.last {
				g.errorf("%s ran twice for %v: copy %s until %v after the start, copy %s from %v",
					id, time.Duration(a.last-b.first), a.copy, time.Duration(a.last-g.began), b.copy, time.Duration(b.first-g.began))
			}
		}
	}
}

// served waits until every entity has begun a message since now.
func (g *grove) served() {
	g.t.Helper()
	since := sinceBoot()
	missing := ""
	for begin := time.Now(); time.Since(begin) < 3*budget; time.Sleep(20 * time.Millisecond) {
		seen := map[string]bool{}
		for _, h := range g.hosts[1:] {
			h.mu.Lock()
			for k := len(h.begins) - 1; k >= 0 && h.begins[k].At > since; k-- {
				seen[h.begins[k].Begin] = true
			}
			h.mu.Unlock()
		}
		if len(seen) == entities {
			return
		}
		missing = fmt.Sprintf("%d of %d", len(seen), entities)
	}
	g.errorf("%s entities handle messages", missing)
}

// TestSystemHosts takes five nodes on five hosts through what an operator
// fears. It is one test since a cluster takes seconds to form.
func TestSystemHosts(t *testing.T) {
	g := newGrove(t)
	g.served()

	g.logf("SIGKILL of the leader")
	g.hosts[1].stop(syscall.SIGKILL)
	<-g.hosts[1].done
	g.logf("removed after %v", g.agree(2, 3, 4, 5))
	g.served()
	g.gone = append(g.gone, g.hosts[1])
	g.hosts[1] = startNode(t, g.lan, 1, g.seeds)
	g.logf("back after %v", g.agree(1, 2, 3, 4, 5))

	g.logf("a cable is pulled for a moment")
	uid := g.hosts[4].state().UID
	g.lan.Cut(4)
	time.Sleep(300 * time.Millisecond)
	g.lan.Heal(4)
	g.agree(1, 2, 3, 4, 5)
	if got := g.hosts[4].state().UID; got != uid {
		g.errorf("a cut of 0.3 s: UID got %s, want %s as before", got, uid)
	}

	g.logf("two hosts are split from three")
	g.lan.Split([]int{1, 2}, []int{3, 4, 5})
	g.logf("removed after %v", g.agree(3, 4, 5))
	g.served()
	time.Sleep(time.Second)
	g.lan.Join([]int{1, 2}, []int{3, 4, 5})
	g.logf("together after %v", g.agree(1, 2, 3, 4, 5))
	g.served()

	g.logf("one host hears the others no more, they hear it")
	for _, i := range []int{1, 2, 3, 4} {
		g.lan.Block(i, 5)
	}
	g.logf("removed after %v", g.agree(1, 2, 3, 4))
	for _, i := range []int{1, 2, 3, 4} {
		g.lan.Unblock(i, 5)
	}
	g.logf("together after %v", g.agree(1, 2, 3, 4, 5))

	g.logf("SIGSTOP for 20 s, then SIGCONT")
	uid = g.hosts[3].state().UID
	g.hosts[3].stop(syscall.SIGSTOP)
	g.logf("removed after %v", g.agree(1, 2, 4, 5))
	time.Sleep(20 * time.Second)
	g.hosts[3].stop(syscall.SIGCONT)
	g.logf("together after %v", g.agree(1, 2, 3, 4, 5))
	if got := g.hosts[3].state().UID; got == uid {
		g.errorf("UID after removal: got %s as before, want a new one", got)
	}
	g.served()

	g.logf("SIGTERM: it leaves")
	g.hosts[2].stop(syscall.SIGTERM)
	g.logf("left after %v", g.agree(1, 3, 4, 5))
	g.served()
	g.check()
}
