package seedjoin_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/seedjoin"
)

// A first seed starts alone on its machine: nobody listens at the other seed's
// address, so it founds.
func ExampleMachine() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m, err := seedjoin.New(seedjoin.Config{
		Self:  member.Node{Address: "127.0.0.1:7001", UID: 1},
		Name:  "chat",
		Seeds: []string{"127.0.0.1:7001", "127.0.0.1:7002"},
		Rand:  rand.New(rand.NewPCG(1, 2)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m.Tick(now)
	for founded := false; !founded; {
		rd := m.Ready()
		for _, e := range rd.Events {
			_, founded = e.(seedjoin.Founded)
			fmt.Printf("%T\n", e)
		}
		for _, msg := range rd.Messages {
			fmt.Printf("%T to %s\n", msg.Body, msg.To.Address)
			_ = m.Step(now, seedjoin.SendFailed{To: msg.To, Nobody: true})
		}
		if len(rd.Messages) == 0 {
			now = rd.Wake
			m.Tick(now)
		}
	}
	// Output:
	// seedjoin.Probe to 127.0.0.1:7002
	// seedjoin.Founded
}
