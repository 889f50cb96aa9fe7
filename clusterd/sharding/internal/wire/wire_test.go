package wire

import (
	"reflect"
	"testing"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
	"github.com/pando-go/pando/clusterd/slots"
)

var spans = []homes.Span{
	{First: 0, Last: 99, Node: member.Node{Address: "a:1", UID: 7}, Epoch: 3 << 20},
	{First: 200, Last: 16000, Node: member.Node{Address: "b:1", UID: 8}, Epoch: 4 << 20},
	{First: 16383, Last: 16383, Node: member.Node{Address: "a:1", UID: 7}},
}

var messages = []homes.Message{
	{View: 1, Body: homes.Census{}},
	{View: 2, Body: homes.Claims{}},
	{View: 2, Body: homes.Claims{Kinds: []homes.Claim{{Kind: "cart", Slots: slots.SetOf(1, 2), Now: spans}, {Kind: "room", Slots: slots.All()}}}},
	{View: 3, Body: homes.Issue{Kind: "room", Slots: slots.SetOf(7)}},
	{View: 4, Body: homes.Issued{Kind: "room"}},
	{View: 5, Body: homes.Part{ID: 9, Kind: "room", Epoch: 1 << 40, Slots: slots.SetOf(3), Index: 1, Count: 2, Data: []byte("x")}},
	{View: 6, Body: homes.Got{ID: 9, Index: 1, All: true}},
	{View: 7, Body: homes.Done{ID: 9}},
	{View: 8, Body: homes.Leave{}},
	{View: 8, Body: homes.Leave{Kinds: []homes.Learn{{Kind: "room", Now: spans}}}},
	{View: 9, Body: homes.Left{}},
	{View: 10, Body: homes.Plan{Kind: "room", Number: 3, Now: spans, Target: spans[1:]}},
	{View: 11, Body: homes.Planned{Kind: "room", Number: 3, Left: 7, Now: spans}},
	{View: 12, Body: homes.Fetch{}},
	{View: 13, Body: homes.Report{Kind: "room", Total: 99, Hot: []homes.Load{{Slot: 5, Messages: 50}, {Slot: 6, Messages: 9}}}},
	{View: 14, Body: homes.Learn{Kind: "room", Now: spans}},
}

func TestRoundTrip(t *testing.T) {
	for _, m := range messages {
		b, err := Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(b)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("decoded %#v, %v, want %#v", got, err, m)
		}
	}
}

// A claim of every second slot, with a place for each, must fit in 128 KiB, and
// that of a neighbourhood in a few bytes.
func TestClaimSize(t *testing.T) {
	size := func(claim homes.Claim) int {
		b, err := Append(nil, homes.Message{View: 1 << 40, Body: homes.Claims{Kinds: []homes.Claim{claim}}})
		if err != nil {
			t.Fatal(err)
		}
		return len(b)
	}
	node := member.Node{Address: "10.0.0.1:7001", UID: 1 << 60}
	worst := homes.Claim{Kind: "room", Slots: new(slots.Set)}
	for slot := uint16(0); slot < slots.Count; slot += 2 {
		worst.Slots.Add(slot)
		worst.Now = append(worst.Now, homes.Span{First: slot, Last: slot, Node: node, Epoch: homes.Epoch(1<<40) + homes.Epoch(slot)})
	}
	if n := size(worst); n > 128<<10 {
		t.Errorf("a claim in the worst of shapes has %d bytes, want at most 128 KiB", n)
	}
	usual := homes.Claim{Kind: "room", Slots: new(slots.Set), Now: []homes.Span{{First: 0, Last: 5460, Node: node, Epoch: 1 << 40}}}
	usual.Slots.AddRange(0, 5460)
	if n := size(usual); n > 80 {
		t.Errorf("a claim of a third in one piece has %d bytes, want at most 80", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range messages {
		b, _ := Append(nil, m)
		f.Add(b)
	}
	f.Add([]byte("\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(again); err != nil || !reflect.DeepEqual(got, m) {
			t.Fatalf("second decoding gives %#v, %v, want %#v", got, err, m)
		}
	})
}
