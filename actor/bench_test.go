package actor_test

import (
	"testing"
	"time"

	"github.com/pando-go/pando/actor"
)

type ball struct{ to actor.Ref[*ball] }

func BenchmarkTell(b *testing.B) {
	sys := newSystem(b, actor.Config{})
	done := make(chan struct{})
	ref := spawn(b, sys, "", func(_ *actor.Context[*ball], m *ball) error {
		if m == nil {
			close(done)
		}
		return nil
	})
	m := &ball{}
	b.ReportAllocs()
	for b.Loop() {
		ref.Tell(m)
	}
	ref.Tell(nil)
	<-done
}

func BenchmarkPingPong(b *testing.B) {
	sys := newSystem(b, actor.Config{})
	done := make(chan struct{})
	left := 0
	pong := spawn(b, sys, "", func(_ *actor.Context[*ball], m *ball) error {
		m.to.Tell(m)
		return nil
	})
	ping := spawn(b, sys, "", func(_ *actor.Context[*ball], m *ball) error {
		if left--; left <= 0 {
			done <- struct{}{}
			return nil
		}
		pong.Tell(m)
		return nil
	})
	const rounds = 1000
	m := &ball{to: ping}
	b.ReportAllocs()
	for b.Loop() {
		left = rounds
		pong.Tell(m)
		<-done
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rounds, "ns/round")
}

func BenchmarkAsk(b *testing.B) {
	sys := newSystem(b, actor.Config{})
	answer := &ball{}
	ref := spawn(b, sys, "", func(c *actor.Context[*ball], _ *ball) error {
		c.Reply(answer)
		return nil
	})
	ctx, m := b.Context(), &ball{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := actor.Ask[*ball](ctx, ref.With(m)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSpawnStop(b *testing.B) {
	sys := newSystem(b, actor.Config{})
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		ref := spawn(b, sys, "", func(*actor.Context[*ball], *ball) error { return nil })
		if err := actor.Stop(ctx, ref); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAskThen is a question between two actors, and its answer.
func BenchmarkAskThen(b *testing.B) {
	sys := newSystem(b, actor.Config{})
	answer := &ball{}
	echo := spawn(b, sys, "", func(c *actor.Context[*ball], _ *ball) error {
		c.Reply(answer)
		return nil
	})
	const rounds = 1000
	left, done := 0, make(chan struct{})
	then := func(m *ball, _ error) *ball { return m }
	asker := spawn(b, sys, "", func(c *actor.Context[*ball], m *ball) error {
		if left--; left < 0 {
			done <- struct{}{}
			return nil
		}
		actor.AskThen(c, echo.With(m), time.Minute, then)
		return nil
	})
	b.ReportAllocs()
	for b.Loop() {
		left = rounds
		asker.Tell(answer)
		<-done
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rounds, "ns/round")
}
