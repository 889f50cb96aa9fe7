package remote_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote"
	"github.com/pando-go/pando/remote/memnet"
)

// member is a real actor system on a network in memory.
type member struct {
	*actor.System
	r *remote.Remote
}

// members runs f with two systems, a:1 and b:1.
func members(t *testing.T, f func(t *testing.T, n *memnet.Network, a, b member)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := newMember(t, n, "a:1", 1), newMember(t, n, "b:1", 2)
		f(t, n, a, b)
		for _, m := range []member{a, b} {
			if err := errors.Join(m.r.Close(context.Background()), m.Close(context.Background())); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(10 * time.Millisecond) // protoactor's dead letter throttle ends by itself
	})
}

func newMember(t *testing.T, n *memnet.Network, address string, uid uint64) member {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	sys, err := actor.NewSystem(actor.Config{Name: "test", Address: address, UID: uid, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := n.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	r, err := remote.Listen(sys, ln, remote.Config{Dial: n.Dialer(address), Expose: []string{"*"}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return member{sys, r}
}

// answerer answers a number with its double, fails at "fail" and stops at "stop".
func answerer() actor.Behavior[*wrapperspb.StringValue] {
	return actor.Func(func(c *actor.Context[*wrapperspb.StringValue], m *wrapperspb.StringValue) error {
		switch m.Value {
		case "fail":
			c.Fail(&actor.Failure{Code: "code", Text: "text"})
		case "type":
			c.Reply(durationpb.New(time.Second))
		case "stop":
			c.Stop()
		default:
			n, err := strconv.Atoi(m.Value)
			if err != nil {
				return err
			}
			c.Reply(wrapperspb.String(strconv.Itoa(2 * n)))
		}
		return nil
	})()
}

var answererKind = actor.NewKind("answerer", func(string) actor.Behavior[*wrapperspb.StringValue] { return answerer() })

func TestTypedAsk(t *testing.T) {
	members(t, func(t *testing.T, _ *memnet.Network, a, b member) {
		there, err := actor.Spawn(b.System, "answerer", answerer)
		if err != nil {
			t.Fatal(err)
		}
		ref, err := actor.ParseRef[*wrapperspb.StringValue](a.System, there.String())
		if err != nil {
			t.Fatal(err)
		}
		ask := func(text string) (*wrapperspb.StringValue, error) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return actor.Ask[*wrapperspb.StringValue](ctx, ref.With(wrapperspb.String(text)))
		}
		if got, err := ask("21"); err != nil || got.Value != "42" {
			t.Errorf("got %v, %v, want 42", got, err)
		}
		var failure *actor.Failure
		if _, err := ask("fail"); !errors.As(err, &failure) || failure.Code != "code" || failure.Text != "text" {
			t.Errorf("got %v, want the failure", err)
		}
		if _, err := ask("type"); !errors.As(err, new(*actor.AnswerTypeError)) {
			t.Errorf("got %v, want an answer of another type", err)
		}
		nobody, err := actor.ParseRef[*wrapperspb.StringValue](a.System, "pando://test@b:1/nobody")
		if err != nil {
			t.Fatal(err)
		}
		ref = nobody
		if _, err := ask("1"); !errors.Is(err, actor.ErrNoActor) {
			t.Errorf("got %v, want ErrNoActor", err)
		}
	})
}

func TestAskEndsWithTheNode(t *testing.T) {
	members(t, func(t *testing.T, n *memnet.Network, a, b member) {
		ref, err := actor.ParseRef[*wrapperspb.StringValue](a.System, "pando://test@b:1/x")
		if err != nil {
			t.Fatal(err)
		}
		n.Cut("a:1", "b:1")
		go func() {
			time.Sleep(time.Minute)
			a.r.Removed(remote.Node{Address: "b:1", UID: 2})
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		begin := time.Now()
		_, err = actor.Ask[*wrapperspb.StringValue](ctx, ref.With(wrapperspb.String("1")))
		if !errors.Is(err, actor.ErrNodeRemoved) || time.Since(begin) != time.Minute {
			t.Errorf("got %v after %v, want ErrNodeRemoved after 1m", err, time.Since(begin))
		}
		n.Heal("a:1", "b:1")
	})
}

func TestTypedSpawnWatchStop(t *testing.T) {
	members(t, func(t *testing.T, _ *memnet.Network, a, b member) {
		if err := b.Register(answererKind); err != nil {
			t.Fatal(err)
		}
		ref, err := remote.Spawn(t.Context(), a.r, "b:1", answererKind, "id", "one")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := actor.Ask[*wrapperspb.StringValue](t.Context(), ref.With(wrapperspb.String("4"))); err != nil || got.Value != "8" {
			t.Errorf("got %v, %v, want 8", got, err)
		}
		if _, err := remote.Spawn(t.Context(), a.r, "b:1", answererKind, "id", "one"); !errors.Is(err, actor.ErrNameTaken) {
			t.Errorf("got %v, want ErrNameTaken", err)
		}
		if _, err := remote.Spawn(t.Context(), b.r, "a:1", answererKind, "id", ""); !errors.Is(err, actor.ErrUnknownKind) {
			t.Errorf("got %v, want ErrUnknownKind", err)
		}
		panics := actor.NewKind("panics", func(string) actor.Behavior[*wrapperspb.StringValue] { panic("boom") })
		if err := b.Register(panics); err != nil {
			t.Fatal(err)
		}
		if _, err := remote.Spawn(t.Context(), a.r, "b:1", panics, "id", ""); !errors.As(err, new(*actor.Failure)) {
			t.Errorf("got %v, want *Failure", err)
		}
		if err := actor.Stop(t.Context(), ref); err != nil {
			t.Error(err)
		}
		if _, err := actor.Ask[*wrapperspb.StringValue](t.Context(), ref.With(wrapperspb.String("4"))); !errors.Is(err, actor.ErrNoActor) && !errors.Is(err, actor.ErrStopped) {
			t.Errorf("got %v from a stopped actor", err)
		}
	})
}
