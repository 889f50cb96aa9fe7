package engine_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
)

// One engine founds a cluster and lets another in. The loop is all that a shell
// does: pass messages on, wake who wants to be woken.
func Example() {
	now := time.UnixMilli(1_700_000_000_000)
	start := func(address string, seed uint64) *engine.Engine {
		e, err := engine.New(engine.Config{
			Self: member.Node{Address: address, UID: member.NextUID(now, 0, seed)},
			Rand: rand.New(rand.NewPCG(seed, 0)),
		})
		if err != nil {
			panic(err)
		}
		return e
	}
	nodes := map[string]*engine.Engine{"a:1": start("a:1", 1), "b:1": start("b:1", 2)}
	check := func(err error) {
		if err != nil {
			fmt.Println(err)
		}
	}
	check(nodes["a:1"].Step(now, engine.Found{ID: member.ClusterID{1}}))
	check(nodes["b:1"].Step(now, engine.Expect{From: member.Node{Address: "a:1"}}))
	check(nodes["a:1"].Step(now, engine.Admit{Node: nodes["b:1"].Snapshot().Self}))

	for end := now.Add(time.Second); now.Before(end); now = now.Add(10 * time.Millisecond) {
		for _, address := range []string{"a:1", "b:1"} {
			nodes[address].Tick(now)
			rd := nodes[address].Ready()
			for _, m := range rd.Messages {
				check(nodes[m.To.Address].Step(now, m))
			}
		}
	}
	s := nodes["b:1"].Snapshot()
	fmt.Println("view", s.View, "leader", s.Leader, "converged", s.Converged)
	for _, m := range s.Members {
		fmt.Println(m.Address, m.Status, m.UpNumber)
	}
	// Output:
	// view 2 leader a:1 converged true
	// a:1 up 1
	// b:1 up 2
}
