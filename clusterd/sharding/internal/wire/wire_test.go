package wire

import (
	"reflect"
	"testing"

	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
	"github.com/pando-go/pando/clusterd/slots"
)

var messages = []homes.Message{
	{View: 1, Body: homes.Census{}},
	{View: 2, Body: homes.Claims{}},
	{View: 2, Body: homes.Claims{Kinds: []homes.Claim{{Kind: "cart", Slots: slots.SetOf(1, 2)}, {Kind: "room", Slots: slots.All()}}}},
	{View: 3, Body: homes.Issue{Kind: "room", Slots: slots.SetOf(7)}},
	{View: 4, Body: homes.Issued{Kind: "room"}},
	{View: 5, Body: homes.Part{ID: 9, Kind: "room", Epoch: 1 << 40, Slots: slots.SetOf(3), Index: 1, Count: 2, Data: []byte("x")}},
	{View: 6, Body: homes.Got{ID: 9, Index: 1, All: true}},
	{View: 7, Body: homes.Done{ID: 9}},
	{View: 8, Body: homes.Leave{}},
	{View: 9, Body: homes.Left{}},
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

// A claim of everything, in the worst of shapes, must fit in 3 KB.
func TestClaimSize(t *testing.T) {
	worst := new(slots.Set)
	for slot := uint16(0); slot < slots.Count; slot += 2 {
		worst.Add(slot)
	}
	b, err := Append(nil, homes.Message{View: 1 << 60, Body: homes.Claims{Kinds: []homes.Claim{{Kind: "room", Slots: worst}}}})
	if err != nil || len(b) > 3000 {
		t.Errorf("%d bytes, %v, want at most 3000", len(b), err)
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
