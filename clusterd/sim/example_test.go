package sim_test

import (
	"fmt"
	"time"

	"github.com/pando-go/pando/clusterd/sim"
)

func ExampleScript() {
	story := sim.ParseScript(`# An ordinary node alone never founds.
seeds n1
start n2
run 1m
state
notes`)
	got, err := story.Run(sim.Config{Seed: 7})
	fmt.Print(got.Text)
	fmt.Println("error:", err)
	// Output:
	// # An ordinary node alone never founds.
	// seeds n1
	// start n2
	// run 1m
	// state
	//     n1 was not started
	//     n2 has no cluster
	// notes
	//     n2: no seed is in a cluster yet, and only the first seed founds one: n1 refuses the connection (n1)
	// error: <nil>
}

func ExampleSim() {
	s := sim.New(sim.Config{Seed: 7, Seeds: []int{1, 2, 3}})
	for id := 1; id <= 3; id++ {
		s.Start(id)
	}
	s.Settle(10 * time.Second)
	s.Cut([]int{1}, []int{2, 3})
	s.Run(20 * time.Second)
	fmt.Println(s.Err())
	// Output: <nil>
}
