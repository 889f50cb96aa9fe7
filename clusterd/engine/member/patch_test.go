package member

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

func randomView(r *rand.Rand, number uint64) *View {
	v := &View{Number: number, Term: Term{Counter: r.Uint64N(3) + 1}, NextUp: 100, Floor: r.Uint64N(2), Open: r.IntN(2) == 0}
	for i := range 12 {
		n := Node{Address: fmt.Sprintf("h:%d", i+1), UID: 1 + r.Uint64N(2)}
		switch r.IntN(3) {
		case 0:
			v.Members = append(v.Members, Entry{Node: n, Status: Up + Status(r.IntN(2)), UpNumber: 1 + r.Uint64N(3), Info: randomInfo(r)})
		case 1:
			v.Removed = append(v.Removed, Tombstone{Node: n, View: 1, Cause: Cause(1 + r.IntN(3))})
		}
	}
	return v
}

// TestPatchIsTheDifference holds the law Apply(base, Diff(base, next)) = next,
// without what the patch remembers of them.
func TestPatchIsTheDifference(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 5))
		base, next := randomView(r, 7), randomView(r, 8)
		if base.Validate() != nil || next.Validate() != nil {
			continue
		}
		p := Diff(base, next)
		if got, err := p.Apply(base); err != nil || got != next {
			t.Fatalf("seed %d: got %v, %v, want the view itself", seed, got, err)
		}
		p.from, p.to = nil, nil
		got, err := p.Apply(base)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(got, next) {
			t.Fatalf("seed %d: got\n%+v, want\n%+v", seed, got, next)
		}
		if !p.Names(next) || p.Names(base) || p.Validate() != nil {
			t.Fatalf("seed %d: the patch does not name its view", seed)
		}
	}
}

func TestPatchCostsWhatChanges(t *testing.T) {
	base := &View{Number: 1, NextUp: 10_001}
	for i := range 1000 {
		base.Members = append(base.Members, Entry{Node: Node{fmt.Sprintf("h:%d", i+1), 1}, Status: Up, UpNumber: uint64(i) + 1})
	}
	next := *base
	next.Number = 2
	next.Members = append([]Entry(nil), base.Members[:999]...)
	next.Members[5].Status = Leaving
	p := Diff(base, &next)
	if len(p.Members) != 1 || len(p.Gone) != 1 || p.Gone[0] != "h:1000" {
		t.Errorf("got %d entries and %v gone, want one of each", len(p.Members), p.Gone)
	}
}

func TestPatchRefuses(t *testing.T) {
	base, next := view(1, 2, 3), view(1, 2)
	next.Number = base.Number + 1
	good := Diff(base, next)
	for name, spoil := range map[string]func(p *Patch){
		"another base":  func(p *Patch) { p.Base++ },
		"another term":  func(p *Patch) { p.BaseTerm.Counter++ },
		"no voter left": func(p *Patch) { p.Gone = []string{"h:1", "h:2", "h:3"} },
		"out of order":  func(p *Patch) { p.Members = []Entry{next.Members[1], next.Members[0]} },
	} {
		p := *good
		p.from, p.to = nil, nil
		spoil(&p)
		if v, err := p.Apply(base); err == nil {
			t.Errorf("%s: got %+v, want an error", name, v)
		}
	}
	if _, err := (*Patch)(nil).Apply(base); err == nil {
		t.Error("no patch: got no error")
	}
	if (*Patch)(nil).Validate() == nil || (&Patch{Base: 1, Head: View{Number: 3}}).Validate() == nil {
		t.Error("got a patch over a gap accepted")
	}
}
