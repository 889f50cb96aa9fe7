package groups_test

import (
	"fmt"
	"log"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/internal/groups"
)

// A node that is the only replica of a shard takes a command.
func ExampleMachine() {
	m, err := groups.New(groups.Config{Self: 1, Boot: 1}, nil)
	if err != nil {
		log.Fatal(err)
	}
	now := time.Unix(1000, 0)
	step := func(in groups.Input) {
		if err := m.Step(now, in); err != nil {
			log.Fatal(err)
		}
		for {
			rd := m.Ready()
			for _, a := range rd.Applies {
				fmt.Printf("apply %s\n", a.Data)
			}
			for _, a := range rd.Acks {
				fmt.Printf("proposal %d is done: %v\n", a.ID, a.Result == groups.Done)
			}
			if rd.Batch == 0 {
				return
			}
			// A shell makes rd.Writes durable first.
			if err := m.Step(now, groups.Persisted{Batch: rd.Batch}); err != nil {
				log.Fatal(err)
			}
		}
	}
	step(groups.Create{Shard: 7, Group: 1, Members: []uint64{1}})
	fmt.Println("serves:", m.CanServe(7, now))
	step(groups.Propose{Shard: 7, ID: 1, Level: groups.Quorum, Data: []byte("x=1")})
	// Output:
	// serves: true
	// apply x=1
	// proposal 1 is done: true
}
