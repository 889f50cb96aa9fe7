package homes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/slots"
)

// lab is a few machines whose every message the test delivers by hand, for the
// interleavings that a random run hardly meets. What a machine wants stopped
// stops at once.
type lab struct {
	t        *testing.T
	now      time.Time
	machines map[string]*Machine
	flight   []flying
}

type flying struct {
	from, to member.Node
	msg      Message
}

func newLab(t *testing.T, names ...string) *lab {
	l := &lab{t: t, now: time.Unix(1000, 0), machines: map[string]*Machine{}}
	for _, name := range names {
		l.machines[name] = New(Config{Self: labNode(name), Kinds: []string{"room"}})
	}
	return l
}

func labNode(name string) member.Node { return member.Node{Address: name, UID: 1} }

// enter makes a view of some members, led by the first, active at one of them.
func (l *lab) enter(at string, number uint64, members ...string) {
	l.t.Helper()
	v := View{Number: number, Leader: members[0]}
	for _, name := range slices.Sorted(slices.Values(members)) {
		v.Members = append(v.Members, Member{Node: labNode(name), Status: member.Up, Kinds: []string{"room"}})
	}
	if err := l.machines[at].Step(l.now, v); err != nil {
		l.t.Fatalf("%s enters view %d: %v", at, number, err)
	}
	l.drain(at)
}

func (l *lab) drain(at string) {
	m := l.machines[at]
	for {
		r := m.Ready()
		for _, p := range r.Packets {
			l.flight = append(l.flight, flying{m.cfg.Self, p.Peer, p.Message})
		}
		for _, a := range r.Acts {
			if a, ok := a.(Release); ok {
				_ = m.Step(l.now, Stopped{Kind: a.Kind, Slots: a.Slots})
			}
		}
		if len(r.Acts) == 0 {
			return
		}
	}
}

// take removes and returns the messages of one type between two machines.
func (l *lab) take(from, to string, body Body) (list []flying) {
	l.t.Helper()
	l.flight = slices.DeleteFunc(l.flight, func(f flying) bool {
		hit := f.from.Address == from && f.to.Address == to && fmt.Sprintf("%T", f.msg.Body) == fmt.Sprintf("%T", body)
		if hit {
			list = append(list, f)
		}
		return hit
	})
	if len(list) == 0 {
		l.t.Fatalf("no %T from %s to %s is under way", body, from, to)
	}
	return list
}

func (l *lab) deliver(list []flying) {
	for _, f := range list {
		if m := l.machines[f.to.Address]; m != nil {
			_ = m.Step(l.now, Packet{Peer: f.from, Message: f.msg})
			l.drain(f.to.Address)
		}
	}
}

// settle delivers everything until nothing is under way.
func (l *lab) settle() {
	for len(l.flight) > 0 {
		f := l.flight[0]
		l.flight = l.flight[1:]
		l.deliver([]flying{f})
	}
}

// crash ends a machine; what it sent is still under way.
func (l *lab) crash(name string) { delete(l.machines, name) }

func (l *lab) holders(slot uint16) string {
	var list []string
	for name, m := range l.machines {
		if m.Held("room").Has(slot) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

func (l *lab) want(when string, slot uint16, holders string) {
	l.t.Helper()
	if got := l.holders(slot); got != holders {
		l.t.Fatalf("%s: slot %d is held by %q, want %q", when, slot, got, holders)
	}
}

// slotOf finds a slot whose owner among each set of nodes is the one named
// first in it.
func slotOf(t *testing.T, sets ...string) uint16 {
	t.Helper()
	fits := slots.All()
	for _, set := range sets {
		names := strings.Fields(set)
		fits.Intersect(slots.Assign(names).Share(names[0]))
	}
	for slot := range fits.Slots() {
		return slot
	}
	t.Fatalf("no slot fits %q", sets)
	return 0
}

// An acknowledgement from a newer view would let the sender forget a token that
// the receiver has not claimed: it waits, and a claim names what was here at
// any time since the view began.
func TestAckFromNewerViewHidesNoToken(t *testing.T) {
	slot := slotOf(t, "y x i", "w i x y")
	l := newLab(t, "i", "x", "y", "w")
	for _, n := range []string{"i", "x"} {
		l.enter(n, 1, "i", "x")
	}
	l.settle()
	holder := l.holders(slot) // i or x
	for _, n := range []string{"i", "x", "y"} {
		l.enter(n, 2, "i", "x", "y")
	}
	part := l.take(holder, "y", Part{})
	l.settle()
	l.enter("y", 3, "i", "x", "y", "w")
	l.enter("w", 3, "i", "x", "y", "w")
	if holder != "i" {
		l.enter("i", 3, "i", "x", "y", "w")
		l.deliver(l.take("i", "y", Census{}))
	}
	l.deliver(part) // y has answered for view 3, and takes the token
	l.want("the hand-over arrived", slot, "y")
	for _, f := range l.take("y", holder, Got{}) {
		l.deliver([]flying{f}) // the former holder is in view 2
	}
	for _, n := range []string{"i", "x"} {
		if l.machines[n].view.Number < 3 {
			l.enter(n, 3, "i", "x", "y", "w")
		}
	}
	// The census ends before y hands on.
	held := l.flight
	l.flight = slices.DeleteFunc(slices.Clone(held), func(f flying) bool {
		switch f.msg.Body.(type) {
		case Census, Claims, Issue, Issued:
			return false
		}
		return true
	})
	l.settle()
	l.want("the census is over", slot, "y")
	l.flight = held
	l.settle()
	l.want("everything arrived", slot, "w")
}

// Who got a token hands it on only once the sender has let go. Else the sender
// takes it back when the receiver dies, though a third has it.
func TestUnconfirmedTokenStays(t *testing.T) {
	slot := slotOf(t, "y x", "z x y", "w x z")
	l := newLab(t, "x", "y", "z", "w")
	l.enter("x", 1, "x")
	for _, n := range []string{"x", "y"} {
		l.enter(n, 2, "x", "y")
	}
	l.deliver(l.take("x", "y", Part{}))
	l.take("y", "x", Got{}) // lost
	for _, n := range []string{"y", "z"} {
		l.enter(n, 3, "x", "y", "z")
	}
	l.take("y", "x", Got{}) // lost again
	l.settle()
	l.want("y has no word from x", slot, "y")
	l.crash("y")
	for _, n := range []string{"x", "w"} {
		l.enter(n, 4, "x", "z", "w")
		l.settle()
	}
	if got := l.holders(slot); strings.Contains(got, ",") {
		t.Fatalf("slot %d is held by %q, want one", slot, got)
	}
	l.enter("z", 4, "x", "z", "w")
	l.settle()
	l.want("everything arrived", slot, "w")
}

// An issue of an older view is void: a later census may have given the slot to
// somebody else.
func TestIssueOfOlderViewIsVoid(t *testing.T) {
	slot := slotOf(t, "y x", "z x y")
	l := newLab(t, "x", "y", "z")
	for _, n := range []string{"x", "y"} {
		l.enter(n, 1, "x", "y")
	}
	l.deliver(l.take("x", "y", Census{}))
	l.deliver(l.take("y", "x", Claims{}))
	late := l.take("x", "y", Issue{})
	for _, n := range []string{"x", "y", "z"} {
		l.enter(n, 2, "x", "y", "z")
	}
	l.settle()
	l.want("issued in view 2", slot, "z")
	l.deliver(late)
	l.settle()
	l.want("the late issue arrived", slot, "z")
}

// A hand-over that arrives a second time, after the token has moved on, starts
// nothing.
func TestRepeatedHandOverIsVoid(t *testing.T) {
	slot := slotOf(t, "y x", "z x y")
	l := newLab(t, "x", "y", "z")
	l.enter("x", 1, "x")
	for _, n := range []string{"x", "y"} {
		l.enter(n, 2, "x", "y")
	}
	part := l.take("x", "y", Part{})
	l.deliver(part)
	l.settle()
	l.want("y has it", slot, "y")
	for _, n := range []string{"x", "y", "z"} {
		l.enter(n, 3, "x", "y", "z")
	}
	l.settle()
	l.want("z has it", slot, "z")
	l.deliver(part)
	l.settle()
	l.want("the repetition arrived", slot, "z")
}

// What comes from a node that the active view removed is refused: its tokens
// may have been issued again.
func TestHandOverOfRemovedNodeIsVoid(t *testing.T) {
	slot := slotOf(t, "y x z", "y z")
	l := newLab(t, "x", "y", "z")
	for _, n := range []string{"x", "z"} {
		l.enter(n, 1, "x", "z")
	}
	l.settle()
	holder := l.holders(slot)
	other := map[string]string{"x": "z", "z": "x"}[holder]
	for _, n := range []string{"x", "z", "y"} {
		l.enter(n, 2, "x", "y", "z")
	}
	part := l.take(holder, "y", Part{})
	l.settle()
	l.crash(holder)
	for _, n := range []string{"y", other} {
		l.enter(n, 3, other, "y")
	}
	l.settle()
	l.want("issued again", slot, "y")
	if got, want := l.machines["y"].Epoch("room", slot), issued(3); got != want {
		t.Errorf("epoch %v, want %v", got, want)
	}
	l.deliver(part)
	if got, want := l.machines["y"].Epoch("room", slot), issued(3); got != want {
		t.Errorf("epoch after the late hand-over %v, want %v", got, want)
	}
}

// The last host that leaves lets go of everything though nobody can take it.
func TestLastHostLetsGo(t *testing.T) {
	l := newLab(t, "x")
	l.enter("x", 1, "x")
	v := View{Number: 2, Leader: "x", Members: []Member{{Node: labNode("x"), Status: member.Leaving, Kinds: []string{"room"}}}}
	if err := l.machines["x"].Step(l.now, v); err != nil {
		t.Fatal(err)
	}
	if l.machines["x"].Idle() {
		t.Error("idle before anything stopped")
	}
	l.drain("x")
	if !l.machines["x"].Idle() {
		t.Errorf("holds %d slots, want none", l.machines["x"].Held("room").Len())
	}
}

func TestPackedCargo(t *testing.T) {
	list := []Cargo{{3, []byte("abc")}, {16383, nil}, {9, make([]byte, 300)}}
	got, err := unpack(pack(list))
	if err != nil || len(got) != 3 || got[0].Slot != 3 || string(got[0].Data) != "abc" || len(got[2].Data) != 300 {
		t.Errorf("unpack gives %v, %v, want %v", got, err, list)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack([]Cargo{{3, []byte("abc")}, {9, nil}}))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := unpack(b)
		if err != nil {
			return
		}
		again, err := unpack(pack(list))
		if err != nil || len(again) != len(list) {
			t.Fatalf("second unpack gives %d, %v, want %d", len(again), err, len(list))
		}
	})
}

// FuzzStep feeds a machine whatever a member may send.
func FuzzStep(f *testing.F) {
	f.Add([]byte{4, 0, 0, 1, 4, 1, 1, 1})
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	memory := map[string]*slots.Assignment{}
	f.Fuzz(func(t *testing.T, script []byte) {
		m := New(Config{Self: labNode("x"), Kinds: []string{"room"}, Assign: simAssign(memory)})
		now := time.Unix(1000, 0)
		for i := 0; i+3 < len(script) && i < 400; i += 4 {
			op, a, b, c := script[i], script[i+1], script[i+2], script[i+3]
			_ = m.Step(now, fuzzInput(op, a, b, c))
			now = now.Add(time.Duration(c) * time.Millisecond)
			m.Tick(now)
			for _, act := range m.Ready().Acts {
				if r, ok := act.(Release); ok && b%2 == 0 {
					_ = m.Step(now, Stopped{Kind: r.Kind, Slots: r.Slots})
				}
			}
		}
	})
}

func fuzzInput(op, a, b, c byte) Input {
	set := slots.SetOf(uint16(a)*64, uint16(b))
	bodies := []Body{
		Census{}, Claims{Kinds: []Claim{{"room", set}}}, Issue{"room", set}, Issued{"room"},
		Part{ID: uint64(b % 4), Kind: "room", Epoch: Epoch(c) << 18, Slots: set, Index: uint32(a % 3), Count: uint32(b % 4), Data: []byte{a, b, c}},
		Got{ID: uint64(b % 4), Index: uint32(a % 3), All: c%2 == 0}, Done{ID: uint64(b % 4)},
	}
	if op%8 == 7 {
		v := View{Number: uint64(c % 32), Leader: "x"}
		for i, name := range []string{"x", "y", "z"} {
			if a&(1<<i) != 0 {
				v.Members = append(v.Members, Member{Node: labNode(name), Status: member.Up + member.Status(b>>(2*i)&1), Kinds: []string{"room"}})
			}
		}
		return v
	}
	peer := labNode([]string{"x", "y", "z"}[a%3])
	return Packet{Peer: peer, Message: Message{View: uint64(c % 32), Body: bodies[op%8]}}
}

// Who leaves stays until the others know: one that does not know yet would
// still send it messages for entities.
func TestLeaverWaitsForLaggards(t *testing.T) {
	l := newLab(t, "x", "y")
	for _, n := range []string{"x", "y"} {
		l.enter(n, 1, "x", "y")
	}
	l.settle()
	v := View{Number: 2, Leader: "x", Members: []Member{
		{Node: labNode("x"), Status: member.Leaving, Kinds: []string{"room"}},
		{Node: labNode("y"), Status: member.Up, Kinds: []string{"room"}},
	}}
	step := func(at string) {
		if err := l.machines[at].Step(l.now, v); err != nil {
			t.Fatal(err)
		}
		l.drain(at)
		l.settle()
	}
	step("x")
	if l.machines["x"].Idle() {
		t.Error("idle before y knows")
	}
	step("y")
	if !l.machines["x"].Idle() {
		t.Error("not idle though y knows and has everything")
	}
}
