package engine

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// holder is one engine whose cluster has a lease outside, and its clock.
type holder struct {
	*Engine
	t      *testing.T
	now    time.Time
	claims []Claim
}

const leaseTTL = 4 * time.Second

func newHolder(t *testing.T) *holder {
	t.Helper()
	e, err := New(Config{
		Self: member.Node{Address: "a:1", UID: 1}, Rand: rand.New(rand.NewPCG(1, 1)),
		Downing: downing.LeaseMajority{TTL: leaseTTL},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &holder{Engine: e, t: t, now: epoch}
	h.step(Found{ID: member.ClusterID{7}})
	h.run(Lan().Heartbeat)
	return h
}

func (h *holder) step(in Input) {
	h.t.Helper()
	if err := h.Step(h.now, in); err != nil {
		h.t.Fatalf("%T: %v", in, err)
	}
	h.claims = append(h.claims, h.Ready().Claims...)
}

func (h *holder) run(d time.Duration) {
	for end := h.now.Add(d); h.now.Before(end); {
		h.now = h.now.Add(50 * time.Millisecond)
		h.Tick(h.now)
		h.claims = append(h.claims, h.Ready().Claims...)
	}
}

// last returns the newest claim; there must have been one.
func (h *holder) last() Claim {
	h.t.Helper()
	if len(h.claims) == 0 {
		h.t.Fatal("no claim")
	}
	return h.claims[len(h.claims)-1]
}

// TestLeaseOutsideCountsFromTheRequest: a founder has no lease of its own before it
// holds the one outside, and that counts from when it asked.
func TestLeaseOutsideCountsFromTheRequest(t *testing.T) {
	h := newHolder(t)
	if h.Lease().Valid(h.now) {
		t.Error("a lease before the one outside was granted")
	}
	c := h.last()
	if c.Renew || c.Release || c.TTL != leaseTTL || c.Owner != "a:1#1" {
		t.Errorf("got %+v, want to acquire the lease", c)
	}
	asked := h.start.Add(time.Duration(c.Stamp - 1))
	h.run(time.Second)
	h.step(Granted{Stamp: c.Stamp, Number: 1})
	if got, want := h.Lease().Until, asked.Add(leaseTTL); !got.Equal(want) {
		t.Errorf("the lease ends %v after it was asked for, want %v", got.Sub(asked), leaseTTL)
	}
	h.run(leaseTTL)
	if h.Lease().Valid(h.now) {
		t.Error("the lease did not end though nobody answered")
	}
}

func TestLeaseOutsideIsRenewed(t *testing.T) {
	h := newHolder(t)
	h.step(Granted{Stamp: h.last().Stamp, Number: 1})
	for range 20 {
		h.run(leaseTTL / 4)
		if c := h.last(); c.Renew {
			h.step(Granted{Stamp: c.Stamp, Number: 1})
		}
		if !h.Lease().Valid(h.now) {
			t.Fatal("the lease ended though it was renewed")
		}
	}
	renewals := 0
	for _, c := range h.claims {
		if c.Renew {
			renewals++
		}
	}
	if renewals < 12 || renewals > 20 {
		t.Errorf("got %d renewals in five times the TTL, want about three a TTL", renewals)
	}
}

// TestLeaseOutsideIsLost: a renewal that is refused since somebody else holds the
// lease ends it at once, one of which nobody knows does not.
func TestLeaseOutsideIsLost(t *testing.T) {
	for _, lost := range []bool{true, false} {
		h := newHolder(t)
		h.step(Granted{Stamp: h.last().Stamp, Number: 1})
		h.run(leaseTTL / 2)
		h.step(Denied{Stamp: h.last().Stamp, Lost: lost})
		if got := h.Lease().Valid(h.now); got == lost {
			t.Errorf("lost=%t: got a lease %t", lost, got)
		}
	}
}

// TestWhoIsBehindGivesTheLeaseBack: a note of a view that this node does not know
// makes it give up the lease, before it shows one.
func TestWhoIsBehindGivesTheLeaseBack(t *testing.T) {
	own := member.Identity{Cluster: member.ClusterID{7}}
	for _, c := range []struct {
		name string
		note string
		back bool
	}{
		{"none", "", false},
		{"of the view that is known", note{own, 1, 9}.String(), false},
		{"of a later view", note{own, 2, 1}.String(), true},
		{"of an earlier cluster", note{member.Identity{Cluster: member.ClusterID{6}}, 50, 9}.String(), false},
		{"of a later cluster", note{member.Identity{Cluster: member.ClusterID{8}}, 1, 1}.String(), true},
		{"of a later branch", note{member.Identity{Cluster: member.ClusterID{7}, Branch: 1}, 1, 1}.String(), true},
		{"of somebody else", "who knows", true},
	} {
		h := newHolder(t)
		h.step(Granted{Stamp: h.last().Stamp, Number: 3, Note: c.note})
		if got := h.last().Release; got != c.back || h.Lease().Valid(h.now) == c.back {
			t.Errorf("%s: given back %t with a lease %t, want %t", c.name, got, h.Lease().Valid(h.now), c.back)
		}
	}
}

func TestLateAnswersAreIgnored(t *testing.T) {
	h := newHolder(t)
	first := h.last().Stamp
	h.run(leaseTTL + time.Second) // it has asked again
	if h.last().Stamp == first {
		t.Fatal("it did not ask again")
	}
	h.step(Granted{Stamp: first, Number: 1})
	h.step(Denied{Stamp: first, Lost: true})
	if h.Lease().Valid(h.now) {
		t.Error("an answer to a former claim was taken")
	}
}

func TestLeaseOutsideIsGivenUpAtTheEnd(t *testing.T) {
	h := newHolder(t)
	h.step(Granted{Stamp: h.last().Stamp, Number: 1})
	h.step(Leave{})
	h.step(Drained{})
	for range 10 {
		if c := h.last(); c.Renew {
			h.step(Granted{Stamp: c.Stamp, Number: 1})
		}
		h.run(time.Second)
	}
	if !h.last().Release {
		t.Errorf("got %+v at the end, want a release", h.last())
	}
}

func FuzzNote(f *testing.F) {
	for _, text := range []string{"", "x", note{}.String(), note{member.Identity{Cluster: member.ClusterID{1}, Branch: 2}, 3, 1 << 40}.String(), "00 1 2 3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := parseNote(text)
		if !ok {
			if n != (note{}) && len(text) == 0 {
				t.Errorf("%q: got %+v", text, n)
			}
			return
		}
		if again, ok := parseNote(n.String()); !ok || again != n {
			t.Errorf("%q: got %+v, its text gives %+v, %t", text, n, again, ok)
		}
	})
}
