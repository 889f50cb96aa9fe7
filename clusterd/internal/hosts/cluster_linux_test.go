package hosts

import (
	"cmp"
	"fmt"
	"slices"
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
}

func newGrove(t *testing.T) *grove {
	t.Helper()
	g := &grove{t: t, lan: New(t, 5), hosts: make([]*host, 6)}
	for i := 1; i <= 3; i++ {
		g.seeds = append(g.seeds, g.lan.IP(i)+":7000")
	}
	for i := 1; i <= 5; i++ {
		g.hosts[i] = startNode(t, g.lan, i, g.seeds)
	}
	g.agree(1, 2, 3, 4, 5)
	return g
}

// agree waits until the given nodes say that they are the members, and returns
// how long that took.
func (g *grove) agree(hosts ...int) time.Duration {
	g.t.Helper()
	begin := time.Now()
	for time.Since(begin) < 3*budget {
		if !slices.ContainsFunc(hosts, func(i int) bool { return !g.hosts[i].agrees(begin, hosts) }) {
			return time.Since(begin)
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, i := range hosts {
		g.t.Logf("host %d: %+v", i, g.hosts[i].state())
	}
	g.t.Fatalf("hosts %v do not agree within %v", hosts, 3*budget)
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
		g.t.Errorf("%d entities ran, want %d", len(spans), entities)
	}
	for id, copies := range spans { // order: each entity is checked by itself
		var order []*span
		for _, s := range copies { // order: sorted below
			order = append(order, s)
		}
		slices.SortFunc(order, func(a, b *span) int { return cmp.Compare(a.first, b.first) })
		for k := 1; k < len(order); k++ {
			if a, b := order[k-1], order[k]; b.first < a.last {
				g.t.Errorf("%s ran twice for %v: copy %s until %v, copy %s from %v",
					id, time.Duration(a.last-b.first), a.copy, time.Unix(0, a.last), b.copy, time.Unix(0, b.first))
			}
		}
	}
}

// served waits until every entity has begun a message since now.
func (g *grove) served() {
	g.t.Helper()
	since := time.Now().UnixNano()
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
	g.t.Errorf("%s entities handle messages", missing)
}

// TestSystemHosts takes five nodes on five hosts through what an operator
// fears. It is one test since a cluster takes seconds to form.
func TestSystemHosts(t *testing.T) {
	g := newGrove(t)
	g.served()

	t.Log("SIGKILL of the leader")
	g.hosts[1].stop(syscall.SIGKILL)
	<-g.hosts[1].done
	t.Logf("removed after %v", g.agree(2, 3, 4, 5))
	g.served()
	g.gone = append(g.gone, g.hosts[1])
	g.hosts[1] = startNode(t, g.lan, 1, g.seeds)
	t.Logf("back after %v", g.agree(1, 2, 3, 4, 5))

	t.Log("a cable is pulled for a moment")
	uid := g.hosts[4].state().UID
	g.lan.Cut(4)
	time.Sleep(300 * time.Millisecond)
	g.lan.Heal(4)
	g.agree(1, 2, 3, 4, 5)
	if got := g.hosts[4].state().UID; got != uid {
		t.Errorf("a cut of 0.3 s: UID got %s, want %s as before", got, uid)
	}

	t.Log("two hosts are split from three")
	g.lan.Split([]int{1, 2}, []int{3, 4, 5})
	t.Logf("removed after %v", g.agree(3, 4, 5))
	g.served()
	time.Sleep(time.Second)
	g.lan.Join([]int{1, 2}, []int{3, 4, 5})
	t.Logf("together after %v", g.agree(1, 2, 3, 4, 5))
	g.served()

	t.Log("one host hears the others no more, they hear it")
	for _, i := range []int{1, 2, 3, 4} {
		g.lan.Block(i, 5)
	}
	t.Logf("removed after %v", g.agree(1, 2, 3, 4))
	for _, i := range []int{1, 2, 3, 4} {
		g.lan.Unblock(i, 5)
	}
	t.Logf("together after %v", g.agree(1, 2, 3, 4, 5))

	t.Log("SIGSTOP for 20 s, then SIGCONT")
	uid = g.hosts[3].state().UID
	g.hosts[3].stop(syscall.SIGSTOP)
	t.Logf("removed after %v", g.agree(1, 2, 4, 5))
	time.Sleep(20 * time.Second)
	g.hosts[3].stop(syscall.SIGCONT)
	t.Logf("together after %v", g.agree(1, 2, 3, 4, 5))
	if got := g.hosts[3].state().UID; got == uid {
		t.Errorf("UID after removal: got %s as before, want a new one", got)
	}
	g.served()

	t.Log("SIGTERM: it leaves")
	g.hosts[2].stop(syscall.SIGTERM)
	t.Logf("left after %v", g.agree(1, 3, 4, 5))
	g.served()
	g.check()
}
