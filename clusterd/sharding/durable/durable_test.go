package durable_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/clustertest"
	"github.com/pando-go/pando/clusterd/sharding/durable"
)

// counter adds what it is told, and answers with the sum. A negative number is
// refused after it was added, 0 only reads, 13 panics, 1000 deletes.
type counter struct{ sum wrapperspb.Int64Value }

func (k *counter) State() proto.Message { return &k.sum }

func (k *counter) Receive(c *durable.Context, m *wrapperspb.Int64Value) error {
	k.sum.Value += m.Value
	switch {
	case m.Value == 13:
		panic("thirteen")
	case m.Value == 1000:
		c.Delete()
	case m.Value < 0:
		return errors.New("only up")
	}
	c.Reply(wrapperspb.Int64(k.sum.Value))
	return nil
}

var Counter = durable.NewKind("counter", func(string) durable.Behavior[*wrapperspb.Int64Value] { return &counter{} })

// journal keeps its lines as events.
type journal struct{ text string }

func (j *journal) Receive(c *durable.Context, m *wrapperspb.StringValue) error {
	if m.Value != "" {
		if err := c.Persist(m); err != nil {
			return err
		}
	}
	if m.Value == "bad" {
		return errors.New("bad")
	}
	c.Reply(wrapperspb.String(j.text))
	return nil
}

func (j *journal) Apply(ev proto.Message) error {
	j.text += ev.(*wrapperspb.StringValue).Value + "."
	return nil
}

func (j *journal) Snapshot() (proto.Message, error) { return wrapperspb.String(j.text), nil }

func (j *journal) Restore(m proto.Message) error {
	j.text = m.(*wrapperspb.StringValue).Value
	return nil
}

var Journal = durable.Kind[*wrapperspb.StringValue]{
	Name: "journal", SnapshotEvery: 3,
	New: func(string) durable.Behavior[*wrapperspb.StringValue] { return &journal{} },
}

func add(k *clustertest.Kit, node int, id string, n int64) (int64, error) {
	return addWithin(k, node, id, n, 30*time.Second)
}

func addWithin(k *clustertest.Kit, node int, id string, n int64, d time.Duration) (int64, error) {
	ref := durable.Ref(k.Node(node), Counter, id)
	sum, err := durable.Ask[*wrapperspb.Int64Value](k.T.Context(), ref.With(wrapperspb.Int64(n)).Within(d))
	return sum.GetValue(), err
}

func write(k *clustertest.Kit, node int, id, line string) (string, error) {
	ctx, cancel := context.WithTimeout(k.T.Context(), 30*time.Second)
	defer cancel()
	text, err := durable.Ask[*wrapperspb.StringValue](ctx, durable.Ref(k.Node(node), Journal, id).With(wrapperspb.String(line)))
	return text.GetValue(), err
}

func TestOneNode(t *testing.T) {
	cfg := durable.Config{Shards: 4, Replicas: 1, Idle: time.Minute}
	clustertest.Run(t, 1, func(int) clusterd.Config {
		return clusterd.Config{Services: []clusterd.Service{durable.Host(cfg, Counter, Journal)}}
	}, func(k *clustertest.Kit) {
		want := func(id string, n, sum int64) {
			t.Helper()
			if got, err := add(k, 1, id, n); err != nil || got != sum {
				t.Errorf("add %d to %s: got %d, %v, want %d", n, id, got, err, sum)
			}
		}
		want("a", 1, 1)
		want("a", 2, 3)
		want("b", 5, 5)
		var f *actor.Failure
		if _, err := add(k, 1, "a", -1); !errors.As(err, &f) || f.Text != "only up" {
			t.Errorf("got %v, want the behavior's error", err)
		}
		if _, err := add(k, 1, "a", 13); !errors.As(err, &f) || f.Code != "panic" {
			t.Errorf("got %v, want a panic", err)
		}
		want("a", 0, 3)
		time.Sleep(5 * time.Minute) // all leave the memory
		want("a", 1, 4)
		want("a", 1000, 1004)
		want("a", 1, 1)
		for i, line := range []string{"x", "y", "bad", "z", "u", "v"} {
			if _, err := write(k, 1, "j", line); (err != nil) != (line == "bad") {
				t.Errorf("line %d: %v", i, err)
			}
		}
		time.Sleep(5 * time.Minute)
		if text, err := write(k, 1, "j", ""); err != nil || text != "x.y.z.u.v." {
			t.Errorf("journal: got %q, %v", text, err)
		}
		if n, err := durable.Total(k.Node(1), "counter", false); n != 2 || err != nil {
			t.Errorf("Total: got %d, %v, want 2", n, err)
		}
		if _, err := durable.Ask[*wrapperspb.Int64Value](k.T.Context(), durable.Ref(k.Node(1), Counter, "").With(wrapperspb.Int64(1))); !errors.Is(err, durable.ErrBadID) {
			t.Errorf("no id: got %v, want ErrBadID", err)
		}
	})
}
