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
		l.machines[name] = New(Config{Self: labNode(name), Kinds: []string{"room"}, Moves: slots.Count})
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

// pass delivers what is not part of a hand-over until nothing of it is under way:
// censuses, issues and plans.
func (l *lab) pass() {
	for {
		i := slices.IndexFunc(l.flight, func(f flying) bool {
			switch f.msg.Body.(type) {
			case Part, Got, Done:
				return false
			}
			return true
		})
		if i < 0 {
			return
		}
		f := l.flight[i]
		l.flight = slices.Delete(l.flight, i, i+1)
		l.deliver([]flying{f})
	}
}

// slotOf returns a slot of what is under way that fits.
func slotOf(t *testing.T, list []flying, fits func(uint16) bool) uint16 {
	t.Helper()
	for _, f := range list {
		set := new(slots.Set)
		switch b := f.msg.Body.(type) {
		case Part:
			set = b.Slots
		case Issue:
			set = b.Slots
		}
		for slot := range set.Slots() {
			if fits(slot) {
				return slot
			}
		}
	}
	t.Fatal("no slot fits")
	return 0
}

func anySlot(uint16) bool { return true }

// aimed tells whether a machine's plan says that a slot ought to be at a node.
func (l *lab) aimed(at, node string) func(uint16) bool {
	return func(slot uint16) bool {
		to, ok := l.machines[at].table("room").owner(slot)
		return ok && to.Address == node
	}
}

// An acknowledgement from a newer view would let the sender forget a token that
// the receiver has not claimed: it waits, and a claim names what was here at
// any time since the view began.
func TestAckFromNewerViewHidesNoToken(t *testing.T) {
	l := newLab(t, "i", "x", "y", "w")
	for _, n := range []string{"i", "x"} {
		l.enter(n, 1, "i", "x")
	}
	l.settle()
	for _, n := range []string{"i", "x", "y"} {
		l.enter(n, 2, "i", "x", "y")
	}
	l.pass()
	part := l.take("x", "y", Part{})
	slot := slotOf(t, part, anySlot)
	l.settle()
	for _, n := range []string{"i", "y", "w"} {
		l.enter(n, 3, "i", "x", "y", "w")
	}
	l.deliver(l.take("i", "y", Census{}))
	l.deliver(l.take("y", "i", Claims{}))
	l.deliver(part) // y takes the token after it has answered
	l.want("the hand-over arrived", slot, "y")
	l.deliver(l.take("y", "x", Got{})) // x is in view 2 still
	l.enter("x", 3, "i", "x", "y", "w")
	l.pass()
	l.want("the census is over", slot, "y")
	l.settle()
	if holders := l.holders(slot); strings.Contains(holders, ",") || holders == "" {
		t.Fatalf("everything arrived: slot %d is held by %q, want one", slot, holders)
	}
}

// Who got a token hands it on only once the sender has let go. Else the sender
// takes it back when the receiver dies, though a third has it.
func TestUnconfirmedTokenStays(t *testing.T) {
	l := newLab(t, "x", "y", "z", "w")
	l.enter("x", 1, "x")
	for _, n := range []string{"x", "y"} {
		l.enter(n, 2, "x", "y")
	}
	l.pass()
	part := l.take("x", "y", Part{})
	l.deliver(part)
	l.take("y", "x", Got{}) // lost
	for _, n := range []string{"x", "y", "z"} {
		l.enter(n, 3, "z", "x", "y")
	}
	l.pass()
	slot := slotOf(t, part, l.aimed("y", "z"))
	l.take("y", "x", Got{}) // lost again, and what x repeats is answered in vain
	l.deliver(l.take("x", "y", Part{}))
	l.take("y", "x", Got{})
	l.settle()
	l.want("y has no word from x", slot, "y")
	l.crash("y")
	for _, n := range []string{"x", "w", "z"} {
		l.enter(n, 4, "z", "x", "w")
		l.settle()
	}
	if got := l.holders(slot); strings.Contains(got, ",") || got == "" {
		t.Fatalf("slot %d is held by %q, want one", slot, got)
	}
}

// An issue of an older view is void: a later census may have given the slot to
// somebody else.
func TestIssueOfOlderViewIsVoid(t *testing.T) {
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
	slot := slotOf(t, late, func(slot uint16) bool { return l.holders(slot) == "z" })
	l.deliver(late)
	l.settle()
	l.want("the late issue arrived", slot, "z")
}

// A hand-over that arrives a second time, after the token has moved on, starts
// nothing.
func TestRepeatedHandOverIsVoid(t *testing.T) {
	l := newLab(t, "x", "y", "z")
	l.enter("x", 1, "x")
	for _, n := range []string{"x", "y"} {
		l.enter(n, 2, "x", "y")
	}
	l.pass()
	part := l.take("x", "y", Part{})
	l.deliver(part)
	l.settle()
	l.want("y has it", slotOf(t, part, anySlot), "y")
	for _, n := range []string{"x", "y", "z"} {
		l.enter(n, 3, "x", "y", "z")
	}
	l.settle()
	slot := slotOf(t, part, func(slot uint16) bool { return l.holders(slot) == "z" })
	l.deliver(part)
	l.settle()
	l.want("the repetition arrived", slot, "z")
}

// What comes from a node that the active view removed is refused: its tokens
// may have been issued again.
func TestHandOverOfRemovedNodeIsVoid(t *testing.T) {
	l := newLab(t, "x", "y", "z")
	for _, n := range []string{"x", "z"} {
		l.enter(n, 1, "z", "x")
	}
	l.settle()
	for _, n := range []string{"x", "z", "y"} {
		l.enter(n, 2, "z", "x", "y")
	}
	l.pass()
	part := l.take("x", "y", Part{})
	l.settle()
	l.crash("x")
	for _, n := range []string{"y", "z"} {
		l.enter(n, 3, "z", "y")
	}
	l.settle()
	slot := slotOf(t, part, anySlot)
	l.want("issued again", slot, "z")
	if got, want := l.machines["z"].Epoch("room", slot), issued(3); got != want {
		t.Errorf("epoch %v, want %v", got, want)
	}
	l.deliver(part)
	l.want("the late hand-over arrived", slot, "z")
}

// Without the plan of its view a node keeps what it has: nothing moves by the
// plan of an older view, nor by a plan of who is not the issuer.
func TestNothingMovesWithoutThePlan(t *testing.T) {
	l := newLab(t, "x", "y")
	for _, n := range []string{"x", "y"} {
		l.enter(n, 1, "x", "y")
	}
	l.deliver(l.take("x", "y", Census{}))
	l.deliver(l.take("y", "x", Claims{}))
	late := l.take("x", "y", Plan{})
	l.settle()
	before := l.machines["y"].Held("room")
	l.enter("y", 2, "x", "y")
	l.deliver(late)
	plan := late[0].msg.Body.(Plan)
	plan.Number = 9
	plan.Target = []Span{{0, slots.Count - 1, labNode("x"), 0}}
	l.deliver([]flying{{labNode("z"), labNode("y"), Message{2, plan}}})
	l.deliver([]flying{{labNode("y"), labNode("y"), Message{2, plan}}})
	if got := l.machines["y"].Held("room"); !got.Equal(before) || before.Empty() {
		t.Errorf("y holds %d slots without a plan, want its %d", got.Len(), before.Len())
	}
}

// A hand-over may overtake the plan by which it was sent: the receiver keeps it,
// though the plan that it follows names another owner.
func TestHandOverAheadOfItsPlanStays(t *testing.T) {
	l := newLab(t, "x", "y")
	for _, n := range []string{"x", "y"} {
		l.enter(n, 1, "x", "y")
	}
	l.settle()
	slot := uint16(0)
	for !l.machines["x"].Held("room").Has(slot) {
		slot++
	}
	load := Usage{Kind: "room", Total: 2000, Hot: []Load{{slot, 1000}, {slot + 1, 1000}}}
	l.machines["x"].cfg.Rebalance = time.Nanosecond
	l.now = l.now.Add(time.Second)
	if err := l.machines["x"].Step(l.now, load); err != nil {
		t.Fatal(err)
	}
	l.drain("x")
	late := l.take("x", "y", Plan{})
	part := l.take("x", "y", Part{})
	l.deliver(part)
	moved := slotOf(t, part, anySlot)
	l.settle() // x has let go, so y could hand on
	l.want("the plan is not there yet", moved, "y")
	l.deliver(late)
	l.settle()
	l.want("the plan is there", moved, "y")
	if x, y := l.machines["x"].Held("room").Len(), l.machines["y"].Held("room").Len(); x != y {
		t.Errorf("x has %d slots and y %d, want the same", x, y)
	}
}

// The issuer of a plan dies in the middle of it: the next one goes on from where
// everything is, and nothing moves twice.
func TestIssuerDiesInMidPlan(t *testing.T) {
	l := newLab(t, "x", "y", "z")
	for _, n := range []string{"x", "y"} {
		l.enter(n, 1, "x", "y")
	}
	l.settle()
	for _, n := range []string{"x", "y", "z"} {
		l.enter(n, 2, "x", "y", "z")
	}
	l.pass()
	part := l.take("y", "z", Part{})
	l.crash("x")
	for _, n := range []string{"y", "z"} {
		l.enter(n, 3, "y", "z")
	}
	l.deliver(part)
	l.settle()
	slot := slotOf(t, part, anySlot)
	l.want("y goes on", slot, "z")
	if got, want := l.machines["z"].Epoch("room", slot), issued(2)+1; got != want {
		t.Errorf("epoch %v, want %v: it moved once", got, want)
	}
	if y, z := l.machines["y"].Held("room").Len(), l.machines["z"].Held("room").Len(); y != z || y+z != slots.Count {
		t.Errorf("y has %d slots and z %d, want half of all each", y, z)
	}
}

// Plans and their acknowledgements are lost and repeated: the issuer asks until
// each host has settled, and then tells everybody where everything is.
func TestLostPlansAreSentAgain(t *testing.T) {
	l := newLab(t, "x", "y", "p")
	l.machines["p"] = New(Config{Self: labNode("p")})
	v := View{Number: 1, Leader: "x", Members: []Member{
		{Node: labNode("p"), Status: member.Up},
		{Node: labNode("x"), Status: member.Up, Kinds: []string{"room"}},
		{Node: labNode("y"), Status: member.Up, Kinds: []string{"room"}},
	}}
	for _, n := range []string{"p", "x", "y"} {
		if err := l.machines[n].Step(l.now, v); err != nil {
			t.Fatal(err)
		}
		l.drain(n)
	}
	for round := range 12 {
		list := l.flight
		l.flight = nil
		for i, f := range list {
			if (i+round)%3 == 0 {
				continue // lost
			}
			l.deliver([]flying{f})
			l.deliver([]flying{f})
		}
		l.now = l.now.Add(3 * time.Second)
		for _, n := range []string{"p", "x", "y"} {
			l.machines[n].Tick(l.now)
			l.drain(n)
		}
	}
	l.settle()
	for name, m := range l.machines {
		if wake := m.Ready().Wake; !wake.IsZero() && wake.Before(l.now) {
			t.Errorf("%s is not at rest", name)
		}
	}
	for slot := range uint16(slots.Count) {
		where, _ := l.machines["p"].table("room").where(slot)
		if where.Address != l.holders(slot) {
			t.Fatalf("p thinks that slot %d is at %s, want %s", slot, where, l.holders(slot))
		}
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
	f.Fuzz(func(t *testing.T, script []byte) {
		m := New(Config{Self: labNode("x"), Kinds: []string{"room"}})
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
	spans := []Span{{uint16(a), uint16(a) + uint16(b), labNode("y"), Epoch(c) << 18}}
	whole := []Span{{0, slots.Count - 1, labNode([]string{"x", "y"}[a%2]), 0}}
	bodies := []Body{
		Census{}, Claims{Kinds: []Claim{{"room", set, spans}}}, Issue{"room", set}, Issued{"room"},
		Part{ID: uint64(b % 4), Kind: "room", Epoch: Epoch(c) << 18, Slots: set, Index: uint32(a % 3), Count: uint32(b % 4), Data: []byte{a, b, c}},
		Got{ID: uint64(b % 4), Index: uint32(a % 3), All: c%2 == 0}, Done{ID: uint64(b % 4)},
		Plan{"room", uint32(b), spans, whole}, Planned{"room", uint32(b), uint32(c), spans}, Fetch{},
		Report{"room", uint64(b), []Load{{uint16(a), uint32(c)}}}, Learn{"room", spans}, Leave{[]Learn{{"room", spans}}}, Left{},
	}
	if int(op)%(len(bodies)+1) == len(bodies) {
		v := View{Number: uint64(c % 32), Leader: "x"}
		for i, name := range []string{"x", "y", "z"} {
			if a&(1<<i) != 0 {
				v.Members = append(v.Members, Member{Node: labNode(name), Status: member.Up + member.Status(b>>(2*i)&1), Kinds: []string{"room"}})
			}
		}
		return v
	}
	peer := labNode([]string{"x", "y", "z"}[a%3])
	return Packet{Peer: peer, Message: Message{View: uint64(c % 32), Body: bodies[int(op)%(len(bodies)+1)]}}
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
