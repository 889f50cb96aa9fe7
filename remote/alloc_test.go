//go:build !race

package remote

import (
	"sync/atomic"
	"testing"

	pa "github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// TestOneWayAllocates holds both ends of a connection to less than a third of an
// allocation a message, beside what is in a message: a protobuf message is
// allocated with seven others, and its bytes field by itself.
func TestOneWayAllocates(t *testing.T) {
	tests := map[string]struct {
		msg    any
		budget float64
	}{
		"bytes":                 {make([]byte, 60), 1.3}, // any holds a slice by pointer
		"protobuf, numbers":     {wrapperspb.Int64(1 << 60), 0.3},
		"protobuf, bytes field": {wrapperspb.Bytes(make([]byte, 60)), 1.3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			const n = 20_000
			from, _ := loopback(t, 1)
			to, _ := loopback(t, 2)
			var arrived atomic.Int64
			last := make(chan struct{}, 1)
			to.sink = func(mail) {
				if arrived.Add(1)%n == 0 {
					last <- struct{}{}
				}
			}
			pid := &pa.PID{Address: to.Address(), Id: "box/b"}
			process, _ := from.proto.ProcessRegistry.Get(pid)
			send := func() {
				for range n {
					if err := process.(*route).SendWait(t.Context(), pid, test.msg); err != nil {
						t.Fatal(err)
					}
				}
				<-last
			}
			send() // the connection, and buffers
			if got := testing.AllocsPerRun(3, send) / n; got > test.budget {
				t.Errorf("got %.2f allocations a message, want at most %.2f", got, test.budget)
			}
		})
	}
}
