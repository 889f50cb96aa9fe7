package actor_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/actor/actortest"
)

// job is a message that says who got it.
type job struct {
	key string
	do  string // "", "stop", "fail", "escalate", "panic", "wait", "name"
}

// done is what a worker tells.
type done struct {
	who string
	job job
}

// worker reports what it gets to a probe.
type worker struct{ to actor.Ref[done] }

func (w *worker) Receive(c *actor.Context[job], m job) error {
	switch m.do {
	case "stop":
		c.Stop()
	case "fail":
		return errors.New("cannot")
	case "wait":
		time.Sleep(time.Second)
	case "name":
		c.Reply(c.Self().String())
		return nil
	case "silent":
		return nil
	}
	w.to.Tell(done{c.Self().String(), m})
	return nil
}

func workers(to *actortest.Probe[done]) func() actor.Behavior[job] {
	return func() actor.Behavior[job] { return &worker{to.Ref()} }
}

func newPool(k *actortest.Kit, n int, p *actortest.Probe[done], r actor.Routing[job], opts ...actor.SpawnOption) actor.Ref[job] {
	k.Helper()
	ref, err := actor.Pool(k.System(), "pool", n, workers(p), r, opts...)
	if err != nil {
		k.Fatal(err)
	}
	return ref
}

// counts takes n reports and says how many each routee made.
func counts(p *actortest.Probe[done], n int) map[string]int {
	by := map[string]int{}
	for range n {
		by[p.Next().who]++
	}
	return by
}

func routees[M any](k *actortest.Kit, of actor.Ref[M]) (texts []string) {
	k.Helper()
	refs, err := actor.Routees(k.Context(), of)
	if err != nil {
		k.Fatal(err)
	}
	for _, r := range refs {
		texts = append(texts, r.String())
	}
	return texts
}

func TestRoundRobinTakesTurns(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		pool := newPool(k, 3, p, actor.RoundRobin)
		for range 30 {
			pool.Tell(job{})
		}
		for who, n := range counts(p, 30) {
			if n != 10 {
				k.Errorf("%s got %d of 30, want 10", who, n)
			}
		}
	})
}

func TestRandomIsEven(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		pool := newPool(k, 4, p, actor.Random)
		for range 4000 {
			pool.Tell(job{})
		}
		by := counts(p, 4000)
		for who, n := range by {
			if n < 800 || n > 1200 { // six standard deviations and more
				k.Errorf("%s got %d of 4000, want about 1000", who, n)
			}
		}
		if len(by) != 4 {
			k.Errorf("%d routees got messages, want 4", len(by))
		}
	})
}

func TestBroadcastReachesAll(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		pool := newPool(k, 3, p, actor.Broadcast)
		pool.Tell(job{key: "a"})
		pool.Tell(job{key: "b"})
		for who, n := range counts(p, 6) {
			if n != 2 {
				k.Errorf("%s got %d messages, want 2", who, n)
			}
		}
		p.WantNone(0)
		// Each answers, one reaches the asker.
		actortest.Ask[string](k, pool.With(job{do: "name"}))
		if got := len(k.DeadLetters()); got != 2 {
			k.Errorf("%d answers are dead letters, want 2", got)
		}
	})
}

func TestSmallestMailbox(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		pool := newPool(k, 2, p, actor.SmallestMailbox)
		pool.Tell(job{do: "wait"}) // one is busy for a second
		k.Settle()
		for range 10 {
			pool.Tell(job{key: "quick"})
			k.Settle()
		}
		by := counts(p, 9) // one waits behind the one that is busy
		if len(by) != 1 {
			k.Errorf("the quick jobs went to %v, want only the one that is not busy", by)
		}
		k.Advance(time.Second)
		p.Next()
		p.Next()
		p.WantNone(0)
	})
}

func TestConsistentHash(t *testing.T) {
	const keys, n = 10000, 10
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		var refs []actor.Ref[job]
		for range n {
			refs = append(refs, actortest.Spawn(k, workers(p)))
		}
		group, err := actor.Group(k.System(), "group", refs, actor.ConsistentHash(func(m job) string { return m.key }))
		if err != nil {
			k.Fatal(err)
		}
		places := func() map[string]string {
			for i := range keys {
				group.Tell(job{key: strconv.Itoa(i)})
			}
			at := map[string]string{}
			for range keys {
				d := p.Next()
				at[d.job.key] = d.who
			}
			return at
		}
		before := places()
		if again := places(); !equalMaps(before, again) {
			k.Error("the same keys go elsewhere the second time")
		}
		load := map[string]int{}
		for _, who := range before {
			load[who]++
		}
		for who, got := range load {
			if got < keys/n*8/10 || got > keys/n*12/10 {
				k.Errorf("%s has %d of %d keys, want about %d", who, got, keys, keys/n)
			}
		}
		gone := refs[3].String()
		k.Stop(refs[3])
		after := places()
		for key, who := range before {
			if who != gone && after[key] != who {
				k.Fatalf("key %s moved from %s to %s although %s went", key, who, after[key], gone)
			}
		}
	})
}

func equalMaps(a, b map[string]string) bool {
	for key, v := range a {
		if b[key] != v {
			return false
		}
	}
	return len(a) == len(b)
}

// A pool's keys stay with their slot when a routee is replaced.
func TestConsistentHashInAPool(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		pool := newPool(k, 5, p, actor.ConsistentHash(func(m job) string { return m.key }))
		pool.Tell(job{key: "a"})
		first := p.Next().who
		pool.Tell(job{key: "a", do: "stop"})
		p.Next()
		k.Settle()
		pool.Tell(job{key: "a"})
		if got := p.Next().who; got != first+"-2" {
			k.Errorf("after the end of %s the key goes to %s, want its successor", first, got)
		}
	})
}

func TestScatterGather(t *testing.T) {
	answer := func(after time.Duration, with any) func() actor.Behavior[job] {
		return actor.Func(func(c *actor.Context[job], _ job) error {
			time.Sleep(after)
			if err, ok := with.(error); ok {
				return err
			}
			if with != nil {
				c.Reply(with)
			}
			return nil
		})
	}
	no, never := errors.New("no"), answer(0, nil)
	tests := []struct {
		name    string
		routees []func() actor.Behavior[job]
		want    string
		err     error // matched; nil and want "" means a *Failure
		took    time.Duration
	}{
		{"the fastest", []func() actor.Behavior[job]{answer(3*time.Second, "slow"), answer(time.Second, "fast")}, "fast", nil, time.Second},
		{"a failure is no answer", []func() actor.Behavior[job]{answer(0, no), answer(time.Second, "yes")}, "yes", nil, time.Second},
		{"silence is no answer", []func() actor.Behavior[job]{never, answer(0, "yes")}, "yes", nil, 0},
		{"all fail", []func() actor.Behavior[job]{answer(0, no), answer(0, no)}, "", nil, 0},
		{"all are silent", []func() actor.Behavior[job]{never, never}, "", actor.ErrTimeout, 5 * time.Second},
		{"none", nil, "", actor.ErrNoActor, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			actortest.Run(t, func(k *actortest.Kit) {
				var refs []actor.Ref[job]
				for _, new := range test.routees {
					refs = append(refs, actortest.Spawn(k, new))
				}
				group, err := actor.Group(k.System(), "", refs, actor.ScatterGather[job](5*time.Second))
				if err != nil {
					k.Fatal(err)
				}
				start := time.Now()
				got, err := actor.Ask[string](k.Context(), group.With(job{}))
				if took := time.Since(start); took != test.took {
					k.Errorf("took %v, want %v", took, test.took)
				}
				var f *actor.Failure
				switch {
				case got != test.want:
					k.Errorf("answer = %q, %v, want %q", got, err, test.want)
				case test.err != nil:
					wantErr(t, err, test.err)
				case test.want == "" && (!errors.As(err, &f) || f.Text != "no"):
					k.Errorf("error = %v, want the failure that says no", err)
				}
				k.Advance(10 * time.Second)
				if l := k.DeadLetters(); test.err == nil && len(l) > 0 {
					k.Errorf("%d dead letters, want none; the first is %v: %v", len(l), l[0].Message, l[0].Reason)
				}
			})
		})
	}
}

// An asker does not wait for a router that stopped.
func TestScatterGatherEndsWithTheRouter(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		pool := newPool(k, 2, p, actor.ScatterGather[job](time.Hour))
		result := make(chan error, 1)
		go func() {
			_, err := actor.Ask[string](k.Context(), pool.With(job{do: "silent"}))
			result <- err
		}()
		k.Settle()
		k.Stop(pool)
		wantErr(t, <-result, actor.ErrStopped)
	})
}

func TestAsksKeepTheirAsker(t *testing.T) {
	routings := map[string]actor.Routing[job]{
		"round robin": actor.RoundRobin[job], "random": actor.Random[job],
		"broadcast": actor.Broadcast[job], "smallest mailbox": actor.SmallestMailbox[job],
		"consistent hash": actor.ConsistentHash(func(m job) string { return m.key }),
		"scatter gather":  actor.ScatterGather[job](time.Second),
	}
	for name, r := range routings {
		t.Run(name, func(t *testing.T) {
			actortest.Run(t, func(k *actortest.Kit) {
				pool := newPool(k, 3, actortest.NewProbe[done](k), r)
				got := actortest.Ask[string](k, pool.With(job{do: "name"}))
				if !slices.Contains(routees(k, pool), got) {
					k.Errorf("%s answered, want a routee", got)
				}
			})
		})
	}
}

func TestPoolReplacesWhoStops(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		pool := newPool(k, 2, p, actor.RoundRobin)
		pool.Tell(job{do: "stop"})
		k.Settle()
		want := []string{"pando://test@/pool/2", "pando://test@/pool/1-2"}
		if got := routees(k, pool); !slices.Equal(got, want) {
			k.Errorf("routees = %v, want %v", got, want)
		}
	})
}

// A routee that ends as soon as it begins is not replaced in a hot loop.
func TestPoolReplacesWithPauses(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		starts := 0
		_, err := actor.Pool(k.System(), "pool", 1, func() actor.Behavior[job] { starts++; return stillborn{} }, actor.RoundRobin)
		if err != nil {
			k.Fatal(err)
		}
		k.Advance(time.Minute)
		if starts < 10 || starts > 30 {
			k.Errorf("%d starts in a minute, want 10 to 30", starts)
		}
	})
}

type stillborn struct{}

func (stillborn) Started(c *actor.Context[job]) error    { c.Stop(); return nil }
func (stillborn) Receive(*actor.Context[job], job) error { return nil }

// A constructor that panics is tried again.
func TestPoolConstructorFails(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		tries := 0
		pool, err := actor.Pool(k.System(), "pool", 1, func() actor.Behavior[job] {
			if tries++; tries < 4 {
				panic("not yet")
			}
			return &worker{p.Ref()}
		}, actor.RoundRobin)
		if err != nil {
			k.Fatal(err)
		}
		k.Settle()
		_, err = actor.Ask[string](k.Context(), pool.With(job{do: "name"}))
		wantErr(t, err, actor.ErrNoActor)
		k.Advance(time.Second)
		actortest.Ask[string](k, pool.With(job{do: "name"}))
	})
}

func TestRouteeFails(t *testing.T) {
	tests := []struct {
		name       string
		supervisor actor.Supervisor
		want       []string
	}{
		{"restarted by its supervisor", actor.Backoff{}, []string{"pando://test@/pool/1", "pando://test@/pool/2"}},
		{"stopped and replaced", actor.SupervisorFunc(func(actor.Fault) actor.Decision { return actor.StopIt() }),
			[]string{"pando://test@/pool/2", "pando://test@/pool/1-2"}},
		{"escalated: all are replaced", actor.SupervisorFunc(func(actor.Fault) actor.Decision { return actor.Escalate() }),
			[]string{"pando://test@/pool/1-2", "pando://test@/pool/2-2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			actortest.Run(t, func(k *actortest.Kit) {
				p := actortest.NewProbe[done](k)
				pool := newPool(k, 2, p, actor.RoundRobin, actor.WithSupervisor(test.supervisor))
				pool.Tell(job{do: "fail"})
				k.Advance(time.Second)
				if got := routees(k, pool); !slices.Equal(got, test.want) {
					k.Errorf("routees = %v, want %v", got, test.want)
				}
				for range 4 {
					actortest.Ask[string](k, pool.With(job{do: "name"}))
				}
			})
		})
	}
}

// A key function that panics costs one message.
func TestKeyFunctionPanics(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		pool := newPool(k, 2, p, actor.ConsistentHash(func(m job) string {
			if m.key == "" {
				panic("no key")
			}
			return m.key
		}))
		before := routees(k, pool)
		_, err := actor.Ask[string](k.Context(), pool.With(job{do: "name"}))
		var f *actor.Failure
		if !errors.As(err, &f) || f.Code != "panic" {
			k.Errorf("error = %v, want a failure with code panic", err)
		}
		actortest.Ask[string](k, pool.With(job{do: "name", key: "a"}))
		if after := routees(k, pool); !slices.Equal(before, after) {
			k.Errorf("routees = %v, want %v as before", after, before)
		}
	})
}

func TestGroupLosesWhoStops(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		a, b := actortest.Spawn(k, workers(p)), actortest.Spawn(k, workers(p))
		group, err := actor.Group(k.System(), "", []actor.Ref[job]{a, b, a}, actor.RoundRobin)
		if err != nil {
			k.Fatal(err)
		}
		if got, want := routees(k, group), []string{a.String(), b.String()}; !slices.Equal(got, want) {
			k.Errorf("routees = %v, want %v", got, want)
		}
		k.Stop(a)
		for range 3 {
			if got := actortest.Ask[string](k, group.With(job{do: "name"})); got != b.String() {
				k.Errorf("%s answered, want %s", got, b)
			}
		}
		actor.RemoveRoutee(group, b)
		_, err = actor.Ask[string](k.Context(), group.With(job{do: "name"}))
		wantErr(t, err, actor.ErrNoActor)
		c := actortest.Spawn(k, workers(p))
		actor.AddRoutee(group, c)
		actor.AddRoutee(group, b)
		if got, want := routees(k, group), []string{c.String(), b.String()}; !slices.Equal(got, want) {
			k.Errorf("routees = %v, want %v", got, want)
		}
	})
}

func TestRouterRefusals(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		new := workers(p)
		bad := map[string]func() error{
			"no size":        func() error { _, err := actor.Pool(k.System(), "x", 0, new, actor.RoundRobin); return err },
			"no constructor": func() error { _, err := actor.Pool[job](k.System(), "x", 1, nil, actor.RoundRobin); return err },
			"no routing":     func() error { _, err := actor.Pool(k.System(), "x", 1, new, nil); return err },
			"no key": func() error {
				_, err := actor.Pool(k.System(), "x", 1, new, actor.ConsistentHash[job](nil))
				return err
			},
			"no time":  func() error { _, err := actor.Pool(k.System(), "x", 1, new, actor.ScatterGather[job](0)); return err },
			"bad name": func() error { _, err := actor.Pool(k.System(), "$x", 1, new, actor.RoundRobin); return err },
			"a zero ref": func() error {
				_, err := actor.Group(k.System(), "x", []actor.Ref[job]{{}}, actor.RoundRobin)
				return err
			},
		}
		for name, f := range bad {
			if err := f(); err == nil {
				k.Errorf("%s: no error", name)
			}
		}
		pool := newPool(k, 1, p, actor.RoundRobin)
		actor.AddRoutee(pool, actortest.Spawn(k, new))
		actor.RefOf[string](k.System(), pool.PID()).Tell("no job")
		for i, l := range k.DeadLetters() {
			if !errors.Is(l.Reason, actor.ErrMessageType) {
				k.Errorf("dead letter %d: %v, want ErrMessageType", i, l.Reason)
			}
		}
		if got := len(k.DeadLetters()); got != 2 {
			k.Errorf("%d dead letters, want 2", got)
		}
		_, err := actor.Routees(k.Context(), p.Ref())
		wantErr(t, err, actor.ErrMessageType)
	})
}

// Senders and routers share nothing: many of them at once, with routees that end
// under their hands, under the race detector.
func TestRoutersUnderLoad(t *testing.T) {
	const senders, each = 8, 500
	routings := map[string]actor.Routing[job]{
		"round robin": actor.RoundRobin[job], "random": actor.Random[job], "smallest mailbox": actor.SmallestMailbox[job],
		"consistent hash": actor.ConsistentHash(func(m job) string { return m.key }),
	}
	for name, r := range routings {
		t.Run(name, func(t *testing.T) {
			actortest.Run(t, func(k *actortest.Kit) {
				p := actortest.NewProbe[done](k)
				pool := newPool(k, 4, p, r)
				var wg sync.WaitGroup
				for s := range senders {
					wg.Go(func() {
						for i := range each {
							m := job{key: fmt.Sprint(s, "-", i)}
							if rand.IntN(50) == 0 {
								m.do = "stop"
							}
							pool.Tell(m)
						}
					})
				}
				wg.Wait()
				lost := len(k.DeadLetters())
				got := 0
				for ; got < senders*each-lost; got++ {
					p.Next()
				}
				p.WantNone(time.Minute)
				if n := len(routees(k, pool)); n != 4 {
					k.Errorf("%d routees at the end, want 4", n)
				}
			})
		})
	}
}

// What one sender sends through a router to one routee keeps its order.
func TestRouterKeepsOrder(t *testing.T) {
	actortest.Run(t, func(k *actortest.Kit) {
		p := actortest.NewProbe[done](k)
		pool := newPool(k, 3, p, actor.ConsistentHash(func(m job) string { return m.key[:1] }))
		for i := range 300 {
			pool.Tell(job{key: string(rune('a'+i%7)) + strconv.Itoa(i)})
		}
		last := map[string]int{}
		for range 300 {
			d := p.Next()
			n, _ := strconv.Atoi(d.job.key[1:])
			if n < last[d.who] {
				k.Fatalf("%s got %d after %d", d.who, n, last[d.who])
			}
			last[d.who] = n
		}
	})
}

func BenchmarkRouter(b *testing.B) {
	sys := newSystem(b, actor.Config{Small: true})
	n := 0
	finished := make(chan struct{}, 1)
	target := spawn(b, sys, "", func(_ *actor.Context[*job], m *job) error {
		if n++; m.do == "stop" {
			finished <- struct{}{}
		}
		return nil
	})
	group, err := actor.Group(sys, "", []actor.Ref[*job]{target}, actor.RoundRobin)
	if err != nil {
		b.Fatal(err)
	}
	m, last := &job{}, &job{do: "stop"}
	b.ReportAllocs()
	for b.Loop() {
		group.Tell(m)
	}
	group.Tell(last)
	<-finished
}
