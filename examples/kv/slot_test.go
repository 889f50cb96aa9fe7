package main

import (
	"testing"

	"github.com/pando-go/pando/clusterd/slots"
)

func TestSlotIDs(t *testing.T) {
	ids := slotIDs()
	if len(ids) != slots.Count {
		t.Fatalf("got %d ids, want %d", len(ids), slots.Count)
	}
	for s, id := range ids {
		if got, err := slotOf(id); err != nil || int(got) != s || slots.Of(id) != uint16(s) {
			t.Fatalf("id %q of slot %d: got %d, %v; it hashes to %d", id, s, got, err, slots.Of(id))
		}
	}
	for _, id := range []string{"", "12", "{a}", "{a}1", "{a}99999", ids[7] + "0"} {
		if s, err := slotOf(id); err == nil {
			t.Errorf("id %q: got slot %d, want an error", id, s)
		}
	}
}
