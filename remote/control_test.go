package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/remote/internal/wire"
)

func TestControlInOrder(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		got := b.handle("svc")
		var want []string
		for i := range 300 {
			a.r.Post(b.node, "svc", []byte(fmt.Sprint(i)))
			want = append(want, fmt.Sprint("a:1#1 ", i))
		}
		a.r.Post(b.node, "nobody's", nil)
		synctest.Wait()
		posts, _ := got.take()
		wantTexts(t, "posts", posts, want...)
		if s := b.r.Stats(); s.UnknownServices != 1 {
			t.Errorf("got %+v, want one unknown service", s)
		}
	})
}

func TestControlFailures(t *testing.T) {
	refused := func(code string) func(error) bool {
		return func(err error) bool {
			var r *RefusedError
			return errors.As(err, &r) && r.Code == code
		}
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	tests := []struct {
		name   string
		start  func(c *cluster)
		to     Node
		want   func(error) bool
		within time.Duration
	}{
		{"nobody listens", func(*cluster) {}, Node{"b:1", 0}, is(ErrNobody), 0},
		{"other cluster", func(c *cluster) { c.startAs("other", "b:1", 2) }, Node{"b:1", 0}, refused(CodeCluster), 0},
		{"no version in common", func(c *cluster) {
			c.start("b:1", 2, func(c *Config) { c.versions = wire.Versions{Min: 2, Max: 3} })
		}, Node{"b:1", 0}, refused(CodeVersion), 0},
		{"other incarnation", func(c *cluster) { c.start("b:1", 2) }, Node{"b:1", 1}, func(err error) bool {
			var i *IncarnationError
			return errors.As(err, &i) && *i == IncarnationError{Address: "b:1", Want: 1, Got: 2}
		}, 0},
		{"stale self", func(c *cluster) {
			c.start("b:1", 2).r.Known(Node{"a:1", 9})
		}, Node{"b:1", 0}, func(err error) bool {
			var r *RefusedError
			return errors.As(err, &r) && r.Code == CodeUID && r.Exceed == 9
		}, 0},
		{"silent", func(c *cluster) {
			c.start("b:1", 2)
			c.Cut("a:1", "b:1")
		}, Node{"b:1", 0}, func(err error) bool { return err != nil && !errors.Is(err, ErrNobody) }, 2 * time.Second},
		{"too large", func(c *cluster) { c.start("b:1", 2) }, Node{"b:1", 0}, is(ErrTooLarge), 0},
		{"stopped before it answers", func(c *cluster) {
			b := c.start("b:1", 2)
			b.r.Handle("svc", Service{Receive: func(Node, []byte) { c.Reset("a:1", "b:1") }})
		}, Node{"b:1", 0}, is(ErrLost), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(c *cluster) {
				a := c.start("a:1", 1)
				tt.start(c)
				log := a.handle("svc")
				payload := []byte("x")
				if tt.name == "too large" {
					payload = make([]byte, 5<<20)
				}
				a.r.Post(tt.to, "svc", payload)
				time.Sleep(tt.within)
				synctest.Wait()
				if _, failed := log.take(); len(failed) != 1 || !tt.want(failed[0]) {
					t.Errorf("got %v", failed)
				}
			})
		})
	}
}

func TestRefusalNamesBothClusters(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.startAs("alpha", "a:1", 1)
		c.startAs("beta", "b:1", 2)
		log := a.handle("svc")
		a.r.Post(Node{"b:1", 0}, "svc", nil)
		synctest.Wait()
		_, failed := log.take()
		if len(failed) != 1 || !strings.Contains(failed[0].Error(), `"alpha"`) || !strings.Contains(failed[0].Error(), `"beta"`) {
			t.Errorf("got %v, want both names", failed)
		}
	})
}

func TestVersionIsTheHighestInCommon(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1, func(c *Config) { c.versions = wire.Versions{Min: 1, Max: 5} })
		b := c.start("b:1", 2, func(c *Config) { c.versions = wire.Versions{Min: 3, Max: 4} })
		conn, err := a.r.open(c.t.Context(), b.node.Address, a.r.peer(b.node.Address).control.l)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if conn.welcome.Version != 4 {
			t.Errorf("got version %d, want 4", conn.welcome.Version)
		}
	})
}

func TestPostMayDialAgainSoon(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		log := a.handle("svc")
		for range 20 { // the backoff grows, but not for a post that waits
			a.r.Post(Node{"b:1", 0}, "svc", nil)
			time.Sleep(201 * time.Millisecond)
		}
		if _, failed := log.take(); len(failed) != 20 {
			t.Errorf("got %d failures, want 20", len(failed))
		}
		b := c.start("b:1", 2)
		got := b.handle("svc")
		a.r.Post(Node{"b:1", 0}, "svc", []byte("x"))
		time.Sleep(201 * time.Millisecond)
		if posts, _ := got.take(); len(posts) != 1 {
			t.Errorf("got %q, want one post", posts)
		}
	})
}

// TestPostsInARowDialAgainSoon: posts that come faster than tries to connect fail,
// so that one always waits. The backoff grows, but none of them waits for it.
func TestPostsInARowDialAgainSoon(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		log := a.handle("svc")
		posts := 0
		post := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				a.r.Post(Node{"b:1", 0}, "svc", nil)
				posts++
			}
		}
		post(5 * time.Second)
		time.Sleep(hurried)
		if _, failed := log.take(); len(failed) != posts {
			t.Errorf("got %d failures of %d posts", len(failed), posts)
		}
		post(time.Second)
		b := c.start("b:1", 2)
		got := b.handle("svc")
		post(hurried)
		synctest.Wait()
		if arrived, _ := got.take(); len(arrived) == 0 {
			t.Errorf("nothing arrived %v after the other side was back", hurried)
		}
	})
}

func TestControlQueueIsBounded(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		c.Cut("a:1", "b:1")
		log := a.handle("svc")
		for range 1000 {
			a.r.Post(b.node, "svc", []byte("x"))
		}
		a.r.Post(b.node, "svc", make([]byte, 2<<20))
		synctest.Wait()
		q := a.r.peer("b:1").control
		q.mu.Lock()
		n := len(q.posts)
		q.mu.Unlock()
		if n != 512 {
			t.Errorf("got %d waiting, want 512", n)
		}
		time.Sleep(5 * time.Second)
		_, failed := log.take()
		full := 0
		for _, err := range failed {
			if errors.Is(err, ErrQueueFull) {
				full++
			}
		}
		if len(failed) != 1001 || full != 489 {
			t.Errorf("got %d failures, %d of them a full queue, want 1001 and 489", len(failed), full)
		}
	})
}

func TestControlDoesNotWaitForUserTraffic(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		got := b.handle("svc")
		hold := make(chan struct{})
		b.onMail = func(mail) { <-hold }
		for range 5000 {
			a.tell(b.pid("box/1"), string(make([]byte, 1000)))
		}
		a.r.Post(b.node, "svc", []byte("x"))
		synctest.Wait()
		if posts, _ := got.take(); len(posts) != 1 {
			t.Errorf("got %q while the user lane is stuck, want one post", posts)
		}
		close(hold)
	})
}

// TestControlIsAcknowledgedLazily: a stream of posts brings an acknowledgement
// now and then, and a node that closes does not wait for that.
func TestControlIsAcknowledgedLazily(t *testing.T) {
	bubble(t, func(c *cluster) {
		var acks atomic.Int64
		spy := func(c *Config) {
			c.Dump = func(f Frame) {
				if f.Kind == "ack" && !f.Written {
					acks.Add(1)
				}
			}
		}
		a, b := c.start("a:1", 1, spy), c.start("b:1", 2)
		b.handle("svc")
		for range 40 {
			a.r.Post(b.node, "svc", []byte("beat"))
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if n := acks.Load(); n < 6 || n > 9 {
			t.Errorf("got %d acknowledgements in 4 s, want one in 0.5 s", n)
		}
		a.r.Post(b.node, "svc", []byte("last"))
		began := time.Now()
		if err := a.r.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("the end took %v, want no wait for the acknowledgement", took)
		}
	})
}

func TestHalfOpenConnectionIsNoticed(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		log, got := a.handle("svc"), b.handle("svc")
		a.r.Post(b.node, "svc", []byte("1"))
		time.Sleep(time.Second) // until it is acknowledged
		c.Cut("a:1", "b:1")
		a.r.Post(b.node, "svc", []byte("2"))
		time.Sleep(6 * time.Second)
		if _, failed := log.take(); len(failed) != 1 || !errors.Is(failed[0], ErrLost) {
			t.Errorf("got %v, want ErrLost", failed)
		}
		c.Heal("a:1", "b:1")
		time.Sleep(time.Second)
		a.r.Post(b.node, "svc", []byte("3"))
		time.Sleep(time.Second)
		posts, _ := got.take()
		if len(posts) < 2 || posts[len(posts)-1] != "a:1#1 3" {
			t.Errorf("got %q, want the last to arrive", posts)
		}
	})
}

func TestBothDialAtOnce(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		c.Slow("a:1", "b:1", time.Millisecond)
		c.Slow("b:1", "a:1", time.Millisecond)
		atA, atB := a.handle("svc"), b.handle("svc")
		for i := range 10 {
			a.r.Post(b.node, "svc", []byte(fmt.Sprint(i)))
			b.r.Post(a.node, "svc", []byte(fmt.Sprint(i)))
		}
		time.Sleep(time.Second)
		x, _ := atA.take()
		y, _ := atB.take()
		if len(x) != 10 || len(y) != 10 {
			t.Errorf("got %d and %d posts, want 10 each", len(x), len(y))
		}
		if s := a.r.Stats(); s.Inbound != 1 || s.Outbound != 1 || s.Failed != 0 {
			t.Errorf("got %+v, want one connection each way", s)
		}
	})
}

func TestStaleUIDIsRefusedAndNewerEndsTheOld(t *testing.T) {
	bubble(t, func(c *cluster) {
		a := c.start("a:1", 1)
		got := a.handle("svc")
		b2 := c.start("b:1", 20)
		b2.r.Post(a.node, "svc", []byte("x"))
		synctest.Wait()
		c.crash(b2)
		b1 := c.start("b:1", 10)
		log := b1.handle("svc")
		b1.r.Post(a.node, "svc", []byte("stale"))
		synctest.Wait()
		_, failed := log.take()
		var r *RefusedError
		if len(failed) != 1 || !errors.As(failed[0], &r) || r.Exceed != 20 {
			t.Fatalf("got %v, want refused below 20", failed)
		}
		c.crash(b1)
		b3 := c.start("b:1", 30)
		b3.r.Post(a.node, "svc", []byte("y"))
		synctest.Wait()
		posts, _ := got.take()
		wantTexts(t, "posts", posts, "b:1#20 x", "b:1#30 y")
	})
}

// Close waits for what is not acknowledged, but not for what was lost with its
// connection.
func TestCloseDoesNotWaitForWhatIsLost(t *testing.T) {
	bubble(t, func(c *cluster) {
		a, b := c.start("a:1", 1), c.start("b:1", 2)
		hold := make(chan struct{})
		b.r.Handle("svc", Service{Receive: func(Node, []byte) { <-hold }})
		a.r.Handle("svc", Service{})
		a.r.Post(Node{Address: "b:1"}, "svc", []byte("x"))
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
		defer cancel()
		closed := make(chan error, 1)
		go func() { closed <- a.r.Close(ctx) }()
		synctest.Wait()
		c.Kill("b:1")
		if err := <-closed; err != nil || time.Since(began) > 3*time.Second {
			t.Errorf("Close() = %v after %v, want nil within the time of a dial", err, time.Since(began))
		}
		close(hold)
	})
}
