package clustertest_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/internal/race"
	"github.com/pando-go/pando/clusterd/sharding"
)

// The rows of Akka's acceptance scenarios that concern failures, on running
// nodes; docs/partitions.md maps row to test. The simulator plays them too.

// watchEvents collects what f picks of a node's events until stop.
func watchEvents(k *clustertest.Kit, i int, f func(clusterd.Event) string) (stop func() []string) {
	ctx, cancel := context.WithCancel(k.T.Context())
	var wg sync.WaitGroup
	var got []string
	events := k.Node(i).Events(ctx)
	wg.Go(func() {
		for e := range events {
			if s := f(e); s != "" {
				got = append(got, s)
			}
		}
	})
	return func() []string { cancel(); wg.Wait(); return got }
}

func changes(e clusterd.Event) string {
	switch e := e.(type) {
	case clusterd.MemberChanged, clusterd.ReachabilityChanged, clusterd.LeaderChanged:
		return fmt.Sprint(e)
	}
	return ""
}

// TestJoinerThatVanishes: a process that was let in and never answered a
// heartbeat is found and removed.
func TestJoinerThatVanishes(t *testing.T) {
	clustertest.Run(t, 3, fast, func(k *clustertest.Kit) {
		i := k.Begin()
		k.Eventually("somebody knows the joiner", func() bool { return len(k.Node(1).View().Members) == 4 })
		k.Kill(i)
		k.SettleAmong(1, 2, 3)
	})
}

// TestSlowJoinerIsNotAccused: what reaches a joiner late makes nobody accuse it.
func TestSlowJoinerIsNotAccused(t *testing.T) {
	clustertest.Run(t, 3, nil, func(k *clustertest.Kit) {
		stop := watchEvents(k, 1, func(e clusterd.Event) string {
			if r, ok := e.(clusterd.ReachabilityChanged); ok {
				return fmt.Sprint(r)
			}
			return ""
		})
		i := k.Begin()
		for other := 1; other < i; other++ {
			k.Slow(other, i, 400*time.Millisecond)
		}
		k.Settle()
		time.Sleep(5 * time.Second)
		if got := stop(); len(got) != 0 {
			k.T.Errorf("got %q, want nobody accused", got)
		}
	})
}

// TestTheLastOneWaitsForTheOperator: five of six die at once. Akka's last node
// goes on by itself; here it could be the cut-off one, so it waits for a word.
func TestTheLastOneWaitsForTheOperator(t *testing.T) {
	clustertest.Run(t, 6, fast, func(k *clustertest.Kit) {
		for i := 1; i <= 5; i++ {
			k.Kill(i)
		}
		time.Sleep(time.Minute)
		if k.Node(6).MayAct() {
			k.T.Fatal("one of six may act without a word")
		}
		if err := k.Node(6).Recover(k.T.Context()); err != nil {
			k.T.Fatal(err)
		}
		k.SettleAmong(6)
	})
}

// TestBothSidesDownEachOther: operators on both sides of a cut take the other
// side down. One side decides it, and after the heal nobody kills anybody.
func TestBothSidesDownEachOther(t *testing.T) {
	clustertest.Run(t, 5, fast, func(k *clustertest.Kit) {
		k.Split([]int{1, 2}, []int{3, 4, 5})
		for by, victims := range map[int][]int{1: {3, 4, 5}, 3: {1, 2}} {
			for _, v := range victims {
				if err := k.Node(by).Down(k.T.Context(), k.Address(v)); err != nil {
					k.T.Errorf("node %d downs %d: %v", by, v, err)
				}
			}
		}
		k.SettleAmong(3, 4, 5)
		uids := []uint64{k.Node(3).Self().UID, k.Node(4).Self().UID, k.Node(5).Self().UID}
		k.HealAll()
		k.Settle()
		if got := []uint64{k.Node(3).Self().UID, k.Node(4).Self().UID, k.Node(5).Self().UID}; !slices.Equal(got, uids) {
			k.T.Errorf("the side that went on lost members: UIDs %x, were %x", got, uids)
		}
	})
}

func TestSunnyWeather(t *testing.T) {
	clustertest.Run(t, 5, nil, func(k *clustertest.Kit) {
		k.Settle()
		stop := watchEvents(k, 3, changes)
		time.Sleep(30 * time.Second)
		if got := stop(); len(got) != 0 {
			k.T.Errorf("got %q, want nothing", got)
		}
	})
}

// TestStress: nodes come one by one and several at a time, leave, die and are
// cut off; after each step the others agree.
func TestStress(t *testing.T) {
	clustertest.Run(t, 3, fast, func(k *clustertest.Kit) {
		for range 2 {
			k.Add()
			k.Settle()
		}
		for range 5 {
			k.Begin()
		}
		k.Settle()
		leave(k, 10, 1)
		k.SettleAmong(2, 3, 4, 5, 6, 7, 8, 9)
		k.Kill(2)
		k.Kill(9)
		k.SettleAmong(3, 4, 5, 6, 7, 8)
		k.Split([]int{3}, []int{4, 5, 6, 7, 8})
		k.SettleAmong(4, 5, 6, 7, 8)
		k.HealAll()
		k.SettleAmong(3, 4, 5, 6, 7, 8) // 3 finds its way back although both seeds are gone
		k.Restart(1)
		for range 5 { // churn
			k.Kill(8)
			k.Restart(8)
			k.Settle()
		}
		stop := watchEvents(k, 3, changes)
		time.Sleep(30 * time.Second)
		if got := stop(); len(got) != 0 {
			k.T.Errorf("idle: got %q, want nothing", got)
		}
	})
}

func leave(k *clustertest.Kit, nodes ...int) {
	k.T.Helper()
	for _, i := range nodes {
		if err := k.Node(i).Leave(k.T.Context()); err != nil {
			k.T.Errorf("node %d: Leave() = %v, want nil", i, err)
		}
		k.Kill(i) // the process ends
	}
}

// TestFindsBackWithoutSeeds: a node is removed while it is cut off, and all its
// seeds are gone when it comes back. It asks those whom it knew.
func TestFindsBackWithoutSeeds(t *testing.T) {
	clustertest.Run(t, 5, fast, func(k *clustertest.Kit) {
		leave(k, 1, 2)
		k.Split([]int{3}, []int{4, 5})
		k.SettleAmong(4, 5)
		k.HealAll()
		k.Settle()
	})
}

// TestInstability: a broken pair, an isolated node and two islands heal before
// anybody is removed; then a node joins while another is cut off.
func TestInstability(t *testing.T) {
	clustertest.Run(t, 6, nil, func(k *clustertest.Kit) {
		k.Settle()
		k.Cut(2, 5)
		time.Sleep(20 * time.Second)
		k.Heal(2, 5)
		k.Settle()
		for _, groups := range [][][]int{{{4}, {1, 2, 3, 5, 6}}, {{1, 2, 3}, {4, 5, 6}}} {
			k.Split(groups...)
			time.Sleep(3 * time.Second) // longer than it takes to accuse, shorter than to remove
			k.HealAll()
			k.Settle()
		}
		k.Split([]int{6}, []int{1, 2, 3, 4, 5})
		k.SettleAmong(1, 2, 3, 4, 5)
		i := k.Begin()
		k.Cut(6, i)
		k.SettleAmong(1, 2, 3, 4, 5, i)
		k.HealAll()
		k.Heal(6, i)
		k.Settle()
	})
}

// TestFlapping: links fail and heal all the time. However that goes, no entity
// runs twice, and in the end there is one cluster.
func TestFlapping(t *testing.T) {
	l := newLedger()
	hosts := func(int) clusterd.Config {
		return clusterd.Config{Timing: engine.Fast(), Services: []clusterd.Service{sharding.Host(l.kind)}}
	}
	clustertest.Run(t, 5, hosts, func(k *clustertest.Kit) {
		rng := rand.New(rand.NewPCG(1, 2))
		for range race.Less(20, 8) {
			a := 1 + rng.IntN(5)
			b := 1 + (a+rng.IntN(4))%5
			if rng.IntN(2) == 0 {
				k.Cut(a, b)
			} else {
				k.CutOneWay(a, b)
			}
			l.feed(k, []int{1, 2, 3, 4, 5}, time.Second)
			if rng.IntN(3) == 0 {
				k.HealAll()
			}
		}
		k.HealAll()
		k.Settle()
		l.answers(k, 1)
		l.check(k.T)
	})
}

// TestOneCopyUnderEveryStrategy: 3, 5 and 9 nodes that host entities are split,
// deaf on one side, and linked by cables that flap. No entity ever runs twice,
// and after the heal all answer.
//
//	go test ./clusterd/clustertest -run OneCopy -rounds 1000 -from 1
func TestOneCopyUnderEveryStrategy(t *testing.T) {
	strategies := []downing.Strategy{
		downing.KeepMajority{}, downing.KeepOldest{}, downing.KeepReferee{Address: "n2:1"}, downing.StaticQuorum{Size: 5}, downing.DownAll{},
	}
	for seed := *from; seed < *from+*rounds; seed++ {
		n, s := []int{3, 5, 9}[seed%3], strategies[seed%5]
		t.Run(fmt.Sprint("seed ", seed, ", ", n, " nodes, ", s), func(t *testing.T) { oneCopy(t, n, s, seed) })
	}
}

var (
	rounds = flag.Uint64("rounds", race.Less[uint64](5, 1), "clusters of TestOneCopyUnderEveryStrategy")
	from   = flag.Uint64("from", 3, "seed of the first of them")
)

func oneCopy(t *testing.T, n int, s downing.Strategy, seed uint64) {
	l := newLedger()
	hosts := func(int) clusterd.Config {
		return clusterd.Config{Timing: engine.Fast(), Downing: s, Services: []clusterd.Service{sharding.Host(l.kind)}}
	}
	clustertest.Run(t, n, hosts, func(k *clustertest.Kit) {
		rng := rand.New(rand.NewPCG(seed, 0))
		for range 2 {
			breakLinks(k, rng, l)
			k.HealAll()
			k.Settle()
		}
		before := l.count()
		l.answers(k, 1)
		if l.count() < before+entities {
			k.T.Error("the ledger does not see the answers")
		}
		l.check(k.T)
	})
}

// breakLinks splits the cluster, makes one side deaf, or has the links between
// the sides flap, for some seconds under load.
func breakLinks(k *clustertest.Kit, rng *rand.Rand, l *ledger) {
	var all []int
	var sides [2][]int
	for i := 1; i <= k.Len(); i++ {
		all = append(all, i)
		side := rng.IntN(2)
		sides[side] = append(sides[side], i)
	}
	switch rng.IntN(3) {
	case 0:
		k.Split(sides[:]...)
		l.feed(k, all, 8*time.Second)
	case 1:
		for _, a := range sides[0] {
			for _, b := range sides[1] {
				k.CutOneWay(a, b)
			}
		}
		l.feed(k, all, 8*time.Second)
	case 2:
		for range 6 {
			k.Split(sides[:]...)
			l.feed(k, all, time.Duration(200+rng.IntN(3000))*time.Millisecond)
			k.HealAll()
			l.feed(k, all, time.Duration(200+rng.IntN(1000))*time.Millisecond)
		}
	}
}

// TestFrozenNodeComesBack: a process that is held still for 20 s finds itself
// removed, had begun nothing since, and is a member again within 10 s.
func TestFrozenNodeComesBack(t *testing.T) {
	l := newLedger()
	hosts := func(int) clusterd.Config {
		return clusterd.Config{Services: []clusterd.Service{sharding.Host(l.kind)}}
	}
	clustertest.Run(t, 5, hosts, func(k *clustertest.Kit) {
		l.feed(k, []int{1, 2, 3, 4, 5}, time.Second)
		uid := k.Node(5).Self().UID
		k.Freeze(5)
		l.feed(k, []int{1, 2, 3, 4}, 20*time.Second)
		k.Thaw(5)
		thawed := time.Now()
		k.Settle()
		if took := time.Since(thawed); took > 10*time.Second {
			k.T.Errorf("a member again after %v, want 10 s at most", took)
		}
		if k.Node(5).Self().UID == uid {
			k.T.Error("the node was not removed")
		}
		l.answers(k, 5)
		l.check(k.T)
	})
}

// TestThreeOfFiveRestart: a majority dies and comes back as new processes. The
// two that remember the cluster give it up after a while, and all form one anew.
func TestThreeOfFiveRestart(t *testing.T) {
	clustertest.Run(t, 5, fast, func(k *clustertest.Kit) {
		for _, i := range []int{1, 3, 5} {
			k.Kill(i)
		}
		for _, i := range []int{1, 3, 5} {
			k.Restart(i)
		}
		k.Settle()
	})
}
