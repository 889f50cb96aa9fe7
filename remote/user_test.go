package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
)

func TestMessagesArriveWithSender(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		a.proto.Root.Send(b.pid("box/1"), &pa.MessageEnvelope{Message: "text", Sender: a.pid("me")})
		a.proto.Root.Send(b.pid("box/1"), &pa.MessageEnvelope{Message: []byte("bytes"), Sender: &pa.PID{Address: "c:1", Id: "third"}})
		a.tell(b.pid("box/2"), wrapperspb.String("proto"), &pa.PoisonPill{})
		synctest.Wait()
		slices.SortStableFunc(b.mail, func(a, b mail) int { return strings.Compare(a.id, b.id) }) // lanes overtake each other
		want := []mail{
			{"box/1", &pa.PID{Address: "a:1", Id: "me"}, "text"},
			{"box/1", &pa.PID{Address: "c:1", Id: "third"}, []byte("bytes")},
			{"box/2", nil, wrapperspb.String("proto")},
			{"box/2", nil, &pa.PoisonPill{}},
		}
		if d := cmp.Diff(b.mails(), want, cmp.AllowUnexported(mail{}), protocmp.Transform()); d != "" {
			t.Errorf("got (-), want (+):\n%s", d)
		}
	})
}

func TestSenderIsKeptPerConnection(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		for range 3 { // the first is written out, for it might be the only one
			a.proto.Root.Send(b.pid("box/1"), &pa.MessageEnvelope{Message: "m", Sender: a.pid("me")})
		}
		a.proto.Root.Send(b.pid("box/1"), &pa.MessageEnvelope{Message: "m", Sender: a.pid("$ask/1")})
		synctest.Wait()
		got := b.mails()
		if len(got) != 4 || got[1].from != got[2].from || got[3].from.Id != "$ask/1" {
			t.Errorf("got %v, want the second and third with one PID", got)
		}
	})
}

func TestWhatCannotLeaveIsADeadLetter(t *testing.T) {
	type local struct{ X int }
	long := string(make([]byte, 2000))
	tests := []struct {
		name string
		id   string
		msg  any
		want error
	}{
		{"no codec", "box/1", local{1}, actor.ErrNotPortable},
		{"too large", "box/1", make([]byte, 5000), ErrTooLarge},
		{"text that is not UTF-8", "box/1", &wrapperspb.StringValue{Value: "\xff"}, actor.ErrNotPortable},
		{"long id", long, "m", actor.ErrNotPortable},
		{"empty id", "", "m", actor.ErrNoActor},
		{"id that is not UTF-8", "\xff", "m", actor.ErrNotPortable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a, b := c.start("a:1", 1, func(c *Config) { c.MaxMessage = 4096 }), c.start("b:1", 2)
				from := a.pid("me")
				a.proto.Root.Send(b.pid(tt.id), &pa.MessageEnvelope{Message: tt.msg, Sender: from})
				a.tell(b.pid("box/1"), "after")
				synctest.Wait()
				dead := a.deads()
				if len(dead) != 1 || !errors.Is(dead[0].Reason, tt.want) || dead[0].From != from {
					t.Errorf("got dead letters %v, want one with %v", dead, tt.want)
				}
				wantTexts(t, "mail", b.texts("box/1"), "after")
			})
		})
	}
}

func TestMessageTooLargeForReceiver(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2, func(c *Config) { c.MaxMessage = 1000 })
		a.tell(b.pid("box/1"), "before", make([]byte, 1<<20), "after")
		synctest.Wait()
		wantTexts(t, "mail", b.texts("box/1"), "before", "after")
		if dead := a.deads(); len(dead) != 1 || !errors.Is(dead[0].Reason, ErrTooLarge) {
			t.Errorf("got dead letters %v, want one too large", dead)
		}
		if s := b.r.Stats(); s.Malformed != 0 {
			t.Errorf("got %d malformed connections, want none", s.Malformed)
		}
	})
}

func TestUnknownTypeIsADeadLetterThere(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		p := a.r.peer("b:1").userFor("box/1")
		if err := p.push(outgoing("box/1", "me", "no.such.Type", "x")); err != nil {
			t.Fatal(err)
		}
		if err := p.push(outgoing("box/1", "me", "google.protobuf.StringValue", "\xff\xff")); err != nil {
			t.Fatal(err)
		}
		a.tell(b.pid("box/1"), "after")
		synctest.Wait()
		dead := b.deads()
		if len(dead) != 2 || !errors.Is(dead[0].Reason, ErrUnknownType) || !errors.Is(dead[0].Reason, actor.ErrNotPortable) {
			t.Fatalf("got dead letters %v, want two, the first of unknown type", dead)
		}
		if u := dead[0].Message.(*Undecoded); u.Type != "no.such.Type" || dead[0].From.String() != a.pid("me").String() {
			t.Errorf("got %v from %v, want no.such.Type from a:1/me", u, dead[0].From)
		}
		wantTexts(t, "mail", b.texts("box/1"), "after")
		if s := b.r.Stats(); s.Undecodable != 2 || s.Malformed != 0 || s.Accepted != 1 {
			t.Errorf("got %+v, want the connection to live", s)
		}
	})
}

func TestPanicWhileDeliveringCostsOneMessage(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		b.onMail = func(m mail) {
			if m.msg == "boom" {
				panic("boom")
			}
		}
		a.tell(b.pid("box/1"), "1", "boom", "2")
		synctest.Wait()
		wantTexts(t, "mail", b.texts("box/1"), "1", "boom", "2")
		if s := b.r.Stats(); s.Panics != 1 || s.Accepted != 1 {
			t.Errorf("got %+v, want one panic, one connection", s)
		}
	})
}

func TestOrderAndNoLossUnderResets(t *testing.T) {
	const senders, each = 4, 2000
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		c.Slow("a:1", "b:1", time.Millisecond)
		done := make(chan struct{})
		for s := range senders {
			go func() {
				to := b.pid(fmt.Sprint("box/", s))
				for i := range each {
					a.tell(to, fmt.Sprint(i))
					if i%20 == 0 {
						time.Sleep(time.Millisecond)
					}
				}
				done <- struct{}{}
			}()
		}
		for left := senders; left > 0; {
			select {
			case <-done:
				left--
			case <-time.After(7 * time.Millisecond):
				c.Reset("a:1", "b:1")
			}
		}
		time.Sleep(10 * time.Second)
		for s := range senders {
			got := b.texts(fmt.Sprint("box/", s))
			if len(got) != each {
				t.Fatalf("box %d: got %d messages, want %d", s, len(got), each)
			}
			for i, m := range got {
				if m != fmt.Sprint(i) {
					t.Fatalf("box %d: got %s at %d", s, m, i)
				}
			}
		}
		if d := a.deads(); len(d) > 0 {
			t.Errorf("got dead letters %v", d)
		}
		if s := a.r.Stats(); s.Dialled < 5 || s.Resent == 0 {
			t.Errorf("got %+v, want several connections and resent messages", s)
		}
	})
}

func TestMessagesWaitForAPeerThatStartsLate(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		to := &pa.PID{Address: "b:1", Id: "box/1"}
		a.tell(to, "1", "2")
		time.Sleep(10 * time.Second)
		b := c.start("b:1", 2)
		time.Sleep(3 * time.Second)
		wantTexts(t, "mail", b.texts("box/1"), "1", "2")
		if s := a.r.Stats(); s.Failed < 5 || s.Failed > 20 {
			t.Errorf("got %d tries to connect in 10 s, want 5 to 20", s.Failed)
		}
	})
}

func TestShortCutLosesNothing(t *testing.T) {
	for _, d := range []time.Duration{time.Second, 20 * time.Second} {
		t.Run(d.String(), func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a, b := c.start("a:1", 1), c.start("b:1", 2)
				a.tell(b.pid("box/1"), "1")
				synctest.Wait()
				c.Cut("a:1", "b:1")
				a.tell(b.pid("box/1"), "2")
				time.Sleep(d)
				a.tell(b.pid("box/1"), "3")
				c.Heal("a:1", "b:1")
				time.Sleep(10 * time.Second)
				wantTexts(t, "mail", b.texts("box/1"), "1", "2", "3")
			})
		})
	}
}

func TestFullQueue(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1, func(c *Config) { c.MaxMessage, c.QueueBytes = 1000, 20_000 }), c.start("b:1", 2)
		a.tell(b.pid("box/1"), "first")
		synctest.Wait()
		c.CutOneWay("b:1", "a:1") // nothing is acknowledged
		for range 30 {
			a.tell(b.pid("box/1"), string(make([]byte, 1000)))
		}
		dead := a.deads()
		if len(dead) < 10 || !errors.Is(dead[0].Reason, actor.ErrMailboxFull) {
			t.Fatalf("got %d dead letters, want at least 10 with ErrMailboxFull", len(dead))
		}
		if s := a.r.Stats(); s.Overflow != uint64(len(dead)) {
			t.Errorf("got overflow %d, want %d", s.Overflow, len(dead))
		}
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Second)
		defer cancel()
		sender := a.r.peer("b:1").route
		if err := sender.SendWait(ctx, b.pid("box/1"), string(make([]byte, 1000))); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		go func() {
			time.Sleep(time.Second)
			c.Heal("a:1", "b:1")
		}()
		if err := sender.SendWait(c.t.Context(), b.pid("box/1"), "waited"); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		got := b.texts("box/1")
		if len(got) != 30-len(dead)+2 || got[len(got)-1] != "waited" {
			t.Errorf("got %d messages, want %d, the last one that waited", len(got), 30-len(dead)+2)
		}
	})
}

func TestSlowReaderCostsBoundedMemory(t *testing.T) {
	const limit = 1 << 20
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1, func(c *Config) { c.QueueBytes, c.MaxMessage = limit, 1<<16 }), c.start("b:1", 2)
		hold := make(chan struct{})
		b.onMail = func(mail) { <-hold }
		for range 3000 {
			a.tell(b.pid("box/1"), string(make([]byte, 1000)))
		}
		synctest.Wait()
		q := a.r.peer("b:1").userFor("box/1")
		q.mu.Lock()
		bytes, room := q.bytes, 0
		for _, k := range append(q.open, q.flight...) {
			room += cap(k.buf)
		}
		q.mu.Unlock()
		if most := 2*limit + chunkBytes; bytes > limit || room > most {
			t.Errorf("got %d bytes in %d, want at most %d in %d", bytes, room, limit, most)
		}
		b.onMail = nil
		close(hold)
		synctest.Wait()
		if got, dead := len(b.mails()), len(a.deads()); got+dead != 3000 {
			t.Errorf("got %d delivered and %d dead, want 3000 together", got, dead)
		}
	})
}

func TestNamesBeyondTheTable(t *testing.T) {
	const n = 30_000
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1, func(c *Config) { c.UserLanes = 1 }), c.start("b:1", 2)
		for i := range n {
			i /= 2 // each twice, so that it is worth a number
			a.proto.Root.Send(b.pid(fmt.Sprint("box/", i)), &pa.MessageEnvelope{Message: "m", Sender: a.pid(fmt.Sprint("me", i))})
		}
		synctest.Wait()
		got := b.mails()
		if len(got) != n {
			t.Fatalf("got %d messages, want %d", len(got), n)
		}
		for i, m := range got {
			i /= 2
			if m.id != fmt.Sprint("box/", i) || m.from.Id != fmt.Sprint("me", i) {
				t.Fatalf("got %v at %d", m, i)
			}
		}
	})
}

func TestCloseFlushes(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		c.Slow("a:1", "b:1", 100*time.Millisecond)
		got := b.handle("svc")
		for i := range 1000 {
			a.tell(b.pid("box/1"), fmt.Sprint(i))
		}
		a.r.Post(b.node, "svc", []byte("bye"))
		if err := a.r.Close(c.t.Context()); err != nil {
			t.Error(err)
		}
		if n := len(b.texts("box/1")); n != 1000 {
			t.Errorf("got %d messages, want 1000", n)
		}
		if posts, _ := got.take(); len(posts) != 1 {
			t.Errorf("got %q, want the control message", posts)
		}
		a.tell(b.pid("box/1"), "late")
		if dead := a.deads(); len(dead) != 1 || !errors.Is(dead[0].Reason, actor.ErrStopped) {
			t.Errorf("got dead letters %v, want one after Close", dead)
		}
	})
}

func TestCloseDoesNotWaitForWhoCannotBeReached(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		a.tell(&pa.PID{Address: "b:1", Id: "box/1"}, durationpb.New(time.Second))
		time.Sleep(time.Second)
		begin := time.Now()
		if err := a.r.Close(c.t.Context()); err != nil || time.Since(begin) > 0 {
			t.Errorf("got %v after %v, want nil at once", err, time.Since(begin))
		}
		if dead := a.deads(); len(dead) != 1 || dead[0].Message.(*durationpb.Duration).Seconds != 1 {
			t.Errorf("got dead letters %v, want the message", dead)
		}
	})
}

func TestSelfUnderAnotherName(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("127.0.0.1:1", 1)
		c.Alias("localhost:1", "127.0.0.1:1")
		got := a.handle("svc")
		a.r.Post(Node{Address: "localhost:1"}, "svc", []byte("x"))
		a.r.Post(Node{Address: "127.0.0.1:1"}, "svc", []byte("y"))
		a.tell(&pa.PID{Address: "localhost:1", Id: "box/1"}, "m")
		synctest.Wait()
		posts, failed := got.take()
		slices.Sort(posts)
		wantTexts(t, "posts", posts, "127.0.0.1:1#1 x", "127.0.0.1:1#1 y")
		if len(failed) > 0 {
			t.Errorf("got failures %v", failed)
		}
		wantTexts(t, "mail", a.texts("box/1"), "m")
	})
}

func TestTwoSpellingsOfAPeerDoNotDisturbEachOther(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		c.Alias("bee:1", "b:1")
		for i := range 100 {
			a.tell(b.pid("box/1"), fmt.Sprint(i))
			a.tell(&pa.PID{Address: "bee:1", Id: "box/2"}, fmt.Sprint(i))
			if i%10 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		synctest.Wait()
		if x, y := len(b.texts("box/1")), len(b.texts("box/2")); x != 100 || y != 100 {
			t.Errorf("got %d and %d, want 100 each", x, y)
		}
		if s := b.r.Stats(); s.Accepted != 2 {
			t.Errorf("got %d connections, want 2", s.Accepted)
		}
	})
}

func TestAPeerThatShowsItselfIsDialledAtOnce(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		a.tell(&pa.PID{Address: "b:1", Id: "box/1"}, "m")
		time.Sleep(30 * time.Second) // the backoff is 1 to 2 s by now
		b := c.start("b:1", 2)
		b.r.Post(a.node, "svc", nil)
		time.Sleep(10 * time.Millisecond)
		wantTexts(t, "mail", b.texts("box/1"), "m")
	})
}
