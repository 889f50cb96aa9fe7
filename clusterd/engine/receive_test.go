package engine

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pando-go/pando/clusterd/engine/member"
)

// TestNilBodies: a message whose body is a nil pointer is refused, whatever it
// would have been, and nothing comes of it.
func TestNilBodies(t *testing.T) {
	e := newPump(t, 1).found("a")
	e.Ready()
	from := member.Node{Address: "b:1", UID: 2}
	for _, b := range []Body{
		nil, (*Heartbeat)(nil), (*Digest)(nil), (*Request)(nil), (*Delta)(nil), (*Aside)(nil), (*Welcome)(nil),
		(*Page)(nil), (*ReadWave)(nil), (*Promise)(nil), (*WriteWave)(nil), (*Ack)(nil), (*Known)(nil), (*Lack)(nil),
		(*Refusal)(nil), (*Commit)(nil), (*Poll)(nil), (*Vouch)(nil), (*Seek)(nil), (*Sign)(nil), (*Gone)(nil),
		(*Pending)(nil), (*Ended)(nil), (*Recovered)(nil),
	} {
		t.Run(fmt.Sprintf("%T", b), func(t *testing.T) {
			err := e.Step(e.now, &Message{From: from, To: e.self, Identity: e.id, Body: b})
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v, want %v", err, ErrMalformed)
			}
			if out := e.Ready().Messages; len(out) != 0 {
				t.Errorf("got %d messages, want none", len(out))
			}
		})
	}
}
