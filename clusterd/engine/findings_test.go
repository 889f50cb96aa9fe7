package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/race"
)

// TestEveryFindingHasATest holds that each interleaving of section 2 of the
// protocol rules that concerns the engine has a test named after it.
func TestEveryFindingHasATest(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func TestInterleaving(\d+)`).FindAllStringSubmatch(string(text), -1) {
			named[m[1]] = true
		}
	}
	for _, n := range []int{1, 2, 3, 4, 7, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 29, 30, 31, 32, 34, 35} {
		if !named[fmt.Sprint(n)] {
			t.Errorf("interleaving %d has no test", n)
		}
	}
}

// Interleaving 1: silence is never a vote of health. On both sides of a cut
// everybody sees all others go, also where monitors are few.
func TestInterleaving1SilenceIsNoVoteOfHealth(t *testing.T) {
	race.SkipPure(t)
	for _, c := range []struct{ left, right string }{
		{"ab", "cde"}, {"a", "bcde"}, {"abcdefgh", "ijklmnopqrstuvwx"}, {"abcdefghijklmnop", "qrstuvwx"}, {"hijk", "abcdefg"},
	} {
		t.Run(c.left+"|"+c.right, func(t *testing.T) {
			p := newPump(t, 1)
			names := strings.Split(c.left+c.right, "")
			slices.Sort(names)
			p.cluster(names...)
			p.cut(c.left, c.right)
			sees := func(side, other string) bool {
				for _, n := range strings.Split(side, "") {
					for _, o := range strings.Split(other, "") {
						b := p.get(n)
						if b.views.decided.Find(p.get(o).self) != nil && b.verdict.reachable(p.get(o).self) {
							return false
						}
					}
				}
				return true
			}
			p.until(10*time.Second, "both sides see the other gone", func() bool {
				return sees(c.left, c.right) && sees(c.right, c.left)
			})
		})
	}
}

// One bad link makes nobody unreachable. (One that stays bad for Timing.Mend is
// another matter: see TestBrokenLinkCostsTheYounger.)
func TestInterleaving1OneBadLinkAccusesNobody(t *testing.T) {
	p := newPump(t, 2)
	p.cluster("a", "b", "c", "d", "e")
	p.cut("b", "d")
	p.run(Lan().Mend)
	if !p.up("a", "b", "c", "d", "e") {
		t.Errorf("one cut link changed the cluster:\n%s", p.state())
	}
}

// Interleaving 12: joiners that are accepted all the time and never come do not
// keep others from being admitted: no decision waits for equal digests.
func TestInterleaving12ChurnStarvesNobody(t *testing.T) {
	p := newPump(t, 12)
	p.cluster("a", "b", "c", "d")
	ghost := 0
	churn := func(d time.Duration) {
		for end := p.now.Add(d); p.now.Before(end); p.run(100 * time.Millisecond) {
			ghost++
			n := member.Node{Address: fmt.Sprintf("g%d:1", ghost), UID: uint64(ghost)}
			p.must("a", Admit{Node: n})
		}
	}
	churn(2 * time.Second)
	p.join("e", "b")
	churn(2 * time.Second)
	if m := p.get("a").Inspect().Active.Find(p.get("e").self); m == nil || m.Status != member.Up {
		t.Errorf("e is not up after two seconds of churn:\n%v", p.get("a").Snapshot())
	}
}

// Interleaving 15: a majority that restarted is no majority. The rest decides
// nothing, admits nobody, and ends when its join machine finds it lost.
func TestInterleaving15MajorityRestarted(t *testing.T) {
	p := newPump(t, 15)
	p.cluster("a", "b", "c", "d", "e")
	before := p.get("a").Inspect().Decided
	for _, n := range []string{"c", "d", "e"} {
		p.crash(n)
		p.run(10 * time.Millisecond)
		p.start(n)
	}
	p.run(20 * time.Second)
	if got := p.get("a").Inspect().Decided; got != before {
		t.Errorf("two of five decided view %d", got.Number)
	}
	if err := p.try("a", Admit{Node: p.get("c").self}); !errors.Is(err, ErrAddressInUse) && !errors.Is(err, ErrNotAccepting) {
		t.Errorf("got %v for a restarted member, want it refused", err)
	}
	for _, n := range []string{"a", "b"} {
		p.must(n, Abandon{})
		if got := told[SelfRemoved](p.get(n)); len(got) != 1 || got[0].Cause != "cluster lost" {
			t.Errorf("%s: got %v, want its end", n, got)
		}
	}
}

// Interleaving 19: a new incarnation at an address only raises the wish to have
// the old one out. That it is removed is told when its lease is over, not when
// somebody else answers at its address.
func TestInterleaving19RemovedIsToldAfterTheFence(t *testing.T) {
	p := newPump(t, 19)
	p.cluster("a", "b", "c")
	old := p.get("c")
	p.cut("ab", "c") // the address was taken over by another process; the old one lives
	p.start("c")     // p plays on without the old one, which holds its lease
	p.heal()
	p.must("a", Replace{Old: old.self})
	lease := old.Lease()
	if !lease.Valid(p.now) {
		t.Fatal("the old incarnation has no lease")
	}
	removed := func(n string) bool {
		return slices.ContainsFunc(told[MemberChanged](p.get(n)), func(e MemberChanged) bool {
			return e.Member.Node == old.self && e.Member.Status == member.Removed
		})
	}
	p.until(10*time.Second, "removal told", func() bool {
		if (removed("a") || removed("b")) && lease.Valid(p.now) {
			t.Fatalf("told %v before the lease ends", lease.Until.Sub(p.now))
		}
		return removed("a") && removed("b")
	})
}

// Interleaving 34: an accusation dies with either end in an active view.
func TestInterleaving34RowsDieWithEitherEnd(t *testing.T) {
	p := newPump(t, 34)
	p.cluster("a", "b", "c", "d", "e")
	d, e := p.get("d").self, p.get("e").self
	p.cut("e", "abcd") // e accuses everybody, and is removed for it
	p.run(2900 * time.Millisecond)
	p.crash("d")
	p.heal()
	p.crash("e")
	p.wantUp(20*time.Second, "a", "b", "c")
	p.run(2 * time.Second)
	for _, n := range []string{"a", "b", "c"} {
		for _, row := range p.get(n).Inspect().Rows {
			if row.Observer == d || row.Observer == e || row.Accuses(d) || row.Accuses(e) {
				t.Errorf("%s keeps %+v", n, *row)
			}
		}
	}
}

// Interleaving 35: what a node remembers is bounded, and a full table refuses.
func TestInterleaving35MemoryIsBounded(t *testing.T) {
	p := newPump(t, 35)
	p.cluster("a", "b")
	a := p.get("a")
	for i := range maxRecords {
		a.table.MergeRecord(&member.Record{Node: member.Node{Address: fmt.Sprintf("z%06d:1", i), UID: 1}})
	}
	if err := a.admit(Admit{Node: member.Node{Address: "c:1", UID: 1}}); !errors.Is(err, ErrFull) {
		t.Errorf("got %v for one more, want %v", err, ErrFull)
	}
	if a.merge(&member.Record{Node: member.Node{Address: "c:1", UID: 1}}) {
		t.Error("a record is taken beyond the limit")
	}
	stranger := member.Node{Address: "x:1", UID: 7}
	for _, b := range []Body{&Ended{}, &Ack{Term: a.lead.term, Number: 9}, &Promise{Term: a.lead.term}} {
		_ = a.handle(stranger, nil, b)
	}
	if len(a.views.ended)+len(a.lead.acks) > 2 || a.lead.promised[stranger] {
		t.Errorf("strangers are remembered: %v, %v, %v", a.views.ended, a.lead.acks, a.lead.promised)
	}
	if err := a.onEnded(stranger); err != nil || len(a.views.ended) != 0 {
		t.Errorf("got %v, %v for the end of a stranger, want it ignored", err, a.views.ended)
	}
}
